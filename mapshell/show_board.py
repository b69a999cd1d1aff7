"""How the board is shown; no work is done here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mapshell.board_document import document, session_row
from mapshell.output import Column
from mapshell.session_views import WHO, hint_at_why, problem, state_style, without_zeros
from pipeline.board.backlog import to_places
from pipeline.forecast import about
from pipeline.morning.words import in_zone
from pipeline.report import NO_MATCH, no_session
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime, tzinfo

    from mapshell.output import Output
    from pipeline.board.backlog import Load
    from pipeline.board.board import Board
    from pipeline.board.computers import Computer, DiskState
    from pipeline.board.status import SessionStatus

_SESSIONS = (
    Column("State", "state", style=state_style),
    *WHO,
    Column("Archive", "alias"),
    Column("Folders", "folders"),
    Column("Files", "files", align="right", kind="number"),
    Column("Size", "bytes", align="right", kind="bytes"),
    Column("Reason", "reason"),
)
_BAD = frozenset({"failed", "cut short", "silent"})
"""What a round came to that somebody should look at; what is only partly done is told with its sessions."""

_COPIES = Column("Copies", "of_copies", align="right")
_TOTALS = (
    Column("State", "state", style=state_style),
    Column("Sessions", "sessions", align="right", kind="number"),
    Column("Size", "bytes", align="right", kind="bytes"),
)
_COMPUTERS = (
    Column("Computer", "computer", style="bold", wrap=False),
    Column("Seen", "seen", wrap=False),
    Column("Last round", "last", style=lambda row: "red" if row["bad"] else ""),
    Column("Here", "sessions_here", align="right", kind="number"),
    Column("Waits", "waits", align="right"),
    Column("Free", "free", align="right"),
    Column("Next", "next", style=lambda row: "red" if row["late"] else ""),
)


_PUZZLING = ("refused", "recording", "archived with changes")
"""States of which people ask why."""


def show_board(
    output: Output,
    board: Board,
    *,
    zone: str,
    states: Collection[str] = (),
    restricted: bool = False,
    only: str = "",
) -> None:
    """Show the board.

    Parameters
    ----------
    output
        Where to.
    board
        What there is to show.
    zone
        The lab's time zone, an IANA name.
    states
        Only sessions in these states; empty: all.
    restricted
        Not all sessions were asked for.
    only
        "totals" (without the list of sessions), "computers", or empty for everything.
    """
    rows = [row for row in board.sessions if not states or row.state in states]
    if output.for_programs:
        listed = [session_row(row) for row in rows]
        output.data(listed if output.format == "csv" else document(board, listed))
        return
    if not only:
        _show_sessions(output, rows, restricted=restricted or bool(states))
    if only == "totals":
        totals = [
            {"state": state, "sessions": each.sessions, "bytes": each.size} for state, each in board.totals.items()
        ]
        output.table(totals, _TOTALS, empty=no_session())
    if only != "computers" and not (restricted or states):
        for line in _lines(board):
            output.say(line)
    if not (restricted or states):
        _show_computers(output, board, ZoneInfo(zone), alone=only == "computers")
    for trouble in board.troubles:
        problem(output, trouble.what, trouble.reason, trouble.remedy)
    if not only:
        hint_at_why(output, list(dict.fromkeys((row.h2o, row.session) for row in rows if row.state in _PUZZLING)))


def _show_sessions(output: Output, rows: Sequence[SessionStatus], *, restricted: bool) -> None:
    listed = [without_zeros(session_row(row), "files", "bytes") for row in rows]
    columns: tuple[Column, ...] = _SESSIONS
    if any(row.copies_wanted > 1 for row in rows):
        columns = (*_SESSIONS[:6], _COPIES, *_SESSIONS[6:])
        listed = [{**row, "of_copies": _of_copies(row)} for row in listed]
    output.table(listed, columns, empty=NO_MATCH if restricted else no_session())
    if not rows:
        return
    counts = Counter(row.state for row in rows)
    for row in rows:
        if row.remedy:
            who = f"{row.h2o} (subject {row.subject_id}) session {row.session} of {row.session_date}, {row.alias}"
            problem(output, f"{row.state}: {who}", row.reason, row.remedy)
    output.say("; ".join(f"{count} {state}" for state, count in sorted(counts.items())) + ".", style="bold")


def _of_copies(row: Mapping[str, Any]) -> str:
    return f"{row['copies']} of {row['copies_wanted']}" if row["copies_wanted"] > 1 else ""


def _lines(board: Board) -> Iterator[str]:
    """Yield what waits, and how full this computer's disks are."""
    backlog = board.backlog
    if backlog.sessions:
        for load in backlog.computers:
            yield f"Waits at {load.computer}: {_load(load)}."
    for state in board.disks:
        yield f"Disk {state.disk.path}: {_disk(state)}."


def _load(load: Load) -> str:
    count = f"{load.sessions:,} {'session' if load.sessions == 1 else 'sessions'}, {human_bytes(load.size)}"
    count += to_places(load.places)
    if load.hours is None:
        return f"{count}; how long it takes is not known: nothing that was timed came from there yet"
    past = "the last transfer" if load.transfers == 1 else f"the last {load.transfers} transfers"
    return f"{count}; {about(load.hours * 3600)} at the {human_bytes(round(load.speed or 0))}/s of {past}"


def _disk(state: DiskState) -> str:
    disk, filling = state.disk, state.filling
    if disk.free is None or disk.size is None:
        return disk.reason or "nobody can tell"
    room = f"{human_bytes(disk.free)} of {human_bytes(disk.size)} free"
    if filling is None:
        return room
    if filling.days is None:
        how = (
            f"not full for years at {human_bytes(round(filling.per_day))} a day"
            if filling.per_day
            else "it fills no more"
        )
        return f"{room}; {how} ({filling.by})"
    rate = f"{human_bytes(round(filling.per_day))} a day ({filling.by})"
    return f"{room}; full in {_days(filling.days)} at {rate}"


def _days(days: float) -> str:
    if days < 1:
        return "less than a day"
    return "about a day" if round(days) == 1 else f"about {round(days):,} days"


def _show_computers(output: Output, board: Board, zone: tzinfo, *, alone: bool) -> None:
    if not board.computers:
        if alone:
            output.say("No round was ever told of: see mapshell publication-publish.")
        return
    if not alone:
        output.say()
    output.table([_computer(each, board.now, zone) for each in board.computers], _COMPUTERS)
    for each in board.computers:
        if each.result in _BAD and not each.gone:
            when = in_zone(each.began_at or each.seen_at, zone, board.now)
            said = each.reason or f"its last sign of life was {_ago(each.seen_at, board.now, zone)}"
            remedy = f"on {each.computer}: mapshell publication-{each.verb}"
            problem(output, f"{each.computer}: {each.verb} of {when}: {each.result}", said, remedy)


def _computer(each: Computer, now: datetime, zone: tzinfo) -> dict[str, Any]:
    free = [f"{human_bytes(state.disk.free)}" for state in each.disks if state.disk.free is not None]
    waits = "" if not each.queued_sessions else f"{each.queued_sessions:,} ({human_bytes(each.queued_bytes or 0)})"
    return {
        "computer": each.computer,
        "seen": _ago(each.seen_at, now, zone),
        "last": f"{each.verb} {each.result}".strip(),
        "sessions_here": each.sessions_here,
        "waits": waits,
        "free": ", ".join(free),
        "next": _next(each, now, zone),
        "late": each.late is not None,
        "bad": each.result in _BAD,
    }


def _ago(instant: datetime, now: datetime, zone: tzinfo) -> str:
    seconds = (now - instant).total_seconds()
    if seconds < 90:
        return "now"
    return f"{round(seconds / 60)} min ago" if seconds < 5400 else in_zone(instant, zone, now)


def _next(each: Computer, now: datetime, zone: tzinfo) -> str:
    if each.gone:
        return "not seen for long"
    if each.late is not None:
        return "late" if each.late.due is None else f"missed {in_zone(each.late.due, zone, now)}"
    return "" if each.next_at is None else in_zone(each.next_at, zone, now)
