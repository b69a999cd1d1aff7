"""What is: read from disk, archive, database and service without any of the product's code."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import sqlite3
from dataclasses import dataclass, field

ASIDE = (".unfinished-", ".quarantined-", ".superseded-", ".reassigned-")


@dataclass
class Facts:
    """One look at everything."""

    files: dict[tuple[str, str], dict]  # (alias, subpath at the location) -> size, sha1
    manifests: dict[tuple[str, str], dict]  # those of them that are manifests -> document
    datasets: dict[tuple[str, int, int], dict]  # (alias, subject, session) -> row
    rows: dict[tuple[str, int, int], dict[str, dict]]  # the same -> subpath -> row of a file
    archived: set[tuple[str, int, int]]  # not those that are only present: listed, and never compared
    entered: set[tuple[str, int, int]]  # those too
    sessions: set[tuple[int, int]]  # (subject, session) of the lab's tables
    journal: list[dict]
    open: set[tuple[str, int, int]]  # sessions with a transfer under way
    tasks: list[dict]
    journeys: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # destination -> tasks that brought it
    carried: dict[object, set] = field(default_factory=dict)  # transfer that is under way -> sessions, as above
    claims: set[tuple[str, int, int]] = field(default_factory=set)  # sessions that somebody holds a lease of
    reclaims: list[dict] = field(default_factory=list)
    misnamed: list = field(default_factory=list)  # violations


class Looker:
    """Reads one world.  SHA1 of what has not changed since the last look (inode, size, time) are kept."""

    def __init__(self, world):
        self._world, self._sums = world, {}

    def look(self):
        """Return all facts, of each session as it was recorded.  Nothing may be running."""
        from .renamed import as_recorded

        files = {}
        for alias in self._world.locations():
            root = self._world.archive / alias
            for path in sorted(root.rglob("*")):
                if path.is_file():
                    subpath = path.relative_to(root).as_posix()
                    files[alias, subpath] = {"size": path.stat().st_size, "sha1": self.sha1(path), "path": path}
        manifests = {}
        for name, seen in files.items():
            if ".manifest-" in name[1] and not any(part in name[1] for part in ASIDE):
                with contextlib.suppress(ValueError):  # half of one: it proves nothing
                    manifests[name] = json.loads(seen["path"].read_bytes())
        facts = Facts(files, manifests, **self._database(), **self._tasks())
        facts.misnamed = as_recorded(facts, self._world.lab)
        return facts

    def sha1(self, path):
        """Return the SHA1 of a file."""
        facts = path.stat()
        key = (str(path), facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
        if key not in self._sums:
            self._sums[key] = hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
        return self._sums[key]

    def _database(self):
        with contextlib.closing(self._world.server.connect()) as connection:
            read = _Reader(connection, self._world)
            datasets, rows, archived = {}, {}, set()
            for row in read("data_set"):
                key = _key(row)
                datasets[key] = row
                rows[key] = {}
            for row in read("data_set__physical_file"):
                rows.setdefault(_key(row), {})[text(row["file_subpath"])] = row
            for table in ("_archived_raw_ephys", "_archived_tracking_video"):
                archived |= {_session(row) for row in read(table)}
            entered = set(archived)
            archived -= {key for key, files in rows.items() if any(_only_listed(name, files) for name in files)}
            sessions = {(row["subject_id"], row["session"]) for row in read("session", "experiment")}
            journal = read("transfer")
            going = {row["transfer_id"] for row in journal if row["state"] not in ("done", "failed")}
            carried = [row for row in read("transfer__session") if row["transfer_id"] in going]
            together = {}
            for row in carried:
                together.setdefault(row["transfer_id"], set()).add(_session(row))
            return {
                "datasets": datasets,
                "rows": rows,
                "archived": archived,
                "entered": entered,
                "sessions": sessions,
                "journal": journal,
                "open": {_session(row) for row in carried},
                "carried": together,
                "claims": {_session(row) for row in read("claim")},
                "reclaims": read("reclaim"),
            }

    def held_tasks(self):
        """Return the tasks that do not move."""
        with contextlib.closing(self._state()) as state:
            return [task for (task,) in state.execute("SELECT task_id FROM tasks WHERE hold = 'held'")]

    def _state(self):
        return sqlite3.connect(self._world.folder / "sandbox/sandbox.db", timeout=30)

    def _tasks(self):
        with contextlib.closing(self._state()) as state:
            state.row_factory = sqlite3.Row
            tasks = [dict(row) for row in state.execute("SELECT * FROM tasks ORDER BY number")]
            goes = dict(state.execute("SELECT task_id, min(destination) FROM items GROUP BY task_id"))
            for task in tasks:
                task["alias"] = (goes.get(task["task_id"]) or "").lstrip("/").partition("/")[0]
            journeys = {}
            done = "SELECT i.task_id, i.destination, t.destination AS at FROM items i JOIN tasks t USING (task_id) "
            for row in state.execute(done + "WHERE t.status = 'SUCCEEDED' AND i.kind = 'file' AND i.state = 'done'"):
                journeys.setdefault((row["at"], row["destination"]), []).append(row["task_id"])
        return {"tasks": tasks, "journeys": journeys}


class _Reader:
    def __init__(self, connection, world):
        self._connection, self._world = connection, world

    def __call__(self, table, group="publication"):
        schema, quote = self._world.prefix + group, '"' if self._world.server.kind == "postgresql" else "`"
        with contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
                (schema, table),
            )
            if not cursor.fetchone()[0]:
                return []
            cursor.execute(f"SELECT * FROM {quote}{schema}{quote}.{quote}{table}{quote}")
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _session(row):
    return text(row["globus_alias"]), row["subject_id"], row["session"]


def _key(row):
    _, subject, session = text(row["dataset_name"]).rsplit("-", 2)
    return text(row["globus_alias"]), int(subject), int(session)


def _only_listed(name, files):
    """Whether nobody ever knew a checksum of the recording's own bytes, and no others took their place."""
    row, before = files[name], name.partition(".superseded-")[0]
    if before != name and before in files:
        return False
    return row["file_sha1"] is None or text(row["sha1_source"]) == "archive"


def unzipped(value):
    """Return the text of a packed column of the journal."""
    return gzip.decompress(bytes(value)).decode("utf-8", "replace") if value else ""


def base(subpath):
    """Return the name that a file had before it was set aside."""
    for part in ASIDE:
        subpath = subpath.partition(part)[0]
    return subpath


def text(value):
    """Return a text as the drivers give it."""
    return value.decode() if isinstance(value, (bytes, bytearray, memoryview)) else value
