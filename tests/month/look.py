"""What is, read from disks, archive and database without any of the product's code."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

OPEN = ("planned", "submitted", "checked")
TABLES = ("_archived_raw_ephys", "_archived_tracking_video")


@dataclass
class Facts:
    """One look at everything; sessions are told by water restriction and day, as people do."""

    archive: dict[tuple[str, str], tuple[int, str]]  # (alias, subpath) -> size, SHA1 of what lies there
    index: dict[tuple[str, str, str], dict[str, tuple[int, str]]]  # (alias, h2o, day) -> subpath -> size, SHA1
    archived_at: dict[tuple[str, str, str], datetime]  # of which there is an archived row: since when, UTC
    open: dict[tuple[str, str, str], tuple[str, datetime]]  # of which a transfer is under way: whose, since when
    sessions: dict[tuple[str, str], int]  # (h2o, day) -> number
    rounds: list[dict]
    reclaims: list[dict]

    present: set[tuple[str, str, str]]  # known from a listing alone: never called archived
    archived_by: dict[tuple[str, str, str], str]  # the computer that sent it there, as the row's evidence tells

    @property
    def archived(self):
        """The sessions of which there is an archived row, and every file's SHA1 was compared."""
        return set(self.archived_at)


class Looker:
    """Looks at one world; the SHA1 of what has not changed since the last look is kept."""

    def __init__(self, world):
        self._world, self._sums = world, {}

    def look(self):
        """Return all facts."""
        world = self._world
        archive = {}
        for alias, root in world.places().items():
            for path in root.rglob("*"):
                if path.is_file():
                    archive[alias, path.relative_to(root).as_posix()] = path.stat().st_size, self.sha1(path)
        return Facts(archive, *self._database())

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
            animals = {
                row["subject_id"]: text(row["water_restriction_number"]) for row in read("water_restriction", "lab")
            }
            sessions, named = {}, {}
            for row in read("session", "experiment"):
                h2o, day = animals.get(row["subject_id"], "?"), str(row["session_date"])
                sessions[h2o, day] = row["session"]
                named[row["subject_id"], row["session"]] = h2o, day
            index, archived, by, under_way = {}, {}, {}, {}
            for row in read("data_set__physical_file"):
                _, subject, session = text(row["dataset_name"]).rsplit("-", 2)
                key = (text(row["globus_alias"]), *named.get((int(subject), int(session)), ("?", "?")))
                sum_ = None if text(row["sha1_source"]) == "archive" else text(row["file_sha1"])
                index.setdefault(key, {})[text(row["file_subpath"])] = int(row["file_size"]), sum_
            for table in TABLES:
                for row in read(table):
                    session = named[row["subject_id"], row["session"]]
                    archived[text(row["globus_alias"]), *session] = row["archived_at"]
                    evidence = text(row["evidence"])
                    evidence = json.loads(evidence) if isinstance(evidence, str) else evidence or {}
                    by[text(row["globus_alias"]), *session] = evidence.get("computer", "another computer")
            going = {
                row["transfer_id"]: (text(row["computer"]), row["created_at"])
                for row in read("transfer")
                if text(row["state"]) in OPEN
            }
            for row in read("transfer__session"):
                if row["transfer_id"] in going:
                    who = named.get((row["subject_id"], row["session"]), ("?", "?"))
                    under_way[text(row["globus_alias"]), *who] = going[row["transfer_id"]]
            reclaims = []
            for row in read("reclaim"):
                row["who_when"] = named.get((row["subject_id"], row["session"]), ("?", "?"))
                reclaims.append(row)
            present = {key for key in archived if any(sum_ is None for _, sum_ in index.get(key, {}).values())}
            archived = {key: at for key, at in archived.items() if key not in present}
            return index, archived, under_way, sessions, read("round"), reclaims, present, by


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


def text(value):
    """Return a text as the drivers give it."""
    return bytes(value).decode() if isinstance(value, (bytes, bytearray, memoryview)) else value
