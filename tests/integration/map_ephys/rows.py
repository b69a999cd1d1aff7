"""What stands in the tables of the map-ephys database of the tests: rows by table, parents first.

Animals SC030 and SC033 are of the years before; those of the synthetic lab are entered by ``old_lab.OldLab.enter``.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

SC030, SC033, NAMELESS = 455219, 456772, 461002
PETREL = "5b875fda-4185-11e8-bb52-0ac6873fc732"

Row = dict[str, object]


def _log(event: str) -> Row:
    when = datetime.fromisoformat("2019-11-26T16:02:11")
    return {"timestamp": when, "version": "0.12.4py", "user": "admin@10.1.1.7", "host": "rig3", "event": event}


def _session(subject_id: int, session: int, start: str, username: str, rig: str = "RRig") -> Row:
    when = datetime.fromisoformat(start)
    return {
        "subject_id": subject_id,
        "session": session,
        "session_date": when.date(),
        "session_time": when.time(),
        "username": username,
        "rig": rig,
    }


def _insertion(subject_id: int, session: int, number: int, probe: str) -> Row:
    return {
        "subject_id": subject_id,
        "session": session,
        "insertion_number": number,
        "probe": probe,
        "probe_type": "neuropixels 1.0 - 3A",
        "electrode_config_name": "0-383",
    }


def _archived(subject_id: int, session: int, kind: str, h2o: str) -> Row:
    """Return a row of the archived tables; its dataset is named by the animal and the session's number."""
    return {
        "subject_id": subject_id,
        "session": session,
        "globus_alias": "raw-ephys" if kind == "ephys-raw" else "raw-video",
        "dataset_name": f"{kind}-{h2o}-{session}",
    }


LAB: dict[str, list[Row]] = {
    "lab.~log": [_log("Declared `map_v2_lab`.`person`"), _log("Declared `map_v2_lab`.`subject`")],
    "lab.person": [
        {"username": "susu", "fullname": "Susu Chen"},
        {"username": "daveliu", "fullname": "Dave Liu"},
        {"username": "jm", "fullname": "Jörg Müller"},
    ],
    "lab.rig": [
        {"rig": "RRig", "room": "2w.334", "rig_description": "recording rig"},
        {"rig": "RRig2", "room": "2w.384", "rig_description": "recording rig with four probes"},
    ],
    "lab.#animal_strain": [{"animal_strain": "pl56"}, {"animal_strain": "kj18"}],
    "lab.#animal_source": [{"animal_source": "Jackson Labs"}, {"animal_source": "Janelia"}],
    "lab.subject": [
        {
            "subject_id": SC030,
            "username": "susu",
            "cage_number": 110982,
            "date_of_birth": date(2019, 4, 2),
            "sex": "M",
            "animal_source": "Jackson Labs",
        },
        {
            "subject_id": SC033,
            "username": "jm",
            "cage_number": 111107,
            "date_of_birth": date(2019, 5, 21),
            "sex": "Unknown",
            "animal_source": None,
        },
        {
            "subject_id": NAMELESS,
            "username": None,
            "cage_number": 0,
            "date_of_birth": date(2019, 7, 1),
            "sex": "F",
            "animal_source": "Janelia",
        },
    ],
    "lab.subject__strain": [{"subject_id": SC030, "animal_strain": "pl56"}],
    "lab.water_restriction": [
        {
            "subject_id": SC030,
            "water_restriction_number": "SC030",
            "cage_number": 110982,
            "wr_start_date": date(2019, 8, 1),
            "wr_start_weight": Decimal("24.300"),
        },
        {
            "subject_id": SC033,
            "water_restriction_number": "SC033",
            "cage_number": 111107,
            "wr_start_date": date(2019, 9, 2),
            "wr_start_weight": Decimal("22.150"),
        },
    ],
    "lab.__complete_genotype": [{"subject_id": SC030, "complete_genotype": "pl56"}],
    "lab.#skull_reference": [{"skull_reference": "Bregma"}, {"skull_reference": "Lambda"}],
    "lab.#probe_type": [{"probe_type": "neuropixels 1.0 - 3A"}, {"probe_type": "neuropixels 2.0 - MS"}],
    "lab.#probe_type__electrode": [
        {
            "probe_type": "neuropixels 1.0 - 3A",
            "electrode": number + 1,
            "shank": 1,
            "shank_col": number % 2 + 1,
            "shank_row": number // 2,
            "x_coord": 16.0 * (number % 4),
            "y_coord": 20.0 * (number // 2),
        }
        for number in range(8)
    ],
    "lab.#electrode_config": [
        {
            "probe_type": "neuropixels 1.0 - 3A",
            "electrode_config_name": "0-383",
            "electrode_config_hash": "3f0a1d3a-7bd4-61ac-bd46-ffb5d8a7c1e0",
        }
    ],
    "lab.#probe": [
        {"probe": "18005116811", "probe_type": "neuropixels 1.0 - 3A"},
        {"probe": "18194809281", "probe_type": "neuropixels 1.0 - 3A", "probe_comment": "bent tip"},
    ],
    "experiment.~log": [_log("Declared `map_v2_experiment`.`session`")],
    "experiment.~jobs": [
        {
            "table_name": "_session_trial",
            "key_hash": "0123456789abcdef0123456789abcdef",
            "status": "error",
            "key": b"\x6d\x59\x4d\x00",
            "error_message": "FileNotFoundError: no such trial",
            "timestamp": datetime.fromisoformat("2020-01-14T09:12:00"),
        }
    ],
    "experiment.session": [
        _session(SC030, 1, "2019-10-02T09:15:44", "susu"),
        _session(SC030, 3, "2019-10-03T14:08:02", "susu"),
        # Two on one day: their numbers are not in the order of their starts.
        _session(SC033, 4, "2019-11-12T15:40:59", "jm", "RRig2"),
        _session(SC033, 5, "2019-11-12T09:02:11", "jm", "RRig2"),
        # The ISO year of this day is 2020: the predecessor's folder of it is named 123020.
        _session(SC033, 6, "2019-12-30T00:00:00", "daveliu"),
        _session(NAMELESS, 1, "2019-12-01T11:30:00", "susu"),
    ],
    "experiment._session_trial": [
        {
            "subject_id": SC030,
            "session": 1,
            "trial": number,
            "trial_uid": number,
            "start_time": Decimal("7.5") * (number - 1),
            "stop_time": Decimal("7.5") * number - Decimal("0.25"),
        }
        for number in range(1, 4)
    ],
    "experiment.session_comment": [{"subject_id": SC030, "session": 1, "session_comment": "noisy"}],
    "ephys.~log": [_log("Declared `map_v2_ephys`.`probe_insertion`")],
    "ephys.~external_archive_store": [
        {"hash": bytes(range(16)), "size": 1234, "timestamp": datetime.fromisoformat("2020-02-02T02:02:02")}
    ],
    "ephys.probe_insertion": [
        _insertion(SC030, 1, 1, "18005116811"),
        _insertion(SC030, 1, 2, "18194809281"),
        _insertion(SC033, 4, 1, "18005116811"),
    ],
    "ephys.probe_insertion__insertion_location": [
        {
            "subject_id": SC030,
            "session": 1,
            "insertion_number": 1,
            "skull_reference": "Bregma",
            "ap_location": Decimal("2500.00"),
            "ml_location": Decimal("-1500.00"),
            "depth": Decimal("3100.50"),
            "theta": Decimal("15.00"),
            "phi": Decimal("0.00"),
            "beta": Decimal("0.00"),
        }
    ],
    "ephys.probe_insertion_quality": [
        {"subject_id": SC030, "session": 1, "insertion_number": 2, "drift_presence": 1, "number_of_landmarks": 0}
    ],
    "ephys._unit": [
        {"subject_id": SC030, "session": 1, "insertion_number": 1, "unit": number, "spike_times": bytes(64)}
        for number in range(3)
    ],
    "tracking.~log": [_log("Declared `map_v2_tracking`.`#tracking_device`")],
    "tracking.#tracking_device": [
        {
            "tracking_device": f"Camera {number}",
            "tracking_position": position,
            "sampling_rate": Decimal(rate),
            "tracking_device_description": "Chameleon3 CM3-U3-13Y3M-CS (FLIR)",
        }
        for number, (position, rate) in enumerate((("side", "294.1176"), ("bottom", "294.1176"), ("body", "100.0000")))
    ],
    "tracking._tracking": [
        {
            "subject_id": SC030,
            "session": 1,
            "trial": trial,
            "tracking_device": "Camera 0",
            "tracking_samples": 1470 + trial,
        }
        for trial in range(1, 4)
    ],
}
"""The four schemas that are only ever read, and their helper tables."""

# What the archive of the old rows holds, in the spelling of our index: alias, session, subpath -> spellings there.
_RUN = "SC030/catgt_SC030_100219_g0/SC030_100219_imec0/SC030_100219_g0_tcat.imec0"
_SIDE = "SC033/11122019/video/SC033_side_001-0000.avi"

FILES: dict[tuple[str, tuple[int, int]], dict[str, tuple[str, ...]]] = {
    # Found by the predecessor's discover, which left the slash, and published again, without it.
    ("raw-ephys", (SC030, 1)): {
        f"{_RUN}.ap.bin": (f"/{_RUN}.ap.bin", f"{_RUN}.ap.bin"),
        f"{_RUN}.ap.meta": (f"/{_RUN}.ap.meta",),
        "SC030/catgt_SC030_100219_g0/SC030_100219_g0_tcat.nidq.meta": (
            "/SC030/catgt_SC030_100219_g0/SC030_100219_g0_tcat.nidq.meta",
        ),
    },
    # Published on Windows.
    ("raw-ephys", (SC030, 3)): {
        "SC030/catgt_SC030_100319_g0/SC030_100319_g0_tcat.nidq.bin": (
            "SC030\\catgt_SC030_100319_g0\\SC030_100319_g0_tcat.nidq.bin",
        ),
        "SC030/catgt_SC030_100319_g0/SC030_100319_g0_tcat.nidq.meta": (
            "SC030\\catgt_SC030_100319_g0\\SC030_100319_g0_tcat.nidq.meta",
            "/SC030/catgt_SC030_100319_g0/SC030_100319_g0_tcat.nidq.meta",
        ),
    },
    # The folder bears the ISO year.
    ("raw-ephys", (SC033, 6)): {
        "SC033/catgt_SC033_123020_g0/SC033_123020_g0_tcat.nidq.bin": (
            "SC033/catgt_SC033_123020_g0/SC033_123020_g0_tcat.nidq.bin",
        ),
    },
    ("raw-video", (SC033, 5)): {_SIDE: (f"//{_SIDE}",)},
}

HOSTILE = {("raw-ephys", (SC033, 6)): ("/SC033/../../other lab/x.ap.bin", "C:\\recordings\\x.ap.bin")}
"""Spellings that name no file below the archive's root."""


def _publication() -> dict[str, list[Row]]:
    sets, files, ephys, video = [], [], [], []
    for (alias, (subject_id, session)), found in FILES.items():
        kind = "ephys-raw" if alias == "raw-ephys" else "tracking-video"
        h2o = "SC030" if subject_id == SC030 else "SC033"
        archived = _archived(subject_id, session, kind, h2o)
        (ephys if alias == "raw-ephys" else video).append(archived)
        key = {"globus_alias": alias, "dataset_name": archived["dataset_name"]}
        sets.append({**key, "dataset_type": kind})
        spellings = [each for said in found.values() for each in said]
        spellings += HOSTILE.get((alias, (subject_id, session)), ())
        files += [{**key, "file_subpath": each, "file_type": _file_type(each)} for each in spellings]
    return {
        "publication.~log": [_log("Declared `map_v2_publication`.`data_set`")],
        "publication.#globus_storage_location": [
            {"globus_alias": "raw-ephys", "globus_endpoint": PETREL, "globus_path": "/4ElectrodeRig_Ephys"},
            {"globus_alias": "raw-video", "globus_endpoint": PETREL, "globus_path": "/"},
        ],
        "publication.#data_set_type": [{"dataset_type": "ephys-raw"}, {"dataset_type": "tracking-video"}],
        "publication.#file_type": [
            {"file_type": "unknown", "file_glob": "", "file_descr": "Unknown File Type"},
            {"file_type": "ephys-raw-unknown", "file_glob": "", "file_descr": "Unknown Raw-Ephys File Type"},
            {"file_type": "ephys-raw-nidq", "file_glob": "*.nidq.*", "file_descr": "nidq file"},
            {"file_type": "tracking-video-unknown", "file_glob": "", "file_descr": "Unknown Tracking Video File Type"},
        ],
        # Rows of an earlier age, of a session that has none in the present tables.
        "publication._archived_session": [{"subject_id": SC033, "session": 4, "globus_alias": "raw-ephys"}],
        "publication.data_set": sets,
        "publication.data_set__physical_file": files,
        "publication._archived_raw_ephys": ephys,
        "publication._archived_tracking_video": video,
    }


def _file_type(spelling: str) -> str:
    if ".nidq." in spelling:
        return "ephys-raw-nidq"
    return "tracking-video-unknown" if spelling.endswith(".avi") else "ephys-raw-unknown"


PUBLICATION = _publication()
"""The predecessor's own rows."""
