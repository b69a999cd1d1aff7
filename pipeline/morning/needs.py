"""What needs a person: judged from the states of sessions, rounds, disks, transfers and leases.  Pure."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.archive.paths import visible
from pipeline.board import lateness
from pipeline.database.entering import fitting
from pipeline.drifted import DIFFERS, LOOK_AGAIN
from pipeline.morning.report import Need
from pipeline.private.redaction import redact
from pipeline.sizes import human_bytes
from pipeline.states import LOST, TOLD_FOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.session import SessionKey
    from pipeline.board.computers import Computer, DiskState
    from pipeline.board.disks import Disk
    from pipeline.board.lateness import Turn
    from pipeline.board.status import SessionStatus
    from pipeline.board.troubles import Trouble
    from pipeline.morning.reading import Left, Open
    from pipeline.morning.report import Kind

LONG_AGO = timedelta(days=3)
"""A session that was recorded before then, and is still not archived, is asked for."""

SCARCE = 2_000_000_000
SCARCE_SHARE = 0.05
"""Bytes below which a disk is about to be full, at whatever rate; of a small disk, this share of it."""

_LOST = (
    "if they lie elsewhere now, bring them back and publish: mapshell publication-why {name} {session}; "
    f"otherwise nothing is to do, and this is told for {TOLD_FOR.days} days"
)
_WAITING, _SAFE = ("queued", "recording"), ("archived", "reclaimed")
_NEWS = re.compile(
    r"[0-9]+ new files?(, [0-9]+ files? of another time, which the next publish compares)?"
    r"|\S+ has (?:[0-9,]+ more|other) files?: the next publish compares the two"
)
_STATES: Mapping[str, Kind] = {"refused": "refused", "archived with changes": "changed"}


def need(kind: Kind, who: str, what: str, remedy: str) -> Need:
    """Make a need; no secret that an error's words may hold is in it."""
    return Need(kind, visible(redact(who)), redact(what), redact(fitting(remedy)))


def of_sessions(rows: Iterable[SessionStatus], today: date, mine: str) -> Iterator[Need]:
    """Yield what needs a person among the sessions: refused, changed, lost at the archive, or waiting for long.

    Parameters
    ----------
    rows
        Every session at every location.
    today
        The present day of the lab.
    mine
        The computer that makes the report.
    """
    told: dict[tuple[Kind, str, str, str], list[str]] = {}  # what is the same at several locations is one thing
    for row, each in _of_rows(list(rows), today, mine):
        places = told.setdefault((each.kind, each.who, each.what, each.remedy), [])
        if row.alias not in places:
            places.append(row.alias)
    for (kind, who, what, remedy), places in told.items():
        *most, last = places
        at = f"{', '.join(most)} and {last}" if most else last
        yield need(kind, f"{who}, {at}", what, remedy)


def _of_rows(rows: Sequence[SessionStatus], today: date, mine: str) -> Iterator[tuple[SessionStatus, Need]]:
    safe = {(row.subject_id, row.session, row.dataset_type) for row in rows if row.state in _SAFE}
    for row in rows:
        who = session(row)
        if DIFFERS in row.reason:
            remedy = f"mapshell publication-verify --subject {_name(row)} --session {row.session}"
            what = row.reason.replace(f"{DIFFERS}: ", "").replace(f"; {LOOK_AGAIN}", "")
            yield row, Need("archive differs", who, what, remedy)
        elif row.state in _STATES and not _is_news(row):
            yield row, Need(_STATES[row.state], who, _told(row), row.remedy or _why(row, mine))
        elif (row.subject_id, row.session, row.dataset_type) in safe:
            continue  # a further copy of it waits
        elif row.state == LOST and row.reason:
            yield row, Need("lost", who, _told(row), _LOST.format(name=_name(row), session=row.session))
        elif row.state in _WAITING and date.fromisoformat(row.session_date) < today - LONG_AGO:
            days = (today - date.fromisoformat(row.session_date)).days
            yield row, Need("waiting", who, f"{row.state} for {days} days: {_told(row)}", _why(row, mine))


def _is_news(row: SessionStatus) -> bool:
    """Say whether all that differs are files that came since the last round: the next one archives them."""
    return row.state == "archived with changes" and bool(_NEWS.fullmatch(row.reason.partition("; ")[0]))


def session(row: SessionStatus) -> str:
    """Return how a session is called."""
    return f"{row.h2o} session {row.session} of {row.session_date}"


def _told(row: SessionStatus) -> str:
    on = f"on {row.computer}: " if row.computer else ""
    return f"{on}{row.reason or 'no reason was told'}"


def _why(row: SessionStatus, mine: str) -> str:
    on = f"on {row.computer}: " if row.computer not in {"", mine} else ""
    return f"{on}mapshell publication-why {_name(row)} {row.session}"


def _name(row: SessionStatus) -> str:
    return f'"{row.h2o}"' if " " in row.h2o else row.h2o


def of_troubles(troubles: Iterable[Trouble]) -> Iterator[Need]:
    """Yield what the board saw by the way: a clock that is behind, tombstones of sessions that the index lost."""
    for each in troubles:
        yield need("clock" if each.what.startswith("the clock") else "tombstone", each.what, each.reason, each.remedy)


def of_computers(every: Iterable[Computer], say: Callable[[datetime], str], mine: str) -> Iterator[Need]:
    """Yield the computers that missed their night; ``say`` says an instant in words."""
    for each in every:
        if each.late is not None:
            there = "here" if each.computer == mine else f"on {each.computer}"
            remedy = f"see that {each.computer} is on, and connected; then {there}: mapshell publication-publish"
            yield need("missed", each.computer, late_words(each.late, say), remedy)


def of_rounds(
    turns: Mapping[str, Sequence[Turn]],
    now: datetime,
    since: datetime,
    say: Callable[[datetime], str],
    mine: str,
    *,
    differs: bool,
) -> Iterator[Need]:
    """Yield the rounds that did not end well.

    Parameters
    ----------
    turns
        The rounds of each computer, the newest first.
    now, since
        This instant, and from when on news are told; UTC.
    say
        Says an instant in words.
    mine
        The computer that makes the report.
    differs
        Sessions of which the archive differs from the index are told of anyway.
    """
    for computer, theirs in turns.items():
        on = "" if computer == mine else f"on {computer}: "
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


def of_disks(disks: Mapping[str, Iterable[DiskState]], within: float) -> Iterator[Need]:
    """Yield the disks of computers that are full within so many days, and those that nobody can look at."""
    for computer, theirs in sorted(disks.items()):
        for state in theirs:
            disk, days = state.disk, None if state.filling is None else state.filling.days
            if disk.free is None:
                remedy = f"connect it, or correct the folder in the settings; then on {computer}: mapshell doctor"
                yield need("disk missing", computer, f"{disk.path}: {disk.reason or 'nobody can tell'}", remedy)
            elif _scarce(disk) or (days is not None and days <= within):
                by = (
                    f"full {_in_days(days)} ({state.filling.by})"
                    if state.filling and days is not None
                    else "nearly full"
                )
                said = f"{disk.path}: {human_bytes(disk.free)} free, {by}"
                yield need("disk", computer, said, f"on {computer}: mapshell publication-reclaim --dry-run")


def _scarce(disk: Disk) -> bool:
    return disk.free is not None and disk.free < min(SCARCE, (disk.size or SCARCE / SCARCE_SHARE) * SCARCE_SHARE)


def _in_days(days: float) -> str:
    count = round(days)
    return "within a day" if count < 1 else f"in about {count} day{'' if count == 1 else 's'}"


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
