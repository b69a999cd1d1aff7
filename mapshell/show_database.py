"""How the database, and steps of its tables, are shown; no work is done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapshell.output import Output
    from pipeline.admin.state import DatabaseState, SchemaState
    from pipeline.admin.upgrading import Upgrade
    from pipeline.database.writers import Writer

WORDS = {
    "Subject": "subjects",
    "Session": "sessions",
    "GlobusStorageLocation": "storage locations",
    "DataSet": "datasets",
    "DataSet.PhysicalFile": "files",
    "ArchivedRawEphys": "sessions of raw ephys",
    "ArchivedTrackingVideo": "of video",
}
FACTS = (Column("Database", "what", style="bold", wrap=False), Column("", "value"))
SCHEMAS = (
    Column("Schema", "schema", wrap=False),
    Column("Whose", "whose"),
    Column("Tables", "said", align="right"),
    Column("Size", "bytes", align="right", kind="bytes"),
)
WRITERS = (
    Column("Computer", "computer"),
    Column("mapshell", "program"),
    Column("Knows version", "knows", align="right"),
    Column("Wrote last (UTC)", "last_at"),
    Column("Now", "now"),
)


def show(output: Output, state: DatabaseState) -> None:
    """Show what is at the database."""
    if output.for_programs:
        output.data(document(state))
        return
    output.table(list(_facts(state)), FACTS)
    output.say()
    output.table([{**_schema(each), "said": _tables(each), "whose": _whose(each)} for each in state.schemas], SCHEMAS)
    if state.writers:
        output.say()
        output.table([_writer(each) for each in state.writers], WRITERS)
    for step in state.steps:
        output.say(f"Missing: version {step.number}, {step.description}{_locks(step.locks_out)}.")


def _facts(state: DatabaseState) -> list[dict[str, Any]]:
    stored, counts = state.stored, list(state.rows.items())
    place = "on this computer alone" if state.kind == "embedded" else f"at {state.place}"
    encrypted = {True: ", encrypted", False: ", not encrypted", None: ""}[state.encrypted]
    facts = [
        ("Server", f"{state.server}, {place}{'' if state.kind == 'embedded' else encrypted}"),
        ("Name", state.database),
        ("Account", f"{state.account}: {state.rights}"),
        ("Schemas", f"{state.prefix}..."),
        ("Version", _version(state)),
        ("May write", f"programs that know version {stored.oldest_writer} or later" if stored else ""),
        ("This program", f"mapshell {state.program}, knows version {state.known}"),
        ("Rows", ", ".join(f"{'?' if n is None else format(n, ',')} {WORDS[name]}" for name, n in counts[:3])),
        ("", ", ".join(f"{'?' if n is None else format(n, ',')} {WORDS[name]}" for name, n in counts[3:])),
    ]
    if state.size is not None:
        facts.append(("Size", human_bytes(state.size)))
    return [{"what": what, "value": value} for what, value in facts if value]


def _version(state: DatabaseState) -> str:
    stored = state.stored
    if stored is None:
        return "cannot be told" if state.problem is not None else "none yet: the first use makes the tables"
    made = f" on {stored.applied_at:%Y-%m-%d}" if stored.applied_at is not None else ""
    return f"{stored.version}, made by mapshell {stored.program}{made}"


def _tables(schema: SchemaState) -> str:
    if not schema.exists:
        return "not there"
    if schema.lab:
        return f"{schema.tables} read"
    foreign = f", and {len(schema.foreign)} of another program" if schema.foreign else ""
    return f"{schema.tables} of {schema.expected}{foreign}"


def _whose(schema: SchemaState) -> str:
    return "the lab's, only read" if schema.lab else "mapshell's"


def _schema(schema: SchemaState) -> dict[str, Any]:
    return {
        "group": schema.group,
        "schema": schema.name,
        "exists": schema.exists,
        "lab": schema.lab,
        "tables": schema.tables,
        "of_tables": schema.expected,
        "foreign": list(schema.foreign),
        "bytes": schema.size,
    }


def _writer(writer: Writer) -> dict[str, Any]:
    return {
        "computer": writer.computer,
        "program": writer.program or "unknown",
        "knows": writer.knows,
        "last_at": "" if writer.last is None else f"{writer.last:%Y-%m-%d %H:%M}",
        "now": "at work" if writer.working else "",
    }


def _locks(locks_out: bool) -> str:
    return " (locks out computers with an older mapshell)" if locks_out else ""


def show_upgrade(output: Output, upgrade: Upgrade, *, ahead: bool) -> None:
    """Show steps that would be taken, or were; ``ahead``: before somebody is asked."""
    if output.for_programs:
        if not ahead:
            output.data(upgrade_document(upgrade))
        return
    if upgrade.nothing_to_do:
        output.say(f"The tables at {upgrade.place} ({upgrade.prefix}...) have version {upgrade.before}: nothing to do.")
        return
    if upgrade.done:
        output.say(f"The tables at {upgrade.place} ({upgrade.prefix}...) have version {upgrade.after} now.")
        return
    if upgrade.before is None:
        output.say(f"Would make all tables at {upgrade.place} ({upgrade.prefix}...), version {upgrade.after}.")
        return
    output.say(
        f"The tables at {upgrade.place} ({upgrade.prefix}...) have version {upgrade.before}, made by mapshell "
        f"{upgrade.made_by}. Steps to version {upgrade.after}:"
    )
    for step in upgrade.steps:
        output.say(f"  {step.number}  {step.description}{_locks(step.locks_out)}")
    if upgrade.locks_out:
        output.warn(
            f"afterwards only a mapshell that knows version {upgrade.oldest_writer} or later may write. Upgrade "
            "mapshell on every other computer first; one that is older refuses to work until that is done."
        )
        if upgrade.behind:
            output.table([_writer(each) for each in upgrade.behind], WRITERS, title="Would be locked out, or may be:")
        else:
            output.say("As far as the database knows, no computer with an older mapshell wrote here.")


def _when(value: Any) -> str | None:
    return None if value is None else value.isoformat() + "Z"


def _writers(found: list[Writer]) -> list[Mapping[str, Any]]:
    return [
        {
            "computer": each.computer,
            "program": each.program,
            "knows_version": each.knows,
            "last_at": _when(each.last),
            "working": each.working,
        }
        for each in found
    ]


def document(state: DatabaseState) -> dict[str, Any]:
    """Return what is at the database as JSON data."""
    stored, problem = state.stored, state.problem
    return {
        "server": state.server,
        "kind": state.kind,
        "place": state.place,
        "database": state.database or None,
        "encrypted": state.encrypted,
        "account": state.account,
        "rights": {
            "read": state.rights.read,
            "write": state.rights.write,
            "create": state.rights.create,
            "server": state.rights.server or None,
        },
        "prefix": state.prefix,
        "version": None if stored is None else stored.version,
        "oldest_writer": None if stored is None else stored.oldest_writer,
        "made_by": None if stored is None else stored.program,
        "made_at": None if stored is None else _when(stored.applied_at),
        "program": state.program,
        "program_knows": state.known,
        "missing": [
            {"version": each.number, "description": each.description, "locks_out": each.locks_out}
            for each in state.steps
        ],
        "schemas": [_schema(each) for each in state.schemas],
        "rows": state.rows,
        "bytes": state.size,
        "writers": _writers(state.writers),
        "usable": problem is None,
        "problem": None if problem is None else {"message": problem.message, "remedy": problem.remedy},
    }


def upgrade_document(upgrade: Upgrade) -> dict[str, Any]:
    """Return an upgrade as JSON data."""
    return {
        "place": upgrade.place,
        "prefix": upgrade.prefix,
        "before": upgrade.before,
        "after": upgrade.after,
        "oldest_writer": upgrade.oldest_writer,
        "steps": [
            {"version": each.number, "description": each.description, "locks_out": each.locks_out}
            for each in upgrade.steps
        ],
        "locks_out": upgrade.locks_out,
        "writers": _writers(upgrade.writers),
        "would_lock_out": [each.computer for each in upgrade.behind],
        "done": upgrade.done,
    }
