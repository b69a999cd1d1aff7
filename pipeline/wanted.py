"""Which sessions of an archive are asked for: by restrictions of tables, and by names that the tables may have lost."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline import database, lab, publication
from pipeline.errors import DatabaseError, UsageError
from pipeline.locations import location_row
from pipeline.sessions import restricted
from pipeline.subjects import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.archive.manifest_names import ManifestName
    from pipeline.archive.naming import FolderName
    from pipeline.archive.session import Location, SessionKey

_A_DAY = timedelta(days=1)


class _RolledBack(Exception):
    """What had to be asked is known."""


class Wanted:
    """What is asked for.

    Restrictions can be answered only for sessions that the lab's tables have; names and days also for those that only
    the archive knows.

    Parameters
    ----------
    tables
        Tables of archived sessions; what restricts them holds.
    restrictions
        DataJoint restrictions of ``experiment.Session``; all must hold.
    subjects
        Animals by water restriction or subject id; all when empty.
    numbers
        Session numbers; all when empty.
    since, until
        Days.
    create
        Whether animals count that the lab's tables do not know.

    Raises
    ------
    UsageError
        A restriction speaks of what only rows that exist can have, nothing can match, or there is no such animal.
    """

    def __init__(
        self,
        tables: Sequence[Any],
        restrictions: Sequence[Any] = (),
        subjects: str | int | Sequence[str | int] = (),
        numbers: Sequence[int] = (),
        since: date | str | None = None,
        until: date | str | None = None,
        *,
        create: bool = False,
    ) -> None:
        self._tables = {table.dataset_type: table for table in tables}
        self._restrictions = tuple(restrictions)
        self._numbers = frozenset(numbers)
        self.since, self.until = _day(since), _day(until)
        self.create = create
        if self.since and self.until and self.since > self.until:
            raise UsageError(
                f"No day is both {self.since} or later and {self.until} or earlier.",
                remedy="give --since the earlier of the two dates.",
            )
        self.restricted = bool(self._restrictions) or any(table.restriction for table in self._tables.values())
        self._keys: dict[str, set[SessionKey]] = {}
        self.h2os: dict[str, int] = {}
        self.read_names()
        self._ids: set[int] = set()
        self._names: dict[str, str] = {}
        self._told: set[str] = set()
        for name in [subjects] if isinstance(subjects, str | int) else subjects:
            self._subject(str(name).strip())
        self.by_subject = bool(subjects)
        self.partly = self.restricted or bool(numbers)
        """Whether some sessions of a day may be asked for and others not."""
        self.everything = not (self.restricted or subjects or numbers or since or until)

    def _subject(self, name: str) -> None:
        try:
            self._ids.add(resolve(name))
        except UsageError:
            if not self.create:
                raise
            if name.isdecimal():
                self._ids.add(int(name))
            else:
                self._names[name.casefold()] = name

    def read_names(self) -> None:
        """Read which animals the lab's tables have, by the names of their folders."""
        rows = lab.WaterRestriction.to_dicts()
        self.h2os = {row["water_restriction_number"]: int(row["subject_id"]) for row in rows}

    def missing(self, seen: Sequence[str]) -> UsageError | None:
        """Make the error of a name that neither the lab's tables nor the archive know; ``seen`` are the archive's."""
        import difflib

        folded = {name.casefold() for name in seen}
        lost = sorted(name for key, name in self._names.items() if key not in folded)
        if not lost:
            return None
        near = difflib.get_close_matches(lost[0], [*self.h2os, *seen], n=3, cutoff=0.5)
        return UsageError(
            f"There is no subject {lost[0]}, neither in the lab's tables nor at the archive.",
            remedy=f"did you mean {', '.join(near)}?" if near else "look at the names of the archive's folders.",
        )

    # -- by names ----------------------------------------------------------------------------------------------

    def animal(self, h2o: str, location: Location) -> bool:
        """Say by its name whether an animal's folder has to be listed."""
        subject = self.h2os.get(h2o)
        if subject is None:
            # A number says nothing about an unknown animal's name: its manifests must tell.
            unnamed = bool(self._ids - set(self.h2os.values()))
            return self.create and (not self.by_subject or h2o.casefold() in self._names or unnamed)
        if self.by_subject and subject not in self._ids:
            return False
        if not self.restricted or self.create:
            return True
        return any(key[0] == subject for key in self.keys(location))

    def subject(self, subject_id: int, h2o: str) -> bool:
        """Say whether an animal is asked for, once a manifest has told its number."""
        if self.by_subject and subject_id in self._ids:
            self._told.add(h2o)
        return self.asked(h2o)

    def asked(self, h2o: str) -> bool:
        """Say whether an animal is asked for, once its manifests have been read."""
        named = h2o.casefold() in self._names or h2o in self._told
        return not self.by_subject or named or self.h2os.get(h2o) in self._ids

    def described(self, name: ManifestName) -> bool:
        """Say by its manifest's name whether a session is asked for, as far as that can tell."""
        if self._numbers and name.session not in self._numbers:
            return False
        return self._in_time(name.session_date)

    def folder(self, name: FolderName) -> bool:
        """Say by its name whether a folder can be that of a session that is asked for."""
        days = name.dates
        around = [day + shift for day in days for shift in (-_A_DAY, timedelta(0), _A_DAY)]
        return not days or any(self._in_time(day) for day in around)

    def day(self, name: FolderName) -> bool:
        """Say whether a folder that is no session's is of a day that is asked for."""
        return not name.dates or any(self._in_time(day) for day in name.dates)

    def _in_time(self, day: date) -> bool:
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)

    # -- by restrictions ---------------------------------------------------------------------------------------

    def session(self, key: SessionKey, day: date, location: Location) -> bool:
        """Say whether a session that the lab's tables have is asked for."""
        if self._numbers and key[1] not in self._numbers:
            return False
        if self.by_subject and key[0] not in self._ids:
            return False
        return self._in_time(day) and (not self.restricted or key in self.keys(location))

    def keys(self, location: Location) -> set[SessionKey]:
        """Return the lab's sessions that meet the restrictions at a location."""
        if location.alias not in self._keys:
            self._keys[location.alias] = self._as_if_registered(location)
        return self._keys[location.alias]

    def _as_if_registered(self, location: Location) -> set[SessionKey]:
        """Ask at a location that a dry run may not have registered; what it finds is what the real run would find."""
        if publication.GlobusStorageLocation() & {"globus_alias": location.alias}:
            return self._ask(location)
        found: set[SessionKey] = set()

        def work() -> None:
            database.insert_if_absent(publication.GlobusStorageLocation, location_row(location))
            found.update(self._ask(location))
            raise _RolledBack

        with suppress(_RolledBack):
            database.run_transaction(work)
        return found

    def meant(self, key: SessionKey, location: Location) -> bool:
        """Say whether a session meets the restrictions, asked of the tables as they are in this transaction."""
        return not self.restricted or key in self._ask(location, [{"subject_id": key[0], "session": key[1]}])

    def nothing(self, locations: Sequence[Location], keys: Iterable[SessionKey]) -> UsageError | None:
        """Make the error of restrictions or numbers that no session of the lab meets; ``keys`` are all of them."""
        if self.create:
            return None
        there = {number for subject, number in keys if not self.by_subject or subject in self._ids}
        if self._numbers - there:
            lost = ", ".join(str(number) for number in sorted(self._numbers - there))
            return UsageError(
                f"The lab's tables have no session {lost}: nothing matches.",
                remedy="see the numbers with `mapshell publication-status`; sessions that only the archive knows come "
                "with --create-sessions.",
            )
        if not self.restricted or any(self.keys(place) for place in locations):
            return None
        return UsageError(
            "No session of the lab matches what was asked for.",
            remedy="`mapshell publication-status` lists the lab's sessions; those that only the archive knows come "
            "with --create-sessions (create_sessions=True).",
        )

    def _ask(self, location: Location, more: Sequence[Any] = ()) -> set[SessionKey]:
        import datajoint as dj

        table = self._tables[location.dataset_type]
        sessions = restricted((*self._restrictions, *more))
        here = (publication.GlobusStorageLocation() & {"globus_alias": location.alias}).proj()
        query = sessions * here
        if table.restriction:
            unknown = sorted(set(table.restriction_attributes) - set(query.heading.names))
            if unknown:
                raise UsageError(
                    f"Sessions that are to be discovered cannot be chosen by {', '.join(unknown)}: only rows that "
                    "exist have it.",
                    remedy="restrict by attributes of experiment.Session, or by globus_alias.",
                )
            query = query.make_subquery()
            query._restriction = dj.AndList(table.restriction)  # its conditions are SQL, and hold for any such query
        try:
            return {(int(row["subject_id"]), int(row["session"])) for row in query.proj().to_dicts()}
        except (dj.errors.DataJointError, DatabaseError) as error:
            raise UsageError(
                f"The restriction cannot be used to choose sessions: {error}",
                remedy="restrict by attributes of experiment.Session, or by globus_alias.",
            ) from error


def _day(value: date | str | None) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    if isinstance(value, datetime):
        return value.date()
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise UsageError(f"{value!r} is no day.", remedy="write it like 2019-11-19.") from error
