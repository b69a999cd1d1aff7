"""``ingest-subjects``, ``ingest-recordings`` and ``session-ident``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mapshell.output import Output
    from pipeline.ingest.idents import Ident
    from pipeline.ingest.recordings import IngestPlan
    from pipeline.ingest.subjects import SubjectPlan


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be entered, and enter nothing.")
@pass_context
def ingest_subjects(context: Context, file: Path, *, dry_run: bool) -> None:
    """Enter subjects and their water restrictions from a sheet, CSV or XLSX.

    The first row names the columns, in any order: subject_id and water_restriction_number (or h2o); and, as far as
    there are any, sex (M, F, U), date_of_birth, animal_source, description, wr_start_date, wr_start_weight (g). Dates
    are YYYY-MM-DD or date cells.

    All rows are entered, or none when one is wrong. What the database lacks is filled in, what it has is never changed,
    so that the same sheet, grown by a row, can be given again and again.

    \b
    Examples:
      mapshell ingest-subjects animals.csv --dry-run
      mapshell ingest-subjects animals.xlsx
    """
    from pipeline.ingest import subjects

    context.database()
    plan = subjects.ingest_subjects(file, dry_run=dry_run)
    context.output.result(_subject_rows(plan), lambda: _show_subjects(context.output, plan))
    for note in plan.notes:
        context.output.say(note, style="yellow")
    new, completed, known = (plan.count(action) for action in ("new", "completed", "known"))
    told = f"{new} new, {completed} completed, {known} known already."
    context.output.say(f"Would enter: {told}" if dry_run else f"Subjects: {told}")


@click.command()
@click.option(
    "--subject", "subjects", multiple=True, metavar="NAME", help="Water restriction or subject id; repeatable."
)
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be entered, and enter nothing.")
@click.option("--with-video-sessions", is_flag=True, help="Make sessions also of days that have only videos.")
@pass_context
def ingest_recordings(context: Context, subjects: tuple[str, ...], *, dry_run: bool, with_video_sessions: bool) -> None:
    """Enter sessions, probe insertions and recording facts from this computer's raw folders.

    Folders are found by the lab's naming conventions. Those of one day and ident (the raw run, its CatGT output,
    further gates, videos) are one session; a session that the database has is found again and gets what it lacks.
    Running it again is safe at any time. What was skipped is listed with the reason.

    \b
    Examples:
      mapshell ingest-recordings --dry-run
      mapshell ingest-recordings --subject SC038
    """
    from mapshell.errors import Partial
    from pipeline.ingest import recordings
    from pipeline.subjects import resolve

    context.database()
    chosen = {resolve(name) for name in subjects} or None
    plan = recordings.ingest_recordings(
        context.settings, subjects=chosen, video_sessions=with_video_sessions, dry_run=dry_run
    )
    context.output.result(_plan_data(plan), lambda: _show_plan(context.output, plan))
    _tell(context.output, plan, dry_run=dry_run)
    if plan.refused:
        raise Partial


@click.command()
@click.argument("subject")
@click.argument("session", required=False)
@click.argument("ident", required=False)
@click.option("--none", "without", is_flag=True, help="Its folders have no ident.")
@click.option("--default", is_flag=True, help="Forget what was set by hand: none, 1, 2, ... in the order of the day.")
@pass_context
def session_ident(
    context: Context, subject: str, session: str | None, ident: str | None, *, without: bool, default: bool
) -> None:
    """Show or set the ident of a session: what tells apart the sessions of a day in folder names.

    SUBJECT is a water restriction or subject id, SESSION a session number or its date (YYYY-MM-DD).

    \b
    Examples:
      mapshell session-ident SC038                        the idents of all its sessions
      mapshell session-ident SC038 2 surface              SC038_111919_surface_g0 is session 2
      mapshell session-ident SC038 2019-11-19 --none      no ident, though not the first of its day
    """
    from mapshell.output import Column
    from pipeline.ingest import idents
    from pipeline.subjects import resolve

    setting = (ident is not None) + without + default
    if setting > 1:
        raise click.UsageError("give IDENT, --none or --default: one of them.")
    if setting and session is None:
        raise click.UsageError("say which SESSION, by number or date.")
    context.database()
    subject_id = resolve(subject)
    if setting and session is not None:
        rows: Sequence[Ident] = [idents.set_ident(subject_id, session, ident, default=default)]
    else:
        rows = idents.list_idents(subject_id, session)
    context.output.table(
        [_fields(row) for row in rows],
        [
            Column("h2o", "h2o"),
            Column("subject", "subject_id", align="right"),
            Column("session", "session", align="right"),
            Column("date", "session_date"),
            Column("time", "session_time"),
            Column("ident", "ident"),
            Column("by hand", "by_hand"),
            Column("usual folder", "folder"),
        ],
    )


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _subject_rows(plan: SubjectPlan) -> list[dict[str, Any]]:
    return [
        {
            "row": step.row,
            "subject_id": step.subject_id,
            "water_restriction_number": step.h2o,
            "action": step.action,
            "values": {**step.subject, **step.restriction},
        }
        for step in plan.steps
    ]


def _show_subjects(output: Output, plan: SubjectPlan) -> None:
    from mapshell.output import Column

    rows = [
        {**row, "entered": ", ".join(f"{name}={value}" for name, value in row["values"].items())}
        for row in _subject_rows(plan)
        if row["action"] != "known"
    ]
    output.table(
        rows,
        [
            Column("row", "row", align="right"),
            Column("subject", "subject_id", align="right"),
            Column("h2o", "water_restriction_number"),
            Column("", "action"),
            Column("entered", "entered"),
        ],
    )


def _plan_data(plan: IngestPlan) -> dict[str, Any]:
    return {
        "sessions": [_fields(report) for report in plan.reports],
        "skipped": [_fields(skip) for skip in plan.skipped],
        "notes": list(plan.notes),
    }


def _show_plan(output: Output, plan: IngestPlan) -> None:
    from mapshell.output import Column

    output.table(
        [_fields(report) for report in plan.reports if report.outcome != "known"],
        [
            Column("h2o", "h2o"),
            Column("subject", "subject_id", align="right"),
            Column("session", "session", align="right"),
            Column("date", "session_date"),
            Column("time", "session_time"),
            Column("ident", "ident"),
            Column("", "outcome"),
            Column("probes", "insertions", align="right"),
            Column("folders", "folders"),
        ],
    )


def _tell(output: Output, plan: IngestPlan, *, dry_run: bool) -> None:
    for report in plan.reports:
        if report.recording:
            said = "its metas say no end yet. Publishing waits for it; after a crash it says what to do."
            output.say(f"{report.folders[0]}: {said}", style="yellow")
    from mapshell.strays import named

    alike: dict[tuple[str, str], list[str]] = {}
    for skip in plan.skipped:
        alike.setdefault((skip.reason, skip.remedy), []).append(f"{skip.kind}/{skip.folder}")
    for (reason, remedy), folders in alike.items():
        output.say(f"Skipped {named(folders)}: {reason}", style="yellow")
        output.say(f"  Remedy: {remedy}")
    for note in plan.notes:
        output.say(note, style="yellow")
    told = [f"{plan.count('new')} new"]
    if plan.count("added"):
        told.append(f"{plan.count('added')} with more recordings")
    if plan.count("known"):
        told.append(f"{plan.count('known')} known already")
    left = f"; {len(plan.skipped)} skipped" if plan.skipped else ""
    output.say(f"Sessions{' that would be entered' if dry_run else ''}: {', '.join(told)}{left}.")
