"""``mapshell demo``: a whole synthetic recording day is archived, on this computer alone."""

from __future__ import annotations

from pathlib import Path

import click

from mapshell.context import Context, pass_context

DEFAULT_FOLDER = "mapshell-demo"
NIGHT_FOLDER = "mapshell-demo-faults"


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help=f"Where the rig, the archive and the local services live. [default: {DEFAULT_FOLDER}]",
)
@click.option("--gigabytes", type=click.FloatRange(min=0.01), metavar="N", help="Make about so many GB of recordings.")
@click.option("--faults", is_flag=True, help=f"A bad night: much goes wrong, nothing is lost. [in {NIGHT_FOLDER}]")
@click.option("--prepare", is_flag=True, help="Only make the lab; log in and publish yourself.")
@click.option("--stop", is_flag=True, help="End the local services of DIR; then DIR can be deleted.")
@pass_context
def demo(
    context: Context, folder: Path | None, gigabytes: float | None, *, faults: bool, prepare: bool, stop: bool
) -> None:
    """Archive a small synthetic lab's recording days, to see how everything works.

    Makes a rig and an archive under DIR, a database and a local Globus (no account, no internet), enters the
    sessions, and publishes them with the code of publication-publish. Every command run inside DIR then just works.

    With --faults, on a lab of its own: the service is overloaded, answers are lost, transfers fail or lie, an endpoint
    goes away, a token expires, the process is killed. Each time it shows what the product says and the next run does;
    at the end all bytes are compared. An earlier night in DIR is cleared away; exit 1 if anything is not as it must be.

    \b
    Examples:
      mapshell demo
      mapshell demo --dir /data/demo --gigabytes 20
      mapshell demo --prepare
      mapshell demo --faults
      mapshell demo --stop
    """
    from mapshell.demo import nightplay, run
    from pipeline.errors import IntegrityError, UsageError

    if faults and (gigabytes is not None or prepare):
        raise UsageError("--faults makes its own small lab.", remedy="Leave out --gigabytes and --prepare.")
    default = Path(NIGHT_FOLDER if faults else DEFAULT_FOLDER)
    if stop:
        here = Path.cwd()
        run.stop(context.output, folder or (here if run.is_demo(here) else default))
    elif faults:
        if not nightplay.run(context, folder or default):
            raise IntegrityError("The night did not end as it must.", remedy="read above what was not as expected.")
    else:
        run.run(context, folder or Path(DEFAULT_FOLDER), gigabytes, only_prepare=prepare)
