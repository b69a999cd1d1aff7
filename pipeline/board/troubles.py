"""What the board tells besides states: a clock that is behind, tombstones of sessions that the index does not have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline import publication

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.archive.find import LocalSession
    from pipeline.archive.session import DatasetType, SessionKey
    from pipeline.board.seen import Seen


@dataclass(frozen=True, slots=True)
class Trouble:
    """A thing, what is the matter with it, and what to do."""

    what: str
    reason: str
    remedy: str


def troubles(seen: Seen, computer: str) -> Iterator[Trouble]:
    """Yield what was seen by the way and needs a person."""
    yield from _clock(seen, computer)
    yield from _tombstones(seen.tombs)


def _clock(seen: Seen, computer: str) -> Iterator[Trouble]:
    """Tell of a file from the future: ages of files mean nothing then, and nothing is deleted."""
    if seen.ahead is None:
        return
    written = datetime.fromtimestamp(seen.ahead.mtime_ns // 10**9, UTC)
    yield Trouble(
        f"the clock of {computer} is behind the times of its files",
        f"{seen.ahead.where} was written at {written:%Y-%m-%d %H:%M} UTC, and here it is {seen.now:%Y-%m-%d %H:%M} UTC",
        "set the clock of this computer right (or that of the computer which writes there): mapshell doctor",
    )


def _tombstones(tombs: dict[tuple[DatasetType, SessionKey], LocalSession]) -> Iterator[Trouble]:
    kinds = sorted({kind for kind, _ in tombs})
    for kind in kinds:
        mine = {key: session for (its, key), session in tombs.items() if its == kind}
        keys = [{"subject_id": subject_id, "session": session} for subject_id, session in sorted(mine)]
        rows = (publication.archived_table(kind) & keys).proj().to_dicts()
        have = {(row["subject_id"], row["session"]) for row in rows}
        withdrawn = {(row["subject_id"], row["session"]) for row in (publication.Withdrawal() & keys).proj().to_dicts()}
        for key in sorted(mine.keys() - have):
            ref = mine[key].ref
            root, subpath = mine[key].tombstones[0]
            yield Trouble(
                f"{ref.h2o} (subject {ref.subject_id}) session {ref.session} of {ref.session_date}: its {kind} was "
                "reclaimed here, and the index does not have it",
                f"{root.text_on_disk(subpath)} says which files were deleted, and where they are",
                f"read the archive again: mapshell publication-discover --subject {ref.h2o}"
                + (" --restore" if key in withdrawn else ""),
            )
