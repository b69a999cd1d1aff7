"""``mapshell demo``: a whole synthetic recording day is archived, on this computer alone."""

from __future__ import annotations

from pathlib import Path

import click

from mapshell.context import Context, pass_context

DEFAULT_FOLDER = "mapshell-demo"


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help=f"Where the rig, the archive and the local services live. [default: {DEFAULT_FOLDER}]",
)
@click.option("--gigabytes", type=click.FloatRange(min=0.01), metavar="N", help="Make about so many GB of recordings.")
@click.option("--stop", is_flag=True, help="End the local services of DIR; then DIR can be deleted.")
@pass_context
def demo(context: Context, folder: Path | None, gigabytes: float | None, *, stop: bool) -> None:
    """Archive a small synthetic lab's recording days, to see how everything works.

    Makes a rig and an archive under DIR, a database and a local Globus (no account, no internet), enters the
    sessions, and publishes them with the code of publication-publish. Every command run inside DIR then just works.

    \b
    Examples:
      mapshell demo
      mapshell demo --dir /data/demo --gigabytes 20
      mapshell demo --stop
    """
    from mapshell.demo import run

    if stop:
        here = Path.cwd()
        run.stop(context.output, folder or (here if run.is_demo(here) else Path(DEFAULT_FOLDER)))
    else:
        run.run(context, folder or Path(DEFAULT_FOLDER), gigabytes)
