"""``publication-report``."""

from __future__ import annotations

import click

from mapshell.context import Context, pass_context


@click.command()
@click.option(
    "--since",
    default="yesterday",
    show_default=True,
    metavar="WHEN",
    help="From when on to tell what was done: yesterday, today, friday, 2d, 12h, 22:00, 2026-11-20, 2026-11-20T22:00.",
)
@click.option("--no-notify", is_flag=True, help="Do not pass the report on to notify.command.")
@pass_context
def report(context: Context, *, since: str, no_notify: bool) -> None:
    """Tell what needs a person, what was done since yesterday, what waits, and which computers were seen.

    What needs a person comes first, each with the command that mends it: sessions that were refused, changed, or wait
    for long; what verify found; computers that missed their night; rounds that failed; disks that fill up; logins that
    end. Then what was archived, fetched, verified and reclaimed. Ends with 3 when something needs a person, with 0 when
    nothing does. Reads the database, and looks at this computer's folders; asks Globus nothing.

    Where notify.command is set, that program gets the report as JSON on its standard input: by e-mail or chat it
    reaches who must know.

    \b
    Examples:
      mapshell publication-report
      mapshell publication-report --since friday
      mapshell publication-report --since 12h --format json --no-notify
    """
    from mapshell.errors import Partial
    from mapshell.show_report import show, show_passed_on
    from pipeline import morning
    from pipeline.errors import DatabaseError, MapshellError, ServiceError

    stopped: MapshellError | None = None
    try:
        context.database()
        made = morning.make(context.settings, since, environ=context.environ)
    except (DatabaseError, ServiceError) as error:  # who must know of it would else hear nothing at all
        stopped = error
        made = morning.unreachable(context.settings, since, context.clock.now(), error)
    show(context.output, made)
    if not no_notify and context.settings.notify.command:
        morning.tell(context.settings, made, context.environ)
        show_passed_on(context.output, context.settings)
    if stopped is not None:
        raise stopped
    if not made.whole:
        raise Partial
