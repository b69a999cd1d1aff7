"""What open entries of the journal read and write, and who works on sessions now: nobody may move that by hand."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import database, publication
from pipeline.archive.journal import request_from_json
from pipeline.archive.session import join_remote
from pipeline.archive.transfer import SUBMISSION_ID_LIFE
from pipeline.browse.place import shares, within
from pipeline.journal import TableJournal
from pipeline.leases import Leases
from pipeline.transitions import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from typing import Any

    from pipeline.archive.session import Location
    from pipeline.browse.place import Place


@dataclass(frozen=True, slots=True)
class Touched:
    """A path that an open entry reads (``written`` False) or writes; who it is, and what ends it."""

    endpoint: str
    path: str
    written: bool
    said: str
    remedy: str


def touched(locations: Mapping[str, Location]) -> list[Touched]:
    """Return all paths that open entries read and write, wherever they were begun."""
    found = [each for row in _open() for each in _of_row(row)]
    for location in locations.values():
        for entry in TableJournal(location, {}, "").unfinished():
            said, remedy = _told(entry.purpose, entry.computer, entry.created_at)
            found += [  # the manifest of a transfer is sent by another one, later
                Touched(
                    location.endpoint.lower(), join_remote(location.path, part.manifest.subpath), True, said, remedy
                )
                for part in entry.parts
            ]
    return found


def touching(place: Place, among: Iterable[Touched], *, written: bool) -> Touched | None:
    """Return an entry's path at, below or above a place; with ``written`` only of those that are written."""
    for each in among:
        if (each.written or not written) and each.endpoint == place.endpoint and shares(each.path, place.path):
            return each
    return None


def at_work(place: Place, locations: Mapping[str, Location]) -> str | None:
    """Return, in words, who works on sessions of a location to which a place belongs; None: nobody.

    Whoever publishes may be about to take files at the archive, which nobody knows yet, for those of a session.
    """
    for location in locations.values():
        if within(place, location) is None:
            continue
        for (subject_id, session), computer in sorted(Leases(location, "").working().items()):
            return f"{computer} works on subject {subject_id} session {session} in {location.alias}"
    return None


def _open() -> Iterator[Mapping[str, Any]]:
    rows = (publication.Transfer() & f"state in {OPEN}").to_dicts(order_by="created_at")
    now = database.now() if rows else None
    for row in rows:
        # A copy whose submission id has expired unused can never begin any more.
        dead = row["purpose"] == "copy" and row["task_id"] is None
        if row["request"] and not (dead and now is not None and now - row["created_at"] > SUBMISSION_ID_LIFE):
            yield row


def _of_row(row: Mapping[str, Any]) -> Iterator[Touched]:
    request = request_from_json(json.loads(gzip.decompress(row["request"])))
    said, remedy = _told(row["purpose"], row["computer"], row["created_at"])
    for item in request.items:
        moved = row["purpose"] == "move"  # what a relocation renames is written under both names
        yield Touched(request.source_endpoint.lower(), item.source, moved, said, remedy)
        yield Touched(request.destination_endpoint.lower(), item.destination, True, said, remedy)


def _told(purpose: str, computer: str, begun: datetime) -> tuple[str, str]:
    what = {"copy": "a copy", "move": "a relocation"}.get(purpose, "a transfer")
    if purpose == "copy":
        remedy = f"let it end (the same `mapshell cp` on {computer} goes on with it), or choose another name."
    else:
        remedy = "wait until it has ended and was gathered: mapshell publication-publish."
    return f"{what} (begun on {computer} at {begun:%Y-%m-%d %H:%M} UTC)", remedy
