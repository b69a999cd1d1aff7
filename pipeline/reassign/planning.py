"""What reassigning a session does at one storage location, as data, from the index and the archive's listings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import publication
from pipeline.archive.aliases import alias, aliases_in, session_of, with_new_names
from pipeline.archive.aside import aside_name, is_aside
from pipeline.archive.courier import Wanted
from pipeline.archive.journal import Rename
from pipeline.archive.lister import Lister
from pipeline.archive.manifest import from_json
from pipeline.archive.manifest_names import manifest_subpath, read_manifest_name
from pipeline.archive.naming import find_session_folder
from pipeline.archive.paths import printable
from pipeline.archive.reader import read_small
from pipeline.archive.relocate.folders import new_names
from pipeline.archive.relocate.plan import Relocation, relocation
from pipeline.archive.session import dataset_name, file_id, join_remote
from pipeline.errors import Conflict, IntegrityError, MapshellError, Refused, RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.haul import Patient
    from pipeline.archive.layouts import Layout
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.ports import RemoteEntry
    from pipeline.archive.round import Round
    from pipeline.archive.session import Location, SessionRef
    from pipeline.journal import TableJournal

_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Reason:
    """Who reassigns, when (naive UTC), and why."""

    at: datetime
    by: Mapping[str, str]
    because: str


def was_before(location: Location, is_meant: Callable[[SessionRef], bool], now: SessionRef) -> SessionRef | None:
    """Return the session that is meant, if it was reassigned to another before, whose evidence tells its names."""
    table = publication.archived_table(location.dataset_type)
    key = {"subject_id": now.subject_id, "session": now.session, "globus_alias": location.alias}
    told = (session_of(record) for row in (table & key).to_dicts() for record in aliases_in(row["evidence"]))
    return next(filter(is_meant, told), None)


def refuse(journal: TableJournal, location: Location, before: Manifest, now: SessionRef) -> None:
    """Refuse what the index alone forbids.

    Raises
    ------
    Refused
        With the reason.
    """
    was = before.session
    here = {"globus_alias": location.alias}
    if was.key != now.key and publication.DataSet() & here & {
        "dataset_name": dataset_name(before.dataset_type, now.key)
    }:
        raise Refused(
            f"{now} has files in the index at {location.alias} already; nothing was changed.",
            remedy="only a session of which nothing is archived there can take another's files. To exchange two, "
            "reassign one to a third session first.",
        )
    for session in {was.key: was, now.key: now}.values():
        mine = {"subject_id": session.subject_id, "session": session.session}
        if publication.Withdrawal() & here & mine:
            raise Refused(
                f"The archived row of {session} at {location.alias} was deleted on purpose; its files are still there.",
                remedy="bring it back first: `mapshell publication-discover --restore`.",
            )
    for entry in journal.unfinished({was.key, now.key}):
        raise Refused(
            f"Something of {entry.parts[0].manifest.session} is under way at {location.alias} "
            f"({entry.purpose}, begun on {entry.computer}).",
            remedy="let it end: `mapshell publication-publish` gathers it; then reassign.",
        )
    working = journal.working()
    for session in (was, now):
        if session.key in working:
            raise Refused(f"{working[session.key]} works on {session} now.", remedy="reassign when that has ended.")
    if not all(entry.sized for entry in before.files):
        raise Refused(
            f"Nobody knows the sizes of all files of {was} at {location.alias}.",
            remedy="compare it with the archive first: `mapshell publication-verify`.",
        )


def plan(
    round_: Round,
    before: Manifest,
    described: str,
    now: SessionRef,
    layouts: Sequence[Layout],
    reason: Reason,
    patient: Patient,
) -> Relocation:
    """Plan how the files of a session become another session's, from what the archive lists now.

    Parameters
    ----------
    round_
        The location and what to work with.
    before, described
        What the index has, and the subpath of its manifest (empty: none).
    now
        The session that the files are to be of.
    layouts
        The lab's own layouts.
    reason
        Who, when and why.
    patient
        How a task is followed that brings the manifest, where it must be read.

    Raises
    ------
    Refused, Conflict, IntegrityError, NameRefused
        It cannot be done.
    """
    location, was = round_.location, before.session
    folders = {_folder(entry.subpath, location, layouts) for entry in before.files}
    names = new_names(folders, was, now, location.dataset_type, layouts)
    changed = {old: new for old, new in names.items() if old != new}
    renames = [*_of_folders(round_, before, changed), *_of_manifests(round_, before, now)]
    evidence = with_new_names(_evidence(round_, before, described, patient), changed)
    record = alias(was, changed, at=reason.at, by=reason.by, computer=round_.computer, because=reason.because)
    evidence["aliases"] = [*aliases_in(evidence), record]
    return relocation(before, renames, session=now, evidence=evidence)


def _folder(subpath: str, location: Location, layouts: Sequence[Layout]) -> str:
    found = find_session_folder(subpath, location.dataset_type, layouts)
    if found is not None and len(found[0]) < len(subpath):
        return found[0]
    return "/".join(subpath.split("/")[:2])


def _of_folders(round_: Round, before: Manifest, changed: Mapping[str, str]) -> list[Rename]:
    """Return the renamings of folders: as a whole where all that lies in one is the session's, else file by file."""
    store, location = round_.store(), round_.location
    sizes = {entry.subpath: entry.size for entry in before.files}
    inside: dict[str, dict[str, RemoteEntry]] = defaultdict(dict)
    with Lister(store) as lister:
        for subpath, found in lister.trees(location.endpoint, location.path, sorted(changed)):
            if isinstance(found, RemotePathNotFound):
                raise IntegrityError(f"The archive has no folder {subpath}; nothing was renamed.", remedy=_VERIFY)
            if isinstance(found, MapshellError):
                raise found
            inside[next(folder for folder in changed if _is_below(subpath, folder))][subpath] = found
    renames: list[Rename] = []
    for old, new in sorted(changed.items()):
        others = [name for name in inside[old] if name not in sizes and not is_aside(name.rpartition("/")[2])]
        whole = not others
        _refuse_strangers(location, others)
        if whole:
            renames.append(Rename(old, new, folder=True))
        else:
            mine = sorted(name for name in sizes if _is_below(name, old))
            renames += [Rename(name, new + name[len(old) :], size=sizes[name]) for name in mine]
    _refuse_taken(round_, changed.values())
    return renames


def _is_below(subpath: str, folder: str) -> bool:
    return subpath == folder or subpath.startswith(f"{folder}/")


def _refuse_strangers(location: Location, names: Sequence[str]) -> None:
    """Refuse to rename a folder with files that nobody knows: they would move without a trace."""
    unknown = set(names)
    for begin in range(0, len(names), _CHUNK):
        ids = {file_id(name): name for name in names[begin : begin + _CHUNK]}
        files = publication.DataSet.PhysicalFile() & {"globus_alias": location.alias}
        rows = (files & [{"file_id": each} for each in ids]).proj().to_dicts()
        unknown -= {ids[row["file_id"]] for row in rows}
    if unknown:
        more = f" and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
        raise Refused(
            f"The archive has {printable(min(unknown))}{more} in the session's folder, which the index does not know; "
            "nothing was renamed.",
            remedy="find out what it is: publish the session once more, or see `mapshell publication-verify`.",
        )


def _refuse_taken(round_: Round, folders: Iterable[str]) -> None:
    store, location = round_.store(), round_.location
    for folder in folders:
        try:
            store.stat(location.endpoint, join_remote(location.path, folder))
        except RemotePathNotFound:
            continue
        raise Conflict(
            f"The archive has {folder} already; nothing was renamed.",
            remedy="find out whose it is (`mapshell publication-discover --dry-run`); give the session another ident "
            "(`mapshell session-ident`) if both must stay.",
        )


def _of_manifests(round_: Round, before: Manifest, now: SessionRef) -> list[Rename]:
    """Return the renamings that set the manifests of the former name aside; those of the new one must not exist."""
    was, kind = before.session, before.dataset_type
    stems = [manifest_subpath(session, kind, 1).rpartition("-")[0] for session in (was, now)]
    if stems[0] == stems[1]:
        return []
    listed = {h2o: _manifests(round_, h2o) for h2o in {was.h2o, now.h2o}}
    taken = sorted(name for name in listed[now.h2o] if name.startswith(f"{stems[1]}-"))
    if taken:
        raise Conflict(
            f"The archive has {taken[0]} already, a manifest of {now}; nothing was renamed.",
            remedy="discover that session first (`mapshell publication-discover`); only one without files at the "
            "archive can take another's.",
        )
    mine = sorted(name for name in listed[was.h2o] if name.startswith(f"{stems[0]}-"))
    return [Rename(name, aside_name(name, "reassigned")) for name in mine]


def _manifests(round_: Round, h2o: str) -> Collection[str]:
    location = round_.location
    try:
        entries = round_.store().ls(location.endpoint, join_remote(location.path, h2o))
    except RemotePathNotFound:
        return ()
    return {f"{h2o}/{e.name}" for e in entries if e.kind == "file" and read_manifest_name(e.name, h2o) is not None}


def _evidence(round_: Round, before: Manifest, described: str, patient: Patient) -> Mapping[str, Any]:
    """Return all evidence of what is archived: of its row, or where that has gone with the lab's, of its manifest.

    Raises
    ------
    Refused
        Neither is to be had.
    """
    was, location = before.session, round_.location
    table = publication.archived_table(before.dataset_type)
    key = {"subject_id": was.subject_id, "session": was.session, "globus_alias": location.alias}
    for row in (table & key).to_dicts():
        evidence: Mapping[str, Any] = row["evidence"]
        return evidence
    if not described:
        return {}
    size = round_.store().stat(location.endpoint, join_remote(location.path, described)).size
    root = round_.scratch or next(iter(round_.roots), None)
    (_, raw) = next(
        iter(read_small(round_.store(), location, [Wanted(described, size)], root, patient, staging=round_.staging))
    )
    if isinstance(raw, MapshellError):
        raise raw
    found = from_json(raw, name=described)
    if found.session.key != was.key or found.generation != before.generation:
        raise Refused(f"{described} is not the manifest of what the index has of {was}.", remedy=_VERIFY)
    return found.evidence


_VERIFY = "see what the archive has: `mapshell publication-verify`; mend it, then try again."
