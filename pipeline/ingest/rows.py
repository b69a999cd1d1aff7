"""Rows of probes, insertions and recordings: what the database lacks of what was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from pipeline.archive.session import SessionKey
    from pipeline.ingest.facts import Recording

InsertionKey = tuple[int, int, int]
"""``(subject_id, session, insertion_number)``"""


@dataclass(frozen=True, slots=True)
class KnownRows:
    """What the database has: types of probes by serial, serials of insertions, rows of recordings by their keys."""

    probes: Mapping[str, str] = field(default_factory=dict)
    insertions: Mapping[InsertionKey, str | None] = field(default_factory=dict)
    recordings: Mapping[tuple[InsertionKey, UUID], Mapping[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class NewRows:
    """Rows to insert, rows to update, and what contradicts the database and was left as it is there."""

    probes: dict[str, dict[str, Any]] = field(default_factory=dict)
    insertions: dict[InsertionKey, dict[str, Any]] = field(default_factory=dict)
    recordings: list[dict[str, Any]] = field(default_factory=list)
    changed_probes: list[dict[str, Any]] = field(default_factory=list)
    changed_insertions: list[dict[str, Any]] = field(default_factory=list)
    changed_recordings: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    touched: set[SessionKey] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(
            self.probes
            or self.insertions
            or self.recordings
            or self.changed_probes
            or self.changed_insertions
            or self.changed_recordings
        )


def plan_rows(recordings: Mapping[SessionKey, Iterable[Recording]], known: KnownRows) -> NewRows:
    """Compare the recordings of sessions with the database.

    A recording that still ran when it was entered is completed; a probe's serial or type that is not known yet is
    filled in; what contradicts is noted.
    """
    new = NewRows()
    for key, ours in sorted(recordings.items()):
        for recording in sorted(ours, key=lambda recording: recording.subpath):
            _probe(recording, known, new)
            _insertion(key, recording, known, new)
            _recording(key, recording, known, new)
    return new


def _probe(recording: Recording, known: KnownRows, new: NewRows) -> None:
    serial, kind = recording.probe, recording.probe_type or ""
    if serial is None:
        return
    present = known.probes.get(serial)
    if present is None:
        row = new.probes.setdefault(serial, {"probe": serial, "probe_type": kind})
        row["probe_type"] = row["probe_type"] or kind
    elif not present and kind and not any(row["probe"] == serial for row in new.changed_probes):
        new.changed_probes.append({"probe": serial, "probe_type": kind})


def _insertion(key: SessionKey, recording: Recording, known: KnownRows, new: NewRows) -> None:
    place = (*key, recording.insertion_number)
    row = {"subject_id": place[0], "session": place[1], "insertion_number": place[2], "probe": recording.probe}
    if place in known.insertions:
        present = known.insertions[place]
        if present is None and recording.probe is not None:
            if not any({**row, "probe": None} == {**other, "probe": None} for other in new.changed_insertions):
                new.changed_insertions.append(row)
                new.touched.add(key)
            return
    else:
        mine = new.insertions.setdefault(place, row)
        new.touched.add(key)
        mine["probe"] = present = mine["probe"] or recording.probe
    if recording.probe is not None and present != recording.probe:
        new.notes.append(
            f"{recording.subpath}: insertion {place[2]} was made with probe {recording.probe}, but it is entered with "
            f"probe {present}."
        )


def _recording(key: SessionKey, recording: Recording, known: KnownRows, new: NewRows) -> None:
    row = {"subject_id": key[0], "session": key[1], **recording.row}
    present = known.recordings.get(((*key, recording.insertion_number), recording.recording_id))
    if present is None:
        new.recordings.append(row)
        new.touched.add(key)
    elif present.get("duration") is None and recording.duration is not None:  # it ran when it was entered
        new.changed_recordings.append(row)
        new.touched.add(key)
