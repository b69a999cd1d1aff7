"""What ingest reads from the tables and writes into them; the tables must be bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.ingest.rows import KnownRows
from pipeline.ingest.session_plan import KnownSessions
from pipeline.settings.types import DEFAULT_ALIASES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from pipeline.archive.session import DatasetType, SessionKey
    from pipeline.ingest.recordings import IngestPlan
    from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class KnownLab:
    """What the database has of the animals at hand."""

    sessions: KnownSessions
    rows: KnownRows


class _Overtaken(Exception):
    """Somebody else entered a session of the same number meanwhile."""


def animals(subjects: Collection[int] | None = None) -> dict[str, int]:
    """Return subjects by their water restrictions; only those asked for."""
    from pipeline import lab

    rows = {row["water_restriction_number"]: row["subject_id"] for row in lab.WaterRestriction.to_dicts()}
    return {name: subject for name, subject in rows.items() if subjects is None or subject in subjects}


def aliases(settings: Settings, kind: DatasetType) -> list[str]:
    """Return the names under which this kind of data has local roots."""
    from pipeline import publication

    kinds: dict[str, str] = dict(DEFAULT_ALIASES)
    kinds.update({place.alias: place.dataset_type for place in settings.globus.storage_locations})
    kinds.update({row["globus_alias"]: row["dataset_type"] for row in publication.GlobusStorageLocation.to_dicts()})
    return sorted(alias for alias, held in kinds.items() if held == kind)


def load(animals: Mapping[str, int]) -> KnownLab:
    """Read the sessions, insertions and recordings of these animals, in a few queries whatever their number."""
    from pipeline import ephys, experiment, lab, sessions
    from pipeline.database.binding import is_there

    mine = [{"subject_id": subject} for subject in animals.values()]
    recordings: dict[Any, Mapping[str, Any]] = {}
    recorded: dict[SessionKey, list[datetime]] = {}
    recording = ephys.ProbeInsertion.Recording
    for row in (recording() & mine).to_dicts() if is_there(recording) else ():
        key = (row["subject_id"], row["session"])
        recordings[(*key, row["insertion_number"]), row["recording_id"]] = row
        if row["recording_start"] is not None:
            recorded.setdefault(key, []).append(row["recording_start"])
    insertions = {
        (row["subject_id"], row["session"], row["insertion_number"]): row["probe"]
        for row in ((ephys.ProbeInsertion() & mine).to_dicts() if is_there(ephys.ProbeInsertion) else ())
    }
    last: dict[int, int] = {}
    for row in (experiment.Session() & mine).proj().to_dicts():
        last[row["subject_id"]] = max(row["session"], last.get(row["subject_id"], 0))
    facts = [each for each in sessions.load().facts.values() if each.h2o in animals]
    probes = {row["probe"]: row["probe_type"] for row in (lab.Probe.to_dicts() if is_there(lab.Probe) else ())}
    return KnownLab(KnownSessions(dict(animals), facts, last, recorded), KnownRows(probes, insertions, recordings))


def enter(plan: IngestPlan) -> bool:
    """Write a plan in one transaction.

    Returns
    -------
    bool
        False when somebody else entered a session of the same number meanwhile: nothing was written, plan again.
    """
    from pipeline import database, experiment

    def work() -> bool:
        for key, new in plan.sessions.new.items():
            row = {
                "subject_id": key[0],
                "session": key[1],
                "session_date": new.day,
                "session_time": new.time,
                "session_timezone": plan.timezone,
            }
            if not database.insert_if_absent(experiment.Session, row):
                raise _Overtaken
        _enter_rows(plan)
        return True

    def done() -> bool:
        keys = [{"subject_id": key[0], "session": key[1]} for key in plan.sessions.new]
        return len(experiment.Session() & keys) == len(keys)

    try:
        # Without new sessions nothing tells whether a lost commit took place; running again finds out.
        database.run_transaction(work, done=done if plan.sessions.new else None)
    except _Overtaken:
        return False
    return True


def _enter_rows(plan: IngestPlan) -> None:
    from pipeline import database, ephys, lab, publication

    for key, ident in plan.sessions.idents.items():
        row = {"subject_id": key[0], "session": key[1], "session_ident": ident}
        if not database.insert_if_absent(publication.SessionIdent, row):
            raise _Overtaken
    rows = plan.rows
    for probe in rows.probes.values():
        database.insert_if_absent(lab.Probe, probe)
    for probe in rows.changed_probes:
        lab.Probe.update1(probe)
    for insertion in rows.insertions.values():
        if not database.insert_if_absent(ephys.ProbeInsertion, insertion):
            raise _Overtaken
    for insertion in rows.changed_insertions:
        ephys.ProbeInsertion.update1(insertion)
    for recording in rows.recordings:
        if not database.insert_if_absent(ephys.ProbeInsertion.Recording, recording):
            raise _Overtaken
    for recording in rows.changed_recordings:
        ephys.ProbeInsertion.Recording.update1(recording)
