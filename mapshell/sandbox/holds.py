"""Tasks that are on hold: paused by an administrator, out of credentials, or just not moving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapshell.sandbox import deadlines

if TYPE_CHECKING:
    from mapshell.sandbox.tasks import TaskStore

#: What a test asks for, and how the task then stands.
HOLDS = {"hold": "held", "pause": "paused", "inactive": "inactive"}


def apply_hold(store: TaskStore, task_id: str, how: str) -> None:
    """Write that a task is on hold, with the status that clients see."""
    task = store.get(task_id)
    if task is None or task.status not in {"ACTIVE", "INACTIVE"}:
        return
    if how == "inactive":
        store.update(
            task_id,
            status="INACTIVE",
            hold="inactive",
            nice_status="CREDENTIALS_EXPIRED",
            nice_details="The credentials for an endpoint have expired. Log in again to resume the task.",
        )
        store.add_event(task_id, "CREDENTIALS_EXPIRED", "credentials expired", "", is_error=True)
    elif how == "paused":
        store.update(task_id, hold="paused", nice_status="PAUSED_BY_ADMIN", nice_details="Paused by the administrator")
        store.add_event(task_id, "PAUSED", "paused", "Paused by the administrator", is_error=False)
        deadlines.paused(store, task_id)
    else:
        store.update(task_id, hold="held")
