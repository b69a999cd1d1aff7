"""What a round of publishing tells in its sign of life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.settings.types import DATASET_TYPES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from pipeline.archive.find import LocalSession
    from pipeline.archive.journal import Outcome
    from pipeline.archive.manifest import Manifest
    from pipeline.board.heartbeat import Life
    from pipeline.report import Report

_WAITING = ("queued", "in flight", "recording", "refused")


def scope(types: Collection[str], restrictions: Sequence[Any]) -> str:
    """Say whether a round looks at all sessions, or at some that somebody chose."""
    return "chosen" if restrictions or not set(types) >= set(DATASET_TYPES) else "all"


def unarchived(outcome: Outcome, session: LocalSession | None, known: Manifest | None) -> int | None:
    """Return the bytes of a session that are not archived after a round; None when nothing of it waits."""
    if outcome.state == "archived":
        return None
    have = {entry.subpath for entry in known.files} if known is not None else set()
    size = outcome.size if session is None else sum(f.size for f in session.files if f.subpath not in have)
    return size if outcome.state in _WAITING or size else None


def tell(life: Life, report: Report, scope: str) -> None:
    """Tell in a sign of life what became of a round.

    Parameters
    ----------
    life
        Of the round.
    report
        Its report.
    scope
        What the round looked at: unless that is "all", it cannot tell what waits on this computer.
    """
    new = [outcome for outcome in report.outcomes if outcome.sent_files or outcome.adopted_files]
    seen_all = scope == "all" and report.stopped is None
    waiting = dict(report.waiting)
    for outcome in report.outcomes:
        if outcome.state in _WAITING:
            waiting.setdefault((outcome.key, outcome.alias), outcome.size)
    life.saw(
        sessions_here=max(report.chosen - len(report.nameless) - report.not_here, 0) if seen_all else None,
        queued_sessions=len({key for key, _ in waiting}) if seen_all else None,
        queued_bytes=sum(waiting.values()) if seen_all else None,
        archived_sessions=len({outcome.key for outcome in new if outcome.state.startswith("archived")}),
        archived_bytes=sum(outcome.sent_bytes + outcome.adopted_bytes for outcome in new),
    )
    life.came_of(report, needs(report))


def needs(report: Report) -> str:
    """Say what of a round needs a person, in a line; empty when nothing does."""
    unsent: list[str] = []
    others: list[str] = []
    for outcome in filter(lambda each: each.failed, report.outcomes):
        who = f"{outcome.h2o} session {outcome.key[1]} of {outcome.session_date}"
        those = unsent if outcome.state in ("queued", "in flight") else others
        those.append(f"{outcome.state}: {who}, {outcome.alias}: {outcome.reason}")
    said = [*unsent, *(f"refused: {stray.folder}: {stray.reason}" for stray in report.strays if stray.refused)]
    if report.nameless:
        said.append(f"sessions of animals without water restriction: {len(report.nameless)}")
    said += others  # last: the board tells of them for as long as it is true
    more = f" (and {len(said) - 1:,} more)" if len(said) > 1 else ""
    return f"{said[0]}{more}" if said else ""
