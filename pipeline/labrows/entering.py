"""Rows of a manifest, back into tables that have lost them.

A manifest found at an archive is data from outside: only rows of the session itself and of what it refers to are
taken, only into attributes that the tables have, and nothing that exists is ever changed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pipeline import database, experiment, lab, tracking
from pipeline.archive.identity import is_same, mistaken
from pipeline.archive.paths import printable
from pipeline.archive.session import SessionRef
from pipeline.database.reading import clock
from pipeline.errors import Refused
from pipeline.labrows.tables import json_value, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pipeline.archive.manifest import Manifest

# What other labs' tables say for the same thing.
_OTHER_WORDS = {("lab.Subject", "sex", "Unknown"): "U"}

_MOST = 20_000
"""Rows of one table that are taken from a manifest at most."""

# What a row refers to, where the manifest may lack it: a row of the key alone is better than none.
_PARENTS = {
    "experiment.Session": (("username", lab.Person), ("rig", lab.Rig)),
    "lab.Subject": (("animal_source", lab.AnimalSource),),
    "ephys.ProbeInsertion": (("probe", lab.Probe),),
    "tracking.TrackingDevice": (("camera", tracking.CameraPosition),),
}


@dataclass(slots=True)
class Entered:
    """Rows that were made, by table and key, and what a manifest said that the tables did not take, in words."""

    made: set[tuple[str, str]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def check(manifest: Manifest) -> bool:
    """Compare the session of a manifest with the lab's tables; say whether they have it.

    Raises
    ------
    Refused
        They know animal or session as something else.
    """
    session = manifest.session
    table = lab.WaterRestriction
    # The animal's name is data from outside: it goes to the server apart from the statement.
    named = database.connection().query(
        f"SELECT subject_id, water_restriction_number FROM {table.full_table_name} "  # noqa: S608 - our own name
        "WHERE water_restriction_number = %s OR subject_id = %s",
        (session.h2o, session.subject_id),
    )
    names = [(int(subject_id), str(h2o)) for subject_id, h2o in named.fetchall()]
    refuse_other_animal(session, names)
    rows = (experiment.Session() & {"subject_id": session.subject_id, "session": session.session}).to_dicts()
    if not rows or not names:
        return False
    now = SessionRef(*session.key, session.h2o, rows[0]["session_date"], clock(rows[0].get("session_time")))
    refuse_other_session(session, now)
    return True


def refuse_other_animal(session: SessionRef, names: Iterable[tuple[int, str]]) -> None:
    """Refuse a session whose animal the lab's tables know otherwise: ``names`` are those of its number and its name.

    Raises
    ------
    Refused
        They do.
    """
    for subject_id, h2o in names:
        if (subject_id, h2o) != (session.subject_id, session.h2o):
            raise Refused(
                f"the manifest says that {printable(session.h2o)} is subject {session.subject_id}, but the lab's "
                f"tables say that {h2o} is subject {subject_id}",
                remedy="find out which of the two is right; nothing was taken from the manifest.",
            )


def refuse_other_session(session: SessionRef, now: SessionRef) -> None:
    """Refuse a session that is not what the lab's tables have ``now``.

    Raises
    ------
    Refused
        It is another one.
    """
    if not is_same(session, now):
        wrong = mistaken(session, now)
        raise Refused(f"{wrong.subpath}: {wrong.message}", remedy=wrong.remedy)


def enter(manifest: Manifest, only: Sequence[str] = ()) -> Entered:
    """Make the rows of a manifest that the lab's tables lack; call it in a transaction, after :func:`check`.

    Parameters
    ----------
    manifest
        Where the rows come from; what it does not carry is made as far as its session tells.
    only
        Only these tables.

    Raises
    ------
    Refused
        A row is of another session, or its values are not what its table holds.
    """
    done = Entered()
    for name, row, parent in rows_of(manifest, done, only):
        table = tables()[name]
        if database.insert_if_absent(table, row):
            done.made.add((name, called(table, row)))
        elif not parent:
            _compare(table, name, row, done)
    return done


def rows_of(
    manifest: Manifest, done: Entered, only: Sequence[str] = ()
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Yield the rows of a manifest in the order in which they can be made, each with the name of its table.

    The third says that it is but the key of something that a later row refers to.

    Raises
    ------
    Refused
        As :func:`enter`.
    """
    known, said = tables(), manifest.lab
    done.notes.extend(
        f"the manifest has rows of {printable(name)}, which are not known" for name in said.keys() - known
    )
    for name, table in known.items():
        if only and name not in only:
            continue
        rows = [_row(table, name, row, manifest.session, done) for row in _listed(said.get(name, ()), name)]
        for row in rows or _least(name, manifest.session):
            for key, parent in _PARENTS.get(name, ()):
                if row.get(key) is not None:
                    yield _name(parent), {key: row[key]}, True
            yield name, row, False


def called(table: Any, row: Mapping[str, Any]) -> str:
    """Return what a row is called where it is told: its key."""
    return ", ".join(str(row[key]) for key in table.heading.primary_key)


def _least(name: str, session: SessionRef) -> list[dict[str, Any]]:
    """Return the row that a session itself tells of, where its manifest has none."""
    subject = {"subject_id": session.subject_id}
    if name == "lab.Subject":
        return [subject]
    if name == "lab.WaterRestriction":
        return [{**subject, "water_restriction_number": session.h2o}]
    if name == "experiment.Session":
        when = {"session_date": session.session_date, "session_time": session.session_time}
        return [{**subject, "session": session.session, **when, "session_timezone": session.timezone}]
    return []


def _listed(rows: Any, name: str) -> list[Any]:
    if not isinstance(rows, list | tuple) or len(rows) > _MOST:
        raise _wrong(name, "they are no list, or too many")
    return list(rows)


def _row(table: Any, name: str, row: Any, session: SessionRef, done: Entered) -> dict[str, Any]:
    """Return a row as the table takes it.

    Raises
    ------
    Refused
        It is of another session, or of other types.
    """
    heading = table.heading
    if not isinstance(row, dict):
        raise _wrong(name, f"{printable(repr(row))} is no row")
    mine = {"subject_id": session.subject_id, "session": session.session, "water_restriction_number": session.h2o}
    for attribute, value in mine.items():
        if attribute in heading.names and row.get(attribute) != value:
            raise _wrong(name, f"one has {attribute} {printable(repr(row.get(attribute)))}, not {value!r}")
    if name == "experiment.Session" and row.get("session_date") != session.session_date.isoformat():
        raise _wrong(name, f"the session is of {printable(repr(row.get('session_date')))}")
    taken: dict[str, Any] = {}
    if name == "experiment.Session" and "session_timezone" in heading.names:
        taken["session_timezone"] = session.timezone
    for attribute, said in row.items():
        value = _OTHER_WORDS.get((name, attribute, said), said) if isinstance(said, str) else said
        if attribute not in heading.names:
            note = f"{name} has no attribute {printable(attribute)} here; it was left out"
            if note not in done.notes:
                done.notes.append(note)
        elif value is not None and not _fits(heading[attribute], value):
            raise _wrong(name, f"{attribute} is {printable(repr(value))}")
        else:
            taken[attribute] = value
    if any(taken.get(attribute) is None for attribute in heading.primary_key):
        raise _wrong(name, "one lacks a part of its key")
    return taken


def _fits(attribute: Any, value: Any) -> bool:
    """Say whether a value of JSON is one that an attribute takes."""
    kind = attribute.type
    if not (attribute.string or attribute.uuid or kind.startswith(("date", "timestamp"))):
        number = int | float if kind.startswith(("double", "float", "real", "decimal", "numeric")) else int
        return isinstance(value, number) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    try:
        if attribute.uuid:
            uuid.UUID(value)
        elif kind.startswith(("datetime", "timestamp")):
            datetime.fromisoformat(value)
        elif not attribute.string:
            date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _wrong(name: str, why: str) -> Refused:
    return Refused(
        f"the manifest's rows of {name} cannot be used: {why}",
        remedy="enter the session by hand, then discover again; nothing was taken from the manifest.",
    )


def _compare(table: Any, name: str, row: Mapping[str, Any], done: Entered) -> None:
    """Note in what a row that exists differs from the manifest's."""
    key = {attribute: row[attribute] for attribute in table.heading.primary_key}
    where = " AND ".join(f"{table.connection.adapter.quote_identifier(attribute)} = %s" for attribute in key)
    names = [attribute for attribute in row if attribute not in key]
    if not names:
        return
    columns = ", ".join(table.connection.adapter.quote_identifier(attribute) for attribute in names)
    binary = table.connection.adapter.backend != "postgresql"
    values = [
        uuid.UUID(value).bytes if binary and table.heading[attribute].uuid else value
        for attribute, value in key.items()
    ]
    query = f"SELECT {columns} FROM {table.full_table_name} WHERE {where}"  # noqa: S608 - our own names
    found = database.connection().query(query, tuple(values)).fetchone()
    if found is None:
        done.notes.append(f"{name}: a row of the manifest is another's here; it was left as it is")
        return
    note_differences(name, key, row, dict(zip(names, found, strict=True)), done)


def note_differences(
    name: str, key: Mapping[str, Any], row: Mapping[str, Any], there: Mapping[str, Any], done: Entered
) -> None:
    """Note where the values of a row that is ``there`` are not those of a manifest's row."""
    for attribute, value in there.items():
        if not _equal(json_value(value), row[attribute]):
            who = ", ".join(str(part) for part in key.values())
            here, other = json_value(value), row[attribute]
            done.notes.append(f"{name} {who} has {attribute} {here!r}, the manifest says {other!r}; left as it is")


def _equal(here: Any, said: Any) -> bool:
    if isinstance(here, str) and isinstance(said, str) and here != said:
        try:
            return datetime.fromisoformat(here) == datetime.fromisoformat(said)
        except ValueError:
            return False
    return bool((here.isoformat() if hasattr(here, "isoformat") else here) == said)


def _name(table: Any) -> str:
    return next(name for name, each in tables().items() if each is table)
