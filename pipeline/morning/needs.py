"""What needs a person: judged from the states of sessions, rounds, disks, transfers and leases.  Pure."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.archive.paths import visible
from pipeline.database.entering import fitting
from pipeline.drifted import DIFFERS
from pipeline.morning import lateness
from pipeline.morning.filling import full_in
from pipeline.morning.report import Need
from pipeline.private.redaction import redact
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.session import SessionKey
    from pipeline.board.disks import Disk
    from pipeline.board.status import SessionStatus
    from pipeline.morning.lateness import Turn
    from pipeline.morning.reading import Left, Open
    from pipeline.morning.report import Kind

LONG_AGO = timedelta(days=3)
"""A session that was recorded before then, and is still not archived, is asked for."""

SCARCE = 2_000_000_000
SCARCE_SHARE = 0.05
"""Bytes below which a disk is about to be full, at whatever rate; of a small disk, this share of it."""

_WAITING, _SAFE = ("queued", "recording"), ("archived", "reclaimed")
_STATES: Mapping[str, Kind] = {"refused": "refused", "archived with changes": "changed"}


def need(kind: Kind, who: str, what: str, remedy: str) -> Need:
    """Make a need; no secret that an error's words may hold is in it."""
    return Need(kind, visible(redact(who)), redact(what), redact(fitting(remedy)))


def of_sessions(rows: Iterable[SessionStatus], today: date) -> Iterator[Need]:
    """Yield what needs a person among the sessions: refused, changed, lost at the archive, or waiting for long."""
    rows = list(rows)
    safe = {(row.subject_id, row.session, row.dataset_type) for row in rows if row.state in _SAFE}
    for row in rows:
        who = named(row)
        if DIFFERS in row.reason:
            yield need("archive differs", who, row.reason, f"mapshell publication-verify {_options(row)}")
        elif row.state in _STATES:
            yield need(_STATES[row.state], who, _told(row), row.remedy or _why(row))
        elif (row.subject_id, row.session, row.dataset_type) in safe:
            continue  # a further copy of it waits
        elif row.state in _WAITING and date.fromisoformat(row.session_date) < today - LONG_AGO:
            days = (today - date.fromisoformat(row.session_date)).days
            yield need("waiting", who, f"{row.state} for {days} days: {_told(row)}", _why(row))


def named(row: SessionStatus) -> str:
    """Return how a session at a location is called."""
    return f"{row.h2o} session {row.session} of {row.session_date}, {row.alias}"


def _told(row: SessionStatus) -> str:
    on = f"on {row.computer}: " if row.computer else ""
    return f"{on}{row.reason or 'no reason was told'}"


def _why(row: SessionStatus) -> str:
    return f"mapshell publication-publish {_options(row)} --dry-run"


def _options(row: SessionStatus) -> str:
    name = f'"{row.h2o}"' if " " in row.h2o else row.h2o
    return f"--subject {name} --session {row.session}"


def of_rounds(
    turns: Mapping[str, Sequence[Turn]],
    now: datetime,
    since: datetime,
    missed_after: timedelta,
    say: Callable[[datetime], str],
    mine: str,
    *,
    differs: bool,
) -> Iterator[Need]:
    """Yield the nights that computers missed, and the rounds that did not end well.

    Parameters
    ----------
    turns
        The rounds of each computer, the newest first.
    now, since
        This instant, and from when on news are told; UTC.
    missed_after
        How long a computer that told no next round may be without one.
    say
        Says an instant in words.
    mine
        The computer that makes the report.
    differs
        Sessions of which the archive differs from the index are told of anyway.
    """
    for computer, theirs in turns.items():
        on = "" if computer == mine else f"on {computer}: "
        missed = lateness.late(theirs, now, missed_after)
        if missed is not None:
            remedy = f"see that {computer} is on, and connected; then {on or 'here: '}mapshell publication-publish"
            yield need("missed", computer, late_words(missed, say), remedy)
        for turn in lateness.bad(theirs, now, since, differs=differs):
            said = f"{turn.verb}, begun {say(turn.began)}, "
            if turn.cut_short(now):
                said += f"was cut short: no sign of life since {say(turn.seen)}"
            else:
                said += f"{turn.result}: {turn.reason or 'no reason was told'}"
            yield need("round", computer, said, f"{on}mapshell publication-{turn.verb}")


def late_words(missed: lateness.Late, say: Callable[[datetime], str]) -> str:
    """Say which night was missed."""
    last = f"the last one was seen {say(missed.last.seen)}"
    if missed.due is not None:
        return f"a round was due {say(missed.due)}; {last}"
    return f"no round for long; {last}"


def of_disks(turns: Mapping[str, Sequence[Turn]], now: datetime, within: timedelta) -> Iterator[Need]:
    """Yield the disks that will be full soon, as the rounds of each computer found them, and those that are away."""
    for computer, theirs in turns.items():
        newest = next((turn for turn in theirs if turn.disks), None)
        if newest is None or lateness.retired(theirs, now):
            continue
        for disk in newest.disks:
            if disk.free is None:
                remedy = f"connect it on {computer}, or correct the folder there: mapshell doctor --only folders"
                yield need("disk missing", computer, f"{disk.path}: {disk.reason or 'nobody can tell'}", remedy)
                continue
            found = [
                (turn.seen, each.free)
                for turn in theirs
                for each in turn.disks
                if each.path == disk.path and each.free is not None
            ]
            left = full_in(found, now)
            if _scarce(disk) or (left is not None and left <= within):
                when = f"full {_in_days(left)}, at what was written there lately" if left is not None else "nearly full"
                said = f"{disk.path}: {human_bytes(disk.free)} free, {when}"
                yield need("disk", computer, said, f"on {computer}: mapshell publication-status --type ephys")


def _scarce(disk: Disk) -> bool:
    return disk.free is not None and disk.free < min(SCARCE, (disk.size or SCARCE / SCARCE_SHARE) * SCARCE_SHARE)


def _in_days(left: timedelta) -> str:
    days = round(left / timedelta(days=1))
    return "within a day" if days < 1 else f"in about {days} day{'' if days == 1 else 's'}"


def of_transfers(
    open_: Iterable[Open], names: Mapping[SessionKey, str], mine: str, say: Callable[[datetime], str]
) -> Iterator[Need]:
    """Yield the transfers that are open for long."""
    for each in open_:
        on = "" if each.computer == mine else f"on {each.computer}: "
        carried = Counter(names.get(key, f"subject {key[0]} session {key[1]}") for key, _ in each.sessions)
        who = next(iter(carried), f"a transfer of {each.computer}")
        if len(carried) > 1:
            who += f" and {len(carried) - 1} more"
        task = f", task {each.task}" if each.task else ""
        said = f"a transfer ({each.purpose}) from {each.computer} is open since {say(each.since)}{task}"
        remedy = f"{on}mapshell publication-publish"
        if each.purpose == "copy":
            remedy = f"run the same `mapshell cp` on {each.computer} again: it goes on"
        yield need("in flight", who, said, remedy)


def of_leases(left: Iterable[Left]) -> Iterator[Need]:
    """Yield who left sessions claimed."""
    for each in left:
        sessions = "1 session" if each.sessions == 1 else f"{each.sessions} sessions"
        ended = "has ended" if each.ended else "was not heard of for longer than a lease"
        said = f"process {each.process} {ended} and left {sessions} claimed; nothing is lost"
        yield need("lease", each.computer, said, "the next round takes them over: mapshell publication-publish")
