"""The rows: what each is about, and where it is measured.  Modules are imported when their row is run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .instrument import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from .instrument import Growth, Options, Table


def _measure(module: str, name: str = "measure") -> Callable[[Options], list[Table]]:
    def run(options: Options) -> list[Table]:
        tables: list[Table] = _function(module, name)(options)
        return tables

    return run


def _grow(module: str, name: str = "grow") -> Callable[[Options, int], Growth]:
    def run(options: Options, scale: int) -> Growth:
        growth: Growth = _function(module, name)(options, scale)
        return growth

    return run


def _function(module: str, name: str) -> Any:
    return getattr(import_module(f"tests.bench.{module}"), name)


_ROWS = (
    Row(1, "publish", "publish 20 sessions of 50 files", _measure("row_publish"), _grow("row_publish")),
    Row(2, "calls", "requests to Globus of that publish", _measure("row_calls")),
    Row(3, "night", "a night with nothing new", _measure("row_night")),
    Row(4, "find", "finding new data on the disk", _measure("row_find"), _grow("row_find")),
    Row(5, "checksums", "how fast files are read for their SHA1, and how often", _measure("row_checksums")),
    Row(6, "discover", "discover into an empty database", _measure("row_discover"), _grow("row_discover")),
    Row(7, "index", "a million rows of files into the index", _measure("row_index"), _grow("row_index")),
    Row(8, "retrieve", "retrieve 2,000 files of 100 sessions", _measure("row_retrieve")),
    Row(9, "status", "publication-status over 10,000 sessions", _measure("row_status"), _grow("row_status")),
    Row(10, "startup", "how long it takes until a command begins to work", _measure("row_startup")),
    Row(11, "sandbox", "the sandbox beside a plain copy", _measure("row_sandbox")),
    Row(12, "growth", "cost for each piece of work, at three sizes", _measure("row_growth")),
    Row(13, "why", "publication-why of one session among 10,000", _measure("row_why")),
)

ROWS = {row.number: row for row in sorted(_ROWS, key=lambda row: row.number)}
NAMES = {row.name: row for row in ROWS.values()}
