"""``publication-reassign``: what was archived under a wrong animal, number or date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from pipeline.archive.session import DatasetType


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--type", "kind", type=click.Choice(["ephys", "video"]), help="Only this kind of data.")
@click.option("--because", default="", metavar="TEXT", help="Why; it is recorded with the session.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be renamed, and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do it without asking.")
@pass_context
def reassign(
    context: Context, source: str, target: str, *, kind: DatasetType | None, because: str, dry_run: bool, yes: bool
) -> None:
    """Give what was archived as session FROM to the session TO.

    For a session that was archived under a wrong animal, number or date. Enter the right session in the lab's tables
    first; then its rows, folders and manifest follow. FROM names the session as it was archived, TO one of the lab's
    tables that has nothing archived: SUBJECT/NUMBER or SUBJECT/DATE, with the water restriction or the subject id. They
    are the same when the lab's row was corrected meanwhile.

    Folders at the archive are renamed, nothing is sent again and nothing deleted; files keep their own names. The old
    names stay in the manifest, so that the folders on the rig are known by them. It may be interrupted at any time: the
    same command, or the next publish, brings it to an end.

    \b
    Examples:
      mapshell publication-reassign SC038/3 SC048/1 --dry-run
      mapshell publication-reassign SC038/3 SC048/1 --because "cages were swapped"
      mapshell publication-reassign SC038/2019-11-19 SC038/4 --type video --yes
    """
    from mapshell.errors import end
    from mapshell.show_reassign import show, show_plan
    from pipeline.errors import UsageError
    from pipeline.reassign.reassigning import Reassigning

    context.database()
    with context.output.progress() as progress:
        work = Reassigning(
            context.settings,
            context.globus,
            source,
            target,
            ("ephys", "video") if kind is None else (kind,),
            because=because,
            progress=progress,
        )
        plan = work.plan()
    if dry_run:
        show(context.output, plan)
        return
    if plan.to_do and not yes:
        if not context.interactive:
            raise UsageError(
                "Nobody is there to be asked whether this shall be done.",
                remedy="look at it with --dry-run, then say --yes.",
            )
        show_plan(context.output, plan)
        click.confirm("Go on?", abort=True, err=True)
    with context.output.progress() as progress:
        work.progress = progress
        result = work.carry_out(plan)
    show(context.output, result)
    end(result)
