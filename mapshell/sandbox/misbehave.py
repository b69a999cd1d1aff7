"""Faults of tasks on demand: what the runner does to a task instead of, or after, moving a file."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import moving
from mapshell.sandbox.holds import HOLDS, apply_hold
from mapshell.sandbox.moving import Interrupted
from mapshell.sandbox.passes import Fatal, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mapshell.sandbox.runner import TransferPass
    from mapshell.sandbox.tasks import Item


def before(task_pass: TransferPass, item: Item) -> bool:
    """Do to the task what was asked for, once enough files have arrived; True: the item is dealt with.

    Raises
    ------
    Fatal
        The task ends here.
    Interrupted
        The task is on hold now.
    """
    fault = task_pass.task.fault or {}
    action = fault.get("action")
    if item.kind == "dir" or task_pass.counters["files_transferred"] < int(fault.get("after_files", 0)):
        return False
    if action == "skip" and _matches(fault, item):
        task_pass.skip(item, Fault("FILE_NOT_FOUND", "file not found", f"File: {item.source}", source=True))
        return True
    if action in HOLDS:
        # Once only: whoever releases the task wants it to go on.
        task_pass.store.update(task_pass.task.task_id, fault=None)
        apply_hold(task_pass.store, task_pass.task.task_id, HOLDS[str(action)])
        raise Interrupted
    if action in {"fail", "cancel"}:
        if fault.get("partial"):
            source, size = task_pass.readable(item)
            moving.copy(source, task_pass.writable(item), None, task_pass.check, most=size // 2)
        if action == "cancel":
            raise Fatal("CANCELED", "canceled")
        raise Fatal(str(fault.get("code", "ENDPOINT_ERROR")), str(fault.get("description", "endpoint error")))
    return False


def after(task_pass: TransferPass, item: Item, target: Path) -> None:
    """Spoil a file that has just arrived, where the task is to lie about it."""
    fault = task_pass.task.fault or {}
    if fault.get("action") == "lie" and _matches(fault, item):
        moving.spoil(target, str(fault.get("how", "flip")))


def _matches(fault: Mapping[str, Any], item: Item) -> bool:
    pattern = str(fault.get("path", "*"))
    return fnmatch.fnmatchcase(item.destination, pattern) or fnmatch.fnmatchcase(item.source, pattern)
