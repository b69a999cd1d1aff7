"""How freeing the disk is shown; no work is done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from mapshell.session_views import problem
from pipeline.database.entering import fitting
from pipeline.reclaim.report import document, session_document
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Output
    from pipeline.reclaim.report import Reclaimed, SessionReclaim

_SHOWN = 20
"""How many sessions a person is told the reasons of."""

_STYLES = {"reclaimed": "green", "would reclaim": "green", "refused": "yellow", "nothing here": "dim"}


def _style(row: Mapping[str, Any]) -> str:
    return _STYLES.get(row["verdict"], "")


_COLUMNS = (
    Column("Verdict", "verdict", style=_style),
    Column("h2o", "h2o", style="bold"),
    Column("Session", "session", align="right"),
    Column("Date", "session_date"),
    Column("Type", "dataset_type"),
    Column("Files", "files", align="right", kind="number"),
    Column("Size", "bytes", align="right", kind="bytes"),
    Column("Copies", "copies"),
    Column("Missing", "proof"),
)


def show(output: Output, result: Reclaimed) -> None:
    """Show what became of every session, then what needs a person, then the sum."""
    if output.for_programs:
        found = document(result)
        found["sessions"] = [{**row, "remedy": fitting(row["remedy"])} for row in found["sessions"]]
        output.data(found)
        return
    news = [each for each in result if result.restricted or each.proof != "old enough"]
    _table(output, news)
    told = [each for each in news if each.reason]
    for each in told[:_SHOWN]:
        missing = f" ({each.proof})" if each.proof else ""
        who = f"{each.ref.h2o} session {each.ref.session} of {each.ref.session_date}, {each.dataset_type}"
        problem(output, f"{each.verdict}: {who}{missing}", each.reason, each.remedy)
    if len(told) > _SHOWN:
        output.say(f"and {len(told) - _SHOWN:,} more (all of them: --format json)")
    _accepted(output, result)
    if result.dry_run:
        _no_age(output, result)
    done = [each for each in result if each.verdict == "reclaimed"]
    if done:
        output.say()
        output.say(f"{human_bytes(result.freed)} are free again. To bring a session back:")
        output.say(f"    {done[0].command}")
    output.say(f"{str(result)[:1].upper()}{str(result)[1:]}", style="bold")


def show_plan(output: Output, survey: Reclaimed) -> None:
    """Show a person what would be proved, then deleted."""
    todo = survey.to_prove
    for each in todo:
        output.say(
            f"{each.ref.h2o} session {each.ref.session} of {each.ref.session_date}, {each.dataset_type}: "
            f"{each.files:,} {'file' if each.files == 1 else 'files'}, {human_bytes(each.size)}, "
            f"at {', '.join(each.copies)}"
        )
        for folder in each.folders:
            output.say(f"    {folder}")
    _accepted(output, survey)
    _no_age(output, survey)
    total = sum(each.size for each in todo)
    output.say(
        f"{human_bytes(total)} in all. Each file is read and compared with the archive, then deleted here.",
        style="bold",
    )


def _accepted(output: Output, result: Reclaimed) -> None:
    """Say which sessions were archived although something was wrong with them: a person decided that."""
    for each in result:
        if each.accepted and each.verdict != "refused":
            output.say(
                f"{each.ref.h2o} session {each.ref.session}, {each.dataset_type}: archived with accepted defects "
                f"({', '.join(each.accepted)})."
            )


def _no_age(output: Output, result: Reclaimed) -> None:
    if not result.older_than and any(each.verdict in ("to prove", "would reclaim") for each in result):
        output.say("No age is asked for: what was archived a moment ago is among them.")


def _table(output: Output, sessions: Sequence[SessionReclaim]) -> None:
    if sessions:
        rows = [session_document(each) for each in sessions]
        output.table(
            [{**row, "files": row["files"] or None, "bytes": row["bytes"] or None} for row in rows],
            tuple(
                column
                for column in _COLUMNS
                if column.key not in ("proof", "copies") or any(r[column.key] for r in rows)
            ),
        )
