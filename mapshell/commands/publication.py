"""``publication-publish`` and ``publication-status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pipeline.archive.session import DatasetType
    from pipeline.report import Report


def session_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose sessions and kinds of data."""
    for option in (
        click.option(
            "--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Sessions of this day or before."
        ),
        click.option(
            "--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Sessions of this day or later."
        ),
        click.option("--session", "numbers", type=int, multiple=True, metavar="N", help="Session number; repeatable."),
        click.option(
            "--subject", "subjects", multiple=True, metavar="NAME", help="Water restriction or subject id; repeatable."
        ),
        click.option("--type", "kind", type=click.Choice(["ephys", "video"]), help="Only this kind of data."),
    ):
        function = option(function)
    return function


def restrictions(
    subjects: Sequence[str], numbers: Sequence[int], since: datetime | None, until: datetime | None
) -> list[Any]:
    """Return the DataJoint restrictions of ``experiment.Session`` that the options mean.

    Raises
    ------
    pipeline.errors.UsageError
        A subject or a session number does not exist, or no day is in the range.
    """
    from pipeline.errors import UsageError
    from pipeline.subjects import resolve

    if since is not None and until is not None and since > until:
        raise UsageError(
            f"No day is both {since:%Y-%m-%d} or later and {until:%Y-%m-%d} or earlier.",
            remedy="give --since the earlier of the two dates.",
        )
    found: list[Any] = []
    if subjects:
        found.append([{"subject_id": resolve(name)} for name in subjects])
    if numbers:
        found.append([{"session": number} for number in numbers])
        _refuse_unknown(subjects, numbers, found)
    if since is not None:
        found.append(f"session_date >= '{since:%Y-%m-%d}'")
    if until is not None:
        found.append(f"session_date <= '{until:%Y-%m-%d}'")
    return found


def _refuse_unknown(subjects: Sequence[str], numbers: Sequence[int], chosen: Sequence[Any]) -> None:
    """Refuse session numbers that nobody has: a typing error must not look like a day without work."""
    from pipeline import sessions
    from pipeline.errors import UsageError

    missing = sorted(set(numbers) - {number for _, number in sessions.chosen(chosen) or ()})
    if missing:
        whose = f"{', '.join(subjects)} has" if subjects else "No subject has"
        said = ", ".join(str(number) for number in missing)
        raise UsageError(
            f"{whose} {'no' if subjects else 'a'} session {said}: nothing matches.",
            remedy="see their numbers with `mapshell publication-status"
            + "".join(f" --subject {name}" for name in subjects)
            + "`.",
        )


def kinds(kind: str | None) -> tuple[DatasetType, ...]:
    """Return the kinds of data that ``--type`` means."""
    return ("ephys",) if kind == "ephys" else ("video",) if kind == "video" else ("ephys", "video")


@click.command()
@session_options
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be sent, file by file, and send nothing.")
@click.option("--no-wait", is_flag=True, help="Submit and return; the next run checks and records what arrived.")
@click.option(
    "--accept",
    multiple=True,
    metavar="RULE",
    help="Archive one session although the gate refuses it under this rule; repeatable. `--accept help` lists all.",
)
@click.option("--because", default="", metavar="TEXT", help="With --accept: why. It is recorded with the files.")
@pass_context
def publish(
    context: Context,
    kind: str | None,
    subjects: tuple[str, ...],
    numbers: tuple[int, ...],
    since: datetime | None,
    until: datetime | None,
    *,
    dry_run: bool,
    no_wait: bool,
    accept: tuple[str, ...],
    because: str,
) -> None:
    """Archive this computer's recordings, and prove that they arrived.

    Every session is found by the lab's naming conventions, judged, transferred by Globus, checked at the archive,
    described there by a manifest, and only then recorded as archived. One bad session never stops the others.
    Running it again is safe at any time: it goes on where it was, and sends what is new.

    While something is recorded on a disk, nothing is read from it and nothing new is sent: the run says so, and waits.
    What is refused (after a crash of the acquisition, for instance) can be archived as it is by naming the rule and
    the reason, one session at a time; files that change now never.

    \b
    Examples:
      mapshell publication-publish --dry-run
      mapshell publication-publish --subject SC038 --since 2019-11-01
      mapshell publication-publish --type video --no-wait
      mapshell publication-publish --accept help
      mapshell publication-publish --subject SC038 --session 3 --accept still-recording --because "crashed at 11:40"
    """
    from mapshell.errors import end
    from mapshell.publishing import show, show_rules
    from pipeline.rounds import publish_round

    if "help" in accept:
        show_rules(context.output)
        return

    context.database()
    chosen = restrictions(subjects, numbers, since, until)
    with context.output.progress() as progress:
        report: Report = publish_round(
            context.settings,
            context.globus,
            kinds(kind),
            chosen,
            dry_run=dry_run,
            wait=not no_wait,
            accept=accept,
            because=because,
            progress=progress,
        )
    show(context.output, report)
    end(report)


@click.command()
@session_options
@pass_context
def status(
    context: Context,
    kind: str | None,
    subjects: tuple[str, ...],
    numbers: tuple[int, ...],
    since: datetime | None,
    until: datetime | None,
) -> None:
    """List every session with its state at each storage location.

    States: not here, recording, refused, queued, in flight, archived, archived with changes, present (listed at
    the archive, never verified), reclaimed, withdrawn. Reads the database and this computer's folders; asks Globus
    nothing.

    \b
    Examples:
      mapshell publication-status
      mapshell publication-status --subject SC048 --type ephys
      mapshell publication-status --format json
    """
    from mapshell.publishing import show_status
    from pipeline.status import status as all_states

    context.database()
    chosen = restrictions(subjects, numbers, since, until)
    rows = list(all_states(context.settings, kinds(kind), chosen))
    show_status(context.output, rows, restricted=bool(chosen))
