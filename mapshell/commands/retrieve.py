"""``publication-retrieve``."""

from __future__ import annotations

from typing import Literal

import click

from mapshell.commands.choosing import Choice, choosing_sessions
from mapshell.context import Context, pass_context


@click.command()
@choosing_sessions
@click.option("--file-type", "file_types", multiple=True, metavar="TYPE", help="File type or pattern; repeatable.")
@click.option("--probe", "probes", multiple=True, metavar="PROBE", help="imec0, or insertion number 1; repeatable.")
@click.option("--to", metavar="PLACE", help="A folder, or UUID:/path of a collection elsewhere.")
@click.option(
    "--via",
    type=click.Choice(["globus", "https"]),
    default="globus",
    show_default=True,
    help="By a transfer, or over HTTPS, which needs no local endpoint.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that differ from the index.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be fetched, and fetch nothing.")
@click.option("--no-wait", is_flag=True, help="Submit and return; the same command again checks and places what came.")
@click.option("--everything", is_flag=True, help="Must be said to fetch without choosing any session.")
@click.option("--superseded", is_flag=True, help="Also bytes that others took the place of (NAME.superseded-...).")
@click.option("--from", "first", metavar="ALIAS", help="Ask this storage location first; then the others that have it.")
@pass_context
def retrieve(
    context: Context,
    *,
    choice: Choice,
    file_types: tuple[str, ...],
    probes: tuple[str, ...],
    to: str | None,
    via: Literal["globus", "https"],
    overwrite: bool,
    dry_run: bool,
    no_wait: bool,
    everything: bool,
    superseded: bool,
    first: str | None,
) -> None:
    """Fetch files of archived sessions, each checked before it gets its name.

    Without --to they go to this computer's folder of the archive. What is here already, byte for byte, is skipped; a
    file that differs is refused, unless --overwrite is given. Interrupted, it goes on when the same command is run
    again.

    \b
    Examples:
      mapshell publication-retrieve --subject SC038 --dry-run
      mapshell publication-retrieve --subject SC038 --probe imec0 --file-type 'ephys-raw-neuropixels-ap-*'
      mapshell publication-retrieve --subject 407513 --session 3 --to data --via https
      mapshell publication-retrieve --since 2019-11-01 --to UUID:/scratch/me
      mapshell publication-retrieve --subject SC038 --session 3 --from raw-ephys-2
    """
    from mapshell.errors import end
    from mapshell.show_retrieve import show
    from pipeline.holdings import tables
    from pipeline.retrieving import retrieve as fetch

    context.database()
    chosen = choice.restrictions()
    with context.output.progress() as progress:
        result = fetch(
            context.settings,
            context.globus,
            tables(choice.kinds, chosen),
            file_types=file_types or None,
            probes=probes or None,
            to=to,
            via=via,
            overwrite=overwrite,
            dry_run=dry_run,
            wait=not no_wait,
            everything=everything,
            superseded=superseded,
            first=first,
            progress=progress,
            raises=False,
        )
    show(context.output, result)
    end(result)
