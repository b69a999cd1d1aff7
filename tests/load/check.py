"""What came of a load, judged without the product: disks, the archive, the rows, the service's tasks."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .place import Computer, Place

OURS = ".mapshell"
Facts = tuple[int, str]


class Wrong(SystemExit):
    """What was found is not what must be."""


def must(holds: bool, said: str) -> None:
    if not holds:
        raise Wrong(f"WRONG: {said}")


def facts(root: Path) -> dict[str, Facts]:
    """Return size and SHA1 of every file below a folder, by subpath, without manifests and what is ours."""
    return {
        path.relative_to(root).as_posix(): (path.stat().st_size, _sha1(path))
        for path in _files(root)
        if OURS not in path.parts and ".manifest-" not in path.name
    }


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file())


def _sha1(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha1").hexdigest()


def rows(place: Place, table: str, columns: str, prefix: str = "") -> Iterator[tuple[Any, ...]]:
    """Read a table of the publication schema by the server's own driver, without holding all of it."""
    own, prefix = place.database, prefix or place.prefix
    assert own.password is not None
    account = {"host": own.host, "port": own.port, "user": own.user, "password": own.password.get_secret_value()}
    if own.backend == "postgresql":
        import psycopg2

        with closing(psycopg2.connect(dbname=own.name, **account)) as connection, connection.cursor("load") as cursor:
            cursor.itersize = 10_000
            cursor.execute(f'SELECT {columns} FROM {prefix}publication."{table}"')
            yield from cursor
        return
    import pymysql
    import pymysql.cursors

    with closing(pymysql.connect(**account)) as connection, connection.cursor(pymysql.cursors.SSCursor) as cursor:
        cursor.execute(f"SELECT {columns} FROM {prefix}publication.`{table}`")
        yield from cursor


def archived(place: Place, computers: Iterable[Computer], sessions: int, prefix: str = "") -> int:
    """Everything on the disks is at the archive and in the index, byte for byte, once; return how many files."""
    here: dict[str, Facts] = {}
    for each in computers:
        here.update(facts(each.ephys))
    there = facts(place.archive)
    must(there == here, f"{_differ(here, there)} files differ between the disks and the archive")
    index: dict[str, Facts] = {}
    for subpath, size, sha1, verified in rows(
        place, "data_set__physical_file", "file_subpath, file_size, file_sha1, verified_at", prefix
    ):
        must(subpath not in index, f"two rows of {subpath}")
        must(verified is not None, f"{subpath} was never verified")
        index[subpath] = (size, sha1)
    must(index == here, f"{_differ(here, index)} files differ between the disks and the index")
    generations = [generation for (generation,) in rows(place, "_archived_raw_ephys", "generation", prefix)]
    must(generations == [1] * sessions, f"{sessions} sessions are {len(generations)} archived rows: {set(generations)}")
    manifests = [path for path in _files(place.archive) if ".manifest-" in path.name]
    must(len(manifests) == sessions, f"{len(manifests)} manifests of {sessions} sessions")
    return len(here)


def tasks(place: Place, sessions: int) -> None:
    """Each session went in one task, which succeeded; nothing is under way, claimed or left behind."""
    labels = Counter(task["label"].rsplit(" ", 1)[0] for task in place.admin.tasks() if "publish" in task["label"])
    must(len(labels) == sessions, f"{len(labels)} tasks of {sessions} sessions")
    must(set(labels.values()) <= {1}, f"several tasks of one session: {labels.most_common(3)}")
    must({task["status"] for task in place.admin.tasks()} == {"SUCCEEDED"}, "a task did not succeed")
    must({state for (state,) in rows(place, "transfer", "state")} == {"done"}, "an entry of the journal is open")
    must(not list(rows(place, "claim", "owner")), "a session is still claimed")


def same_index(place: Place, first: str, second: str) -> None:
    """Two databases have the same rows of files and sessions."""
    files = (
        "globus_alias, dataset_name, file_id, file_subpath, file_type, file_size, file_mtime, file_sha1, sha1_source"
    )
    for table, columns in {
        "data_set__physical_file": f"{files}, verified_at, verified_how, file_generation",
        "_archived_raw_ephys": "subject_id, session, globus_alias, dataset_name, archived_at, generation",
    }.items():
        one, two = (set(rows(place, table, columns, prefix)) for prefix in (first, second))
        must(one == two, f"{table}: {len(one ^ two)} rows differ between what was published and what was discovered")


def fetched(place: Place, folder: Path) -> None:
    """What was retrieved is what the archive has."""
    there, here = facts(place.archive), facts(folder)
    must(here == there, f"{_differ(there, here)} files differ between the archive and what was retrieved")


def _differ(one: dict[str, Facts], other: dict[str, Facts]) -> int:
    return sum(one.get(name) != other.get(name) for name in one.keys() | other.keys())
