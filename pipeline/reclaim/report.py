"""What became of each session that reclaim was asked for, and the sum of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.archive.reclaiming.rules import Missing
    from pipeline.archive.session import DatasetType, SessionRef
    from pipeline.errors import MapshellError

Verdict = Literal["reclaimed", "would reclaim", "to prove", "refused", "nothing here"]


@dataclass(slots=True)
class SessionReclaim:
    """One session and type of data; ``files`` and ``size`` (bytes) are what was, or would be, deleted.

    ``to prove`` is what nothing stands against before the archive is asked and a byte is read.  ``copies`` are the
    places that hold it, ``command`` what brings it back; ``accepted`` names the rules that files of it broke when it
    was archived all the same; ``reason`` and ``remedy`` are of the missing proof, or of what was deleted in part only.
    """

    ref: SessionRef
    dataset_type: DatasetType
    verdict: Verdict
    folders: tuple[str, ...] = ()
    files: int = 0
    size: int = 0
    copies: tuple[str, ...] = ()
    command: str = ""
    proof: str = ""
    reason: str = ""
    remedy: str = ""
    accepted: tuple[str, ...] = ()

    def refuse(self, missing: Missing) -> None:
        """Note which proof is missing."""
        self.verdict, self.proof, self.reason, self.remedy = "refused", missing.proof, missing.reason, missing.remedy
        self.files = self.size = 0
        self.copies = ()


@dataclass(slots=True)
class Reclaimed:
    """The report of a run: sessions in order; ``freed`` (bytes) is what this run deleted.

    ``restricted`` says whether sessions were named; only then are those listed of which nothing is archived (else
    ``not_archived`` counts them) or nothing is here.  ``older_than`` is the age that was asked for.  ``stopped`` is the
    error that ended the run early.
    """

    older_than: timedelta = timedelta(0)
    dry_run: bool = False
    restricted: bool = False
    sessions: list[SessionReclaim] = field(default_factory=list)
    not_archived: int = 0
    freed: int = 0
    deleted: int = 0
    stopped: MapshellError | None = None

    def __iter__(self) -> Iterator[SessionReclaim]:
        return iter(self.sessions)

    @property
    def whole(self) -> bool:
        """Whether nothing needs a person: who names no session need not hear of those that only are too young."""
        return self.stopped is None and not any(
            each.verdict == "refused" and (self.restricted or each.proof != "old enough") for each in self.sessions
        )

    @property
    def to_prove(self) -> list[SessionReclaim]:
        """What nothing stands against yet."""
        return [each for each in self.sessions if each.verdict == "to prove"]

    def __str__(self) -> str:
        counts = Counter(each.verdict for each in self.sessions)
        young = sum(each.proof == "old enough" for each in self.sessions)
        said = []
        for verdict in ("reclaimed", "would reclaim", "to prove"):
            theirs = [each for each in self.sessions if each.verdict == verdict]
            if theirs:
                files = sum(each.files for each in theirs)
                said.append(
                    f"{counts[verdict]:,} {verdict} ({files:,} {'file' if files == 1 else 'files'}, "
                    f"{human_bytes(sum(each.size for each in theirs))})"
                )
        if counts["refused"] - young:
            said.append(f"{counts['refused'] - young:,} refused")
        if young:
            said.append(f"{young:,} too young")
        if counts["nothing here"]:
            said.append(f"{counts['nothing here']:,} with nothing here")
        if self.not_archived:
            said.append(f"{self.not_archived:,} here and not archived")
        end = "; nothing was deleted" if not self.deleted else ""
        return f"{', '.join(said) or 'nothing to reclaim'}{end}."


def document(result: Reclaimed) -> dict[str, Any]:
    """Return the result as data for programs."""
    done = [each for each in result.sessions if each.verdict in ("reclaimed", "would reclaim")]
    return {
        "dry_run": result.dry_run,
        "older_than_s": result.older_than.total_seconds(),
        "sessions": [session_document(each) for each in result.sessions],
        "files": sum(each.files for each in done),
        "bytes": sum(each.size for each in done),
        "deleted": result.deleted,
        "freed": result.freed,
        "not_archived": result.not_archived,
        "stopped": None if result.stopped is None else result.stopped.message,
    }


def session_document(each: SessionReclaim) -> dict[str, Any]:
    """Return one session as data for programs."""
    return {
        "subject_id": each.ref.subject_id,
        "h2o": each.ref.h2o,
        "session": each.ref.session,
        "session_date": each.ref.session_date.isoformat(),
        "dataset_type": each.dataset_type,
        "verdict": each.verdict,
        "proof": each.proof,
        "reason": each.reason,
        "remedy": each.remedy,
        "files": each.files,
        "bytes": each.size,
        "copies": list(each.copies),
        "folders": list(each.folders),
        "accepted": list(each.accepted),
        "command": each.command,
    }
