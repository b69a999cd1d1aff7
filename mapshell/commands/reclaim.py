"""``publication-reclaim``: the only command that deletes data."""

from __future__ import annotations

import click

from mapshell.commands.choosing import Choice, choosing_sessions
from mapshell.context import Context, pass_context


@click.command()
@choosing_sessions
@click.option(
    "--older-than",
    default="30d",
    show_default=True,
    metavar="TIME",
    help="Only what was archived, changed and fetched back longer ago; 0d asks for no age.",
)
@click.option(
    "--copies",
    type=int,
    metavar="N",
    help="How many places must hold it. By default all that `storage copies` names, else one.",
)
@click.option(
    "--file-type",
    "file_types",
    multiple=True,
    metavar="TYPE",
    help="Only files of this type or pattern; repeatable. 'ephys-raw-neuropixels-*' are those of probes; "
    "'ephys-raw-*' are sorted output and logs, too.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Make every proof and delete nothing.")
@click.option("-y", "--yes", is_flag=True, help="Delete without asking.")
@pass_context
def reclaim(
    context: Context,
    *,
    choice: Choice,
    older_than: str,
    copies: int | None,
    file_types: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> None:
    """Free this computer's disk of recordings that the archive is proved to hold.

    The only command that deletes data. Of each archived session that lies here it asks the archive now for a listing
    of every file, reads every local file now, and compares its SHA1 with what was compared at the archive; nothing is
    taken from memory. What misses a proof stays, with the proof, the reason and the remedy. First it shows what would
    be deleted, and asks.

    In each folder stays a small file, mapshell-reclaimed-ephys.json or -video.json: what was deleted, where it is, and
    the command that brings it back. It may be interrupted at any time; the next run goes on.

    Ends with 3 when a session was refused; those that are only too young count when they were named.

    \b
    Examples:
      mapshell publication-reclaim --dry-run
      mapshell publication-reclaim --older-than 8w --copies 2
      mapshell publication-reclaim --file-type 'ephys-raw-neuropixels-*' --yes
      mapshell publication-reclaim --subject SC038 --session 3 --older-than 0d
    """
    from mapshell.errors import end
    from mapshell.show_reclaim import show, show_plan
    from pipeline.errors import UsageError
    from pipeline.reclaim.reclaiming import Reclaiming
    from pipeline.reclaim.wishes import wishes

    context.database()
    asked = wishes(choice.kinds, choice.restrictions(), older_than, copies, file_types)
    if not (dry_run or yes or context.interactive):
        raise UsageError(
            "Nobody is there to be asked whether files shall be deleted.",
            remedy="look at it with --dry-run, then say --yes.",
        )
    with context.output.progress() as progress:
        work = Reclaiming(context.settings, context.globus, asked, progress=progress)
        survey = work.survey()
        result = work.prove(survey) if dry_run else survey
    if not dry_run:
        if survey.to_prove and not yes:
            show_plan(context.output, survey)
            click.confirm("Prove and delete these?", abort=True, err=True)
        with context.output.progress() as progress:
            work.progress = progress
            result = work.carry_out(survey)
    show(context.output, result)
    end(result)
