"""How transfers of the journal are shown; no work is done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from mapshell.progress import duration
from mapshell.session_views import problem
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mapshell.output import Output
    from pipeline.errors import MapshellError
    from pipeline.transfers.live import Seen
    from pipeline.transfers.waiting import Waited

_SHORT = 8
_STYLES = {"arrived": "green", "under way": "cyan", "not known": "dim", "ended": "dim", "nothing to send": "cyan"}


def _style(row: Mapping[str, Any]) -> str:
    return _STYLES.get(row["live"], "yellow")


COLUMNS = (
    Column("Task", "short", style="bold", wrap=False),
    Column("Of", "what"),
    Column("For", "purpose"),
    Column("Journal", "state"),
    Column("Globus", "live", style=_style),
    Column("Sent", "sent", align="right"),
    Column("Begun", "age", align="right", wrap=False),
    Column("Computer", "computer"),
)


def show(output: Output, seen: Sequence[Seen], unknown: MapshellError | None, *, now: datetime, ended: bool) -> None:
    """Show transfers; ``unknown`` is why Globus could not be asked, if that is so."""
    if output.for_programs:
        document = {
            "tasks": [row(each, now) for each in seen],
            "globus": None if unknown is None else {"message": unknown.message, "remedy": unknown.remedy},
        }
        output.data(document if output.format == "json" else document["tasks"])
        return
    none = "No transfer" + (
        " in the journal." if ended else " is open. Those that have ended: mapshell tasks list --all"
    )
    output.table([row(each, now) for each in seen], COLUMNS, empty=none)
    if unknown is not None:
        output.warn(f"Globus could not be asked, so this is the journal's word alone: {unknown.message}")
        output.say(f"Remedy: {unknown.remedy}")
    _problems(output, seen)


def show_waited(output: Output, waited: Waited, *, now: datetime) -> None:
    """Show how transfers stand after a wait."""
    if output.for_programs:
        rows = [{**row(each, now), "timed_out": each in waited.late} for each in waited.seen]
        output.data({"tasks": rows} if output.format == "json" else rows)
        return
    output.table([row(each, now) for each in waited.seen], COLUMNS, empty="No transfer is open.")
    _problems(output, waited.seen)
    if waited.late:
        some = "1 is" if len(waited.late) == 1 else f"{len(waited.late):,} are"
        output.say(f"{some} still under way; nothing was changed. Wait again: mapshell tasks wait")
    elif any(each.live == "arrived" for each in waited.seen):
        output.say("What has arrived is checked and recorded by: mapshell publication-publish")


def show_to_cancel(output: Output, seen: Sequence[Seen]) -> None:
    """Show what is about to be cancelled."""
    for each in seen:
        output.say(f"{each.entry.name}: {each.entry.what}, {each.live}, {_sent(each) or 'nothing sent yet'}")
    output.say("Nothing that is archived is touched; what was sent in vain is sent again by the next publish.")


def show_cancelled(output: Output, seen: Sequence[Seen]) -> None:
    """Show what was cancelled."""
    if output.for_programs:
        rows = [{"transfer_id": each.entry.transfer_id, "task_id": each.entry.task_id} for each in seen]
        output.data({"cancelled": rows})
        return
    names = ", ".join(each.entry.name for each in seen)
    output.say(f"Cancelled: {names}. Nothing that is archived was touched.", style="bold")
    output.say("The next `mapshell publication-publish` takes note of it, the one after that sends the files again.")


def row(seen: Seen, now: datetime) -> dict[str, Any]:
    """Return a transfer as a row of the table, with all that programs may want."""
    entry, status = seen.entry, seen.status
    return {
        "short": entry.name[:_SHORT],
        "what": entry.what,
        "purpose": entry.purpose,
        "state": entry.state,
        "live": seen.live,
        "sent": _sent(seen),
        "age": f"{duration(max((now - entry.created_at).total_seconds(), 0))} ago",
        "computer": entry.computer,
        "transfer_id": entry.transfer_id,
        "task_id": entry.task_id,
        "label": entry.label,
        "identity": entry.identity,
        "note": seen.note,
        "remedy": seen.remedy,
        "sessions": [
            {"h2o": each.h2o, "subject_id": each.subject_id, "session": each.session, "alias": each.alias}
            for each in entry.sessions
        ],
        "files": entry.files,
        "bytes": entry.size,
        "files_transferred": None if status is None else status.files_transferred,
        "bytes_transferred": None if status is None else status.bytes_transferred,
        "faults": None if status is None else status.faults,
        "created_at": entry.created_at,
        "submitted_at": entry.submitted_at,
        "ended_at": entry.ended_at,
        "outcome": entry.outcome,
    }


def _sent(seen: Seen) -> str:
    if seen.status is None:
        return "" if seen.entry.size is None else human_bytes(seen.entry.size)
    sent = human_bytes(seen.status.bytes_transferred)
    whole = seen.entry.size
    return sent if whole is None or seen.live == "arrived" else f"{sent} of {human_bytes(whole)}"


def _problems(output: Output, seen: Sequence[Seen]) -> None:
    for each in seen:
        if each.live in ("in trouble", "inactive", "paused", "failed", "not listed", "another login's"):
            problem(output, f"{each.live}: {each.entry.name}, {each.entry.what}", each.note or each.live, each.remedy)
