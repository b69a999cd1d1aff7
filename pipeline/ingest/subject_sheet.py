"""A sheet of subjects: its columns by name, its rows as entries, everything that is wrong with it told at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.errors import NameRefused, UsageError
from pipeline.ingest.cells import CellError, read_date, read_decimal, read_number, read_sex, read_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.ingest.sheet import Sheet, SheetRow

FIELDS: dict[str, tuple[str, ...]] = {
    "subject_id": ("subject", "animal id", "mouse id"),
    "water_restriction_number": ("h2o", "wr", "water restriction", "water restriction name", "wr number", "h2o number"),
    "sex": ("gender",),
    "date_of_birth": ("dob", "birth date", "birthday", "born"),
    "animal_source": ("source", "vendor", "breeder"),
    "description": ("subject description",),
    "wr_start_date": ("water restriction start", "water restriction start date", "wr start", "restriction start"),
    "wr_start_weight": ("start weight", "water restriction start weight", "weight at start", "wr weight"),
}
"""The columns that are read, and the headings by which each is recognised besides its name."""

_SUBJECT_IDS = range(1, 2**31)
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class SubjectEntry:
    """One row of the sheet; None where it says nothing.  Weight in g, dates of the calendar."""

    row: int
    subject_id: int
    h2o: str | None = None
    sex: str | None = None
    date_of_birth: date | None = None
    animal_source: str | None = None
    description: str | None = None
    wr_start_date: date | None = None
    wr_start_weight: float | None = None

    @property
    def subject_values(self) -> dict[str, Any]:
        """What the row says for ``lab.Subject``."""
        said = {
            "animal_source": self.animal_source,
            "sex": self.sex,
            "date_of_birth": self.date_of_birth,
            "subject_description": self.description,
        }
        return {name: value for name, value in said.items() if value is not None}

    @property
    def restriction_values(self) -> dict[str, Any]:
        """What the row says for ``lab.WaterRestriction``."""
        said = {
            "water_restriction_number": self.h2o,
            "wr_start_date": self.wr_start_date,
            "wr_start_weight": self.wr_start_weight,
        }
        return {name: value for name, value in said.items() if value is not None}


class Problems(list[str]):
    """What is wrong with a sheet, row by row, told all at once."""

    def add(self, row: int, text: str) -> None:
        """Note what is wrong with a row."""
        self.append(f"row {row}: {text}")

    def raise_any(self, name: str) -> None:
        """Raise ``UsageError`` if anything was noted."""
        if not self:
            return
        shown = list(self[:_SHOWN])
        if len(self) > _SHOWN:
            shown.append(f"and {len(self) - _SHOWN} more")
        raise UsageError(
            f"The sheet {name} cannot be entered; nothing was written.\n  " + "\n  ".join(shown),
            remedy="correct these rows and give the sheet again; rows that are entered already do no harm.",
        )


def parse_subjects(sheet: Sheet) -> tuple[list[SubjectEntry], list[str]]:
    """Return the entries of a sheet and notes for the person.

    Raises
    ------
    pipeline.errors.UsageError
        A column is missing, or rows are wrong or contradict each other; all are named by their number.
    """
    missing = [name for name in ("subject_id", "water_restriction_number") if name not in sheet.columns]
    if missing:
        found = ", ".join((*sheet.columns, *sheet.ignored)) or "none"
        raise UsageError(
            f"The sheet {sheet.name} has no column {' and no column '.join(missing)}; its columns are: {found}.",
            remedy="name the columns in the first row; see `mapshell ingest-subjects --help`.",
        )
    problems = Problems()
    notes = [f"Column not used: {', '.join(sheet.ignored)}."] if sheet.ignored else []
    entries: dict[int, SubjectEntry] = {}
    owners: dict[str, SubjectEntry] = {}
    for row in sheet.rows:
        entry = _entry(row, problems)
        if entry is None:
            continue
        first = entries.get(entry.subject_id)
        if first is not None:
            if _same(first, entry):
                notes.append(f"Row {entry.row} repeats row {first.row}.")
            else:
                problems.add(entry.row, f"subject {entry.subject_id} is also in row {first.row}, with other values")
            continue
        entries[entry.subject_id] = entry
        if entry.h2o is None:
            notes.append(f"Row {entry.row}: subject {entry.subject_id} has no water restriction: no folder is its own.")
            continue
        holder = owners.setdefault(entry.h2o.casefold(), entry)
        if holder is not entry:
            problems.add(entry.row, f"water restriction {entry.h2o} is also that of row {holder.row}")
    problems.raise_any(sheet.name)
    return list(entries.values()), notes


def _entry(row: SheetRow, problems: Problems) -> SubjectEntry | None:
    before = len(problems)

    def cell(name: str, read: Callable[[Any], Any]) -> Any:
        try:
            return read(row.cells.get(name))
        except CellError as error:
            problems.add(row.number, f"{name}: {error}")
            return None

    def text(limit: int) -> Callable[[Any], str | None]:
        return lambda value: read_text(value, limit)

    subject_id = cell("subject_id", read_number)
    if subject_id is None and len(problems) == before:
        problems.add(row.number, "it has no subject_id")
    elif subject_id is not None and subject_id not in _SUBJECT_IDS:
        problems.add(row.number, f"subject_id {subject_id} is not between 1 and {_SUBJECT_IDS[-1]}")
    h2o = cell("water_restriction_number", text(16))
    if h2o is not None:
        _check_h2o(h2o, row.number, problems)
    weight = cell("wr_start_weight", read_decimal)
    if weight is not None and weight <= 0:
        problems.add(row.number, f"wr_start_weight: {weight} g is no weight")
    entry = SubjectEntry(
        row.number,
        subject_id or 0,
        h2o,
        cell("sex", read_sex),
        cell("date_of_birth", read_date),
        cell("animal_source", text(32)),
        cell("description", text(1024)),
        cell("wr_start_date", read_date),
        weight,
    )
    return entry if len(problems) == before else None


def _check_h2o(h2o: str, row: int, problems: Problems) -> None:
    from pipeline.archive.naming import session_folder

    try:
        session_folder(h2o, date(2020, 2, 3), None, "ephys")
        session_folder(h2o, date(2020, 2, 3), None, "video")
    except NameRefused:
        problems.add(row, f"no folder can be named by the water restriction {h2o!r}")


def _same(one: SubjectEntry, other: SubjectEntry) -> bool:
    return one == replace(other, row=one.row)
