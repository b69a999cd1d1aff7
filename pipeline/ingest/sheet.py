"""Sheets as spreadsheet programs write them, CSV or XLSX, as rows of cells with their row numbers.

CSV comes in the ways of the field: with or without a byte order mark, UTF-8, UTF-16 ("Unicode text") or the Western
code page, with comma, semicolon or tab between the cells.
"""

from __future__ import annotations

import csv
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import LocalDiskError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_DELIMITERS = ",;\t"
_MAX_BYTES = 64 * 1024 * 1024
_SAVE_AS = "save it as .xlsx or as CSV (UTF-8) from the spreadsheet program."


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its number as the spreadsheet program shows it, and its cells by the name of the field."""

    number: int
    cells: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet; ``ignored`` are the headings that no field has."""

    name: str
    rows: tuple[SheetRow, ...]
    columns: tuple[str, ...]
    ignored: tuple[str, ...]


def read_sheet(path: Path, fields: Mapping[str, Sequence[str]]) -> Sheet:
    """Read a sheet whose first row with text names the columns.

    Parameters
    ----------
    path
        A ``.csv``, ``.txt``, ``.tsv`` or ``.xlsx`` file; of a workbook the first sheet.
    fields
        For each field the headings by which it is recognised; case, spaces and punctuation do not count.

    Raises
    ------
    pipeline.errors.UsageError
        It is no such file, has no headings, or two columns are the same field.
    pipeline.errors.LocalDiskError
        It cannot be read.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path} is too large for a sheet.", remedy="give the sheet itself, not a recording.")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(
            f"There is no file {path}.", remedy="check the name; it is relative to this folder."
        ) from error
    except OSError as error:
        raise LocalDiskError(
            f"The sheet {path} cannot be read: {error.strerror or error}.",
            remedy="check the rights, and that it is a file.",
        ) from error
    if path.suffix.casefold() in {".xls", ".xlsb", ".ods", ".numbers"}:
        raise UsageError(f"{path} is of a kind that cannot be read.", remedy=_SAVE_AS)
    table = _workbook(path, content) if content.startswith(b"PK\x03\x04") else _csv(path, content)
    return _named(path, table, fields)


def fold(heading: Any) -> str:
    """Return a heading without case, spaces and punctuation: ``Date of Birth`` is ``dateofbirth``."""
    return "".join(character for character in str(heading).casefold() if character.isalnum())


def _workbook(path: Path, content: bytes) -> list[list[Any]]:
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of drop-down lists and colours, which nobody needs here
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            try:
                return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
            finally:
                book.close()
    except Exception as error:  # whatever a broken file does to the parser: it is no workbook
        raise UsageError(f"{path} is no workbook that can be read: {error}.", remedy=_SAVE_AS) from error


def _csv(path: Path, content: bytes) -> list[list[Any]]:
    text = _decode(path, content)
    first, _, rest = text.partition("\n")
    if first.strip().casefold().startswith("sep=") and len(first.strip()) == len("sep=") + 1:  # Excel's own hint
        rows: list[list[Any]] = [[]]
        delimiter, text = first.strip()[-1], rest
    else:
        rows = []
        heading = next((line for line in text.splitlines() if line.strip(_DELIMITERS + " ")), "")
        delimiter = max(_DELIMITERS, key=lambda character: (heading.count(character), -_DELIMITERS.index(character)))
    try:
        rows += csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise UsageError(f"{path} is no CSV file that can be read: {error}.", remedy=_SAVE_AS) from error
    return rows


def _decode(path: Path, content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what Excel writes in Western Europe and America
    if "\0" in text:
        raise UsageError(f"{path} is no text file.", remedy=_SAVE_AS)
    return text


def _named(path: Path, table: list[list[Any]], fields: Mapping[str, Sequence[str]]) -> Sheet:
    by_heading = {fold(heading): field for field, headings in fields.items() for heading in (field, *headings)}
    start = next((index for index, row in enumerate(table) if any(_filled(cell) for cell in row)), None)
    if start is None:
        raise UsageError(f"The sheet {path} is empty.", remedy="give a sheet with a row of headings and rows below.")
    columns: dict[int, str] = {}
    ignored = []
    for index, heading in enumerate(table[start]):
        if not _filled(heading):
            continue
        field = by_heading.get(fold(heading))
        if field is None:
            ignored.append(str(heading).strip())
        elif field in columns.values():
            twin = next(other for other, taken in columns.items() if taken == field)
            raise UsageError(
                f"Two columns of {path} are both {field}: {str(table[start][twin]).strip()!r} and "
                f"{str(heading).strip()!r}.",
                remedy="delete or rename one of them.",
            )
        else:
            columns[index] = field
    rows = []
    for number, row in enumerate(table[start + 1 :], start=start + 2):
        if any(_filled(cell) for cell in row):
            rows.append(SheetRow(number, {field: row[index] for index, field in columns.items() if index < len(row)}))
    return Sheet(path.name, tuple(rows), tuple(columns.values()), tuple(ignored))


def _filled(cell: Any) -> bool:
    return cell is not None and str(cell).strip() != ""
