"""Row 7: a million rows of files into the index, beside the driver's own batched inserts of the same values."""

from __future__ import annotations

import statistics
import time
from contextlib import closing
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import psycopg2
import pymysql
from psycopg2.extras import execute_values

from . import large_index, large_lab
from .apart import apart
from .instrument import Aim, Contender, Growth, contest
from .lab import computer, corner, lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.archive.manifest import Manifest
    from pipeline.settings.types import DatabaseSettings
    from tests.load.place import Place

    from .instrument import Options, Table

AT_MOST = 1 / 0.8
"""Four fifths of the driver's rate."""
PAGE = 1000
SIZES = ((1_000_000, 10_000), (100_000, 100))
"""Rows in all, and in a transaction: some large sessions, and many of the usual size."""
OURS, DRIVER, DATAJOINT = "mapshell", "driver", "DataJoint insert"


def measure(options: Options) -> list[Table]:
    """Measure sessions of many files, and many sessions of a hundred; each session is a transaction, for everybody."""
    tables = []
    with lab(options) as at:
        own = "execute_values" if options.database == "postgresql" else "executemany"
        for rows, files in ((400, 100),) if options.quick else SIZES:
            sessions = rows // files
            contenders = [
                Contender(OURS, partial(write, at, with_mapshell, sessions, files)),
                Contender(DRIVER, partial(write, at, with_driver, sessions, files)),
                Contender(DATAJOINT, partial(write, at, with_datajoint, sessions, files), times=1),
            ]
            title = f"{rows:,} rows of files into the index, {files:,} in a transaction, {options.database}"
            notes = [f"{DRIVER}: {own} of values that are made beforehand; the others make them from manifests."]
            tables.append(contest(title, contenders, options, [Aim(OURS, DRIVER, AT_MOST)], notes=notes))
    return tables


def grow(options: Options, scale: int) -> Growth:
    """Measure ours alone."""
    files = options.size(10_000, 50)
    with lab(options) as at:
        took = [write(at, with_mapshell, scale, files) for _ in range(options.repeat)]
        return Growth(scale * files, "rows", statistics.median(took))


def write(at: Place, how: Callable[[str, int, int], float], sessions: int, files: int) -> float:
    """Write into tables that are new, in a process of its own; see that all of it is there."""
    with corner(at) as own:
        rig = computer(own)
        seconds = apart(how, rig.folder, str(rig.folder / "dj_local_conf.json"), sessions, files)
    return float(seconds)


def with_mapshell(config: str, sessions: int, files: int) -> float:
    """Write as publish and discover do: rows made of the manifest, then the bulk insert."""
    from pipeline import database, publication
    from pipeline.rows import file_rows

    manifests = _prepare(config, sessions, files)
    began = time.perf_counter()
    for one in manifests:
        with database.transaction():
            database.bulk_insert(publication.DataSet.PhysicalFile, file_rows(one, one.files))
    return _checked(time.perf_counter() - began, sessions * files)


def with_datajoint(config: str, sessions: int, files: int) -> float:
    """Write by DataJoint's own insert, in pages."""
    from pipeline import database, publication
    from pipeline.rows import file_rows

    manifests = _prepare(config, sessions, files)
    began = time.perf_counter()
    for one in manifests:
        with database.transaction():
            publication.DataSet.PhysicalFile.insert(list(file_rows(one, one.files)), chunk_size=PAGE)
    return _checked(time.perf_counter() - began, sessions * files)


def with_driver(config: str, sessions: int, files: int) -> float:
    """Write by the driver alone, over a connection of its own that is open already."""
    from pipeline import database, publication

    values = [_values(one) for one in _prepare(config, sessions, files)]
    where = database.bound_settings().database
    table = publication.DataSet.PhysicalFile.full_table_name
    names = publication.DataSet.PhysicalFile.heading.names
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES "
    holders = f"({', '.join(['%s'] * len(names))})"
    with closing(_connected(where)) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        for some in values:
            if where.backend == "postgresql":
                execute_values(cursor, f"{statement}%s", some, page_size=PAGE)
            else:
                cursor.executemany(statement + holders, some)
            connection.commit()
        seconds = time.perf_counter() - began
    return _checked(seconds, sessions * files)


def _connected(where: DatabaseSettings) -> Any:
    assert where.password is not None
    secret = where.password.get_secret_value()
    account: dict[str, Any] = {"host": where.host, "port": where.port, "user": where.user, "password": secret}
    return (
        psycopg2.connect(dbname=where.name, **account) if where.backend == "postgresql" else pymysql.connect(**account)
    )


def _values(one: Manifest) -> list[tuple[Any, ...]]:
    """Return what is to be written as the driver takes it, in the order of the table's columns."""
    from pipeline import database, publication
    from pipeline.rows import file_rows

    names = publication.DataSet.PhysicalFile.heading.names
    postgresql = database.bound_settings().database.backend == "postgresql"

    def plain(name: str, value: Any) -> Any:
        if name == "file_id":
            return str(value) if postgresql else value.bytes
        return value

    return [tuple(plain(name, row[name]) for name in names) for row in file_rows(one, one.files)]


def _prepare(config: str, sessions: int, files: int) -> list[Manifest]:
    """Enter everything but the files; return what is to be written."""
    from pipeline import database

    large_index.bind(config)
    large_index.enter(sessions)
    manifests = [large_lab.manifest(number, files) for number in range(sessions)]
    for some in _pages(manifests):
        with database.transaction():
            large_index.describe(some)
    return manifests


def _pages(manifests: Sequence[Manifest]) -> Iterator[list[Manifest]]:
    left = iter(manifests)
    while some := list(islice(left, PAGE)):
        yield some


def _checked(seconds: float, rows: int) -> float:
    """Return the seconds when all rows are there, with their sizes."""
    from pipeline import database, publication

    table = publication.DataSet.PhysicalFile.full_table_name
    count, sized, names = (
        database.connection()
        .query(f"SELECT count(*), count(file_sha1), count(DISTINCT file_subpath) FROM {table}")
        .fetchone()
    )
    if (count, sized, names) != (rows, rows, rows):
        raise SystemExit(f"WRONG: {count} rows ({names} names, {sized} checksums), not {rows}")
    return seconds
