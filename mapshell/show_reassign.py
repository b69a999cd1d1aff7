"""How a reassignment is shown; no work is done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from mapshell.session_views import problem
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapshell.output import Output
    from pipeline.archive.session import SessionRef
    from pipeline.reassign.reassigned import Place, Reassignment

_SHOWN = 20
"""Renamings of one storage location that a person is shown."""

_STYLES = {"reassigned": "green", "already": "green", "in flight": "cyan", "failed": "red"}


def show(output: Output, result: Reassignment) -> None:
    """Show what was, or would be, done."""
    if output.for_programs:
        output.data(document(result))
        return
    if result.dry_run:
        show_plan(output, result)
        output.say(_sum(result), style="bold")
        return
    output.table(
        [_row(place) for place in result.places],
        (
            Column("State", "state", style=lambda row: _STYLES.get(row["state"], "")),
            Column("Archive", "alias", wrap=False),
            Column("Was", "was", wrap=False),
            Column("Is", "is", wrap=False),
            Column("Files", "files", align="right", kind="number"),
            Column("Size", "bytes", align="right", kind="bytes"),
        ),
    )
    for place in result.places:
        if place.reason:
            problem(output, f"{place.state}: {place.location.alias}", place.reason, place.remedy)
    output.say(_sum(result), style="bold")


def show_plan(output: Output, plan: Reassignment) -> None:
    """Show what would be renamed, to a person who is to say yes."""
    for place in plan.to_do:
        amount = f"{place.files:,} {'file' if place.files == 1 else 'files'}, {human_bytes(place.size)}"
        verb = "is being given" if place.state == "to be ended" else "would be given"
        output.say(f"{place.location.alias}: {place.was} {verb} to {place.now} ({amount})")
        for rename in place.renames[:_SHOWN]:
            slash = "/" if rename.folder else ""
            output.say(f"  {rename.old}{slash}")
            output.say(f"    -> {rename.new}{slash}")
        if len(place.renames) > _SHOWN:
            output.say(f"  and {len(place.renames) - _SHOWN:,} more (all of them: --format json)")
        if not place.renames:
            output.say("  nothing is renamed at the archive; the rows change")
        output.say(f"  new manifest: {place.manifest}")


def _sum(result: Reassignment) -> str:
    counts: dict[str, list[str]] = {}
    for place in result.places:
        counts.setdefault(place.state, []).append(place.location.alias)
    said = []
    if result.dry_run and result.to_do:
        said.append(
            f"Would reassign: {', '.join(place.location.alias for place in result.to_do)}. Nothing was changed."
        )
    if "reassigned" in counts:
        said.append(f"Reassigned to {result.now}: {', '.join(counts['reassigned'])}.")
    if "already" in counts:
        said.append(f"It is archived as {result.now} already: {', '.join(counts['already'])}.")
    unfinished = [*counts.get("in flight", ()), *counts.get("failed", ())]
    if unfinished:
        said.append(f"Not reassigned: {', '.join(unfinished)}.")
    return " ".join(said)


def document(result: Reassignment) -> dict[str, Any]:
    """Return a reassignment as JSON has it."""
    return {
        "from": result.source,
        "to": result.target,
        "dry_run": result.dry_run,
        "places": [
            {
                **_row(place),
                "was": _session(place.was),
                "is": _session(place.now),
                "renames": [{"from": r.old, "to": r.new, "folder": r.folder} for r in place.renames],
                "manifest": place.manifest or None,
                "reason": place.reason,
                "remedy": place.remedy,
            }
            for place in result.places
        ],
        "stopped": None if result.stopped is None else result.stopped.message,
    }


def _row(place: Place) -> Mapping[str, Any]:
    return {
        "state": place.state,
        "alias": place.location.alias,
        "was": _short(place.was),
        "is": _short(place.now),
        "files": place.files,
        "bytes": place.size,
    }


def _short(session: SessionRef) -> str:
    return f"{session.h2o}/{session.session} {session.session_date:%Y-%m-%d}"


def _session(session: SessionRef) -> dict[str, Any]:
    return {
        "h2o": session.h2o,
        "subject_id": session.subject_id,
        "session": session.session,
        "session_date": session.session_date.isoformat(),
    }
