"""What the mutations begin with: sound documents of every kind."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from pipeline.archive.manifest import FileEntry, Manifest, to_json
from pipeline.archive.session import Location, SessionRef
from pipeline.settings.keys import KEYS
from pipeline.spikeglx import write_meta

REAL_METAS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "spikeglx-meta"

LOCATION = Location("raw-ephys", "5f0e4cb1-0000-4000-8000-00000000000a", "/archive", "ephys")

_CLAIMS = {"fileSHA1": "A" * 40, "fileSizeBytes": "46200000", "fileTimeSecs": "2.0"}
_IMEC = {
    "fileCreateTime": "2019-11-19T11:51:24",
    "fileName": "D:/My Data/AB038_111919_g0/AB038_111919_g0_imec0/AB038_111919_g0_t0.imec0.ap.bin",
    **_CLAIMS,
    "firstSample": "435123",
    "imDatPrb_pn": "PRB_1_4_0480_1_C",
    "imDatPrb_sn": "19051020361",
    "imDatPrb_type": "0",
    "imSampRate": "30000",
    "nSavedChans": "385",
    "snsApLfSy": "384,0,1",
    "typeThis": "imec",
    "~snsChanMap": "(384,384,1)(AP0;0:0)",
}
_NIDQ = {
    "fileCreateTime": "2019-11-19T11:51:24",
    "fileCreateTime_original": "2019-11-19T10:00:00",
    **_CLAIMS,
    "fileSHA1": "0",
    "nSavedChans": "9",
    "niSampRate": "25000.25",
    "snsMnMaXaDw": "0,0,8,1",
    "typeThis": "nidq",
}
_OBX = {**_CLAIMS, "nSavedChans": "14", "obSampRate": "30303.03", "snsXaDwSy": "12,1,1", "typeThis": "obx"}
_OLDEST = {**_CLAIMS, "imProbeOpt": "3", "imProbeSN": "641251510", "imSampRate": "30000", "nSavedChans": "385"}


def metas() -> list[bytes]:
    """Return metas of every kind; real ones too, where they are at hand."""
    real = [path.read_bytes() for path in sorted(REAL_METAS.glob("*.meta"))] if REAL_METAS.is_dir() else []
    return [write_meta(fields) for fields in (_IMEC, _NIDQ, _OBX, _OLDEST)] + real


SESSION = SessionRef(407513, 2, "SC038", date(2019, 11, 19), "11:51:24", "America/New_York", "115124")
_WHEN = datetime.fromisoformat("2026-01-02T03:04:05")
_RUN = "SC038/catgt_SC038_111919_115124_g0"


def manifests() -> list[bytes]:
    """Return manifests: plain ones, and one whose session was renamed, accepted and superseded."""
    files = (
        FileEntry(f"{_RUN}/a.bin", 4, 1000, "unknown", "a" * 40, "meta", _WHEN, "read back", 2),
        FileEntry(f"{_RUN}/a.bin.superseded-01234567", 4, 900, "unknown", "b" * 40, "computed", _WHEN, "x", 1),
        FileEntry(f"{_RUN}/é b.txt", 0, -5, "unknown"),
    )
    aliases = [
        {"subject_id": 7, "session": 1, "h2o": "SC048", "date": "2019-11-18", "folders": {f"SC048/{name}": _RUN}}
        for name in ("one", "two")
    ]
    evidence = {
        "task": "t",
        "folders": [_RUN],
        "aliases": aliases,
        "accepted": [{"rule": "empty", "file": f"{_RUN}/a.bin"}],
        "superseded": [{"file": f"{_RUN}/a.bin", "as": f"{_RUN}/a.bin.superseded-01234567"}],
    }
    lab = {"lab.Subject": [{"subject_id": 407513, "sex": "M"}], "experiment.Session": [{"session": 2}]}
    full = Manifest(SESSION, "ephys", "raw-ephys", 2, files, _WHEN, evidence, lab, {"program": "mapshell"})
    return [to_json(full), to_json(replace(full, evidence={"task": "t"}, lab={}, files=files[:1]))]


def settings() -> list[bytes]:
    """Return settings as people write them: flat, nested, under ``custom``, with the predecessor's names."""
    place = {"raw-ephys": [LOCATION.endpoint + ":/archive", "ephys"]}
    flat = {
        "database.host": "db.example.org",
        "database.user": "sc",
        "database.password": "x",
        "custom": {
            "globus.local_endpoint": LOCATION.endpoint,
            "globus.local_endpoint_subdir": "/data",
            "globus.local_endpoint_local_path": "/data",
            "globus.storage_locations": {"raw-ephys": {"endpoint": LOCATION.endpoint, "path": "/4D", "type": "ephys"}},
            "database.prefix": "map_v2_",
            "lab.database": "map_v2_lab",
        },
    }
    nested = {
        "database": {"embedded": "db", "prefix": "mapshell_"},
        "globus": {
            "client_id": LOCATION.endpoint,
            "storage_locations": place,
            "local_endpoints": {
                "raw-ephys": {"endpoint": LOCATION.endpoint, "endpoint_subdir": "/x", "endpoint_path": "/x"}
            },
        },
        "archive": {
            "leave_out": ["*.tmp"],
            "ephys_layouts": ["{h2o}/{h2o}_%Y%m%d_g{gate}"],
            "staging_name": ".mapshell",
            "quiet_seconds": 60,
            "timezone": "America/New_York",
        },
        "_remark": "x",
    }
    every = {key.name: key.default for key in KEYS if key.in_file}
    return [json.dumps(each, default=str).encode() for each in (flat, nested, every, {})]


def setting_names() -> list[bytes]:
    """Return the names of all settings, as words of the mutations."""
    return [json.dumps(key.name).encode() for key in KEYS]


def listings() -> list[bytes]:
    """Return answers to requests for a listing, one to a line: what the first folder holds, the next, and so on."""

    def listing(*entries: dict[str, object], **more: object) -> dict[str, object]:
        return {"DATA_TYPE": "file_list", "DATA": list(entries), "length": len(entries), **more}

    at = "2021-01-01 00:00:01+00:00"
    file = {"DATA_TYPE": "file", "name": "a.bin", "type": "file", "size": 5, "last_modified": at, "link_target": None}
    folder = {"DATA_TYPE": "file", "name": "SC038_111919_g0", "type": "dir", "size": 4096, "last_modified": at}
    pipe = {"name": "p", "type": "pipe", "size": None}
    manifest = {**file, "name": "SC038_20191119_s2_ephys.manifest-0002.json"}
    error = {"code": "ClientError.NotFound", "message": "not there", "request_id": "x", "resource": "/ls"}
    documents: list[list[object]] = [
        [listing(file, folder, manifest, total=3, has_next_page=False), listing(file, pipe, total=2)],
        [listing(folder, offset=0, limit=100000), listing({**file, "link_target": "/etc/passwd"}), listing()],
        [listing(file, total=2, has_next_page=True), listing({**file, "name": "b"}, total=2, has_next_page=False)],
        [listing(folder), error, listing(file)],
    ]
    return [b"\n".join(json.dumps(each).encode() for each in one) for one in documents]


def names() -> list[bytes]:
    """Return names as they are found in the field."""
    return [
        b"SC038/catgt_SC038_111919_115124_g0/SC038_111919_115124_g0_imec0/SC038_111919_g0_tcat.imec0.ap.bin",
        b"SC038/20191119/1",
        b"SC038/2019-11-19/SC038_side_2019-11-19_0-0000.avi",
        b"SC038_20191119_s2_ephys.manifest-0002.json",
        b"a.bin.unfinished-01234567",
        "SC038/é".encode(),
    ]
