"""How a discovery is shown; no work is done here."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from mapshell.session_views import HOW_MUCH, WHO, problem
from pipeline.archive.paths import visible
from pipeline.discovered import NEWS, shortened

if TYPE_CHECKING:
    from mapshell.output import Output
    from pipeline.discovered import DiscoverReport, FoundFolder, FoundSession

_STYLES = {"discovered": "green", "present": "yellow", "refused": "red", "not read": "red", "in flight": "cyan"}
_ALIKE = 3
_STRANGE = (
    "the lab's tables know no animal of this name, so its folder was not looked into",
    "enter the animal (`mapshell ingest-subjects`), or let manifests do so: --create-sessions.",
)
_STRANGE_ALL_THE_SAME = (
    "the lab's tables know no animal of this name, and no manifest there could make it",
    "enter the animal (`mapshell ingest-subjects`) and its sessions, then discover again.",
)
"""How many sessions that are left alone for one reason are named to a person."""


def show(output: Output, report: DiscoverReport) -> None:
    """Show what was found, then what needs a person, then the sum."""
    if output.for_programs:
        output.data(_document(report))
        return
    news = [_row(found) for found in report.sessions if found.state in NEWS]
    if news:
        output.table(
            news,
            (
                Column("State", "state", style=lambda row: _STYLES.get(row["state"], "")),
                *WHO,
                *HOW_MUCH,
            ),
        )
    _show_sessions(output, report)
    for folder in report.folders:
        problem(output, _title(folder), folder.reason, folder.remedy)
    for alias, names in sorted(report.strangers.items()):
        problem(
            output,
            f"not in the lab's tables: {shortened(names)} ({alias})",
            *(_STRANGE_ALL_THE_SAME if report.created else _STRANGE),
        )
    output.say(str(report), style="bold")


def _show_sessions(output: Output, report: DiscoverReport) -> None:
    """Name the sessions that were left alone; of many with the same remedy, the first."""
    shown: Counter[tuple[str, str]] = Counter()
    said: set[str] = set()
    for found in report.sessions:
        for note in found.notes:
            if note not in said:  # every session's manifest has the animal's row
                output.say(visible(f"{found.who}, {found.alias}: {note}"), style="yellow")
            said.add(note)
        if not found.reason or (found.state == "present" and not found.failed):
            continue
        shown[found.state, found.remedy] += 1
        if found.failed or shown[found.state, found.remedy] <= _ALIKE:
            problem(output, f"{found.state}: {found.who}, {found.alias}", found.reason, found.remedy)
    for (state, remedy), count in shown.items():
        left = [f for f in report.sessions if (f.state, f.remedy) == (state, remedy) and not f.failed]
        if count > _ALIKE and left:
            output.say(f"{state}: and {len(left) - _ALIKE} more (all of them: --format json)")
    if any(found.state == "present" for found in report.sessions):
        output.say()
        output.say("Present means: listed at the archive with its size, without a manifest; never verified.")


def _title(folder: FoundFolder) -> str:
    if folder.folder == ".":
        return f"{folder.word}: {folder.alias}"
    what = f": {folder.what}" if folder.what else ""
    return f"{folder.word}: {folder.folder} ({folder.alias}){what}"


def _row(found: FoundSession) -> dict[str, Any]:
    row = asdict(found)
    row["bytes"] = row.pop("size")
    made = Counter(table for table, _ in found.made)
    return {**row, "made": dict(sorted(made.items())), "notes": list(found.notes)}


def _document(report: DiscoverReport) -> dict[str, Any]:
    folders = []
    for folder in report.folders:
        row = {**asdict(folder), "seems": dict(folder.seems)}
        row["bytes"] = row.pop("size")
        folders.append(row)
    return {
        "dry_run": report.dry_run,
        "sessions": [_row(found) for found in report.sessions],
        "folders_without_session": folders,
        "animals_without_session": {alias: sorted(names) for alias, names in report.strangers.items()},
        "made": dict(sorted(report.made.items())),
        "stopped": None if report.stopped is None else report.stopped.message,
    }
