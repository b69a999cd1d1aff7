"""Files, bytes and proved checksums of every dataset, summed up by the server."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline import publication

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from pipeline.archive.session import Location


def totals(location: Location, beside: Executor) -> Callable[[], dict[str, tuple[int, int | None, int]]]:
    """Return what returns files, bytes and files without a known SHA1 of the recording's own bytes, of every dataset.

    The server goes through all files for it: it is asked at once, in a thread with a connection of its own, and
    meanwhile the rest is read.
    """
    import datajoint as dj

    files = publication.DataSet.PhysicalFile() & {"globus_alias": location.alias}
    proved = "count(file_sha1) - count(case when sha1_source = 'archive' then file_sha1 end)"
    query = dj.U("dataset_name").aggr(files, files="count(*)", size="sum(file_size)", known=proved)
    connection, statement = query.connection, query.make_sql()
    rows = beside.submit(lambda: connection.query(statement).fetchall())

    def summed() -> dict[str, tuple[int, int | None, int]]:
        sums = [(name, int(count), _whole(size), int(known)) for name, count, size, known in rows.result()]
        replaced = _replaced(files) if any(known < count for _, count, _, known in sums) else Counter[str]()
        return {name: (count, size, count - known - replaced[name]) for name, count, size, known in sums}

    return summed


def _replaced(files: Any) -> Counter[str]:
    """Count files without such a SHA1 whose place others have taken, by dataset: there are hardly ever any."""
    unproved = files & "file_sha1 is null or sha1_source = 'archive'" & "position('.superseded-' in file_subpath) > 0"
    return Counter(
        row["dataset_name"]
        for row in unproved.to_dicts()
        if files
        & {"dataset_name": row["dataset_name"], "file_subpath": row["file_subpath"].rpartition(".superseded-")[0]}
    )


def _whole(value: Any) -> int | None:
    """Return a sum of the database as a number; None where there was nothing to sum up."""
    return None if value is None else int(value)
