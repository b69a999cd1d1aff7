"""``publication-publish``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapshell.commands.choosing import Choice, choosing_sessions
from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from pipeline.report import Report


@click.command()
@choosing_sessions
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be sent, file by file, and send nothing.")
@click.option("--no-wait", is_flag=True, help="Submit and return; the next run checks and records what arrived.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, readable=False),
    metavar="PATH",
    help="Publish what lies on a loose drive (or in a folder) instead of this computer's own roots.",
)
@click.option("--root-globus", default="", metavar="UUID:/PATH", help="With --root: by which path Globus reaches it.")
@click.option(
    "--archive", "alias", default="", metavar="ALIAS", help="With --root: to which archive, if there are several."
)
@click.option(
    "--accept",
    multiple=True,
    metavar="RULE",
    help="Archive one session although the gate refuses it under this rule; repeatable. `--accept help` lists all.",
)
@click.option(
    "--adopt",
    is_flag=True,
    help="Prove sessions that are only listed at the archive: read them back, compare them with what is here.",
)
@click.option(
    "--supersede",
    is_flag=True,
    help="Archive files of one session that were changed since; the archived bytes are moved aside, never deleted.",
)
@click.option(
    "--because", default="", metavar="TEXT", help="With --accept or --supersede: why. It is recorded with the files."
)
@click.option("--every", default="", metavar="TIME", help="Go on as a service: a round every 15m, say.")
@click.option(
    "--at", default="", metavar="HH:MM-HH:MM", help="With --every: begin rounds only then; all the time by default."
)
@click.option(
    "--report-at",
    default="",
    metavar="HH:MM",
    help="With --every: time of the morning report, or never; when the window ends (or 07:00) by default.",
)
@pass_context
def publish(
    context: Context,
    *,
    choice: Choice,
    dry_run: bool,
    no_wait: bool,
    root: Path | None,
    root_globus: str,
    alias: str,
    accept: tuple[str, ...],
    adopt: bool,
    supersede: bool,
    because: str,
    every: str,
    at: str,
    report_at: str,
) -> None:
    """Archive this computer's recordings, and prove that they arrived.

    Every session is found by the lab's naming conventions, judged, transferred by Globus, checked at the archive,
    described there by a manifest, and only then recorded as archived. One bad session never stops the others.
    Running it again is safe at any time: it goes on where it was, and sends what is new.

    While something is recorded on a disk, nothing is read from it and nothing new is sent: the run says so, and waits.
    What is refused (after a crash of the acquisition, for instance) can be archived as it is by naming the rule and
    the reason, one session at a time; files that change now never.

    A file that was changed after it was archived is a conflict. With --supersede the archived bytes get another name
    there, which index and manifest keep, and the new ones take their place.

    Files that the archive holds already are never overwritten. Where the index does not know them, and name and size
    are the same, they are read back and compared: what is the same is archived without being sent. With --adopt, so
    are sessions that the index knows from a listing alone (present); --dry-run tells how much is to be read back.

    With --root, the recordings come from a loose drive, wherever on it their folders lie; `mapshell ingest-drive` tells
    which it holds, and enters their sessions. The drive may be pulled out at any time: what had begun waits for it.

    With --every, rounds follow each other until the service is ended (Ctrl-C, SIGTERM): each tells in a line what came
    of it, and what fails is tried again in the next one. When the window of --at closes, or the service is ended,
    transfers go on at Globus and the next round records them. `mapshell schedule install` lets the system start it.

    \b
    Examples:
      mapshell publication-publish --dry-run
      mapshell publication-publish --root /media/me/BACKUP3
      mapshell publication-publish --subject SC038 --adopt --dry-run
      mapshell publication-publish --subject SC038 --since 2019-11-01
      mapshell publication-publish --type video --no-wait
      mapshell publication-publish --accept help
      mapshell publication-publish --subject SC038 --session 3 --accept still-recording --because "crashed at 11:40"
      mapshell publication-publish --subject SC038 --session 3 --supersede --because "sorted again" --dry-run
      mapshell publication-publish --every 15m --at 22:00-06:00
    """
    from mapshell.errors import end
    from mapshell.publishing import show, show_rules
    from pipeline.drives.publishing import publish_drive
    from pipeline.rounds import publish_round

    if "help" in accept:
        show_rules(context.output)
        return

    if root is None and (root_globus or alias):
        raise click.UsageError("--root-globus and --archive belong to --root PATH.")
    if every or at or report_at:
        from mapshell.serving.nights import publish_nights

        others = {"--dry-run": dry_run, "--root": root, "--accept": accept, "--supersede": supersede}
        _serves(every, {**others, "--because": because})
        publish_nights(context, choice, every=every, at=at, report_at=report_at, wait=not no_wait, adopt=adopt)
        return
    context.database()
    chosen = choice.restrictions()
    work = publish_round
    if root is not None:
        work = partial(publish_drive, path=root, root_globus=root_globus, alias=alias)
    with context.output.progress() as progress:
        report: Report = work(
            context.settings,
            context.globus,
            types=choice.kinds,
            restrictions=chosen,
            dry_run=dry_run,
            wait=not no_wait,
            accept=accept,
            because=because,
            supersede=supersede,
            adopt=adopt,
            progress=progress,
        )
    show(context.output, report)
    end(report)


def _serves(every: str, others: dict[str, object]) -> None:
    """Refuse what makes no sense for rounds that nobody looks at.

    Raises
    ------
    UsageError
        It was asked for.
    """
    from pipeline.errors import UsageError

    if not every:
        raise UsageError("--at and --report-at belong to --every TIME.", remedy="add --every 15m, or leave them out.")
    if given := [name for name, value in others.items() if value]:
        raise UsageError(
            f"{given[0]} is for one round that somebody looks at, --every for rounds that nobody looks at.",
            remedy=f"leave out {given[0]}, or --every.",
        )
