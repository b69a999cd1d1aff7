"""Subjects and their water restrictions from a sheet: read, compared with the database, then entered in one go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline.ingest.sheet import read_sheet
from pipeline.ingest.subject_sheet import FIELDS, Problems, SubjectEntry, parse_subjects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class KnownSubjects:
    """The rows of ``lab.Subject`` and ``lab.WaterRestriction`` by subject, and the names of animal sources."""

    subjects: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    restrictions: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SubjectStep:
    """What becomes of one subject: entered, completed by values that the database did not have, or known already."""

    row: int
    subject_id: int
    h2o: str | None
    action: Literal["new", "completed", "known"]
    subject: Mapping[str, Any]
    restriction: Mapping[str, Any]
    subject_is_new: bool
    restriction_is_new: bool


@dataclass(frozen=True, slots=True)
class SubjectPlan:
    """What would be entered, in the order of the sheet; ``notes`` are for the person."""

    steps: tuple[SubjectStep, ...]
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def count(self, action: str) -> int:
        """Return how many subjects get this action."""
        return sum(step.action == action for step in self.steps)


def plan_subjects(entries: Sequence[SubjectEntry], known: KnownSubjects, *, name: str = "") -> SubjectPlan:
    """Compare entries with the database.

    Values that the database does not have are filled in; none that it has is changed.

    Raises
    ------
    pipeline.errors.UsageError
        Rows contradict the database; all are named by their number.
    """
    problems = Problems()
    owners = {str(row["water_restriction_number"]).casefold(): owner for owner, row in known.restrictions.items()}
    steps = []
    for entry in entries:
        owner = owners.get(entry.h2o.casefold()) if entry.h2o else None
        if owner is not None and owner != entry.subject_id:
            problems.add(entry.row, f"water restriction {entry.h2o} is that of subject {owner} in the database")
        there, restricted = known.subjects.get(entry.subject_id), known.restrictions.get(entry.subject_id)
        subject = _missing(entry, entry.subject_values, there, problems)
        restriction = _missing(entry, entry.restriction_values, restricted, problems)
        if restricted is None and entry.h2o is None:
            restriction = {}
        action: Literal["new", "completed", "known"] = (
            "new" if there is None else "completed" if subject or restriction else "known"
        )
        steps.append(
            SubjectStep(
                entry.row, entry.subject_id, entry.h2o, action, subject, restriction, there is None, restricted is None
            )
        )
    problems.raise_any(name)
    named = {entry.animal_source for entry in entries if entry.animal_source} - known.sources
    return SubjectPlan(tuple(steps), tuple(sorted(named)))


def load_known() -> KnownSubjects:
    """Read what the database has; the tables must be bound."""
    from pipeline import lab

    return KnownSubjects(
        {row["subject_id"]: row for row in lab.Subject.to_dicts()},
        {row["subject_id"]: row for row in lab.WaterRestriction.to_dicts()},
        frozenset(row["animal_source"] for row in lab.AnimalSource.to_dicts()),
    )


def enter(plan: SubjectPlan) -> None:
    """Write a plan; to be called inside a transaction."""
    from pipeline import lab

    for source in plan.sources:
        lab.AnimalSource.insert1({"animal_source": source})
    for step in plan.steps:
        key = {"subject_id": step.subject_id}
        _write(lab.Subject, key, step.subject, new=step.subject_is_new)
        if step.restriction:
            _write(lab.WaterRestriction, key, step.restriction, new=step.restriction_is_new)


def ingest_subjects(path: Path, *, dry_run: bool = False) -> SubjectPlan:
    """Enter the subjects of a sheet: all of them, or none when a row is wrong.

    Parameters
    ----------
    path
        CSV or XLSX file.
    dry_run
        Only return the plan.

    Raises
    ------
    pipeline.errors.UsageError
        The sheet is wrong or contradicts the database.
    pipeline.errors.DatabaseError
        The database refuses.
    """
    from dataclasses import replace

    from pipeline import database

    database.refuse_entering("ingest-subjects")
    sheet = read_sheet(path, FIELDS)
    entries, notes = parse_subjects(sheet)

    def plan_now() -> SubjectPlan:
        return replace(plan_subjects(entries, load_known(), name=sheet.name), notes=tuple(notes))

    plan = plan_now()
    if dry_run or plan.count("known") == len(plan.steps):
        return plan

    def work() -> SubjectPlan:
        fresh = plan_now()
        enter(fresh)
        return fresh

    def done() -> bool:
        return all(step.action == "known" for step in plan_now().steps)

    return database.run_transaction(work, done=done) or plan


def _missing(
    entry: SubjectEntry, said: Mapping[str, Any], there: Mapping[str, Any] | None, problems: Problems
) -> dict[str, Any]:
    """Return what the database lacks of what the sheet says; name what it says otherwise."""
    if there is None:
        return dict(said)
    lacking = {}
    for name, value in said.items():
        present = there.get(name)
        if present is None or present == "" or (name == "sex" and present == "U"):
            if value != present:
                lacking[name] = value
        elif present != value and not (name == "sex" and value == "U"):
            problems.add(entry.row, f"{name} of subject {entry.subject_id} is {value} here, {present} in the database")
    return lacking


def _write(table: Any, key: Mapping[str, Any], values: Mapping[str, Any], *, new: bool) -> None:
    if new:
        table.insert1({**key, **values})
    elif values:
        table.update1({**key, **values})
