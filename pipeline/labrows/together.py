"""Rows of many manifests into the lab's tables with a few statements: the same rows as one after the other.

A manifest of which that cannot be told beforehand is named, and nothing is written.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline import database, experiment, lab
from pipeline.archive.session import SessionRef
from pipeline.database.reading import clock, columns
from pipeline.errors import Refused
from pipeline.labrows.entering import (
    Entered,
    called,
    note_differences,
    refuse_other_animal,
    refuse_other_session,
    rows_of,
)
from pipeline.labrows.tables import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import SessionKey

    Key = tuple[str, ...]
    Use = tuple[int, Mapping[str, Any], bool]

T = TypeVar("T")
_CHUNK = 200


class Unfit(Exception):
    """These manifests, by position, must be written one by one; nothing was written."""

    def __init__(self, positions: Iterable[int]) -> None:
        super().__init__()
        self.positions = frozenset(positions)


def doubted(manifests: Sequence[Manifest], *, enters: bool) -> set[int]:
    """Return which manifests, by position, the lab's tables may contradict, or do not have the session of.

    Parameters
    ----------
    manifests
        In the order in which they are written.
    enters
        Whether their rows are made: then a manifest is compared with the earlier ones too.
    """
    animals, sessions = _animals(manifests), _sessions(manifests)
    found: set[int] = set()
    for number, manifest in enumerate(manifests):
        said = manifest.session
        names = animals[said.subject_id] | animals[said.h2o]
        now = sessions.get(said.key)
        try:
            refuse_other_animal(said, names)
            if now is not None and names:
                refuse_other_session(said, SessionRef(*said.key, said.h2o, now.session_date, now.session_time))
        except Refused:
            found.add(number)
            continue
        if not enters and (now is None or not names):
            found.add(number)
        name = (said.subject_id, said.h2o)
        animals[said.subject_id].add(name)
        animals[said.h2o].add(name)
        if now is None:
            sessions[said.key] = SessionRef(*said.key, said.h2o, said.session_date, _time(manifest))
    return found


def _animals(manifests: Sequence[Manifest]) -> defaultdict[int | str, set[tuple[int, str]]]:
    found: defaultdict[int | str, set[tuple[int, str]]] = defaultdict(set)
    table = lab.WaterRestriction.full_table_name
    for attribute, values in (
        ("subject_id", {manifest.session.subject_id for manifest in manifests}),
        ("water_restriction_number", {manifest.session.h2o for manifest in manifests}),
    ):
        for some in _chunks(sorted(values)):
            rows = database.connection().query(
                f"SELECT subject_id, water_restriction_number FROM {table} "  # noqa: S608 - our own names
                f"WHERE {attribute} IN ({', '.join(['%s'] * len(some))})",
                tuple(some),
            )
            for subject_id, h2o in rows.fetchall():
                name = (int(subject_id), str(h2o))
                found[name[0]].add(name)
                found[name[1]].add(name)
    return found


def _sessions(manifests: Sequence[Manifest]) -> dict[SessionKey, SessionRef]:
    found = {}
    for some in _chunks(sorted({manifest.session.key for manifest in manifests})):
        chosen = experiment.Session() & [{"subject_id": key[0], "session": key[1]} for key in some]
        named = ("subject_id", "session", "session_date", "session_time")
        for subject_id, session, day, time in columns(chosen, named):
            found[subject_id, session] = SessionRef(subject_id, session, "", day, clock(time))
    return found


def _time(manifest: Manifest) -> str | None:
    """Return when the session begins by the row that a manifest makes of it."""
    rows = manifest.lab.get("experiment.Session")
    if isinstance(rows, list) and rows:
        said = rows[0].get("session_time") if isinstance(rows[0], dict) else None
        return said if isinstance(said, str) else None
    return manifest.session.session_time


def enter_all(manifests: Sequence[Manifest], only: Sequence[str] = ()) -> list[Entered]:
    """Make the rows of manifests that the lab's tables lack, as :func:`pipeline.labrows.enter` does for each in turn.

    Raises
    ------
    Unfit
        Rows of some cannot be used.
    """
    done = [Entered() for _ in manifests]
    wanted: dict[str, dict[Key, list[Use]]] = defaultdict(lambda: defaultdict(list))
    refused = []
    known = tables()
    for number, manifest in enumerate(manifests):
        try:
            for name, row, parent in rows_of(manifest, done[number], only):
                wanted[name][_key(known[name], row)].append((number, row, parent))
        except Refused:
            refused.append(number)
    if refused:
        raise Unfit(refused)
    for name, table in known.items():
        if name in wanted:
            _enter(name, table, wanted[name], done)
    return done


def _enter(name: str, table: Any, wanted: Mapping[Key, list[Use]], done: Sequence[Entered]) -> None:
    """Make the rows of one table, each as the first that names it says; note in what the others differ."""
    there = _stored(table, wanted)
    new = [(key, uses[0]) for key, uses in wanted.items() if key not in there]
    for number, row, _ in (use for _, use in new):
        done[number].made.add((name, called(table, row)))
    by_names = sorted((tuple(sorted(row)), at) for at, (_, (_, row, _)) in enumerate(new))
    for _, some in groupby(by_names, lambda each: each[0]):
        database.bulk_insert(table, [new[at][1][1] for _, at in some])
    made = {key for key, _ in new}
    again = {key: wanted[key] for key in made if any(not parent for _, _, parent in wanted[key][1:])}
    there |= _stored(table, again)
    primary = set(table.heading.primary_key)
    for key, uses in wanted.items():
        for number, row, parent in uses[key in made :]:
            if not parent:
                if key not in there:  # the server takes two keys for one
                    raise Unfit([number])
                mine = {attribute: row[attribute] for attribute in table.heading.primary_key}
                values = {attribute: there[key][attribute] for attribute in row if attribute not in primary}
                note_differences(name, mine, row, values, done[number])


def _stored(table: Any, wanted: Mapping[Key, list[Use]]) -> dict[Key, dict[str, Any]]:
    """Return the rows that a table has of these keys."""
    bound, heading = database.connection(), table.heading
    quote, postgres = bound.adapter.quote_identifier, bound.adapter.backend == "postgresql"
    one = " AND ".join(f"{quote(attribute)} = %s" for attribute in heading.primary_key)
    names = ", ".join(map(quote, heading.names))
    found = {}
    for some in _chunks([uses[0][1] for uses in wanted.values()]):
        values = [
            _value(heading[attribute], row[attribute], postgres=postgres)
            for row in some
            for attribute in heading.primary_key
        ]
        rows = bound.query(
            f"SELECT {names} FROM {table.full_table_name} WHERE {' OR '.join([f'({one})'] * len(some))}",  # noqa: S608
            tuple(values),
        )
        for row in rows.fetchall():
            stored = dict(zip(heading.names, row, strict=True))
            found[_key(table, stored)] = stored
    return found


def _key(table: Any, row: Mapping[str, Any]) -> Key:
    heading = table.heading
    return tuple(_text(heading[attribute], row[attribute]) for attribute in heading.primary_key)


def _text(attribute: Any, value: Any) -> str:
    if attribute.uuid:
        return str(uuid.UUID(bytes=bytes(value)) if not isinstance(value, str) else uuid.UUID(value))
    return str(value)


def _value(attribute: Any, value: Any, *, postgres: bool) -> Any:
    return value if postgres or not attribute.uuid else uuid.UUID(value).bytes


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[begin : begin + _CHUNK] for begin in range(0, len(values), _CHUNK))
