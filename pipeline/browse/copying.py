"""Copies within and between collections: tasks of the journal like any other, checked when they have ended.

A copy that was interrupted is gone on with by the same command: its entry is found by what it copies.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from pipeline.archive import haul as hauls
from pipeline.archive.haul import MOST_FILES, Patient
from pipeline.archive.journal import step
from pipeline.archive.lister import Lister
from pipeline.archive.ports import TransferItem
from pipeline.browse.changing import destinations, make_folder
from pipeline.browse.copy_journal import Begun, Copied, advance, begun_before, end_ended, open_copy
from pipeline.browse.looking import Obstacle, look, tree
from pipeline.browse.reserved import refuse_own, refuse_reserved
from pipeline.errors import (
    Conflict,
    GlobusError,
    IntegrityError,
    MapshellError,
    NameRefused,
    PermissionDenied,
    Refused,
    RemotePathNotFound,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.archive.session import Location
    from pipeline.browse.place import Place


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
    into: bool = False,
    poll_seconds: float = 10.0,
    stall_seconds: float = 300.0,
) -> Copied:
    """Copy files and (``recursive``) folders; nothing is ever overwritten.

    Parameters
    ----------
    store
        The login.
    sources, to, into
        What, and where to: into a folder that is there (``into``: it must be there), else to that very name.
    locations
        The storage locations, by alias.
    recursive, dry_run
        Enter folders; only say what would be done.
    computer
        This computer's name, for the journal.
    clock, progress, poll_seconds, stall_seconds
        As in :class:`pipeline.archive.haul.Patient`.

    Raises
    ------
    UsageError
        A folder without ``recursive``; sources of several collections; or as in ``destinations``.
    Conflict, Refused
        A name is taken, the index knows files there, or another copy goes there.
    GlobusError
        The task failed, or needs a person; run again, the same command goes on.
    IntegrityError
        What arrived is not what was sent.
    """
    if len({source.endpoint for source in sources}) > 1:
        raise UsageError("The sources lie in several collections.", remedy="copy from one collection at a time.")
    patient = Patient(clock, progress, poll_seconds, stall_seconds)
    begun = begun_before(store, sources, to, computer)
    if begun is not None:
        progress.say("Going on with a copy that was begun before.")
        begun.copied.dry_run = dry_run
        return begun.copied if dry_run else _carry_out(store, begun, locations, patient)
    end_ended(store)
    targets = destinations(store, sources, to, locations, into=into)
    with Lister(store) as lister:
        planned = _planned(store, lister, sources, targets, locations, recursive=recursive)
    planned.dry_run = dry_run
    if dry_run:
        return planned
    if not planned.files:
        _make_folders(store, planned, locations)
        return planned
    items = [TransferItem(source.path, target.path) for source, target, _ in planned.files]
    label = f"mapshell copy {len(items)} files {uuid.uuid4().hex[:8]}"
    haul = hauls.plan(store, clock, sources[0].endpoint, to.endpoint, label, items, planned.size)
    begun = open_copy(haul, planned, computer)
    step("copy: planned")
    return _carry_out(store, begun, locations, patient, fresh=True)


def _planned(
    store: Store,
    lister: Lister,
    sources: Sequence[Place],
    targets: Sequence[Place],
    locations: Mapping[str, Location],
    *,
    recursive: bool,
) -> Copied:
    result = Copied()
    for source, target in zip(sources, targets, strict=True):
        refuse_own(source)
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
            if found.folder and not found.link:
                result.folders.append(there)
            elif found.kind == "file":
                refuse_reserved(there, locations)
                result.files.append((found.place, there, found.size))
            else:
                what = "a link to a folder" if found.link else "neither a file nor a folder"
                raise UsageError(f"{found.place} is {what}.", remedy="copy the others by name.")
    if len(result.files) > MOST_FILES:
        raise UsageError(
            f"These are {len(result.files):,} files; one copy takes {MOST_FILES:,}.",
            remedy="copy the folders in it one after the other.",
        )
    return result


_FOR_GOOD = (Conflict, NameRefused, PermissionDenied, Refused, RemotePathNotFound, UsageError)
"""Errors before anything is sent, which would be the same if it were tried again."""


def _carry_out(
    store: Store, begun: Begun, locations: Mapping[str, Location], patient: Patient, *, fresh: bool = False
) -> Copied:
    result, haul = begun.copied, begun.haul
    if haul.task_id is None:
        try:
            _make_folders(store, result, locations)
            step("copy: folders made")
            hauls.send(store, haul, patient.clock)
        except _FOR_GOOD as error:
            if fresh:  # an earlier run may have submitted it
                advance(begun, "failed", error.message)
            raise
        except GlobusError as error:
            if error.refused:
                advance(begun, "failed", error.message)
            raise
        advance(begun, "submitted")
        step("copy: submitted")
    result.task_id = haul.task_id
    for end in hauls.follow(store, [haul], patient):
        if end.way in ("stuck", "waiting"):
            raise GlobusError(
                f"The copy {haul.task_id} does not go on: {end.reason}.",
                remedy=end.remedy or "mend that; the task keeps trying, and the same command looks at it again.",
            )
        if end.way == "failed":
            advance(begun, "failed", end.reason)
            raise GlobusError(
                f"The copy {haul.task_id} failed: {end.reason}.",
                remedy="what it left lies under the new names; look there, then copy again under other ones.",
            )
    step("copy: ended")
    try:
        _check(store, begun)
    except IntegrityError as error:
        advance(begun, "failed", error.message)
        raise
    advance(begun, "done")
    return result


def _make_folders(store: Store, result: Copied, locations: Mapping[str, Location]) -> None:
    """Make the folders that are copied, each before those in it; what lies in the uppermost ones is all new."""
    made = set(result.folders)
    for folder in result.folders:
        if folder.parent in made:
            store.mkdir(folder.endpoint, folder.path)
        else:
            make_folder(store, folder, locations, parents=True)


def _check(store: Store, begun: Begun) -> None:
    """Make sure that the task sent every file, and by our own look that each arrived with its size.

    Raises
    ------
    IntegrityError
        One was not sent, or is not there as it was.
    GlobusError
        It cannot be looked at now.
    """
    result = begun.copied
    wrong = _unsent(store, begun)
    endpoint = result.files[0][1].endpoint
    with Lister(store) as lister:
        listed = dict(lister.folders(endpoint, {target.parent.path for _, target, _ in result.files}))
    sizes = {}
    for path, answer in listed.items():
        if isinstance(answer, MapshellError):
            if not isinstance(answer, RemotePathNotFound):
                raise answer
            continue
        sizes.update({(path, entry.name): entry.size for entry in answer if entry.kind == "file"})
    for _, target, size in result.files:
        there = sizes.get((target.parent.path, target.name))
        if there != size:
            wrong.append(f"{target} ({'not there' if there is None else f'{there:,} bytes instead of {size:,}'})")
    if wrong:
        raise IntegrityError(
            f"The copy ended, but {len(wrong):,} of {len(result.files):,} files were not copied: {wrong[0]}.",
            remedy="look at both; nothing was overwritten. Then copy what is missing under another name.",
        )


def _unsent(store: Store, begun: Begun) -> list[str]:
    """Return files that the service did not send, because something had their name by then."""
    status = store.task(str(begun.haul.task_id))
    if status is None or not (status.files_skipped or status.skipped_errors):
        return []
    sent = set(store.transferred(status.task_id))
    return [
        f"{target} (something of that name was there before it)"
        for item, (_, target, _) in zip(begun.haul.request.items, begun.copied.files, strict=True)
        if item.destination not in sent
    ]
