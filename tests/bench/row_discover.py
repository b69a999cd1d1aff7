"""Row 6: an archive is discovered into an empty database; beside it ``globus ls -r`` with an insert for each file."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mapshell.demo.run import ARCHIVE
from mapshell.sandbox.meter import WINDOW_S
from mapshell.sandbox.realism import REALISTIC
from tests.load import check
from tests.load.watch import MEGABYTE

from . import made_archive
from .contenders import GlobusCli
from .instrument import Aim, Contender, Growth, Measured, Options, Table, contest
from .lab import SPEEDS, computer, corner, drop, lab, pace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.load.place import Place

OURS, CLIENT, BOUND, MOST = "mapshell", "globus ls -r, an insert each", "limit of requests", "most memory"
MEMORY_MB = 500


def measure(options: Options) -> list[Table]:
    """Discover a thousand sessions as the real service answers, ten thousand as fast as it goes."""
    files = options.size(100, 6)
    with lab(options) as at:
        slow = _limited(at, options, options.size(1_000, 3), files)
        return [slow, *_unlimited(at, options, options.size(10_000, 3), files)]


def grow(options: Options, scale: int) -> Growth:
    """Discover larger and larger archives."""
    sessions, files = options.size(100, 2) * scale, options.size(100, 4)
    with lab(options) as at, corner(at) as own:
        made_archive.build(own, sessions, files)
        return Growth(sessions * files, "files", ours(own, sessions, files).seconds)


def _limited(at: Place, options: Options, sessions: int, files: int) -> Table:
    with corner(at) as own:
        made_archive.build(own, sessions, files)
        needed = made_archive.listings(own, sessions)
        pace(at, SPEEDS[1], options)

        def run() -> float:
            time.sleep(WINDOW_S if not options.quick else 0)  # what the run before has asked counts no more
            return ours(own, sessions, files).seconds

        title = f"discover {sessions:,} sessions, {sessions * files:,} files, {SPEEDS[1]}"
        table = contest(title, [Contender(OURS, run)], options)
        pace(at, SPEEDS[0], options)
    assert REALISTIC.request_limit is not None
    window = REALISTIC.request_limit * WINDOW_S
    bound = (needed - 1) // window * WINDOW_S + REALISTIC.latency / (10 if options.quick else 1)
    note = (
        f"needed are {needed:,} listings: the root, each animal, each folder with files; "
        f"{window:.0f} requests pass in {WINDOW_S:.0f} s"
    )
    return replace(
        table, measured=(*table.measured, Measured(BOUND, (bound,))), aims=(Aim(OURS, BOUND, 1.2),), notes=(note,)
    )


def _unlimited(at: Place, options: Options, sessions: int, files: int) -> list[Table]:
    memory: list[float] = []
    some = sessions if options.whole else min(sessions, options.size(sessions // 10, 2))
    with corner(at) as own:
        made_archive.build(own, some, files)
        listed = by_client(own, GlobusCli(at), some * files) * sessions / some
    with corner(at) as own:
        made_archive.build(own, sessions, files)

        def run() -> float:
            ran = ours(own, sessions, files)
            memory.append(ran.megabytes)
            return ran.seconds

        title = f"discover {sessions:,} sessions, {sessions * files:,} files, {SPEEDS[0]}"
        table = contest(title, [Contender(OURS, run)], options, [Aim(OURS, CLIENT, 0.1)])
    note = f"{CLIENT}: of {some:,} sessions, {some * files:,} files, once; the time is that of all, in proportion"
    notes = () if some == sessions else (note,)
    table = replace(table, measured=(*table.measured, Measured(CLIENT, (listed,))), notes=notes)
    most = Measured(OURS, tuple(memory))
    return [table, Table(f"{title}: {MOST}", (most,), (Aim(OURS, None, MEMORY_MB, "MB"),), "MB")]


class Discovered:
    """What a run came to."""

    def __init__(self, seconds: float, memory: int) -> None:
        self.seconds, self.megabytes = seconds, memory / MEGABYTE


@contextmanager
def empty(own: Place) -> Iterator[Place]:
    """Give a database without tables beside the same archive."""
    name = uuid.uuid4().hex[:8]
    again = replace(own, prefix=f"b{name}_", figures=[])
    try:
        yield again
    finally:
        drop(again)
        shutil.rmtree(own.folder / name, ignore_errors=True)


def ours(own: Place, sessions: int, files: int) -> Discovered:
    """Discover everything; every session and every file must have its row."""
    with empty(own) as again:
        there = computer(again, again.prefix.strip("b_"))
        figures = there.run("discover", "publication-discover", "--create-sessions")
        found = sum(1 for _ in check.rows(again, "data_set__physical_file", "file_subpath"))
        check.must(found == sessions * files, f"{found} rows of {sessions * files} files")
        found = sum(1 for _ in check.rows(again, "_archived_raw_ephys", "session"))
        check.must(found == sessions, f"{found} archived rows of {sessions} sessions")
        return Discovered(figures.seconds, figures.memory)


def by_client(own: Place, client: GlobusCli, files: int) -> float:
    """List the archive with ``globus ls -r``, and insert a row for each file."""
    with closing(_connected(own)) as connection, closing(connection.cursor()) as cursor:
        schema = f"{own.prefix}listed"
        cursor.execute(f"CREATE SCHEMA {schema}")
        cursor.execute(
            f"CREATE TABLE {schema}.file (subpath varchar(512) PRIMARY KEY, size bigint, modified varchar(32))"
        )
        began = time.perf_counter()
        told = json.loads(client("ls", "-r", "--recursive-depth-limit", "20", f"{ARCHIVE}:/raw-ephys", "-F", "json"))
        for entry in told["DATA"]:
            if entry["type"] == "file":
                row = (entry["name"], entry["size"], entry["last_modified"])
                cursor.execute(f"INSERT INTO {schema}.file VALUES (%s, %s, %s)", row)
        seconds = time.perf_counter() - began
        cursor.execute(f"SELECT count(*) FROM {schema}.file WHERE subpath NOT LIKE '%.manifest-%'")
        (found,) = cursor.fetchone()
        cursor.execute(f"DROP TABLE {schema}.file")
        cursor.execute(f"DROP SCHEMA {schema}")
        check.must(found == files, f"globus ls -r listed {found} of {files} files")
        return seconds


def _connected(own: Place) -> Any:
    """Return a connection of the driver that commits each statement, as the predecessor's did."""
    at = own.database
    assert at.password is not None
    account = {"host": at.host, "port": at.port, "user": at.user, "password": at.password.get_secret_value()}
    if at.backend == "postgresql":
        import psycopg2

        connection = psycopg2.connect(dbname=at.name, **account)
        connection.autocommit = True
        return connection
    import pymysql

    return pymysql.connect(autocommit=True, **account)
