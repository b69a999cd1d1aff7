"""Faults of tasks on demand: what a pass does to a task instead of, or after, moving a file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import moving
from mapshell.sandbox.faults import read_fault
from mapshell.sandbox.holds import HOLDS, apply_hold
from mapshell.sandbox.moving import Interrupted
from mapshell.sandbox.passes import Fatal, as_fault
from mapshell.sandbox.passes import Fault as Retried

if TYPE_CHECKING:
    from pathlib import Path

    from mapshell.sandbox.faults import Fault
    from mapshell.sandbox.passes import Pass
    from mapshell.sandbox.runner import TransferPass
    from mapshell.sandbox.tasks import Item, Task, TaskStore

#: Written beside the fault of a task that has had its effect and must not have it again.
_SPENT = "spent"


def at_once(store: TaskStore, task: Task) -> None:
    """Put a new task on hold that is to be held from its beginning."""
    fault = _fault(task)
    if fault is not None and fault.kind in HOLDS and not (fault.after_files or fault.after_bytes or fault.file):
        _hold(store, task, fault)


def before(task_pass: TransferPass, item: Item) -> bool:
    """Do to a transfer what was asked for, when its time has come; True: the item is dealt with.

    Raises
    ------
    Fatal
        The task ends here.
    Interrupted
        The task is on hold now.
    passes.Fault
        The item is tried again, until the deadline.
    """
    fault = _fault(task_pass.task)
    if fault is None or item.kind == "dir" or not fault.meets_file(item.source, item.destination):
        return False
    if not _due(fault, task_pass, item):
        return False
    if fault.partial and fault.kind in {"fail", "cancel"}:
        _leave_part(fault, task_pass, item)
    return _strike(fault, task_pass, item)


def before_delete(task_pass: Pass, item: Item) -> bool:
    """Do the same to a delete task, which knows no bytes."""
    fault = _fault(task_pass.task)
    if fault is None or not fault.meets_file(item.source):
        return False
    if task_pass.counters["subtasks_succeeded"] < fault.after_files:
        return False
    return _strike(fault, task_pass, item)


def after(task_pass: TransferPass, item: Item, target: Path) -> None:
    """Spoil a file that has just arrived, where the task is to lie about it."""
    fault = _fault(task_pass.task)
    if fault is not None and fault.kind == "lie" and fault.meets_file(item.source, item.destination):
        counters = task_pass.counters
        if counters["files_transferred"] > fault.after_files and counters["bytes_transferred"] >= fault.after_bytes:
            moving.spoil(target, fault.how or "flip")


def forget(store: TaskStore, task: Task) -> None:
    """Let a task go on as if nothing had been asked for."""
    if _fault(task) is not None:
        store.update(task.task_id, fault={**(task.fault or {}), _SPENT: True})


def _fault(task: Task) -> Fault | None:
    """Return what is still to happen to a task."""
    data = task.fault
    return None if data is None or _SPENT in data else read_fault(data)


def _due(fault: Fault, task_pass: TransferPass, item: Item) -> bool:
    if task_pass.counters["files_transferred"] < fault.after_files:
        return False
    if not fault.after_bytes:
        return True
    # It happens in the file in which that byte lies.
    return task_pass.counters["bytes_transferred"] + task_pass.readable(item)[1] > fault.after_bytes


def _leave_part(fault: Fault, task_pass: TransferPass, item: Item) -> None:
    source, size = task_pass.readable(item)
    there = fault.after_bytes - task_pass.counters["bytes_transferred"] if fault.after_bytes else size // 2
    moving.copy_part(source, task_pass.writable(item), min(max(there, 0), size), task_pass.check)


def _strike(fault: Fault, task_pass: Pass, item: Item) -> bool:
    store, task = task_pass.store, task_pass.task
    missing = as_fault(FileNotFoundError(2, "No such file or directory"), item.source, "sandbox", source=True)
    if fault.kind in HOLDS:
        _hold(store, task, fault)
        raise Interrupted
    if fault.kind == "cancel":
        if fault.message:
            told = {"canceled_by_admin": "SOURCE", "canceled_by_admin_message": fault.message}
            store.update(task.task_id, options={**task.options, **told})
        raise Fatal("CANCELED", "canceled")
    if fault.kind == "fail":
        raise Fatal(fault.code or "ENDPOINT_ERROR", fault.description or "endpoint error")
    if fault.kind == "stuck":
        raise missing
    if fault.kind == "deadline":
        task.deadline = time.time()
        store.update(task.task_id, deadline=task.deadline)
        raise Retried("TIMEOUT", "timeout", f"File: {item.source}")
    if fault.kind == "skip":
        item.state, item.error = "skipped_error", (missing.code, missing.details)
        task_pass.counters["subtasks_skipped_errors"] += 1
        return True
    return False


def _hold(store: TaskStore, task: Task, fault: Fault) -> None:
    # Once only: whoever releases the task wants it to go on.
    forget(store, task)
    apply_hold(store, task.task_id, HOLDS[fault.kind])


def shown(fault: dict[str, Any] | None) -> str | None:
    """Return the kind of a task's fault, for the log."""
    return None if fault is None else str(fault.get("kind"))
