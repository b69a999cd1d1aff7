"""Manifests on their way: staged in our own folder beside the data, sent, checked.

Several sessions' manifests travel in one task.  A manifest's name is numbered and never written twice.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.aside import set_aside
from pipeline.archive.journal import Entry, Part, step
from pipeline.archive.manifest import Manifest, to_json
from pipeline.archive.place import own_folder
from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.archive.scan import list_remote
from pipeline.archive.session import Root, join_remote
from pipeline.archive.transfer import submit_once, task_label
from pipeline.errors import Conflict, LocalDiskError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.archive.round import Flight, Round


@dataclass(slots=True)
class Description:
    """A task that carries the manifests of some flights."""

    entry: Entry
    flights: list[Flight]


def describe(round_: Round, flights: Sequence[Flight]) -> tuple[list[Description], list[tuple[Flight, Conflict]]]:
    """Stage and submit the manifests of checked flights, one task for each source collection.

    Returns the tasks, and the flights whose manifest's name is taken by a file that is not ours.
    """
    location = round_.location
    subpaths = [flight.manifest.subpath for flight in flights]
    there = set(list_remote(round_.store(), location.endpoint, location.path, subpaths))
    by_root: dict[str, list[Flight]] = {}
    taken = []
    for flight in flights:
        subpath = flight.manifest.subpath
        if subpath in there and subpath not in round_.journal.leftovers(flight.session.ref.key):
            taken.append((flight, _taken(subpath)))
        else:
            by_root.setdefault(_root(round_, flight).endpoint, []).append(flight)
    return [_describe(round_, group, there) for group in by_root.values()], taken


def _taken(subpath: str) -> Conflict:
    return Conflict(
        f"The archive holds {subpath} already; it is not ours and was not overwritten.",
        remedy="find out who wrote it; the data are at the archive, but are not recorded as archived.",
    )


def reattach(round_: Round, flights: Sequence[Flight], entry: Entry) -> Description:
    """Go on with a transfer of manifests that an earlier round left unfinished."""
    for flight in flights:
        _stage(round_, flight)
    if entry.state == "planned":
        entry = submit_once(round_.store(), round_.journal, entry, round_.clock)
    return Description(entry, list(flights))


def _describe(round_: Round, flights: Sequence[Flight], there: set[str]) -> Description:
    store, location, transfer_id = round_.store(), round_.location, uuid.uuid4()
    manifests = [flight.manifest for flight in flights]
    set_aside(round_, (m.subpath for m in manifests if m.subpath in there), "unfinished")
    items = []
    for flight in flights:
        root, data = _root(round_, flight), _stage(round_, flight)
        source = join_remote(root.globus_path, f"{round_.staging}/{_staged_name(flight.manifest)}")
        destination = join_remote(location.path, flight.manifest.subpath)
        items.append(TransferItem(source, destination, hashlib.sha1(data, usedforsecurity=False).hexdigest()))
    step("staged")
    entry = Entry(
        transfer_id=transfer_id,
        purpose="manifest",
        state="planned",
        request=TransferRequest(
            submission_id=store.new_submission_id(),
            source_endpoint=_root(round_, flights[0]).endpoint,
            destination_endpoint=location.endpoint,
            label=task_label(manifests[0], transfer_id, "manifest"),
            items=tuple(items),
        ),
        parts=tuple(Part(manifest) for manifest in manifests),
        computer=round_.computer,
        identity=store.identity,
        created_at=round_.clock.now(),
    )
    step("manifest planning")
    round_.journal.open(entry)
    step("manifest planned")
    return Description(submit_once(store, round_.journal, entry, round_.clock), list(flights))


def astray(round_: Round, description: Description) -> str:
    """Look at the archive: say which manifest does not lie there as it was written; empty when all do."""
    location = round_.location
    sizes = {f.manifest.subpath: len(to_json(f.manifest)) for f in description.flights}
    listed = list_remote(round_.store(), location.endpoint, location.path, sizes)
    for subpath, size in sizes.items():
        if listed.get(subpath) != size:
            return f"the archive lists {listed.get(subpath, 'nothing')} instead of {size} bytes of {subpath}"
    return ""


def unstage(round_: Round, manifests: Iterable[Manifest]) -> None:
    """Remove the staged copies of committed manifests; what cannot be removed is harmless."""
    for manifest in manifests:
        for root in round_.roots if round_.stage is None else (round_.stage,):
            staged = root.local_path / round_.staging / _staged_name(manifest)
            try:
                staged.unlink(missing_ok=True)
            except OSError:
                round_.progress.say(f"The staged manifest {staged} could not be removed; it is no longer needed.")


def _root(round_: Round, flight: Flight) -> Root:
    return round_.stage or flight.root or round_.roots[0]


def _staged_name(manifest: Manifest) -> str:
    return manifest.subpath.rsplit("/", 1)[-1]


def _stage(round_: Round, flight: Flight) -> bytes:
    folder = _root(round_, flight).local_path / round_.staging
    data = to_json(flight.manifest)
    target = folder / _staged_name(flight.manifest)
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        _write(partial, data)
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise LocalDiskError(
            f"The manifest cannot be staged in {folder}: {error.strerror}.",
            remedy="make room on that disk, or give the account that runs mapshell the right to write there.",
        ) from error
    return data


def _write(file: Path, data: bytes) -> None:
    """Write a file into the staging folder, which whoever ends meanwhile may take away while it is empty."""
    for last in (False, False, True):
        own_folder(file.parent)
        try:
            file.unlink(missing_ok=True)  # made anew, so that no link of this name is followed
            with file.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        except FileNotFoundError:
            if last:
                raise
        else:
            return
