"""``mapshell doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from pipeline.doctor import Section
    from pipeline.settings import Settings

_SECTIONS = ("configuration", "computer", "database", "login", "collections", "folders", "archive", "journal")


@click.command()
@click.option("--offline", is_flag=True, help="Ask Globus nothing.")
@click.option("--no-write", is_flag=True, help="Write nothing: no probe in the local folders, none at the archives.")
@click.option(
    "--only",
    "sections",
    type=click.Choice(_SECTIONS),
    multiple=True,
    metavar="SECTION",
    help="Show this section alone; may be repeated. One of: " + ", ".join(_SECTIONS) + ".",
)
@pass_context
def doctor(context: Context, *, offline: bool, no_write: bool, sections: tuple[Section, ...]) -> None:
    """Look whether everything is set up to archive, and say what would mend what is not.

    Looks at the settings, this computer (versions, clock, disks, private files), the database, the login and its
    consents, every collection, every local folder (is it the very folder that Globus has under its path?), every
    archive, and what waits in the journal. Each line is ok, warning, failure, or skipped with the reason.

    Nothing is changed. Probes in the local folders are taken away again; at an archive, where nothing is ever deleted,
    one empty folder .mapshell-doctor stays (--no-write: not even that).

    Ends with 0 when nothing fails (warnings do not count), else with 5 when the configuration must be corrected, 4
    when a login is needed, 1 for everything else: the first of these that applies.

    \b
    Examples:
      mapshell doctor
      mapshell doctor --offline
      mapshell doctor --only folders --only archive
      mapshell doctor --no-write --format json
    """
    from mapshell.errors import exit_code
    from mapshell.show_doctor import show
    from pipeline.doctor import World
    from pipeline.doctor.run import look

    world = World(
        context.environ,
        context.clock,
        file=context.options.config,
        offline=offline,
        write=not no_write,
        start_globus=lambda settings: _start_sandbox(context, settings),
    )
    with context.output.progress() as progress:
        progress.task("doctor", "Looking")
        report = look(world, only=sections, tell=lambda what: progress.update("doctor", note=what))
    show(context.output, report)
    if report.worst is not None:
        click.get_current_context().exit(exit_code(report.worst))


def _start_sandbox(context: Context, settings: Settings) -> None:
    """Start the local Globus service that the settings name; one that was never made stays so."""
    context.settings = settings  # their warnings are among the findings
    folder = context.sandbox_folder
    if folder is not None and folder.is_dir():
        context.start_sandbox()
