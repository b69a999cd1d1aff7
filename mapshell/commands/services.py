"""``mapshell services``: the local database and sandbox that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from mapshell.local_services import ServiceRow


@click.group()
def services() -> None:
    """Start, stop and list the local database and sandbox that the settings name.

    Commands start them by themselves; a notebook does not.

    \b
    Examples:
      mapshell services start
      mapshell services status --format json
      mapshell services stop
    """


@services.command()
@click.option(
    "--idle-minutes",
    type=click.FloatRange(min=0),
    metavar="N",
    help="End the database after N minutes without a client; 0 means never. By default 30.",
)
@pass_context
def start(context: Context, idle_minutes: float | None) -> None:
    """Start what does not run.

    \b
    Example:
      mapshell services start --idle-minutes 0
    """
    from mapshell import local_services

    _show(context, local_services.start(context, idle_minutes=idle_minutes))


@services.command()
@pass_context
def stop(context: Context) -> None:
    """Stop what runs.

    \b
    Example:
      mapshell services stop
    """
    from mapshell import local_services

    stopped = local_services.stop(context)
    text = f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running."
    context.output.result({"stopped": stopped}, lambda: context.output.say(text))


@services.command()
@pass_context
def status(context: Context) -> None:
    """Show what runs, and where.

    \b
    Example:
      mapshell services status
    """
    from mapshell import local_services

    _show(context, local_services.status(context))


def _show(context: Context, rows: list[ServiceRow]) -> None:
    from mapshell.output import Column

    columns = [
        Column("Service", "service"),
        Column("State", "state", style=lambda row: "green" if row["state"] == "running" else "dim"),
        Column("Address", "address"),
        Column("Process", "pid", align="right"),
        Column("Folder", "folder"),
    ]
    empty = "The settings name no local service: neither database.embedded nor globus.sandbox."
    context.output.table([row.as_row() for row in rows], columns, empty=empty)
