"""Copies within and between collections: tasks of the journal like any other, checked when they have ended.

A copy that was interrupted is gone on with by the same command: its entry is found by what it copies.
"""

from __future__ import annotations

import gzip
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive import haul as hauls
from pipeline.archive.haul import Haul, Patient
from pipeline.archive.journal import Entry, request_from_json, request_to_json, step
from pipeline.archive.lister import Lister
from pipeline.archive.ports import TransferItem
from pipeline.browse.changing import destinations, make_folder
from pipeline.browse.known import refuse_known
from pipeline.browse.looking import Obstacle, look, tree
from pipeline.errors import GlobusError, IntegrityError, UsageError
from pipeline.rows import transfer_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.session import Location
    from pipeline.browse.place import Place


@dataclass(slots=True)
class Copied:
    """What was copied, or would be: each file's source, destination and size in bytes."""

    files: list[tuple[Place, Place, int]] = field(default_factory=list)
    folders: list[Place] = field(default_factory=list)
    task_id: str | None = None
    dry_run: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for _, _, size in self.files)


def copy(
    store: Store,
    sources: Sequence[Place],
    to: Place,
    locations: Mapping[str, Location],
    *,
    recursive: bool,
    dry_run: bool,
    computer: str,
    clock: Clock,
    progress: Progress,
    poll_seconds: float = 10.0,
    stall_seconds: float = 300.0,
) -> Copied:
    """Copy files and (``recursive``) folders; nothing is ever overwritten.

    Parameters
    ----------
    store
        The login.
    sources, to
        What, and where to: into a folder that is there, else to that very name.
    locations
        The storage locations, by alias.
    computer
        This computer's name, for the journal.
    clock, progress, poll_seconds, stall_seconds
        As in :class:`pipeline.archive.haul.Patient`.

    Raises
    ------
    UsageError
        A folder without ``recursive``; sources of several collections; or as in ``destinations``.
    Conflict, Refused
        A name is taken, or the index knows files there.
    GlobusError
        The task failed, or needs a person; run again, the same command goes on.
    IntegrityError
        What arrived is not what was sent.
    """
    if len({source.endpoint for source in sources}) > 1:
        raise UsageError("The sources lie in several collections.", remedy="copy from one collection at a time.")
    patient = Patient(clock, progress, poll_seconds, stall_seconds)
    begun = _begun(store, sources, to, computer)
    if begun is not None and not dry_run:
        transfer_id, haul, result = begun
        progress.say("Going on with a copy that was begun before.")
    else:
        targets = destinations(store, sources, to)
        refuse_known(targets, locations, "overwritten")
        with Lister(store) as lister:
            result = _planned(store, lister, sources, targets, recursive=recursive)
        result.dry_run = dry_run
        if dry_run:
            return result
        for folder in result.folders:
            make_folder(store, folder, parents=True)
        if not result.files:
            return result
        items = [TransferItem(source.path, target.path) for source, target, _ in result.files]
        transfer_id = uuid.uuid4()
        label = f"mapshell copy {len(items)} files {transfer_id.hex[:8]}"
        haul = hauls.plan(store, clock, sources[0].endpoint, to.endpoint, label, items, result.size)
        _open(transfer_id, haul, result, computer)
        step("copy: planned")
    hauls.send(store, haul, clock)
    _advance(transfer_id, "submitted", haul.task_id)
    step("copy: submitted")
    result.task_id = haul.task_id
    for end in hauls.follow(store, [haul], patient):
        if end.way in ("stuck", "waiting"):
            raise GlobusError(f"The copy {haul.task_id} does not go on: {end.reason}.", remedy=end.remedy)
        if end.way == "failed":
            _advance(transfer_id, "failed", haul.task_id, end.reason)
            raise GlobusError(
                f"The copy {haul.task_id} failed: {end.reason}.",
                remedy="what it left lies under the new names; look there, then copy again under other ones.",
            )
    _check(store, result)
    _advance(transfer_id, "done", haul.task_id)
    return result


def _planned(
    store: Store, lister: Lister, sources: Sequence[Place], targets: Sequence[Place], *, recursive: bool
) -> Copied:
    result = Copied()
    for source, target in zip(sources, targets, strict=True):
        seen = look(store, source)
        if not seen.folder:
            result.files.append((source, target, seen.size))
            continue
        if not recursive:
            raise UsageError(f"{source} is a folder.", remedy="copy it with all that is in it: --recursive.")
        result.folders.append(target)
        for found in tree(lister, source):
            if isinstance(found, Obstacle):
                raise found.error
            there = target.below(*found.place.parts[len(source.parts) :])
            if found.folder:
                result.folders.append(there)
            elif found.kind == "file":
                result.files.append((found.place, there, found.size))
            else:
                raise UsageError(f"{found.place} is neither a file nor a folder.", remedy="copy the others by name.")
    return result


def _check(store: Store, result: Copied) -> None:
    """Make sure by our own look that every file arrived with its size."""
    wrong = []
    with Lister(store) as lister:
        endpoint = result.files[0][1].endpoint
        folders = {target.parent.path for _, target, _ in result.files}
        listed = dict(lister.folders(endpoint, folders))
    for _, target, size in result.files:
        answer = listed[target.parent.path]
        there = None
        if isinstance(answer, list):
            there = next((entry.size for entry in answer if entry.name == target.name), None)
        if there != size:
            wrong.append(f"{target} ({'not there' if there is None else f'{there} bytes instead of {size}'})")
    if wrong:
        raise IntegrityError(
            f"The copy ended, but {len(wrong)} of {len(result.files)} files are not as they were: {wrong[0]}.",
            remedy="look at both; nothing was overwritten.",
        )


# -- the journal -------------------------------------------------------------------------------------------------------


def _open(transfer_id: uuid.UUID, haul: Haul, result: Copied, computer: str) -> None:
    entry = Entry(transfer_id, "copy", "planned", haul.request, (), computer, haul.identity, haul.created_at)
    document = {**request_to_json(haul.request), "sizes": [size for _, _, size in result.files]}
    publication.Transfer.insert1(transfer_row(entry, document))


def _advance(transfer_id: uuid.UUID, state: str, task_id: str | None, outcome: str | None = None) -> None:
    row: dict[str, Any] = {"transfer_id": transfer_id, "state": state, "task_id": uuid.UUID(str(task_id))}
    if state == "submitted":
        row["submitted_at"] = database.now()
    else:
        row |= {"ended_at": database.now(), "outcome": None if outcome is None else outcome[:2048]}
    publication.Transfer.update1(row)


def _begun(store: Store, sources: Sequence[Place], to: Place, computer: str) -> tuple[uuid.UUID, Haul, Copied] | None:
    """Return an open entry that copies these very sources there, as this login submitted it."""
    open_ = publication.Transfer() & {"purpose": "copy", "computer": computer} & "state in ('planned', 'submitted')"
    for row in open_.to_dicts():
        document = json.loads(gzip.decompress(row["request"]))
        request = request_from_json(document)
        ends = (request.source_endpoint, request.destination_endpoint)
        if row["identity"] != store.identity or ends != (sources[0].endpoint, to.endpoint):
            continue
        pairs = _as_places(request.items, sources, to)
        if pairs is not None:
            files = [(source, target, size) for (source, target), size in zip(pairs, document["sizes"], strict=True)]
            task_id = None if row["task_id"] is None else str(row["task_id"])
            result = Copied(files, task_id=task_id)
            haul = Haul(request, row["identity"], row["created_at"], result.size, task_id)
            return row["transfer_id"], haul, result
    return None


def _as_places(items: Sequence[TransferItem], sources: Sequence[Place], to: Place) -> list[tuple[Place, Place]] | None:
    """Return the files of an entry as places, None when it copies other ones."""
    found: list[tuple[Place, Place]] = []
    used: set[Place] = set()
    for item in items:
        source = next((each for each in sources if f"{item.source}/".startswith(f"{each.path}/")), None)
        if source is None:
            return None
        inner = [part for part in item.source[len(source.path) :].split("/") if part]
        targets = [to.below(*inner), to.below(source.name, *inner)]
        target = next((each for each in targets if each.path == item.destination), None)
        if target is None:
            return None
        used.add(source)
        found.append((source.below(*inner), target))
    return found if used == set(sources) else None
