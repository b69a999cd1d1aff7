"""``mapshell shell``."""

from __future__ import annotations

from pathlib import Path

import click

from mapshell.context import Context, pass_context


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("-c", "script", metavar="TEXT", help="Run these lines instead, and end.")
@pass_context
def shell(context: Context, *, file: Path | None, script: str | None) -> int:
    """Commands and Python under one prompt.

    A line that begins with a command's name runs it; anything else is Python, with the lab's tables at hand. Tab
    completes commands, options, subjects, sessions and folders of the archive. `help` explains the rest.

    FILE, -c TEXT or standard input run a script instead: it stops at the first error, with that line's exit status.

    \b
    Examples:
      mapshell shell
      mapshell shell night.txt
      mapshell shell -c "status --subject SC038"
      echo "publication.ArchivedRawEphys.fetch('KEY')" | mapshell shell
    """
    from mapshell.shell.start import run

    return run(context, file=file, script=script)
