"""The predecessor's own rows: which session had which files where.  Only ever read, with statements that only read.

The tables changed over the years; what all ages since datasets came (2019) have in common is read: tables that tie a
session to a dataset, and the dataset's files.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from pipeline.archive.session import DatasetType, SessionKey
    from pipeline.database.lab_connection import LabConnection

FILES, SETS, LOCATIONS = "data_set__physical_file", "data_set", "#globus_storage_location"
_NEEDED = {
    SETS: {"globus_alias", "dataset_name", "dataset_type"},
    FILES: {"globus_alias", "dataset_name", "file_subpath"},
    LOCATIONS: {"globus_alias", "globus_endpoint", "globus_path"},
}
_TIES = {"subject_id", "session", "globus_alias", "dataset_name"}
_AT_ONCE = 200
"""Datasets whose files are read together."""

DataSetKey = tuple[str, str]
"""``(globus_alias, dataset_name)``"""


@dataclass(slots=True)
class OldSession:
    """A session of the predecessor at one storage location, with the datasets that were tied to it."""

    key: SessionKey
    alias: str
    kind: DatasetType
    datasets: list[str] = field(default_factory=list)


class OldTables:
    """The schemas of a map-ephys database.

    Parameters
    ----------
    connection
        The server.
    publication, experiment
        Names of the schemas.
    """

    def __init__(self, connection: LabConnection, publication: str, experiment: str) -> None:
        self._connection = connection
        self.publication = publication
        self.experiment = experiment
        self._columns = self._look()

    def _look(self) -> dict[str, set[str]]:
        """Return the tables with their columns.

        Raises
        ------
        UsageError
            There are none, or they are of another kind.
        """
        rows = self._connection.query(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s",
            (self.publication,),
        ).fetchall()
        found: dict[str, set[str]] = defaultdict(set)
        for table, column in rows:
            found[str(table)].add(str(column))
        place = self._connection.target.place
        if not found and self._connection.adapter.backend == "postgresql":
            raise UsageError(
                f"There is no schema {self.publication} at {place}, which is PostgreSQL: a map-ephys database is on "
                "MySQL or MariaDB.",
                remedy="let mapshell's own tables be on the server of the map-ephys database (database.host), then "
                "adopt.",
            )
        if not found:
            raise UsageError(
                f"There is no schema {self.publication} at {place}, or the account {self._connection.target.user} may "
                "not read it.",
                remedy="name the beginning of its schemas' names: --from PREFIX (map_v2_, say), on the server of "
                "database.host; or ask the administrator for the right to read it: "
                f"GRANT SELECT ON `{self.publication}`.* TO ...",
            )
        for table, needed in _NEEDED.items():
            if not needed <= found.get(table, set()):
                lacking = ", ".join(sorted(needed - found.get(table, set())))
                raise UsageError(
                    f"The schema {self.publication} at {place} is not that of a map-ephys database with datasets: its "
                    f"table {table} lacks {lacking}.",
                    remedy="name another one, --from PREFIX; what only lies at the archive is found by "
                    "`mapshell publication-discover`.",
                )
        return dict(found)

    def _rows(self, table: str, columns: Iterable[str], where: str = "", values: tuple[Any, ...] = ()) -> list[Any]:
        adapter = self._connection.adapter
        name = adapter.make_full_table_name(self.publication, table)
        wanted = ", ".join(map(adapter.quote_identifier, columns))
        return list(self._connection.query(f"SELECT {wanted} FROM {name}{where}", values).fetchall())  # noqa: S608

    def locations(self) -> dict[str, tuple[str, str]]:
        """Return endpoint and path of every storage location, by alias, as they stand there."""
        rows = self._rows(LOCATIONS, ("globus_alias", "globus_endpoint", "globus_path"))
        return {str(alias): (str(endpoint), str(path)) for alias, endpoint, path in sorted(rows)}

    def sessions(self) -> list[OldSession]:
        """Return the sessions with their datasets, in order."""
        types = {(alias, name): str(kind) for alias, name, kind in self._sets()}
        found: dict[tuple[SessionKey, str, DatasetType], OldSession] = {}
        for table in self._ties():
            for subject_id, session, alias, name in sorted(set(self._rows(table, sorted(_TIES, key=_order)))):
                kind = _kind(types.get((alias, name), table))
                key = (int(subject_id), int(session))
                mine = found.setdefault((key, alias, kind), OldSession(key, str(alias), kind))
                if name not in mine.datasets:
                    mine.datasets.append(str(name))
        return [found[each] for each in sorted(found)]

    def untied(self) -> list[DataSetKey]:
        """Return the datasets that are tied to no session."""
        tied = {(alias, name) for table in self._ties() for alias, name in self._rows(table, DATASET)}
        return sorted((str(alias), str(name)) for alias, name, _ in self._sets() if (alias, name) not in tied)

    def without_dataset(self) -> list[SessionKey]:
        """Return the sessions that an earlier age of the tables calls archived, without a word about files."""
        if not {"subject_id", "session"} <= self._columns.get("_archived_session", set()):
            return []
        tied = {each.key for each in self.sessions()}
        rows = self._rows("_archived_session", ("subject_id", "session"))
        return sorted({(int(subject_id), int(session)) for subject_id, session in rows} - tied)

    def files(self, datasets: Iterable[DataSetKey]) -> Iterator[tuple[DataSetKey, list[str]]]:
        """Yield the spellings of the files of datasets, of some datasets at a time."""
        every = list(datasets)
        for begin in range(0, len(every), _AT_ONCE):
            some = every[begin : begin + _AT_ONCE]
            marks = ", ".join(["(%s, %s)"] * len(some))
            rows = self._rows(
                FILES,
                (*DATASET, "file_subpath"),
                f" WHERE (globus_alias, dataset_name) IN ({marks})",
                tuple(value for pair in some for value in pair),
            )
            found: dict[DataSetKey, list[str]] = {pair: [] for pair in some}
            for alias, name, spelling in rows:
                # The comparison of the server may be one that takes A for a.
                if (alias, name) in found:
                    found[alias, name].append(str(spelling))
            yield from found.items()

    def dates(self) -> dict[SessionKey, date] | None:
        """Return the date of every session of the predecessor; None where its table of sessions cannot be read."""
        adapter = self._connection.adapter
        name = adapter.make_full_table_name(self.experiment, "session")
        there = self._connection.query(
            "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = %s AND table_name = 'session' "
            "AND column_name IN ('subject_id', 'session', 'session_date')",
            (self.experiment,),
        ).fetchone()
        if there[0] < len(("subject_id", "session", "session_date")):
            return None
        try:
            rows = self._connection.query(f"SELECT subject_id, session, session_date FROM {name}").fetchall()  # noqa: S608
        except DatabaseError:
            return None
        return {(int(subject_id), int(session)): day for subject_id, session, day in rows}

    def _sets(self) -> list[Any]:
        return self._rows(SETS, (*DATASET, "dataset_type"))

    def _ties(self) -> list[str]:
        """Return the tables that tie sessions to datasets: masters alone, of whatever age."""
        return sorted(
            table
            for table, columns in self._columns.items()
            if columns >= _TIES and table.startswith("_archived_") and "__" not in table[1:]
        )


DATASET = ("globus_alias", "dataset_name")
_ORDER = ("subject_id", "session", *DATASET)


def _order(column: str) -> int:
    return _ORDER.index(column)


def _kind(said: str) -> DatasetType:
    return "video" if "video" in said.lower() else "ephys"
