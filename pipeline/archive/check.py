"""The check before anything is called archived: our own look at the archive, the source, and every checksum."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.archive.acceptance import records_in, with_command
from pipeline.archive.aside import set_aside
from pipeline.archive.gate import wrong_checksum
from pipeline.archive.manifest import with_checksum
from pipeline.archive.paths import top_folders
from pipeline.archive.scan import Defect, look_there, sizes, unchanged
from pipeline.archive.session import join_remote
from pipeline.errors import DiskBusy, MapshellError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from pipeline.archive.journal import Entry
    from pipeline.archive.ports import TaskStatus
    from pipeline.archive.round import Flight, Round


def check(round_: Round, flight: Flight, status: TaskStatus) -> tuple[Entry | None, list[Defect]]:
    """Decide whether a succeeded task brought what was planned.

    All checksums of the flight must have been computed.  Returns the entry in state *checked* with its final
    manifest, or None and the defects that forbid it.
    """
    defects = [*flight.changed, *unchanged(flight.files), *_at_the_archive(round_, flight)]
    if status.files_skipped:
        moved = set(round_.store().transferred(status.task_id))
        defects.extend(
            Defect("skipped", item.destination, "something of this name came to the archive meanwhile", _COMPARE)
            for item in flight.entry.request.items
            if item.destination not in moved
        )
    if status.skipped_errors:
        skipped = set(round_.store().skipped(status.task_id))
        defects.extend(
            Defect("skipped", item.destination, "the transfer skipped it because of an error", _ASK)
            for item in flight.entry.request.items
            if item.source in skipped
        )
    computed: dict[str, str] = {}
    claims = {entry.subpath: entry.sha1 for entry in flight.new_entries}
    for file in flight.unproved:
        try:
            computed[file.subpath] = sha1 = round_.hasher.finish(file)
        except DiskBusy:
            raise  # nothing is wrong with it: whoever comes next reads it
        except MapshellError as error:
            defects.append(Defect("source", file.subpath, error.message, error.remedy))
            continue
        claimed = claims.get(file.subpath)
        if claimed not in (None, sha1):
            defects.append(wrong_checksum(file.subpath, str(claimed), sha1))
    if defects:
        return None, _with_command(round_, flight, defects)
    return _checked(round_, flight, status, computed), []


def _at_the_archive(round_: Round, flight: Flight) -> list[Defect]:
    location = round_.location
    wanted = {entry.subpath: entry.size for entry in flight.new_entries}
    there, compared = look_there(round_.store(), location.endpoint, location.path, wanted), flight.compared
    listed = sizes(there)
    defects = []
    for subpath, size in wanted.items():
        if subpath in compared:
            if listed.get(subpath) != size or there[subpath].mtime != compared[subpath]:
                said = "the archive's file was changed after it had been compared with this one"
                defects.append(Defect("conflict", subpath, said, _CHANGED))
        elif subpath not in listed:
            defects.append(Defect("missing", subpath, "the transfer succeeded, but the archive does not list it", _ASK))
        elif listed[subpath] != size:
            said = f"the archive lists {listed[subpath]} bytes instead of {size}"
            defects.append(Defect("size-at-archive", subpath, said, _ASK))
    return defects


def _checked(round_: Round, flight: Flight, status: TaskStatus, computed: dict[str, str]) -> Entry:
    manifest, now = flight.manifest, round_.clock.now().replace(microsecond=0)
    given = {item.destination for item in flight.entry.request.items if item.sha1}
    files, adopted = [], flight.compared
    for entry in manifest.files:
        if entry.generation != manifest.generation or entry.subpath in adopted:
            files.append(entry)
            continue
        known = entry.sha1 is not None
        done = entry if known else with_checksum(entry, computed[entry.subpath], "computed")
        by_claim = join_remote(round_.location.path, entry.subpath) in given
        how = "Globus, SHA1 given beforehand" if by_claim else "Globus, both ends compared"
        files.append(replace(done, verified_at=now, verified_how=how))
    evidence = {**manifest.evidence, **_evidence(flight, status)}
    final = replace(manifest, files=tuple(files), archived_at=now, evidence=evidence)
    return flight.entry.advanced("checked", parts=(replace(flight.entry.parts[0], manifest=final),))


def _evidence(flight: Flight, status: TaskStatus) -> dict[str, Any]:
    return {
        "task": status.task_id or None,
        "requested": _instant(status.request_time),
        "completed": _instant(status.completion_time),
        "submitted_by": flight.entry.identity,
        "computer": flight.entry.computer,
        "files": len(flight.new_entries) - len(flight.adopted),
        "bytes": sum(entry.size for entry in flight.new_entries) - sum(entry.size for entry in flight.adopted),
        "folders": top_folders(entry.subpath for entry in flight.manifest.files),
        "checks": [
            *(_COPIED if flight.origin else _CHECKS),
            *(["read back at the archive"] if flight.compared else []),
        ],
    }


def _instant(value: datetime | None) -> str | None:
    return None if value is None else f"{value:%Y-%m-%dT%H:%M:%S}Z"


def contradicted(round_: Round, flight: Flight) -> list[Defect]:
    """After a failed task: read the files whose SHA1 was given to the service, past every cache; name the different.

    Files that cannot be read any more, or changed meanwhile, are named too.
    """
    unproved = set(flight.unproved)
    files = [file for file in flight.files if file not in unproved]
    claims = {entry.subpath: entry for entry in flight.new_entries}
    for file in files:
        round_.hasher.forget(file)
    wait(round_.hasher.start(*files))
    defects = []
    for file in files:
        claim = claims[file.subpath]
        try:
            computed = round_.hasher.finish(file)
        except DiskBusy:
            raise
        except MapshellError as error:
            defects.append(Defect("source", file.subpath, error.message, error.remedy))
            continue
        if computed != claim.sha1:
            defects.append(wrong_checksum(file.subpath, str(claim.sha1), computed, claim.sha1_source))
    return _with_command(round_, flight, defects)


def _with_command(round_: Round, flight: Flight, defects: Sequence[Defect]) -> list[Defect]:
    accepted = {f"{record.get('rule')}" for record in records_in(flight.manifest.evidence)}
    return list(with_command(defects, accepted, flight.session.ref, round_.location.dataset_type, round_.drive))


def quarantine(round_: Round, flight: Flight, defects: Sequence[Defect], left: Collection[str]) -> None:
    """Rename at the archive what a failed transfer of ours ``left`` (paths there) and must not be taken for data."""
    round_.journal.keep([flight.session.ref.key])
    prefix = round_.location.path.rstrip("/") + "/"
    wrong = {defect.subpath for defect in defects if defect.rule in ("checksum", "source")}
    set_aside(round_, sorted(wrong & {path.removeprefix(prefix) for path in left}), "quarantined")


_CHECKS = ["task succeeded", "listed at the archive with its size", "source unchanged", "checksums"]
_COPIED = ["task succeeded", "listed at both archives with its size", "checksums of the index given beforehand"]
_CHANGED = "find out who writes there; publish again to compare it anew."
_COMPARE = "compare the two; nothing was overwritten."
_ASK = "look at the task's events (`globus task event-list`); publish again to send it again."
