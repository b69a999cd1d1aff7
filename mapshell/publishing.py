"""How a round of publishing is shown; no work is done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from mapshell.session_views import WHO, hint_at_why, problem, state_style, without_zeros
from mapshell.strays import alike
from pipeline.database.entering import fitting
from pipeline.report import amount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Output
    from pipeline.archive.journal import Outcome
    from pipeline.forecast import Forecast
    from pipeline.report import Report

_SHOWN = 3
"""How many further defects of a session are shown to a person."""

_SENT = ("sent", "New files", "New bytes")

_NAMED = 10
"""How many folders of unknown animals, and accepted files, are named to a person."""


def show(output: Output, report: Report) -> None:
    """Show what became of every session, then what needs a person, then the sum."""
    if output.for_programs:
        output.data(_document(report))
        return
    news = [_row(outcome) for outcome in report.outcomes if report.is_news(outcome)]
    done, files, size = ("to_send", "Files to send", "Bytes to send") if report.dry_run else _SENT
    if news:
        output.table(
            [without_zeros(_with_adopted(row), f"{done}_files", f"{done}_bytes") for row in news],
            (
                Column("State", "state", style=state_style),
                *WHO,
                Column("Archive", "alias"),
                Column("Folders", "folders"),
                Column(files, f"{done}_files", align="right", kind="number"),
                Column(size, f"{done}_bytes", align="right", kind="bytes"),
            ),
        )
    if report.dry_run:
        _show_plans(output, report.outcomes)
    _show_problems(output, report)
    hint_at_why(output, list(dict.fromkeys((each.h2o, each.key[1]) for each in report.outcomes if each.failed)))
    _show_notes(output, report)
    output.say(str(report), style="bold")


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "state": outcome.state,
        "failed": outcome.failed,
        "h2o": outcome.h2o,
        "subject_id": outcome.key[0],
        "session": outcome.key[1],
        "session_date": outcome.session_date,
        "alias": outcome.alias,
        "folders": list(outcome.folders),
        "files": outcome.files,
        "bytes": outcome.size,
        "sent_files": outcome.sent_files,
        "sent_bytes": outcome.sent_bytes,
        "to_send_files": outcome.to_send_files,
        "to_send_bytes": outcome.to_send_bytes,
        "to_read_bytes": outcome.to_read_bytes,
        "adopted_files": outcome.adopted_files,
        "adopted_bytes": outcome.adopted_bytes,
        "to_adopt_files": outcome.to_adopt_files,
        "to_adopt_bytes": outcome.to_adopt_bytes,
        "to_read_back_bytes": outcome.to_read_back_bytes,
        "reason": outcome.reason,
        "remedy": fitting(outcome.remedy),
        "rule": outcome.rule,
        "copied_from": outcome.copied_from or None,
        "details": list(outcome.details),
    }


def _with_adopted(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with what is new at the archive's index, sent or adopted, as one number."""
    sent_files, sent_bytes = row["sent_files"] + row["adopted_files"], row["sent_bytes"] + row["adopted_bytes"]
    return {**row, "sent_files": sent_files, "sent_bytes": sent_bytes}


def _document(report: Report) -> dict[str, Any]:
    return {
        "dry_run": report.dry_run,
        "sessions": [_row(outcome) for outcome in report.outcomes],
        "drive": report.drive or None,
        "notes": list(report.notes),
        "not_here": report.not_here,
        "without_water_restriction": [{"subject_id": key[0], "session": key[1]} for key in report.nameless],
        "folders_without_session": [
            {
                "folder": stray.folder,
                "root": str(stray.root.local_path),
                "refused": stray.refused,
                "reason": stray.reason,
                "remedy": fitting(stray.remedy),
            }
            for stray in report.strays
        ],
        "datasets_without_session": [
            {
                "h2o": gone.session.h2o,
                "subject_id": gone.session.subject_id,
                "session": gone.session.session,
                "session_date": gone.session.session_date.isoformat(),
                "alias": gone.alias,
                "files": gone.files,
                "bytes": gone.size,
                "folders": list(gone.folders),
                "reason": gone.reason,
                "remedy": gone.remedy,
            }
            for gone in report.sessionless
        ],
        "animals_without_session": sorted(report.strangers),
        "probes": [
            {
                "subject_id": gap.ref.subject_id,
                "session": gap.ref.session,
                "alias": gap.alias,
                "insertions_without_files": list(gap.without_files),
                "files_without_insertion": list(gap.without_insertion),
            }
            for gap in report.probes
        ],
        "nothing_accepted_under": list(report.unbroken),
        "nothing_superseded": report.unchanged,
        "forecast": None if report.forecast is None else _forecast(report.forecast),
        "stopped": None if report.stopped is None else report.stopped.message,
    }


def _forecast(forecast: Forecast) -> dict[str, Any]:
    return {
        "bytes_to_send": forecast.to_send,
        "bytes_to_read": forecast.to_read,
        "bytes_to_read_back": forecast.to_read_back,
        "seconds": forecast.seconds,
        "bytes_per_second": forecast.speed,
        "transfers": forecast.transfers,
    }


def _show_plans(output: Output, outcomes: Sequence[Outcome]) -> None:
    items = [
        {"session": outcome.h2o + " " + outcome.session_date, **detail}
        for outcome in outcomes
        for detail in outcome.details
        if detail.get("action") in ("accept", "supersede", "send", "copy", "adopt", "conflict", "hash")
    ]
    if items:
        columns = (Column("Action", "action"), Column("File", "file"), Column("Reason", "reason"))
        output.table(items, columns, title="\nFiles")


def _show_problems(output: Output, report: Report) -> None:
    told: set[tuple[Any, ...]] = set()
    for outcome in report.outcomes:
        if outcome.details and outcome.details[0].get("rule") == "folder":
            continue  # the folder itself is told below, once for all sessions that it may be of
        if outcome.failed or (outcome.reason and outcome.state in ("in flight", "present")):
            same = (outcome.key, outcome.folders, outcome.reason)
            if outcome.folders and same in told:
                continue  # for another copy of the same data
            told.add(same)
            who = f"{outcome.h2o} (subject {outcome.key[0]}) session {outcome.key[1]} of {outcome.session_date}"
            folders = ", ".join(outcome.folders) or outcome.alias
            problem(output, f"{outcome.state}: {who}, {folders}", _within(outcome, outcome.reason), outcome.remedy)
            more = [detail for detail in outcome.details[1:] if "rule" in detail] if outcome.failed else []
            for detail in more[:_SHOWN]:
                output.say(f"    also {_within(outcome, detail['file'])}: {detail['reason']}")
            if len(more) > _SHOWN:
                output.say(f"    and {len(more) - _SHOWN} more (all of them: --format json)")
    for title, reason, remedy in alike(report.strays):
        problem(output, title, reason, remedy)
    for subject_id, session in report.nameless:
        problem(
            output,
            f"refused: subject {subject_id} session {session}",
            "the subject has no water restriction, so its folders have no name",
            "enter it with `mapshell ingest-subjects`.",
        )
    for gone in report.sessionless:
        problem(output, f"without session: {gone}", gone.reason, gone.remedy)
    if report.strangers:
        names = sorted(report.strangers)
        others = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        problem(
            output,
            f"no session: {', '.join(names[:_NAMED])}{others}",
            "the database has no session of an animal of this name, so nothing that lies there is archived",
            "enter the animal and its sessions (`mapshell ingest-subjects`, `mapshell ingest-recordings`).",
        )


def _show_notes(output: Output, report: Report) -> None:
    """Tell what nobody must do anything about: what was accepted, and where probes and files differ."""
    notes = [
        f"accepted: {outcome.h2o} session {outcome.key[1]}, {detail['accepted']}: "
        f"{_within(outcome, detail['file'])}: {detail['reason']}"
        for outcome in report.outcomes
        for detail in outcome.details
        if "accepted" in detail
    ]
    if len(notes) > _NAMED:
        notes[_NAMED:] = [f"and {len(notes) - _NAMED} more were accepted (all of them: --format json)"]
    notes.extend(_superseded(report.outcomes))
    notes.extend(_adopted(report))
    notes.extend(_copied(report))
    notes.extend(f"probes: {gap}" for gap in report.probes)
    notes.extend(report.notes)
    if notes:
        output.say()
    for note in notes:
        output.say(note)


def _superseded(outcomes: Sequence[Outcome]) -> list[str]:
    """Tell which archived bytes were moved aside, as far as a person wants to read."""
    moved = [(outcome, detail) for outcome in outcomes for detail in outcome.details if "superseded" in detail]
    lines = [
        f"superseded: {outcome.h2o} session {outcome.key[1]}, {_within(outcome, detail['file'])}: its archived bytes "
        f"are {detail['superseded'].rpartition('/')[2]} now"
        for outcome, detail in moved[:_NAMED]
    ]
    more = [f"and {len(moved) - _NAMED} more were superseded (all of them: --format json)"]
    return lines + (more if len(moved) > _NAMED else [])


def _adopted(report: Report) -> list[str]:
    notes = [
        f"adopted: {outcome.h2o} session {outcome.key[1]}: {amount(outcome.adopted_files, outcome.adopted_bytes)} that "
        f"{outcome.alias} had already: read back, the same, not sent"
        for outcome in report.outcomes
        if outcome.adopted_files
    ]
    if len(notes) > _NAMED:
        notes[_NAMED:] = [f"and {len(notes) - _NAMED} more sessions with adopted files (all of them: --format json)"]
    return notes


def _copied(report: Report) -> list[str]:
    """Tell what went from one archive to another without this computer's disk, or would."""
    notes = []
    for each in report.outcomes:
        files, size = (each.to_send_files, each.to_send_bytes) if report.dry_run else (each.sent_files, each.sent_bytes)
        if each.copied_from and files:
            done = "would be copied" if report.dry_run else "copied"
            where = f"from {each.copied_from} to {each.alias}"
            notes.append(f"{done}: {each.h2o} session {each.key[1]}: {amount(files, size)} {where}")
    if len(notes) > _NAMED:
        notes[_NAMED:] = [f"and {len(notes) - _NAMED} more sessions between archives (all of them: --format json)"]
    return notes


def show_rules(output: Output) -> None:
    """Show the rules of the gate, and which of them can be accepted."""
    from dataclasses import asdict

    from pipeline.archive.acceptance_rules import RULES

    rows = [asdict(rule) for rule in RULES]
    if output.for_programs:
        output.data(rows)
        return
    shown = [{**row, "acceptable": "yes" if row["acceptable"] else "never"} for row in rows]
    columns = (Column("Rule", "name"), Column("Found", "words"), Column("Accept", "acceptable"), Column("Why", "why"))
    output.table(shown, columns)


def _within(outcome: Outcome, said: str) -> str:
    """Return a text that begins with a file, the file relative to the session's folder when there is only one."""
    return said.removeprefix(f"{outcome.folders[0]}/") if len(outcome.folders) == 1 else said
