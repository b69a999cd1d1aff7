"""Sessions and folders that a round of publishing meets and cannot publish: named, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.find import LocalSession
from pipeline.archive.journal import Outcome
from pipeline.transitions import missing

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.archive.find import Stray
    from pipeline.archive.session import Location, SessionKey
    from pipeline.journal import TableJournal
    from pipeline.sessions import LabSessions


def concerns(stray: Stray, wanted: set[SessionKey], animals: Collection[str]) -> bool:
    """Say whether a folder, or a root that cannot be listed, has to do with the sessions that were asked for."""
    if stray.candidates:
        return not wanted.isdisjoint(stray.candidates)
    return stray.folder == "." or stray.folder.split("/")[0] in animals


def in_sight(h2o: str, strays: Sequence[Stray]) -> bool:
    """Say whether all folders of an animal could be looked at: what lies in others may still be there."""
    return not any(stray.folder == "." or (stray.refused and stray.folder.split("/")[0] == h2o) for stray in strays)


def refused(
    location: Location, lab_sessions: LabSessions, strays: Sequence[Stray], keys: set[SessionKey]
) -> list[Outcome]:
    """Return the outcomes of sessions that have nothing here but folders that must not be given to them."""
    outcomes = []
    for key in sorted({key for stray in strays for key in stray.candidates} & keys):
        theirs = [stray for stray in strays if key in stray.candidates]
        ref, first = lab_sessions.refs[key], theirs[0]
        outcomes.append(
            Outcome(
                key=key,
                h2o=ref.h2o,
                session_date=ref.session_date.isoformat(),
                alias=location.alias,
                folders=tuple(stray.folder for stray in theirs),
                state="refused",
                reason=f"{first.folder}: {first.reason}",
                remedy=first.remedy,
                failed=True,
                rule=first.rule,
                details=tuple(
                    {"rule": "folder", "file": stray.folder, "reason": stray.reason, "remedy": stray.remedy}
                    for stray in theirs
                ),
            )
        )
    return outcomes


def left_behind(
    journal: TableJournal, computer: str, lab_sessions: LabSessions, gone: set[SessionKey]
) -> list[LocalSession]:
    """Return sessions that this computer began to publish and whose folder is gone: they are brought to an end."""
    keys = {
        part.key
        for entry in journal.unfinished(gone)
        if entry.purpose == "publish" and entry.computer == computer
        for part in entry.parts
    }
    return [LocalSession(lab_sessions.refs[key], (), (), ()) for key in sorted(keys & gone)]


def deleted(journal: TableJournal, location: Location, lab_sessions: LabSessions) -> list[Outcome]:
    """Return the outcomes of sessions whose transfers are under way and that the lab's tables no longer have."""
    outcomes = {}
    for entry in journal.unfinished():
        for part in entry.parts if entry.purpose == "publish" else ():
            ref = part.manifest.session
            if part.key not in lab_sessions.refs:
                said = missing(ref)
                outcomes[part.key] = Outcome(
                    key=part.key,
                    h2o=ref.h2o,
                    session_date=ref.session_date.isoformat(),
                    alias=location.alias,
                    folders=(),
                    state="in flight",
                    reason=said.message,
                    remedy=said.remedy,
                    failed=True,
                )
    return list(outcomes.values())
