"""Which files of an earlier retrieval the index has otherwise by now: they get no name here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import publication
from pipeline.archive.session import file_id
from pipeline.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.fetch import Item

_AT_ONCE = 500
"""Files in one query."""


def outdated(items: Sequence[Item]) -> list[Item]:
    """Return the files that the index has under their names with another size or SHA1, or not at all.

    None, if the database cannot be asked: then they are brought as they were asked for.
    """
    try:
        return [item for start in range(0, len(items), _AT_ONCE) for item in _outdated(items[start : start + _AT_ONCE])]
    except DatabaseError:
        return []


def _outdated(items: Sequence[Item]) -> list[Item]:
    keys = [{"globus_alias": item.location.alias, "file_id": file_id(item.subpath)} for item in items]
    rows = (publication.DataSet.PhysicalFile() & keys).to_dicts()
    now = {(row["globus_alias"], row["file_subpath"]): (row["file_size"], row["file_sha1"]) for row in rows}
    return [item for item in items if _is_other(item, now.get((item.location.alias, item.subpath)))]


def _is_other(item: Item, row: tuple[int | None, str | None] | None) -> bool:
    """Say whether the index has other bytes, or none; what was asked for before its SHA1 was known may have got one."""
    return row is None or row[0] != item.size or item.sha1 not in (None, row[1])
