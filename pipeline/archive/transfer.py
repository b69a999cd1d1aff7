"""Transfer tasks: submit once, however often we are killed; watch without haste; say what is wrong early."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.archive.journal import Entry, step
from pipeline.archive.session import token
from pipeline.errors import GlobusError, OtherLogin

if TYPE_CHECKING:
    from uuid import UUID

    from pipeline.archive.journal_protocol import Journal
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.ports import Clock, Store, TaskStatus

SUBMISSION_ID_LIFE = timedelta(days=1)
"""After this a submission id without an answer is not trusted: its task is looked for by label first."""


def task_label(manifest: Manifest, transfer_id: UUID, purpose: str = "publish") -> str:
    """Return the label of a task: readable, at most 128 characters, ending in two tokens.

    The first is that of the generation, by which a lost database finds its tasks; the second is that of this very
    attempt.  Only letters, digits, spaces, ``-`` and ``_``, which is what the service takes.
    """
    session = manifest.session
    words = (
        f"mapshell {purpose} {session.h2o} {session.session_date:%Y-%m-%d} s{session.session} "
        f"{manifest.dataset_type} g{manifest.generation}"
    )
    readable = re.sub(r"[^A-Za-z0-9 _-]", "_", words)[:100]
    return f"{readable} {token(manifest.name, manifest.alias, manifest.generation)} {transfer_id.hex[:8]}"


def label_of_any_attempt(manifest: Manifest) -> str:
    """Return what the labels of all attempts to bring a generation match."""
    return f"mapshell publish * {token(manifest.name, manifest.alias, manifest.generation)} *"


def submit_once(store: Store, journal: Journal, entry: Entry, clock: Clock) -> Entry:
    """Bring a planned entry to *submitted*; the service runs its submission id at most once, or needs not be asked.

    Raises
    ------
    OtherLogin
        The entry was planned under another Globus identity, which alone can see its task.
    GlobusError
        The service refused for good: the entry ends as failed, and the next round plans anew.
    MapshellError
        The service cannot be asked now; the entry stays planned.
    """
    if not entry.request.items:
        return _stored(journal, entry.advanced("submitted"))
    if entry.identity != store.identity:
        raise other_login(entry)
    if clock.now() - entry.created_at > SUBMISSION_ID_LIFE and (known := _known_task(store, entry)):
        return _stored(journal, entry.advanced("submitted", task_id=known))
    step("submitting")
    try:
        task_id = store.submit(entry.request)
    except GlobusError as error:
        if not error.refused:
            raise
        earlier = _known_task(store, entry)  # this id may have been accepted before we were killed
        if earlier is None:
            journal.advance(entry.advanced("failed", outcome=one_line(error.message), left=()))
            raise
        task_id = earlier
    step("accepted")
    return _stored(journal, entry.advanced("submitted", task_id=task_id))


def _known_task(store: Store, entry: Entry) -> str | None:
    found = store.find_tasks(entry.request.label)
    return next((task.task_id for task in found if task.state in ("ACTIVE", "INACTIVE", "SUCCEEDED")), None)


def _stored(journal: Journal, entry: Entry) -> Entry:
    journal.advance(entry)
    step("submitted")
    return entry


def other_login(entry: Entry) -> OtherLogin:
    """Return the error for a task that only another login can see."""
    return OtherLogin(
        f"The transfer of {', '.join(str(part.manifest.session) for part in entry.parts)} was submitted from "
        f"{entry.computer} under the Globus identity {entry.identity}; this login cannot see it.",
        remedy="publish once from that computer, or log in as that identity (`mapshell login --force`).",
    )


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a task that has not ended needs a person, and whether there is any use in waiting for it."""

    message: str
    remedy: str
    hopeless: bool


def trouble(store: Store, status: TaskStatus) -> Trouble | None:
    """Say what keeps a task that has not ended from ending, if anything does."""
    if status.state == "INACTIVE":
        return Trouble(
            f"the transfer is inactive: {status.nice_status_details or 'its credentials or consents expired'}",
            "run `mapshell login --force`; the transfer then goes on by itself, and the next publish gathers it.",
            hopeless=True,
        )
    if status.is_paused:
        return Trouble(
            "the transfer is paused by an administrator of one of the collections",
            "ask the collection's administrator; the next publish gathers the transfer when it is resumed.",
            hopeless=True,
        )
    if status.faults:
        return Trouble(
            f"the transfer meets errors and keeps trying: {last_fault(store, status)}",
            "mend the cause; Globus goes on by itself. To give it up: `mapshell tasks cancel " + status.task_id + "`.",
            hopeless=False,
        )
    return None


def last_fault(store: Store, status: TaskStatus) -> str:
    """Return the newest error in a task's event list, in one line."""
    faults = [event for event in store.events(status.task_id) if event.is_error]
    if not faults:
        return status.nice_status_details or status.nice_status or "no details given"
    return one_line(f"{faults[-1].description or faults[-1].code}: {faults[-1].details}")


def why_failed(store: Store, status: TaskStatus) -> str:
    """Return why a task failed, in one line."""
    said = status.fatal_error or status.canceled_by_admin
    if said and said.startswith("EXPIRED"):
        said = f"{said} (its deadline passed before it could end)"
    try:
        return one_line(said or last_fault(store, status))
    except GlobusError:
        return one_line(said or status.nice_status_details or "Globus gives no reason")


def one_line(text: str, limit: int = 400) -> str:
    """Fold white space and cut, for a message that ends up in a table."""
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"
