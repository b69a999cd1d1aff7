"""Whether the lab's own tables stand in for ours, and whether they can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.database.first_look import SESSION, WATER_RESTRICTION, look
from pipeline.errors import ConfigError, DatabaseError
from pipeline.settings import lab

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.database.binding import Binding
    from pipeline.settings.types import DatabaseSettings

# What mapshell cannot do without, by group and table.
NEEDED = {
    ("lab", "subject"): {"subject_id"},
    ("lab", "water_restriction"): {"subject_id", "water_restriction_number"},
    ("experiment", "session"): {"subject_id", "session", "session_date"},
}


def schemas(settings: DatabaseSettings, there: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return the lab's own schemas by group of tables; empty when these tables are ours.

    ``there`` are tables of the server, as :func:`first_look.look` names them.  Where the configuration does not say, a
    server that holds a database of map-ephys is taken at its word, unless we have tables of our own there already.
    """
    if settings.lab_schemas is not None:
        return {group: schema for group, schema in settings.lab_schemas if group in lab.GROUPS}
    named = {group: lab.OLD_PREFIX + group for group in lab.GROUPS}
    if (f"{settings.schema_prefix}experiment", SESSION) in there or settings.schema_prefix == lab.OLD_PREFIX:
        return {}
    whole = {(named["lab"], WATER_RESTRICTION), (named["experiment"], SESSION)} <= {*there}
    return {group: named[group] for group in lab.GROUPS} if whole else {}


def check(binding: Binding, *, there: bool, seen: Collection[tuple[str, str]] | None = None) -> None:
    """Refuse tables that do not fit together.

    Parameters
    ----------
    binding
        The database.
    there
        Whether it has tables of ours.
    seen
        What the server has, when somebody has just looked.

    Raises
    ------
    ConfigError
        The lab's own tables are not there, or are not of the kind that is needed.
    DatabaseError
        Our tables were made for the lab's own tables, and now should have some of ours beside them, or the reverse.
    """
    if binding.lab:
        _check_needed(binding)
    if not there:
        return
    connection = binding.connection
    own = f"{binding.prefix}experiment"
    seen = look(connection, binding.prefix) if seen is None else seen
    if ((own, SESSION) in seen) != bool(binding.lab):
        return
    place = connection.target.place
    if binding.lab:
        raise DatabaseError(
            f"The tables of mapshell at {place} ({binding.prefix}…) were made with tables of their own for animals and "
            f"sessions ({binding.prefix}lab, {own}), not for the lab's ({binding.lab.schemas['experiment']}).",
            remedy="to read the lab's own tables, set database.prefix to a new name beside database.lab_prefix, and "
            "rebuild the index there with `mapshell publication-discover`; or remove database.lab_prefix.",
        )
    raise DatabaseError(
        f"The tables of mapshell at {place} ({binding.prefix}…) were made for the lab's own tables of animals and "
        "sessions, and the configuration does not name them.",
        remedy="set database.lab_prefix as on the lab's other computers, such as map_v2_; if it is set there, ask for "
        "the right to read (SELECT) in those schemas.",
    )


def _check_needed(binding: Binding) -> None:
    found = binding.lab.schemas
    place, user = binding.connection.target.place, binding.connection.target.user
    rows = binding.connection.query(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns "
        "WHERE table_schema IN (%s, %s) AND table_name IN ('subject', 'water_restriction', 'session')",
        (found["lab"], found["experiment"]),
    ).fetchall()
    has: dict[tuple[str, str], set[str]] = {}
    for schema, table, column in rows:
        has.setdefault((str(schema), str(table)), set()).add(str(column))
    for (group, table), columns in NEEDED.items():
        schema = found[group]
        if (schema, table) not in has:
            raise ConfigError(
                f"The lab's own table {schema}.{table} is not at {place}, or the account {user} may not read it.",
                remedy="check database.lab_prefix (the names of the lab's schemas begin with it), and that the account "
                f"may read: GRANT SELECT ON `{schema}`.* TO …; without database.lab_prefix mapshell has tables of its "
                "own.",
            )
        lacking = sorted(columns - has[schema, table])
        if lacking:
            raise ConfigError(
                f"The lab's own table {schema}.{table} at {place} has no {', '.join(lacking)}: mapshell cannot read "
                "animals and sessions from it.",
                remedy="remove database.lab_prefix: mapshell then keeps animals and sessions in tables of its own.",
            )
