"""What an adopted row did not know, filled in once somebody has looked at the archive; nothing known is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.session import file_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SOURCE = "archive"
"""The source of a SHA1 that was computed from what the archive holds, and compared with nothing."""


def fill_sizes(alias: str, dataset: str, learnt: Mapping[str, tuple[int, int]]) -> None:
    """Write sizes (bytes) and times (UTC seconds) of files of a dataset, by subpath, where none are known.

    To be called in a transaction.
    """
    _update(
        ("file_size", "file_mtime"),
        "file_size",
        ((alias, dataset, file_id(subpath), values) for subpath, values in sorted(learnt.items())),
    )


def fill_sha1s(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write SHA1 that were read at the archive, where none are known; rows as those of ``publication.FileCheck``.

    To be called in a transaction.
    """
    _update(
        ("file_sha1", "sha1_source"),
        "file_sha1",
        ((row["globus_alias"], row["dataset_name"], row["file_id"], (row["seen_sha1"], SOURCE)) for row in rows),
    )


def _update(columns: tuple[str, ...], unless: str, rows: Iterable[tuple[str, str, Any, tuple[Any, ...]]]) -> None:
    bound = database.connection()
    postgres = bound.adapter.backend == "postgresql"
    statement = (
        f"UPDATE {publication.DataSet.PhysicalFile.full_table_name} "  # noqa: S608 - names of our own table
        f"SET {', '.join(f'{column} = %s' for column in columns)} "
        f"WHERE globus_alias = %s AND dataset_name = %s AND file_id = %s AND {unless} IS NULL"
    )
    for alias, dataset, file, values in rows:
        bound.query(statement, (*values, alias, dataset, str(file) if postgres else file.bytes))
