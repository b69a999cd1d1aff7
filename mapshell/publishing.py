"""How a round of publishing and the states of sessions are shown; no work is done here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mapshell.output import Column, human_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Output
    from pipeline.archive.find import Stray
    from pipeline.archive.journal import Outcome
    from pipeline.rounds import Report
    from pipeline.status import SessionStatus

STYLES = {
    "archived": "green",
    "archived with changes": "yellow",
    "in flight": "cyan",
    "queued": "cyan",
    "recording": "yellow",
    "refused": "red",
    "not here": "dim",
    "reclaimed": "dim",
}

NO_MATCH = "No session matches these options; `mapshell publication-status` lists all."
NO_SESSION = "There is no session yet; enter them with `mapshell ingest-recordings`."

_SHOWN = 3
"""How many further defects of a session are shown to a person."""

_NAMED = 10
"""How many folders of unknown animals are named to a person."""

_WHO = (
    Column("Water restriction", "h2o", style="bold"),
    Column("Subject", "subject_id", align="right"),
    Column("Session", "session", align="right"),
    Column("Date", "session_date"),
)


def _style(row: Mapping[str, Any]) -> str:
    return STYLES.get(row["state"], "")


def show(output: Output, report: Report, *, dry_run: bool) -> None:
    """Show what became of every session, then what needs a person, then the sum."""
    rows = [_row(outcome) for outcome in report.outcomes]
    if output.json:
        output.data(_document(report, rows, dry_run=dry_run))
        return
    news = [row for row in rows if row["state"] != "archived" or row["sent_files"]]
    if news:
        output.table(
            news,
            (
                Column("State", "state", style=_style),
                *_WHO,
                Column("Archive", "alias"),
                Column("Folders", "folders"),
                Column("New files", "sent_files", align="right", kind="number"),
                Column("New bytes", "sent_bytes", align="right", kind="bytes"),
            ),
        )
    if dry_run:
        _show_plans(output, report.outcomes)
    _show_problems(output, report)
    output.say(summary(report, dry_run=dry_run), style="bold")


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "state": outcome.state,
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
        "reason": outcome.reason,
        "remedy": outcome.remedy,
        "details": list(outcome.details),
    }


def _document(report: Report, rows: Sequence[Mapping[str, Any]], *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "sessions": rows,
        "not_here": report.not_here,
        "without_water_restriction": [{"subject_id": key[0], "session": key[1]} for key in report.nameless],
        "folders_without_session": [
            {
                "folder": stray.folder,
                "root": str(stray.root.local_path),
                "refused": stray.refused,
                "reason": stray.reason,
                "remedy": stray.remedy,
            }
            for stray in report.strays
        ],
        "animals_without_session": sorted(report.strangers),
        "stopped": None if report.stopped is None else report.stopped.message,
    }


def _show_plans(output: Output, outcomes: Sequence[Outcome]) -> None:
    items = [
        {"session": outcome.h2o + " " + outcome.session_date, **detail}
        for outcome in outcomes
        for detail in outcome.details
        if detail.get("action") in ("send", "conflict", "hash")
    ]
    if items:
        columns = (Column("Action", "action"), Column("File", "file"), Column("Reason", "reason"))
        output.table(items, columns, title="\nFiles")


def _show_problems(output: Output, report: Report) -> None:
    for outcome in report.outcomes:
        if outcome.details and outcome.details[0].get("rule") == "folder":
            continue  # the folder itself is told below, once for all sessions that it may be of
        if outcome.failed or (outcome.reason and outcome.state == "in flight"):
            who = f"{outcome.h2o} (subject {outcome.key[0]}) session {outcome.key[1]} of {outcome.session_date}"
            folders = ", ".join(outcome.folders)
            _problem(output, f"{outcome.state}: {who}, {folders}", outcome.reason, outcome.remedy)
            more = [detail for detail in outcome.details[1:] if "rule" in detail] if outcome.failed else []
            for detail in more[:_SHOWN]:
                output.say(f"    also {detail['file']}: {detail['reason']}")
            if len(more) > _SHOWN:
                output.say(f"    and {len(more) - _SHOWN} more (all of them: --format json)")
    for stray in report.strays:
        _problem(output, _title(stray), stray.reason, stray.remedy)
    for subject_id, session in report.nameless:
        _problem(
            output,
            f"refused: subject {subject_id} session {session}",
            "the subject has no water restriction, so its folders have no name",
            "enter it with `mapshell ingest-subjects`.",
        )
    if report.strangers:
        names = sorted(report.strangers)
        others = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        _problem(
            output,
            f"no session: {', '.join(names[:_NAMED])}{others}",
            "the database has no session of an animal of this name, so nothing that lies there is archived",
            "enter the animal and its sessions (`mapshell ingest-subjects`, `mapshell ingest-recordings`).",
        )


def _title(stray: Stray) -> str:
    if stray.folder == ".":
        return f"not read: {stray.root.local_path} ({stray.root.alias})"
    return f"{'refused' if stray.refused else 'no session'}: {stray.folder} ({stray.root.alias})"


def _problem(output: Output, what: str, reason: str, remedy: str) -> None:
    output.say()
    output.say(what, style="yellow")
    output.say(f"    {reason}")
    if remedy:
        output.say(f"    Remedy: {remedy}")


def summary(report: Report, *, dry_run: bool) -> str:
    """Return the round in one line."""
    if not report.chosen and not report.strays:
        return NO_MATCH if report.restricted else NO_SESSION
    files = sum(outcome.sent_files for outcome in report.outcomes)
    size = human_bytes(sum(outcome.sent_bytes for outcome in report.outcomes))
    parts = []
    if dry_run:
        parts.append(f"{files:,} files ({size}) would be sent" if files else "Nothing would be sent")
    elif files:
        sent = sum(1 for outcome in report.outcomes if outcome.sent_files)
        parts.append(f"{sent} {_sessions(sent)} archived now: {files:,} files, {size}, each checked at the archive")
    else:
        parts.append("Nothing new to archive")
    states = Counter(o.state for o in report.outcomes if not o.sent_files)
    before = states.pop("archived", 0)
    if before:
        parts.append(f"{before} archived before")
    parts.extend(f"{count} {state}" for state, count in sorted(states.items()))
    if report.not_here:
        parts.append(f"{report.not_here} not here")
    return "; ".join(parts) + "."


def _sessions(count: int) -> str:
    return "session" if count == 1 else "sessions"


def show_status(output: Output, rows: Sequence[SessionStatus], *, restricted: bool = False) -> None:
    """Show the state of sessions, and the sums."""
    from dataclasses import asdict

    listed = [{**asdict(row), "bytes": row.size, "folders": list(row.folders)} for row in rows]
    for each in listed:
        del each["size"]
    if output.json:
        output.data(listed)
        return
    output.table(
        listed,
        (
            Column("State", "state", style=_style),
            *_WHO,
            Column("Archive", "alias"),
            Column("Folders", "folders"),
            Column("Files", "files", align="right", kind="number"),
            Column("Size", "bytes", align="right", kind="bytes"),
            Column("Reason", "reason"),
        ),
        empty=NO_MATCH if restricted else NO_SESSION,
    )
    if not rows:
        return
    counts = Counter(row.state for row in rows)
    output.say("; ".join(f"{count} {state}" for state, count in sorted(counts.items())) + ".", style="bold")
