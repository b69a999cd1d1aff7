"""``publication-discover``."""

from __future__ import annotations

import click

from mapshell.commands.choosing import Choice, choosing_sessions
from mapshell.context import Context, pass_context


@click.command()
@choosing_sessions
@click.option("--create-sessions", is_flag=True, help="Make subjects and sessions that only a manifest knows.")
@click.option("--restore", is_flag=True, help="Bring back what was deleted from the index on purpose.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@pass_context
def discover(
    context: Context,
    *,
    choice: Choice,
    create_sessions: bool,
    restore: bool,
    dry_run: bool,
) -> None:
    """Rebuild the index from the archive alone.

    Sessions with a manifest get exactly the rows that were lost, checked against what the archive lists. Folders
    without one, archived by hand perhaps, are given to sessions by their names, and called present, never archived.
    What was deleted on purpose stays deleted. The archive is only read. Running it again is safe at any time.

    \b
    Examples:
      mapshell publication-discover --dry-run
      mapshell publication-discover --type ephys --subject SC038 --since 2019-11-01
      mapshell publication-discover --create-sessions
    """
    from mapshell.errors import end
    from mapshell.show_discover import show
    from pipeline import publication
    from pipeline.discovering import discover as rebuild

    context.database()
    with context.output.progress() as progress:
        report = rebuild(
            context.settings,
            context.globus,
            [publication.archived_table(each)() for each in choice.kinds],
            create_sessions=create_sessions,
            restore=restore,
            dry_run=dry_run,
            subjects=choice.subjects,
            numbers=choice.numbers,
            since=choice.since,
            until=choice.until,
            progress=progress,
        )
    show(context.output, report)
    end(report)
