"""How a retrieval is shown; no work is done here."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from mapshell.session_views import HOW_MUCH, WHO
from pipeline.archive.paths import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapshell.output import Output
    from pipeline.retrieved import Retrieved, RetrievedFile

STYLES = {
    "fetched": "green",
    "identical": "green",
    "unchecked": "yellow",
    "in flight": "cyan",
    "to fetch": "cyan",
    "to replace": "yellow",
    "refused": "red",
    "damaged": "red",
    "missing": "red",
    "failed": "red",
}

_SHOWN = 20
"""How many files with a problem are named to a person."""


def show(output: Output, result: Retrieved) -> None:
    """Show the sessions, then what needs a person, then the sum."""
    if output.for_programs:
        output.data(_document(result))
        return
    output.table(
        _sessions(result),
        (
            Column("Verdict", "verdict", style=_style),
            *WHO,
            *HOW_MUCH,
        ),
    )
    if result.dry_run:
        _show_plan(output, result)
    _show_problems(output, result)
    for note in result.notes:
        output.say(visible(note))
    if result.tasks:
        output.say(f"Globus {'task' if len(result.tasks) == 1 else 'tasks'}: {', '.join(result.tasks)}")
    if any(each.verdict == "in flight" for each in result):
        again = "without --dry-run" if result.dry_run else "run again"
        output.say(f"The same command, {again}, checks what has come and gives it its names.")
    output.say(str(result), style="bold")


def show_files(output: Output, result: Retrieved) -> None:
    """Show files that were fetched by their place, of no session."""
    if output.for_programs:
        output.data(_document(result))
        return
    rows = [
        {"verdict": each.verdict, "file": each.subpath, "bytes": each.size, "place": each.place, "reason": each.reason}
        for each in result.files
    ]
    columns = (
        Column("Verdict", "verdict", style=_style),
        Column("Size", "bytes", align="right", kind="bytes", wrap=False),
        Column("File", "place"),
    )
    output.table(rows, columns)
    _show_problems(output, result)
    for note in result.notes:
        output.say(visible(note))
    output.say(str(result), style="bold")


def _style(row: Mapping[str, Any]) -> str:
    return STYLES.get(row["verdict"], "")


def _sessions(result: Retrieved) -> list[dict[str, Any]]:
    """Return number and size of the files of each session, by verdict."""
    groups: dict[tuple[Any, ...], list[RetrievedFile]] = defaultdict(list)
    for each in result.files:
        groups[each.alias, each.h2o, each.session_date, each.key, each.verdict].append(each)
    return [
        {
            "verdict": verdict,
            "h2o": h2o,
            "subject_id": key[0],
            "session": key[1],
            "session_date": day,
            "alias": alias,
            "files": len(files),
            "bytes": sum(each.size for each in files),
        }
        for (alias, h2o, day, key, verdict), files in groups.items()
    ]


def _show_plan(output: Output, result: Retrieved) -> None:
    rows = [
        {"verdict": each.verdict, "file": each.subpath, "bytes": each.size, "reason": each.reason}
        for each in result.files
        if each.verdict in ("to fetch", "to replace")
    ]
    columns = (
        Column("Verdict", "verdict", style=_style),
        Column("File", "file"),
        Column("Size", "bytes", align="right", kind="bytes"),
        Column("Reason", "reason"),
    )
    if rows:
        output.table(rows, columns, title="\nFiles")


def _show_problems(output: Output, result: Retrieved) -> None:
    """Name what needs a person; a reason that many files share is said once, and what ended the run with the end."""
    ended = "" if result.stopped is None else result.stopped.message.rstrip(".")
    groups: dict[tuple[str, str, str], list[RetrievedFile]] = defaultdict(list)
    for each in result.problems:
        groups[each.verdict, each.reason, each.remedy].append(each)
    for (verdict, reason, remedy), files in groups.items():
        for each in files[:_SHOWN]:
            line = f"{verdict}: {visible(each.place)}"
            output.say(f"\n{line}" if each is files[0] else line, style="red")
        if len(files) > _SHOWN:
            output.say(f"... and {len(files) - _SHOWN:,} more files")
        if ended and reason == ended:
            continue
        if reason:
            output.say(f"    {visible(reason)}.")
        if remedy:
            output.say(f"    Remedy: {visible(remedy)}")


def _document(result: Retrieved) -> dict[str, Any]:
    return {
        "dry_run": result.dry_run,
        "via": result.via,
        "targets": result.targets,
        "tasks": result.tasks,
        "notes": result.notes,
        "sessions": _sessions(result),
        "files": [
            {
                "verdict": each.verdict,
                "subject_id": each.key[0],
                "session": each.key[1],
                "alias": each.alias,
                "subpath": each.subpath,
                "file_type": each.file_type,
                "bytes": each.size,
                "place": each.place,
                "reason": each.reason,
                "remedy": each.remedy,
            }
            for each in result.files
        ],
        "stopped": None if result.stopped is None else result.stopped.message,
    }
