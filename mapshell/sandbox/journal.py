"""What ``mapshell sandbox log`` shows: requests as they were answered, and tasks as they came and fared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import misbehave

if TYPE_CHECKING:
    from collections.abc import Mapping
    from sqlite3 import Row

    from mapshell.sandbox.core import Core

_MOST = 2000
_TASKS = (
    "SELECT task_id, number, requested AS time, type AS kind, label, status, counters, fault FROM tasks"
    " WHERE number > ? ORDER BY number DESC LIMIT ?"
)
_EVENTS = (
    "SELECT e.task_id, e.seq, e.time, e.code, e.is_error, e.description, e.details, t.number, t.type AS kind, t.label,"
    " t.status, t.counters, t.fault, t.completed FROM events AS e JOIN tasks AS t ON t.task_id = e.task_id"
    " WHERE (e.time, e.task_id, e.seq) > (?, ?, ?) ORDER BY e.time DESC, e.task_id DESC, e.seq DESC LIMIT ?"
)


def entries(core: Core, query: Mapping[str, str]) -> dict[str, Any]:
    """Return what happened since a cursor, oldest first, and the cursor behind it.

    Parameters
    ----------
    core
        The sandbox.
    query
        ``cursor``: what an earlier answer gave, as JSON text (none: from the beginning); ``limit``: how many of the
        last entries of each sort.
    """
    cursor = json.loads(query.get("cursor") or "{}")
    limit = min(int(query.get("limit", _MOST)), _MOST)
    request, task = int(cursor.get("request", 0)), int(cursor.get("task", 0))
    time, task_id, seq = cursor.get("event", [0.0, "", -1])
    requests = core.requests.recent(request)
    tasks = core.database.rows(_TASKS, (task, limit))[::-1]
    events = core.database.rows(_EVENTS, (time, task_id, seq, limit))[::-1]
    last = events[-1] if events else None
    found = [*(_request(each) for each in requests[-limit:]), *map(_task, tasks), *map(_event, events)]
    return {
        "entries": sorted(found, key=lambda entry: float(entry["time"])),
        "cursor": {
            "request": requests[-1]["number"] if requests else request,
            "task": tasks[-1]["number"] if tasks else task,
            "event": [time, task_id, seq] if last is None else [last["time"], last["task_id"], last["seq"]],
        },
    }


def _request(request: Mapping[str, Any]) -> dict[str, Any]:
    names = ("time", "method", "kind", "path", "status")
    told = {name: request[name] for name in names}
    return {"type": "request", **told, "ms": round(request["seconds"] * 1000, 1), "fault": request["fault"]}


def _task(row: Row) -> dict[str, Any]:
    return {"type": "task", "time": row["time"], **_who(row), "event": "SUBMITTED", "is_error": False}


def _event(row: Row) -> dict[str, Any]:
    ended = row["completed"] is not None and row["time"] >= row["completed"]
    entry = {"type": "task", "time": row["time"], **_who(row), "event": row["code"], "is_error": bool(row["is_error"])}
    entry |= {"description": row["description"], "file": _file(row["details"])}
    if ended:
        counters = json.loads(row["counters"])
        names = ("files_transferred", "bytes_transferred", "faults")
        entry |= {"status": row["status"], **{name: counters.get(name, 0) for name in names}}
    return entry


def _who(row: Row) -> dict[str, Any]:
    fault = None if row["fault"] is None else json.loads(row["fault"])
    return {
        "task_id": row["task_id"],
        "number": row["number"],
        "kind": row["kind"],
        "label": row["label"],
        "fault": misbehave.shown(fault),
    }


def _file(details: str) -> str | None:
    """Return the file that an event is about, where its details name one."""
    for line in details.splitlines():
        if line.startswith("File: "):
            return line.removeprefix("File: ")
    return None
