"""The lab's own tables, where they stand in for ours: found by name, read as they are, never written.

A lab that has run another pipeline for years keeps its schemas ``lab``, ``experiment``, ``ephys`` and ``tracking``.
Our classes of these groups then mean its tables: whatever their tier, and with the attributes that they have.  Nothing
is declared there, not even what DataJoint would note down beside them, and no statement that would change them leaves
this computer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.database.quiet import dj
from pipeline.errors import DatabaseError, DatabaseReadOnly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.database.lab_connection import LabConnection

_TIERS = ("", "#", "_", "__")
_READING = re.compile(r"[\s(]*(SELECT|SHOW|DESCRIBE|EXPLAIN|SET|BEGIN|START|COMMIT|ROLLBACK)\b", re.IGNORECASE)
_WITH_SCHEMA = re.compile(r"""[`"]?([\w$-]+)[`"]?\s*\.\s*[`"]?[\w#~]""")
_OF_SCHEMAS = re.compile(
    r"""\s*\w+\s+(?:DATABASE|SCHEMA)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?[`"]?([\w$-]+)""", re.IGNORECASE
)
_REFERENCES = re.compile(r"""\bREFERENCES\s+[`"]?([\w$-]+)[`"]?\s*\.""", re.IGNORECASE)


class LabTableReadOnly(DatabaseReadOnly):
    """One of the lab's own tables would be changed."""


class LabTables:
    """The lab's own schemas on one server; empty when all tables are ours.

    Parameters
    ----------
    connection
        The database.
    schemas
        The schema of each group of tables that is the lab's own.
    """

    def __init__(self, connection: LabConnection, schemas: Mapping[str, str]) -> None:
        self.schemas = dict(schemas)
        self._connection = connection
        self._names = set(self.schemas.values())
        self._tables: dict[str, set[str]] | None = None
        self._origins: dict[tuple[str, str, str], tuple[str, str, str]] | None = None
        if self.schemas:
            connection.lab_tables = self

    def __bool__(self) -> bool:
        return bool(self.schemas)

    # ---- which table is meant

    def table_name(self, group: str, ours: str) -> str:
        """Return what the lab calls the table that is ``ours`` here: it may be of another tier there."""
        found = self._found(group, ours)
        return ours if found is None else found

    def has(self, group: str, ours: str) -> bool:
        """Tell whether the lab has such a table."""
        return self._found(group, ours) is not None

    def _found(self, group: str, ours: str) -> str | None:
        there = self.tables()[self.schemas[group]]
        bare = ours.lstrip("#_")
        return next((tier + bare for tier in _TIERS if tier + bare in there), None)

    def tables(self) -> dict[str, set[str]]:
        """Return the names of all tables by schema, asked for once."""
        if self._tables is None:
            found: dict[str, set[str]] = {name: set() for name in self._names}
            marks = ", ".join(["%s"] * len(found))
            rows = self._connection.query(
                f"SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ({marks})",  # noqa: S608
                tuple(found),
            ).fetchall()
            for schema, table in rows:
                found.setdefault(schema, set()).add(table)
            self._tables = found
        return self._tables

    def missing(self, group: str, name: str) -> DatabaseError:
        """Make the error of a table that the lab does not have."""
        return DatabaseError(
            f"The lab's own schema {self.schemas[group]} at {self._connection.target.place} has no table for {name}.",
            remedy="nothing of mapshell needs it; the lab's tables are read as they are (database.lab_prefix).",
        )

    # ---- where an attribute comes from

    def heading(self, table_info: dict[str, Any]) -> Any:
        """Return the heading of one of the lab's tables."""
        return _LabHeading(self, table_info)

    def origin(self, schema: str, table: str, attribute: str) -> str:
        """Return where an attribute was defined first, in the words of DataJoint's lineage.

        DataJoint would note this in a table of its own, which an older one never made and which is not ours to make.
        """
        origins = self._foreign_keys()
        at, seen = (schema, table, attribute), set[tuple[str, str, str]]()
        while at in origins and at not in seen:
            seen.add(at)
            at = origins[at]
        return ".".join(at)

    def _foreign_keys(self) -> dict[tuple[str, str, str], tuple[str, str, str]]:
        if self._origins is None:
            adapter = self._connection.adapter
            listed = ", ".join(adapter.quote_string(name) for name in sorted(self._names))
            rows = self._connection.query(adapter.load_foreign_keys_sql(listed, "'~%%'"), as_dict=True).fetchall()
            self._origins = {}
            for row in rows:
                key = {name.lower(): value for name, value in row.items()}
                child = adapter.split_full_table_name(key["referencing_table"])
                parent = adapter.split_full_table_name(key["referenced_table"])
                self._origins.setdefault((*child, key["column_name"]), (*parent, key["referenced_column_name"]))
        return self._origins

    def note_lineage(self, table: Any, primary_key: list[str], parents: Mapping[str, tuple[str, str]]) -> None:
        """Write down where the attributes of one of our tables come from, as DataJoint does when it declares it.

        Parameters
        ----------
        table
            Our table.
        primary_key
            Names of its primary attributes.
        parents
            For each attribute of a foreign key the quoted name of the table that it refers to, and the name there.
        """
        lineage, bound = dj.lineage, self._connection
        entries = [
            (table.table_name, name, f"{table.database}.{table.table_name}.{name}")
            for name in primary_key
            if name not in parents
        ]
        for name, (parent, attribute) in parents.items():
            schema, parent_name = bound.adapter.split_full_table_name(parent)
            known = None if schema in self._names else lineage.get_lineage(bound, schema, parent_name, attribute)
            entries.append((table.table_name, name, known or self.origin(schema, parent_name, attribute)))
        lineage.ensure_lineage_table(bound, table.database)
        lineage.delete_table_lineages(bound, table.database, table.table_name)
        lineage.insert_lineages(bound, table.database, entries)

    # ---- never written

    def refuse(self, group: str, name: str) -> LabTableReadOnly:
        """Make the error of a write to ``name``, such as ``lab.Subject``."""
        return LabTableReadOnly(
            f"{name} is a table of the lab's own ({self.schemas[group]} at {self._connection.target.place}): mapshell "
            "reads it and never changes it.",
            remedy="enter it with the lab's own pipeline; mapshell sees it at once.",
        )

    def refuse_change(self, statement: str) -> None:
        """Refuse a statement that would change one of the lab's schemas, before the server sees it.

        Raises
        ------
        LabTableReadOnly
            It would.
        """
        if _READING.match(statement):
            return
        target = _OF_SCHEMAS.match(statement) or _WITH_SCHEMA.search(statement)
        touched = {target.group(1)} if target else set()
        # A constraint of ours would hold up the lab's own deletions.
        touched |= set(_REFERENCES.findall(statement))
        for schema in touched & self._names:
            raise LabTableReadOnly(
                f"A statement would change {schema} at {self._connection.target.place}, a schema of the lab's own: "
                f"mapshell reads it and never changes it ({' '.join(statement.split())[:80]} …).",
                remedy="do it with the lab's own pipeline.",
            )

    def without_constraints(self, statement: str) -> str:
        """Return a CREATE TABLE without the foreign keys into the lab's schemas; the attributes stay."""
        quote = self._connection.adapter.quote_identifier
        names = "|".join(re.escape(quote(name)) for name in sorted(self._names))
        return re.sub(rf",\s*FOREIGN KEY \([^)]*\) REFERENCES (?:{names})\.[^,]*?\([^)]*\)[^,)\n]*", "", statement)


class _LabHeading(dj.heading.Heading):  # type: ignore[misc]
    """What one of the lab's tables has, with the origin of its attributes worked out from its foreign keys."""

    def __init__(self, lab: LabTables, table_info: dict[str, Any]) -> None:
        super().__init__(table_info=table_info)
        self._lab = lab

    def _init_from_database(self) -> None:
        super()._init_from_database()
        schema, table = self.table_info["database"], self.table_info["table_name"]
        keys = self._lab._foreign_keys()
        self._attributes: Any = {
            name: attribute._replace(lineage=self._lab.origin(schema, table, name))
            if attribute.in_key or (schema, table, name) in keys
            else attribute
            for name, attribute in self._attributes.items()
        }
        self._lineage_available = True
