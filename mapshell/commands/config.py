"""``mapshell config``: show the settings and where each came from, or write the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.group()
def config() -> None:
    """Show the settings of this computer and where each came from, or write them.

    \b
    Examples:
      mapshell config show
      mapshell config show --format json
      mapshell config init
    """


@config.command()
@pass_context
def show(context: Context) -> None:
    """Show every setting, its value and where it came from; secrets are masked.

    \b
    Examples:
      mapshell config show
      mapshell config show --format json
    """
    from mapshell.config_view import SETTING_COLUMNS, document, folder_rows, setting_rows, write_folders

    settings = context.settings
    out = context.output

    def render() -> None:
        out.say(f"File: {settings.file}" if settings.file else "No dj_local_conf.json found: the defaults hold.")
        out.table(setting_rows(settings), SETTING_COLUMNS)
        write_folders(out, folder_rows(settings))
        if settings.foreign:
            out.say(f"Left alone, of DataJoint or other programs: {', '.join(settings.foreign)}")

    # Of the document's tables the settings are the one that rows of values are wanted of.
    out.result(setting_rows(settings) if out.format == "csv" else document(settings), render)


@config.command()
@pass_context
def reference(context: Context) -> None:
    """Explain every setting: what it means, its default, the environment variables that set it.

    \b
    Example:
      mapshell config reference
    """
    from mapshell.config_view import REFERENCE_COLUMNS, reference_rows

    context.output.table(reference_rows(), REFERENCE_COLUMNS)
    context.output.say(
        "Each may be set in the environment too: archive.quiet_seconds by MAPSHELL_ARCHIVE_QUIET_SECONDS."
    )


@config.command()
@click.option(
    "--file",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write this file instead of ./dj_local_conf.json.",
)
@click.option("--force", is_flag=True, help="Replace a file that exists; the old one is kept beside it.")
@click.option("--client-id", help="Client id of the application registered with Globus.")
@click.option("--local-endpoint", help="UUID of this computer's Globus collection.")
@click.option("--local-path", help="Folder with the recordings on this computer.")
@click.option("--globus-path", help="The same folder as Globus shows it.")
@click.option("--ephys-archive", metavar="UUID:/PATH", help="Collection and folder of the archive of recordings.")
@click.option("--video-archive", metavar="UUID:/PATH", help="Collection and folder of the archive of videos.")
@click.option("--database-host", help="The lab's database server; without it, a database on this computer.")
@click.option("--database-backend", type=click.Choice(["mysql", "mariadb", "postgresql"]), help="Kind of that server.")
@click.option("--database-port", type=click.IntRange(1, 65535), help="Its port.")
@click.option("--database-user", help="Account there; its password belongs into the environment as DJ_PASS.")
@click.option("--database-name", help="Database on a PostgreSQL server.")
@pass_context
def init(context: Context, target: Path | None, *, force: bool, **answers: Any) -> None:
    """Write a working dj_local_conf.json, by asking or from the options.

    Globus Connect Personal is recognised where it is installed.  Without a terminal nothing is asked: give the
    options.

    \b
    Example:
      mapshell config init --client-id UUID --local-endpoint UUID \\
        --local-path D:/recordings --globus-path /D/recordings \\
        --ephys-archive UUID:/mylab/raw-ephys --database-host db.mylab.org
    """
    from mapshell import config_init

    file = target or (context.options.config or Path.cwd() / "dj_local_conf.json")
    given: Mapping[str, Any] = {name: value for name, value in answers.items() if value is not None}
    config_init.refuse_to_overwrite(file, force=force)
    complete = config_init.complete(given, context)
    settings = config_init.write(file, complete, environ=context.environ)
    context.output.result(
        {"file": file, "settings": complete},
        lambda: context.output.data(str(file)),
    )
    config_init.tell_next(context.output, settings)
