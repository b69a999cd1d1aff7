"""Which computers missed their night, and which of their rounds did not end well; from their signs of life.  Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.board.heartbeat import SILENCE
from pipeline.board.tidying import CUT_SHORT, FAILED, INTERRUPTED, PARTLY, RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipeline.board.disks import Disk

GRACE = timedelta(hours=1)
"""How much later than it was told a round may begin."""

FARTHEST = timedelta(days=9)
"""No next round is later: rounds are a week apart at most, and begin in the next window."""

REMEMBERED = timedelta(days=14)
"""After so long without a sign of life nobody is told any more that a computer missed its night: it is retired."""

_OF_A_SESSION = re.compile(r"(?!queued: |in flight: )[a-z ]+: \S.* session -?[0-9]+ of [0-9]{4}-[0-9]{2}-[0-9]{2}, ")
"""What a round says of a session that is told of anyway.  That it could not be sent is told by the round alone."""

SHOWN = 2 * REMEMBERED
"""For so long it is still named, as not seen since."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A round of a computer as it told of it; instants in UTC, ``disks`` with their free bytes at its end.

    ``gone`` says that its process is known to have ended.
    """

    computer: str
    verb: str
    scope: str
    began: datetime
    seen: datetime
    result: str
    reason: str = ""
    next_at: datetime | None = None
    program: str = ""
    disks: tuple[Disk, ...] = ()
    gone: bool = False

    def cut_short(self, now: datetime) -> bool:
        """Say whether its process ended without a word, or nobody can say any more that it goes on."""
        if self.result == RUNNING:
            return self.gone or now - self.seen > SILENCE
        return self.result == INTERRUPTED and self.reason == CUT_SHORT

    @property
    def announced(self) -> datetime | None:
        """When the next round is due; None where nobody said so, or a clock that is wrong did."""
        credible = self.next_at is not None and self.began < self.next_at <= self.began + FARTHEST
        return self.next_at if credible else None

    @property
    def is_night(self) -> bool:
        """Whether it is one of those that a computer makes by itself: of all its sessions, or with a next one."""
        return self.next_at is not None or (self.verb == "publish" and self.scope == "all")


@dataclass(frozen=True, slots=True)
class Late:
    """A night that a computer missed: its last round, and when the next one was due (None: nobody said)."""

    last: Turn
    due: datetime | None = None


def by_computer(turns: Iterable[Turn]) -> dict[str, list[Turn]]:
    """Return the rounds of each computer, the newest first."""
    found: dict[str, list[Turn]] = {}
    for turn in sorted(turns, key=lambda each: (each.began, each.seen), reverse=True):
        found.setdefault(turn.computer, []).append(turn)
    return dict(sorted(found.items()))


def late(turns: Sequence[Turn], now: datetime, missed_after: timedelta) -> Late | None:
    """Say whether a computer has missed a night; None when it has not, or has no nights, or is retired.

    Parameters
    ----------
    turns
        Its rounds, the newest first.
    now
        This instant, UTC.
    missed_after
        How long it may be without a round, when it told no next one.
    """
    nights = [turn for turn in turns if turn.is_night]
    if not nights or retired(turns, now):
        return None
    last = nights[0]
    if last.result == RUNNING and not last.cut_short(now):
        return None
    due = last.announced
    if due is not None:
        return Late(last, due) if now > due + GRACE else None
    return Late(last) if now - last.seen > missed_after else None


def retired(turns: Sequence[Turn], now: datetime) -> bool:
    """Say whether a computer was not seen for so long that it is taken to be in use no more."""
    return now - max(turn.seen for turn in turns) > REMEMBERED


def bad(turns: Sequence[Turn], now: datetime, since: datetime, *, differs: bool = False) -> list[Turn]:
    """Return a computer's rounds that did not end well: of each verb the last one alone, as the next makes it good.

    One of all sessions is made good by one of all alone, so that nothing done by hand hides a night.
    What a person interrupted is told only when it was ``since`` (UTC).  That sessions were refused, or that the archive
    ``differs`` from the index, is told with the sessions.
    """
    newest: dict[tuple[str, bool], Turn] = {}
    for turn in turns:
        every = (turn.verb, True)
        if every not in newest and (turn.scope != "chosen" or turn.result != PARTLY or turn.next_at is not None):
            newest.setdefault((turn.verb, turn.scope == "all"), turn)  # of some sessions: makes no night good
    found = [turn for turn in newest.values() if now - turn.seen <= REMEMBERED]
    return [turn for turn in found if _is_bad(turn, now, since, differs=differs)]


def _is_bad(turn: Turn, now: datetime, since: datetime, *, differs: bool) -> bool:
    if turn.cut_short(now) or turn.result == FAILED:
        return True
    if turn.result == PARTLY and (not turn.reason or _OF_A_SESSION.match(turn.reason)):
        return False  # the session says it itself, for as long as it is true
    if turn.result == PARTLY and turn.verb == "verify" and differs:
        return False
    return turn.result in {INTERRUPTED, PARTLY} and turn.seen >= since
