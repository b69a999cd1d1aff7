"""Tasks that the journal has lost, with its database: found by label, waited for, and gathered like our own."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from pipeline.archive.journal import Entry, Outcome, Part, Source, step
from pipeline.archive.known import differing
from pipeline.archive.lent import lender
from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.archive.round import Flight, outcome
from pipeline.archive.session import join_remote
from pipeline.archive.submit import draft

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.find import LocalSession
    from pipeline.archive.integrity import Verdict
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.ports import TaskStatus
    from pipeline.archive.round import Round
    from pipeline.archive.session import LocalFile


def lost_task(
    round_: Round,
    session: LocalSession,
    known: Manifest | None,
    remote: Mapping[str, int],
    verdict: Verdict,
    found: Iterable[TaskStatus],
    *,
    dry_run: bool = False,
) -> Flight | Outcome | None:
    """Look among the tasks that were ``found`` for this generation at those that the journal does not know.

    One that still runs must be waited for.  One that succeeded, brought every file that is to be sent, and began
    after the last change of each of them, is taken into the journal and checked like our own; nothing is sent again.
    Returns None when there is neither: then what lies at the archive is somebody else's.
    """
    indexed = {entry.subpath for entry in known.files} if known else set()
    files = tuple(file for file in session.files if file.subpath not in indexed)
    if not files:
        return None
    for task in found:
        if round_.journal.knows_task(task.task_id):
            continue
        if task.state in ("ACTIVE", "INACTIVE"):
            reason = f"task {task.task_id}, which the journal does not know, is still moving its files"
            return outcome(round_, session, "in flight", reason, "publish again when it has ended.", failed=True)
        if task.state == "SUCCEEDED" and _brought(round_, task, files, remote):
            if dry_run:
                reason = f"task {task.task_id}, which the journal does not know, has brought its files; nothing is sent"
                return outcome(round_, session, differing(known, "queued"), reason)
            return _adopted(round_, session, draft(round_, session, known, files, verdict), files, task)
    return None


def _brought(round_: Round, task: TaskStatus, files: Sequence[LocalFile], remote: Mapping[str, int]) -> bool:
    """Say whether a task moved these very files as they are now."""
    if task.request_time is None or any(_changed_after(file, task.request_time) for file in files):
        return False
    if any(remote.get(file.subpath) != file.size for file in files):
        return False
    wanted = {join_remote(round_.location.path, file.subpath) for file in files}
    return wanted <= set(round_.store().transferred(task.task_id))


def _changed_after(file: LocalFile, instant: datetime) -> bool:
    from datetime import UTC

    return max(file.mtime_ns, file.ctime_ns) / 1e9 >= instant.replace(tzinfo=UTC).timestamp()


def _adopted(
    round_: Round, session: LocalSession, manifest: Manifest, files: tuple[LocalFile, ...], task: TaskStatus
) -> Flight:
    # Nobody knows any more which SHA1 travelled with it: every file is read, and compared with what its meta claims.
    items = tuple(TransferItem(f.in_globus, join_remote(round_.location.path, f.subpath)) for f in files)
    request = TransferRequest("", files[0].root.endpoint, round_.location.endpoint, task.label, items)
    sources = tuple(Source(file.subpath, str(file.path), file.size, file.mtime_ns) for file in files)
    entry = Entry(
        transfer_id=uuid.uuid4(),
        purpose="publish",
        state="planned",
        request=request,
        parts=(Part(manifest, sources, lender=lender(round_)),),
        computer=round_.computer,
        identity=round_.store().identity,
        created_at=round_.clock.now(),
    )
    round_.journal.open(entry)
    step("planned")
    entry = entry.advanced("submitted", task_id=task.task_id)
    round_.journal.advance(entry)
    step("submitted")
    return Flight(entry, session, files)
