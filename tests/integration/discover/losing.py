"""Losing tables, and comparing them with what they were."""

from __future__ import annotations

from typing import Any, ClassVar

from pipeline import database, discovering, ephys, experiment, lab, publication, tracking
from pipeline.globus import GlobusStorageManager

TABLES: dict[str, Any] = {
    "GlobusStorageLocation": publication.GlobusStorageLocation,
    "DataSet": publication.DataSet,
    "DataSet.PhysicalFile": publication.DataSet.PhysicalFile,
    "ArchivedRawEphys": publication.ArchivedRawEphys,
    "ArchivedTrackingVideo": publication.ArchivedTrackingVideo,
    "SessionIdent": publication.SessionIdent,
    "lab.AnimalSource": lab.AnimalSource,
    "lab.Person": lab.Person,
    "lab.Rig": lab.Rig,
    "lab.Subject": lab.Subject,
    "lab.WaterRestriction": lab.WaterRestriction,
    "lab.Probe": lab.Probe,
    "experiment.Session": experiment.Session,
    "ephys.ProbeInsertion": ephys.ProbeInsertion,
    "ephys.ProbeInsertion.Recording": ephys.ProbeInsertion.Recording,
    "tracking.TrackingDevice": tracking.TrackingDevice,
}
PUBLICATION = ("GlobusStorageLocation", "DataSet", "DataSet.PhysicalFile", "ArchivedRawEphys", "ArchivedTrackingVideo")
LAB = tuple(name for name in TABLES if name not in PUBLICATION)


def rows(*names: str) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of tables, in the order of their keys."""
    return {
        name: sorted(
            TABLES[name].to_dicts(), key=lambda row: [str(row[attribute]) for attribute in TABLES[name].primary_key]
        )
        for name in names
    }


def drop(rig: Any, *schemas: str) -> None:
    """Lose some schemas, or all of them; the tables are made anew, empty."""
    bound = database.bind(rig.settings)
    prefix = rig.settings.database.schema_prefix
    for name in schemas or ("publication", "tracking", "ephys", "experiment", "lab"):
        quoted = bound.adapter.quote_identifier(prefix + name)
        bound.query(
            f"DROP {'SCHEMA' if bound.adapter.backend == 'postgresql' else 'DATABASE'} {quoted}"
            + (" CASCADE" if bound.adapter.backend == "postgresql" else "")
        )
    database.unbind()
    database.bind(rig.settings)


def store_everything(rig: Any) -> None:
    """Give the lab's sessions all that a manifest can carry: people, rigs, probes, recordings, cameras, idents."""
    keys = [(row["subject_id"], row["session"]) for row in experiment.Session.to_dicts()]
    lab.Person.insert1({"username": "kim", "fullname": 'Kim\'s "quoted" name, ü'})
    lab.Rig.insert1({"rig": "rig 3", "room": "2E.3"})
    lab.AnimalSource.insert1({"animal_source": "breeder"})
    for subject_id in {subject_id for subject_id, _ in keys}:
        lab.Subject.update1({"subject_id": subject_id, "animal_source": "breeder", "date_of_birth": "2019-03-01"})
        lab.WaterRestriction.update1({"subject_id": subject_id, "wr_start_weight": 24.3})
    lab.Probe.insert1({"probe": "19122519691", "probe_type": "NP2.0"})
    for subject_id, session in keys:
        key = {"subject_id": subject_id, "session": session}
        experiment.Session.update1({**key, "username": "kim", "rig": "rig 3"})
        ephys.ProbeInsertion.insert1({**key, "insertion_number": 1, "probe": "19122519691"})
        ephys.ProbeInsertion.Recording.insert1(
            {
                **key,
                "insertion_number": 1,
                "recording_id": "5f0e4cb1-0000-4000-8000-00000000000a",
                "recording_subpath": "SC/x.imec0.ap.meta",
                "recording_band": "ap",
                "sample_rate": 29999.757_142_857_142,
                "n_channels": 385,
                "recording_start": "2019-11-18 14:03:27.123456",
            }
        )
        tracking.TrackingDevice.insert1({**key, "camera": "side", "camera_rate": 400.0})
    for key in (experiment.Session() & "session_time = '11:51:24'").keys():  # noqa: SIM118  # a DataJoint query
        publication.SessionIdent.insert1({**key, "session_ident": "115124"})


class Watched(GlobusStorageManager):
    """A manager that notes which folders it, and its siblings, list."""

    asked: ClassVar[list[str]] = []

    def ls(self, endpoint: str, path: str) -> Any:
        self.asked.append(path)
        return super().ls(endpoint, path)


def discover(rig: Any, *restrictions: Any, types: tuple[str, ...] = ("ephys", "video"), **options: Any) -> Any:
    """Discover in this process, as the tables and the command do; what it lists is told by ``listings``."""
    database.bind(rig.settings)
    tables = [publication.archived_table(kind)() for kind in types]
    Watched.asked.clear()
    with Watched(rig.settings, interactive=False) as manager:
        return discovering.discover(rig.settings, lambda: manager, tables, restrictions, **options)


def listings() -> list[str]:
    """Return the folders that the last discovery listed."""
    return list(Watched.asked)
