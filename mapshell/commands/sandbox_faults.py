"""``mapshell sandbox fault``, ``collection`` and ``task``: things go wrong on demand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapshell.commands.sandbox_root import root_option, running
from mapshell.context import Context, pass_context
from mapshell.sandbox.fault_kinds import FIELDS, KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mapshell.sandbox.client import SandboxAdmin
    from mapshell.sandbox.fault_kinds import Scope

_SCOPES: dict[Scope, str] = {
    "request": "Requests",
    "task": "Tasks",
    "collection": "Collections, at once (or just before a request, if one is chosen)",
    "token": "Tokens, likewise",
}
#: Options whose names read better than the fields'.
_OPTIONS = {"paths": "--path", "domains": "--domain"}
_TYPES: Mapping[str, Any] = {"whole": click.INT, "number": click.FLOAT, "text": click.STRING, "texts": click.STRING}


@click.group()
def fault() -> None:
    """Let things go wrong on demand: requests, tasks, collections, tokens.

    \b
    Examples:
      mapshell sandbox fault add status --status 503 --count 3
      mapshell sandbox fault add lie --how flip --file '*.bin'
      mapshell sandbox fault list
      mapshell sandbox fault clear
    """


def _kinds() -> str:
    """Return all kinds with their lines of help, as they stand in the help of ``fault add``."""
    blocks = []
    for scope, title in _SCOPES.items():
        lines = [f"  {name:<17} {kind.help}" for name, kind in KINDS.items() if kind.scope == scope]
        blocks.append("\n".join(["\b", f"{title}:", *lines]))
    return "\n\n".join(blocks)


def _fields(function: Callable[..., Any]) -> Any:
    """Add an option for each field of a fault that can be typed."""
    for name, field in reversed(FIELDS.items()):
        option = _OPTIONS.get(name, "--" + name.replace("_", "-"))
        if field.type == "flag":
            function = click.option(option, name, is_flag=True, default=None, help=field.help)(function)
        elif field.type in _TYPES:
            metavar = {"text": "TEXT", "texts": "TEXT", "number": "NUMBER"}.get(field.type, "N")
            function = click.option(
                option, name, type=_TYPES[field.type], multiple=field.type == "texts", metavar=metavar, help=field.help
            )(function)
    return function


@fault.command(
    help=f"""Put a fault in force, now and after a restart, until it has struck or is cleared.

\b
Examples:
  mapshell sandbox fault add status --status 429 --retry-after 2 --request 'transfer/*' --count 3
  mapshell sandbox fault add cut --method GET --request 'https/*' --probability 0.2 --seed 7
  mapshell sandbox fault add fail --partial --after-files 3 --label 'mapshell publish*'
  mapshell sandbox fault add offline --collection UUID
  mapshell sandbox fault add token-expired --request '*/ls' --nth 3

{_kinds()}

Patterns know * and ?. Each kind has its own options; what does not belong to it is refused."""
)
@click.argument("kind", metavar="KIND")
@_fields
@click.option("--always", is_flag=True, help="Each time, until it is cleared.")
@root_option
@pass_context
def add(ctx: Context, root: Path | None, kind: str, *, always: bool, **given: Any) -> None:
    """Put a fault in force; the help is above, made of the kinds."""
    from mapshell.sandbox.faults import read_fault
    from pipeline.errors import UsageError

    fields = {name: value for name, value in given.items() if value is not None and value != ()}
    if always:
        if "count" in fields or "nth" in fields:
            raise UsageError("--always goes with neither --count nor --nth.", remedy="Give one of them.")
        fields["count"] = None
    told = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    one = read_fault({"kind": kind, **told})
    (number,) = running(ctx, root).admin.add_faults(one)
    ctx.output.result(
        {"numbers": [number]},
        lambda: ctx.output.say(f"{'Done' if one.leaves else f'Fault {number} is in force'}: {_words(one.to_json())}."),
    )


@fault.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@root_option
@pass_context
def load(ctx: Context, root: Path | None, file: Path) -> None:
    """Put the faults of a JSON file in force, all or none.

    The file is a list of objects, each with a kind and the fields that are the options of fault add, with _ for -.

    \b
    Example of a file:
      [{"kind": "status", "status": 503, "probability": 0.05, "seed": 1},
       {"kind": "lie", "how": "flip", "file": "*.bin", "nth": 3}]
    """
    faults = read_file(file)
    numbers = running(ctx, root).admin.add_faults(*faults)
    ctx.output.result({"numbers": numbers}, lambda: ctx.output.say(f"In force: {len(numbers)} faults of {file}."))


def read_file(file: Path) -> list[Any]:
    """Read a file of faults.

    Raises
    ------
    pipeline.errors.UsageError
        It cannot be read, or a fault in it makes no sense.
    """
    from mapshell.sandbox.faults import read_faults
    from pipeline.errors import UsageError

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.", remedy="Name a JSON file in UTF-8.") from error
    return list(read_faults(text, str(file)))


@fault.command("list")
@root_option
@pass_context
def list_(ctx: Context, root: Path | None) -> None:
    """Show the faults in force, and how often each has struck.

    \b
    Example:
      mapshell sandbox fault list
    """
    from mapshell.output import Column

    entries = running(ctx, root).admin.faults()
    if ctx.output.for_programs:
        ctx.output.data([{name: entry[name] for name in ("number", "fault", "seen", "fired")} for entry in entries])
        return
    rows = [{**entry, "what": _words(entry["fault"])} for entry in entries]
    columns = [Column("No", "number", "right"), Column("Fault", "what")]
    columns += [Column("Met", "seen", "right", kind="number"), Column("Struck", "fired", "right", kind="number")]
    ctx.output.table(rows, columns, empty="No fault is in force.")


@fault.command()
@click.argument("numbers", nargs=-1, type=click.IntRange(min=1), metavar="[NUMBER]...")
@root_option
@pass_context
def clear(ctx: Context, root: Path | None, numbers: tuple[int, ...]) -> None:
    """Forget faults, those of the numbers or all; spoilt collections are as they were, stuck tasks go on.

    Tokens that ended and consents that were withdrawn stay so: log in again.

    \b
    Examples:
      mapshell sandbox fault clear
      mapshell sandbox fault clear 3
    """
    cleared = running(ctx, root).admin.clear_faults(*numbers)
    ctx.output.result({"cleared": cleared}, lambda: ctx.output.say(f"Cleared: {cleared}."))


def _words(fault: Mapping[str, Any]) -> str:
    shown = {name: "always" if value is None else value for name, value in fault.items() if name != "kind"}
    return " ".join([str(fault["kind"]), *(f"{name}={value}" for name, value in shown.items())])


@click.command()
@click.argument("task_id", metavar="TASK")
@click.argument("action", type=click.Choice(("release", "hold", "pause", "inactive", "cancel", "fail", "expire")))
@root_option
@pass_context
def task(ctx: Context, root: Path | None, task_id: str, action: str) -> None:
    """Do something to a task, as an administrator would; release lets one that waits go on.

    TASK is its id, or its number as `mapshell sandbox log` shows it.

    \b
    Examples:
      mapshell sandbox task 3 pause
      mapshell sandbox task 3 release
    """
    from pipeline.errors import UsageError

    admin = running(ctx, root).admin
    found = _task(admin, task_id)
    if found is None:
        raise UsageError(f"The sandbox has no task {task_id}.", remedy="See them: mapshell sandbox log --tasks")
    if found["completion_time"] is not None:
        raise UsageError(
            f"The task {task_id} has ended: {found['status']}.", remedy="Choose one that is ACTIVE or INACTIVE."
        )
    admin.control_task(found["task_id"], action)
    now = _task(admin, task_id) or found
    ctx.output.result(
        now, lambda: ctx.output.say(f"{action}: the task is {now['status']}, {now['nice_status'] or 'ended'}.")
    )


def _task(admin: SandboxAdmin, task_id: str) -> Mapping[str, Any] | None:
    wanted = task_id.lower()
    return next((each for each in admin.tasks() if wanted in {each["task_id"], str(each["number"])}), None)
