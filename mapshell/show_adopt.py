"""How rows that were taken over from an older database are shown; no work is done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from pipeline.oldlab.adopted import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapshell.output import Output
    from pipeline.oldlab.adopted import AdoptedSession, Adoption, OldPlace

_SHOWN = 20


def _style(row: Mapping[str, Any]) -> str:
    return "yellow" if row["bad"] else "green" if row["state"] == "adopted" else "dim"


COLUMNS = (
    Column("State", "said", style=_style),
    Column("h2o", "h2o"),
    Column("Subject", "subject_id", align="right"),
    Column("Session", "session", align="right"),
    Column("Date", "session_date", wrap=False),
    Column("Archive", "alias"),
    Column("New files", "new", align="right", kind="number"),
    Column("of", "files", align="right", kind="number"),
)


def show_adoption(output: Output, adoption: Adoption) -> None:
    """Show every session of the older database, then what needs a person, then the sum."""
    if output.for_programs:
        output.data(document(adoption))
        return
    if adoption.sessions:
        output.table([_row(each, adoption) for each in adoption.sessions], COLUMNS)
    for place in adoption.places:
        _show_place(output, place, adoption)
    for each in adoption.sessions:
        if each.reason:
            _problem(output, f"{WORDS[each.state]}: {_named(each)}", each.reason, each.remedy)
        if each.refused_files:
            _problem(
                output,
                f"names that mean no file: {_named(each)}",
                *list(each.refused_files.values())[:_SHOWN],
                "nothing was taken from these rows; look at them in the older database.",
            )
    if adoption.untied:
        _problem(
            output,
            f"datasets of no session: {_some(adoption.untied)}",
            "no row of the older database ties them to a session",
            "`mapshell publication-discover` gives what lies at the archive to sessions by its names.",
        )
    if adoption.without_files:
        silent = _some(f"subject {subject} session {session}" for subject, session in adoption.without_files)
        _problem(
            output,
            f"sessions without a word about files: {silent}",
            "the older database says that they are archived, and not what of them",
            "`mapshell publication-discover` finds what lies at the archive.",
        )
    output.say(str(adoption), style="bold")
    if adoption.adopted and not adoption.dry_run:
        output.say("They are present, never verified. Look at the archive now: mapshell publication-verify")


def _show_place(output: Output, place: OldPlace, adoption: Adoption) -> None:
    if place.state == "copied":
        would = "Would write down" if adoption.dry_run else "Written down"
        output.say(f"{would} that {place.alias} lies at {place.ours}.")
    elif place.state == "other":
        output.warn(
            f"{place.alias} lay at {place.there} as the older database says, and lies at {place.ours} as "
            "mapshell's own or the configuration does: ours holds. If the archive was not moved there, correct that; "
            "`mapshell storage list` shows both."
        )
    elif place.state == "unusable":
        _problem(
            output,
            f"no storage location: {place.alias}, {place.there}",
            place.reason,
            f"say where it lies, then adopt again: `mapshell storage add {place.alias} UUID:/PATH`.",
        )


def _problem(output: Output, title: str, *lines: str) -> None:
    output.say()
    output.say(title, style="yellow")
    for line in lines[:-1]:
        output.say(f"    {line}")
    if lines[-1]:
        output.say(f"    Remedy: {lines[-1]}")


def _some(names: Any) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _named(each: AdoptedSession) -> str:
    who = f"{each.h2o} (subject {each.key[0]})" if each.h2o else f"subject {each.key[0]}"
    day = f" of {each.session_date}" if each.session_date else ""
    return f"{who} session {each.key[1]}{day}, {each.alias}"


def _row(each: AdoptedSession, adoption: Adoption) -> dict[str, Any]:
    said = "to adopt" if each.state == "adopted" and adoption.dry_run else WORDS[each.state]
    return {**_session(each), "said": said, "bad": each.bad}


def _session(each: AdoptedSession) -> dict[str, Any]:
    return {
        "state": each.state,
        "h2o": each.h2o or None,
        "subject_id": each.key[0],
        "session": each.key[1],
        "session_date": each.session_date or None,
        "alias": each.alias,
        "type": each.kind,
        "datasets": list(each.datasets),
        "files": each.files,
        "spellings": each.spellings,
        "new": each.new,
        "refused_files": [{"name": name, "reason": reason} for name, reason in each.refused_files.items()],
        "reason": each.reason or None,
        "remedy": each.remedy or None,
    }


def document(adoption: Adoption) -> dict[str, Any]:
    """Return all of it as JSON data."""
    return {
        "source": adoption.source,
        "dry_run": adoption.dry_run,
        "storage_locations": [
            {"alias": p.alias, "there": p.there, "ours": p.ours or None, "state": p.state, "reason": p.reason or None}
            for p in adoption.places
        ],
        "sessions": [_session(each) for each in adoption.sessions],
        "adopted": {"sessions": len(adoption.adopted), "files": sum(each.new for each in adoption.adopted)},
        "datasets_of_no_session": adoption.untied,
        "sessions_without_files": [{"subject_id": n, "session": s} for n, s in adoption.without_files],
        "stopped": None if adoption.stopped is None else adoption.stopped.message,
    }
