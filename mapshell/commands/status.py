"""``publication-status``."""

from __future__ import annotations

from typing import get_args

import click

from mapshell.commands.choosing import Choice, choosing_sessions
from mapshell.context import Context, pass_context
from pipeline.archive.session import State


@click.command()
@choosing_sessions
@click.option(
    "--state",
    "states",
    type=click.Choice(get_args(State)),
    multiple=True,
    metavar="WORD",
    help='Only sessions in this state, such as queued or "archived with changes"; repeatable.',
)
@click.option("--totals", "only", flag_value="totals", help="Sums for each state instead of the list of sessions.")
@click.option("--computers", "only", flag_value="computers", help="Only the computers, and when each was last seen.")
@pass_context
def status(context: Context, *, choice: Choice, states: tuple[str, ...], only: str | None) -> None:
    """Show the board: every session with its state, what waits, disks, and every computer.

    States: not here (this computer has no folder of it), recording, refused, queued, in flight, archived, archived with
    changes, present (listed at the archive, never verified), reclaimed (archived, and its local files deleted),
    withdrawn. Every session is listed, once for each storage location; --state and --totals make it short.

    Below the list: what waits at each computer and for how long at its recent speed, in how many days this computer's
    disks are full, and the last sign of life of every computer. Reads the database and this computer's folders; asks
    Globus nothing.

    \b
    Examples:
      mapshell publication-status
      mapshell publication-status --totals
      mapshell publication-status --subject SC048 --type ephys
      mapshell publication-status --state refused --state "archived with changes"
      mapshell publication-status --computers --format json
    """
    from mapshell.show_board import show_board
    from pipeline.board.board import board

    context.database()
    chosen = choice.restrictions()
    found = board(context.settings, choice.kinds, chosen)
    zone = context.settings.archive.timezone
    show_board(
        context.output,
        found,
        zone=zone,
        states=states,
        restricted=bool(chosen) or choice.kind is not None,
        only=only or "",
    )
