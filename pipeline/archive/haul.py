"""Transfer tasks that bring files of an archive to a folder: sent once, followed together, given up when hopeless.

No journal is written here: who must survive a kill hands in what stores a haul, and hauls that an earlier run stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pipeline.archive.journal import step
from pipeline.archive.ports import TransferRequest
from pipeline.archive.tasks.poller import Poller
from pipeline.archive.transfer import SUBMISSION_ID_LIFE, one_line, trouble, why_failed
from pipeline.archive.watch import FORGOTTEN_AFTER
from pipeline.errors import GlobusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from pipeline.archive.ports import Clock, Progress, Store, TaskStatus, TransferItem

MOST_FILES = 50_000
"""Files in one task: more are split, so that one bad file holds up fewer others."""
_UNANSWERED = 3

Way = Literal["succeeded", "failed", "stuck", "waiting"]


@dataclass(slots=True)
class Haul:
    """One task.  ``task_id`` is None until the service has accepted it; ``size`` counts bytes, for display."""

    request: TransferRequest
    identity: str
    created_at: datetime
    size: int = 0
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How a task ended, or why it is waited for no longer.

    ``failed`` has ended; ``stuck`` meets errors and moves nothing; ``waiting`` goes on once a person has done what
    ``remedy`` says, and must not be given up.
    """

    haul: Haul
    way: Way
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """How tasks are followed: the longest pause between questions (s), how long errors without progress last (s)."""

    clock: Clock
    progress: Progress
    poll_seconds: float = 10.0
    stall_seconds: float = 300.0


def plan(
    store: Store, clock: Clock, source: str, destination: str, label: str, items: Sequence[TransferItem], size: int = 0
) -> Haul:
    """Make a task that has not been submitted yet, with a submission id of its own."""
    readable = re.sub(r"[^A-Za-z0-9 _-]", "_", label)[:128]
    request = TransferRequest(store.new_submission_id(), source, destination, readable, tuple(items))
    return Haul(request, store.identity, clock.now(), size)


def send(store: Store, haul: Haul, clock: Clock) -> None:
    """Submit a task, or find the one that an earlier run submitted; the service runs a submission id once.

    Raises
    ------
    GlobusError
        The service refused (``refused`` tells for good), or cannot be asked now.
    """
    if haul.task_id is not None:
        return
    if clock.now() - haul.created_at > SUBMISSION_ID_LIFE and (known := _known(store, haul)):
        haul.task_id = known
        return
    step("submitting")
    try:
        haul.task_id = store.submit(haul.request)
    except GlobusError as error:
        if not error.refused:
            raise
        earlier = _known(store, haul)  # this id may have been accepted before an earlier run was killed
        if earlier is None:
            raise
        haul.task_id = earlier
    step("accepted")


def _known(store: Store, haul: Haul) -> str | None:
    found = store.find_tasks(haul.request.label)
    return next((task.task_id for task in found if task.state in ("ACTIVE", "INACTIVE", "SUCCEEDED")), None)


def follow(store: Store, hauls: Sequence[Haul], patient: Patient) -> Iterator[End]:
    """Wait for tasks, all of them asked for in one question; yield each when it ends or need not be waited for.

    Raises
    ------
    GlobusError
        The service has not answered several times running; the tasks go on.
    """
    left = {str(haul.task_id): haul for haul in hauls}
    seen: dict[str, _Seen] = {}
    sizes = {task_id: haul.size for task_id, haul in left.items()}
    poller = Poller(store, patient.clock, most=patient.poll_seconds)
    unanswered = 0
    for task_id, haul in left.items():
        patient.progress.task(task_id, haul.request.label, haul.size)
    while left:
        asked = patient.clock.now()
        try:
            found = poller.poll(list(left), sizes)
            unanswered = 0
        except GlobusError as error:
            unanswered += 1
            if unanswered >= _UNANSWERED:
                raise
            patient.progress.say(f"{error.message} The transfers go on; asking again.")
            found = {}
        for task_id in list(left):
            now = seen.setdefault(task_id, _Seen(patient.clock.now()))
            end = _judge(store, left[task_id], found.get(task_id), now, patient, answered=not unanswered)
            if end is not None:
                del left[task_id]
                patient.progress.done(task_id, "" if end.way == "succeeded" else end.reason)
                yield end
        # Whoever took an end may have worked on what came: that was time enough, or a part of it.
        busy = (patient.clock.now() - asked).total_seconds()
        if left and busy < poller.interval:
            patient.clock.sleep(poller.interval - max(busy, 0.0))


@dataclass(slots=True)
class _Seen:
    """What was seen of a task: when it was first asked for, since when it only meets errors, and its bytes then."""

    first: datetime
    faulty: datetime | None = None
    moved: int = 0


def _judge(
    store: Store, haul: Haul, status: TaskStatus | None, seen: _Seen, patient: Patient, *, answered: bool
) -> End | None:
    if status is None:
        return _unlisted(store, haul, seen, patient) if answered else None
    patient.progress.update(status.task_id, status.bytes_transferred)
    if status.state == "SUCCEEDED":
        return End(haul, "succeeded")
    if status.state == "FAILED":
        return End(haul, "failed", why_failed(store, status))
    wrong = trouble(store, status)
    if wrong is None:
        seen.faulty = None
        return None
    now = patient.clock.now()
    if seen.faulty is None:
        patient.progress.say(f"{status.label}: {wrong.message}")
    if seen.faulty is None or status.bytes_transferred > seen.moved:
        seen.faulty, seen.moved = now, status.bytes_transferred
    if wrong.hopeless:
        return End(haul, "waiting", wrong.message, wrong.remedy)
    if now - seen.faulty >= timedelta(seconds=patient.stall_seconds):
        why = wrong.message.replace("meets errors and keeps trying", "was given up, because it met only errors")
        return End(haul, "stuck", why)
    return None


def _unlisted(store: Store, haul: Haul, seen: _Seen, patient: Patient) -> End | None:
    """Judge a task that the service does not list: the list may lag behind, or the login be another one."""
    if haul.identity != store.identity:
        return End(
            haul,
            "waiting",
            f"the transfer was submitted under the Globus identity {haul.identity}; this login cannot see it",
            "log in as that identity: `mapshell login --force`.",
        )
    if patient.clock.now() - seen.first < FORGOTTEN_AFTER or store.task(str(haul.task_id)) is not None:
        return None
    return End(haul, "failed", "Globus does not know the transfer any more")


def give_up(store: Store, haul: Haul, patient: Patient, *, most_seconds: float = 60.0) -> None:
    """Cancel a task and wait until it has ended, so that nothing writes into its folder any more."""
    store.cancel(str(haul.task_id))
    until = patient.clock.now() + timedelta(seconds=most_seconds)
    pause = 0.1
    while patient.clock.now() < until:
        status = store.tasks([str(haul.task_id)]).get(str(haul.task_id))
        if status is None or status.state in ("SUCCEEDED", "FAILED"):
            return
        patient.clock.sleep(pause)
        pause = min(2 * pause, 2.0)


def accused(store: Store, haul: Haul) -> dict[str, str]:
    """Return what the errors of a task say of single files, by source path."""
    faults = [event for event in store.events(str(haul.task_id), limit=200) if event.is_error]
    if not faults:
        return {}
    found: dict[str, str] = {}
    for item in haul.request.items:
        for event in faults:
            text = f"{event.description} {event.details}"
            if _names(text, item.source) or _names(text, item.destination):
                found[item.source] = one_line(f"{event.description or event.code}: {event.details}")
    return found


def _names(text: str, path: str) -> bool:
    """Say whether a text speaks of this very path, not of one that begins like it."""
    at = text.find(path)
    while at >= 0:
        after = text[at + len(path) : at + len(path) + 1]
        if not (after.isalnum() or after in {"_", "-", "/"} or (after == "." and _goes_on(text, at + len(path)))):
            return True
        at = text.find(path, at + 1)
    return False


def _goes_on(text: str, at: int) -> bool:
    return text[at + 1 : at + 2].isalnum()
