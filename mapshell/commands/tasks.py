"""``mapshell tasks``: transfers of the journal, and how they stand at Globus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from datetime import datetime


@click.group(invoke_without_command=True)
@click.pass_context
def tasks(ctx: click.Context) -> None:
    """List transfers of the journal with how they stand at Globus, wait for them, or cancel them.

    The journal has every transfer that was ever asked for, from all computers. Without a further word this lists those
    that are open: their files are not recorded as archived yet.

    \b
    Examples:
      mapshell tasks
      mapshell tasks list --all --since yesterday
      mapshell tasks wait --timeout 2h
      mapshell tasks cancel 5d3f8a21
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@tasks.command("list", short_help="List transfers, and how they stand at Globus.")
@click.option("--all", "ended", is_flag=True, help="Those that have ended, too.")
@click.option("--since", default="", metavar="WHEN", help="Begun since: yesterday, friday, 2d, 2026-11-20, 22:00.")
@pass_context
def list_(context: Context, *, ended: bool = False, since: str = "") -> None:
    """List transfers of the journal, the newest last, and how they stand at Globus.

    Globus shows a task to the login that submitted it; of the others, and when Globus cannot be asked, the journal's
    word is shown alone. Changes nothing.

    \b
    Examples:
      mapshell tasks
      mapshell tasks list --all --since friday
      mapshell tasks list --format json
    """
    from mapshell.show_tasks import show
    from pipeline.errors import MapshellError
    from pipeline.globus import GlobusStorageManager
    from pipeline.globus.transport import Patience
    from pipeline.transfers.journalled import transfers
    from pipeline.transfers.live import look, unasked

    context.database()
    entries = transfers(ended=ended, since=_since(context, since))
    unknown: MapshellError | None = None
    seen = unasked(entries)
    if any(each.live == "not known" for each in seen):
        try:
            context.start_sandbox()
            patience = Patience(retries=0, total=10.0, timeout=5.0)
            with GlobusStorageManager(context.settings, interactive=False, patience=patience) as manager:
                seen = look(manager, entries)
        except MapshellError as error:
            unknown = error
    show(context.output, seen, unknown, now=context.clock.now(), ended=ended)


@tasks.command(short_help="Wait until transfers have ended at Globus.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--timeout", default="", metavar="TIME", help="Wait no longer than this, such as 2h.")
@pass_context
def wait(context: Context, ids: tuple[str, ...], *, timeout: str) -> None:
    """Wait until transfers have ended at Globus: those named, or all that are open.

    ID is the beginning of a task's id. The next publication-publish checks what arrived, and records it as archived.
    Ends with 3 when one failed, needs a person, or takes longer than --timeout.

    \b
    Examples:
      mapshell tasks wait
      mapshell tasks wait 5d3f8a21 --timeout 2h
    """
    from mapshell.errors import Partial
    from mapshell.show_tasks import show_waited
    from pipeline.amounts import duration
    from pipeline.transfers.choosing import choose
    from pipeline.transfers.journalled import transfers
    from pipeline.transfers.waiting import wait as wait_for

    most = duration(timeout) if timeout else None
    context.database()
    entries = choose(ids, transfers(ended=True)) if ids else transfers()
    with context.output.progress() as progress:
        waited = wait_for(
            context.globus(),
            entries,
            context.clock,
            progress,
            timeout=most,
            poll_seconds=context.settings.archive.poll_seconds,
        )
    show_waited(context.output, waited, now=context.clock.now())
    if not waited.whole:
        raise Partial


@tasks.command(short_help="Cancel transfers at Globus.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("-y", "--yes", is_flag=True, help="Cancel without asking.")
@pass_context
def cancel(context: Context, ids: tuple[str, ...], *, yes: bool) -> None:
    """Cancel transfers at Globus that have not ended; nothing that is archived is touched.

    ID is the beginning of a task's id. The journal keeps the transfer: the next publication-publish takes note of its
    end, the one after that sends the files again.

    \b
    Examples:
      mapshell tasks cancel 5d3f8a21
      mapshell tasks cancel 5d3f8a21 0b7c44fe --yes
    """
    from mapshell.show_tasks import show_cancelled, show_to_cancel
    from pipeline.errors import UsageError
    from pipeline.transfers.cancelling import cancel as end
    from pipeline.transfers.cancelling import cancellable
    from pipeline.transfers.choosing import choose
    from pipeline.transfers.journalled import transfers

    if not (yes or context.interactive):
        raise UsageError("Nobody is there to be asked whether tasks shall be cancelled.", remedy="say --yes.")
    context.database()
    store = context.globus()
    seen = cancellable(store, choose(ids, transfers(ended=True)))
    if not yes:
        show_to_cancel(context.output, seen)
        click.confirm("Cancel?", abort=True, err=True)
    end(store, seen)
    show_cancelled(context.output, seen)


def _since(context: Context, text: str) -> datetime | None:
    from zoneinfo import ZoneInfo

    from pipeline.morning.since import since

    return since(text, context.clock.now(), ZoneInfo(context.settings.archive.timezone)) if text else None
