"""``mapshell schedule``: rounds that the system starts by itself."""

from __future__ import annotations

import sys

import click

from mapshell.context import Context, pass_context


@click.group()
def schedule() -> None:
    """Let the system start rounds of publishing by itself: systemd, or the Task Scheduler of Windows.

    What is installed belongs to your account and to one configuration. Nothing that deletes is ever installed unless it
    is asked for by name.

    \b
    Examples:
      mapshell schedule install
      mapshell schedule install --every 15m --at 22:00-06:00
      mapshell schedule show
      mapshell schedule remove
    """


@schedule.command(short_help="Let the system start rounds by itself.")
@click.option(
    "--at",
    default="",
    metavar="HH:MM",
    help="When the round of each night begins, 22:00 by default; with --every the window, such as 22:00-06:00.",
)
@click.option("--every", default="", metavar="TIME", help="A service that goes on: a round every 15m, say.")
@click.option(
    "--report-at", default="", metavar="HH:MM", help="Time of the morning report, or never; 07:00 by default."
)
@click.option(
    "--reclaim",
    default="",
    metavar="AGE",
    help="Every day, free this disk of what was archived longer ago, such as 30d, and is proved; else never.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be installed, and install nothing.")
@pass_context
def install(context: Context, *, at: str, every: str, report_at: str, reclaim: str, dry_run: bool) -> None:
    """Install a round for each night, or with --every a service that goes on; again, it changes what is other.

    Of systemd these are units of your account (~/.config/systemd/user), of Windows tasks of your account that run while
    you are logged in. They name this program and this configuration by their full paths, and hold no secret. Times
    are those of archive.timezone, or of this computer.

    \b
    Examples:
      mapshell schedule install --dry-run
      mapshell schedule install --at 21:30 --report-at 06:45
      mapshell schedule install --every 15m --at 22:00-06:00 --reclaim 30d
    """
    from mapshell.show_schedule import show_installed
    from pipeline.schedule.installing import install as write
    from pipeline.schedule.plan import plan

    program = [sys.executable, "-m", "mapshell"]
    made = plan(context.settings, context.environ, program, at=at, every=every, report_at=report_at, reclaim=reclaim)
    show_installed(context.output, made, write(made, context.environ, dry_run=dry_run), dry_run=dry_run)


@schedule.command(short_help="Take away what was installed.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be taken away.")
@pass_context
def remove(context: Context, *, dry_run: bool) -> None:
    """Take away what was installed for this configuration; a round that runs now is ended at its next safe point.

    \b
    Examples:
      mapshell schedule remove --dry-run
      mapshell schedule remove
    """
    from mapshell.show_schedule import show_removed
    from pipeline.errors import ConfigError
    from pipeline.schedule.installing import remove as take_away
    from pipeline.schedule.plan import name_of, place_of

    file = context.settings.file
    if file is None:
        raise ConfigError(
            "There is no settings file, so nothing was ever scheduled for it.",
            remedy="name the file: --config FILE; `mapshell schedule show` lists all schedules.",
        )
    done = take_away(name_of(place_of(file)), context.environ, dry_run=dry_run)
    show_removed(context.output, done, file, dry_run=dry_run)


@schedule.command(short_help="Show what is installed, and when it runs.")
@pass_context
def show(context: Context) -> None:
    """Show what mapshell has installed for your account, of whatever configuration: when it ran, when it will.

    Ends with 3 when something keeps one of them from running: the program or the configuration is gone, a timer is off.

    \b
    Examples:
      mapshell schedule show
      mapshell schedule show --format json
    """
    from mapshell.errors import Partial
    from mapshell.show_schedule import show as show_all
    from pipeline.schedule.showing import installed

    found = installed(context.environ)
    show_all(context.output, found)
    if any(each.troubles for each in found):
        raise Partial
