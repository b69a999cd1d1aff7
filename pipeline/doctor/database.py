"""The database: reachable, fit, with tables that this program knows, and rights to write them; nothing is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.doctor.findings import Finding, Subject, failure, ok, skipped, warning
from pipeline.errors import DatabaseReadOnly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.database.binding import Binding
    from pipeline.doctor.world import World

_FIRST = "nothing to do: the first command that needs them makes them."


def reachable(world: World, _: Subject) -> Iterable[Finding]:
    """Connect; the embedded server is started when it has been made."""
    from pipeline.database import server

    own = world.settings.database
    if own.host is None and own.embedded is not None:
        from pipeline import embedded

        if not embedded.status(own.embedded).exists:
            yield warning(f"The embedded database in {own.embedded} has not been made yet.", _FIRST)
            return
        embedded.start(own.embedded)
    world.connect()
    bound, place = world.connection, world.connection.target
    kind = server.version(bound)
    facts = {"server": kind, "place": place.place, "user": place.user, "prefix": own.schema_prefix}
    where = f"embedded in {own.embedded}" if place.embedded else f"at {place.place}"
    name = f", database {place.name}" if place.name and not place.embedded else ""
    yield ok(f"{kind} {where} as {place.user}{name}", database=place.name or "", **facts)
    server.check(bound)


def tables(world: World, _: Subject) -> Iterable[Finding]:
    """Compare the version of the tables with what this program knows."""
    from pipeline.database import binding, migrations, standing_in, versions

    bound = binding.get_current()
    if bound is None or not world.connected:
        yield skipped(world.why_no_tables)
        return
    latest = migrations.latest_version()
    stored = versions.read(bound)
    facts = {"version": None if stored is None else stored.version, "known": latest}
    standing_in.check(bound, there=stored is not None)
    if stored is None:
        yield from _no_tables(bound, facts)
        return
    versions.refuse_newer(bound, stored, latest)
    world.has_tables = True
    steps = migrations.missing(stored)
    names = "; ".join(f"version {step.number} ({step.description})" for step in steps)
    if migrations.locking(stored, steps):
        world.has_tables, world.why_no_tables = False, "the tables must be brought forward first"
        yield warning(
            f"The tables have version {stored.version}; this mapshell needs {latest}: {names}. The step locks out "
            "computers with an older mapshell, so commands refuse until it is taken.",
            "upgrade mapshell on the computers that share this database, then: mapshell database upgrade",
            **facts,
        )
    elif steps:
        yield warning(
            f"The tables have version {stored.version}; the next command that writes adds {names}.",
            "nothing to do, if this account may make tables; else ask the administrator to run `mapshell database "
            "upgrade` once.",
            **facts,
        )
    elif stored.version > latest:
        yield warning(
            f"The tables have version {stored.version}, made by mapshell {stored.program}; this mapshell knows "
            f"{latest}, and may go on writing.",
            "upgrade mapshell on this computer when it suits: pipx upgrade mapshell",
            **facts,
        )
    else:
        beside = f"; the lab's own: {', '.join(bound.lab.schemas.values())}" if bound.lab else ""
        yield ok(f"version {stored.version}, schemas {bound.prefix}...{beside}", **facts)


def _no_tables(bound: Binding, facts: dict[str, int | None]) -> Iterable[Finding]:
    from pipeline.admin.rights import rights as told_rights
    from pipeline.database import server

    connection = bound.connection
    place = f"the database at {connection.target.place}"
    schemas = [bound.schema_name(group) for group in bound.own_groups]
    there = [schema for schema in schemas if server.schema_exists(connection, schema)]
    if told_rights(connection, schemas, there).create is not False:
        yield warning(f"There are no tables of mapshell in {place} yet ({bound.prefix}...).", _FIRST, **facts)
        return
    yield failure(
        DatabaseReadOnly(
            f"There are no tables of mapshell in {place} ({bound.prefix}...), and the account "
            f"{connection.target.user} may not make them.",
            remedy="ask the database's administrator to run `mapshell database upgrade` once under an account that "
            "may create schemas, or correct database.prefix.",
        ),
        **facts,
    )


def rights(world: World, _: Subject) -> Iterable[Finding]:
    """Look whether the account may write rows, without touching one."""
    from pipeline import database

    if not world.has_tables:
        yield skipped(world.why_no_tables)
        return
    user = world.connection.target.user
    try:
        database.ensure_writable()
    except DatabaseReadOnly as error:
        said = f"The account {user} may only read at {world.connection.target.place}."
        if world.settings.globus.local_roots:
            yield failure(
                DatabaseReadOnly(f"{said} This computer has local folders, but cannot publish.", remedy=error.remedy),
                writes=False,
            )
        else:
            yield ok(f"account {user}: may only read, which is enough for retrieve, verify and status", writes=False)
    else:
        yield ok(f"account {user}: may read and write", writes=True)


def lab(world: World, _: Subject) -> Iterable[Finding]:
    """Tell what the lab's tables hold; sessions of animals without a short name can never be archived."""
    from pipeline import experiment
    from pipeline import lab as tables_of_lab
    from pipeline.database.entering import fitting

    if not world.has_tables:
        yield skipped(world.why_no_tables)
        return
    sessions, animals = len(experiment.Session()), len(tables_of_lab.Subject())
    nameless = len(experiment.Session() - tables_of_lab.WaterRestriction.proj())
    if not sessions:
        yield warning(
            "The lab's tables know no session: there is nothing that could be archived.",
            "enter animals and sessions: mapshell ingest-subjects SHEET, then mapshell ingest-recordings (in the lab's "
            "own tables, where these stand in, with the lab's own program).",
            sessions=0,
        )
    elif nameless:
        yield warning(
            f"{nameless} of {sessions} sessions are of animals without a water restriction, which names folders.",
            fitting("enter it with `mapshell ingest-subjects SHEET`."),
            sessions=sessions,
        )
    else:
        yield ok(f"{sessions} sessions of {animals} animals", sessions=sessions, animals=animals)
