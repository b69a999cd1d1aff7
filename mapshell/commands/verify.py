"""``publication-verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mapshell.commands.choosing import Choice, choosing_sessions
from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from pipeline.verified import Checksum


@click.command()
@choosing_sessions
@click.option(
    "--checksum",
    type=click.Choice(["sample", "all"]),
    help="Also read files back and compare their SHA1: one in ten of each session, or all.",
)
@click.option(
    "--unchecked-for",
    metavar="TIME",
    help="With --checksum: read back only what was not compared for this long, such as 8w.",
)
@click.option("--max-time", metavar="TIME", help="Begin nothing more after this time, such as 2h.")
@click.option("--max-bytes", metavar="SIZE", help="With --checksum: read back at most this much, such as 500GB.")
@pass_context
def verify(
    context: Context,
    *,
    choice: Choice,
    checksum: Checksum | None,
    unchecked_for: str | None,
    max_time: str | None,
    max_bytes: str | None,
) -> None:
    """Compare the archive with the index, and write down what was seen.

    Lists every session's folders: what is missing, of another size, or unknown to the index is named, with the
    command that would mend it. Nothing is mended by itself, and times alone are never a difference. With --checksum,
    files are read back too (over HTTPS where the collection serves it, else by transfers to a scratch folder), those
    first that were not compared for longest; so short runs check a whole archive in time.

    Present means listed with its size, verified means that the checksum was compared. Ends with 3 when something
    differs or could not be looked at.

    \b
    Examples:
      mapshell publication-verify
      mapshell publication-verify --subject SC038 --checksum all
      mapshell publication-verify --checksum all --unchecked-for 8w --max-time 2h
      mapshell publication-verify --checksum sample --max-bytes 500GB --format json
    """
    from mapshell.errors import end
    from mapshell.show_verify import show
    from pipeline.holdings import tables
    from pipeline.verifying import verify as compare

    context.database()
    chosen = choice.restrictions()
    with context.output.progress() as progress:
        report = compare(
            context.settings,
            context.globus,
            tables(choice.kinds, chosen),
            checksum=checksum,
            unchecked_for=unchecked_for,
            max_time=max_time,
            max_bytes=max_bytes,
            progress=progress,
        )
    show(context.output, report)
    end(report)
