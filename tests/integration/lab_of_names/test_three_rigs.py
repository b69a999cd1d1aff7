"""The lab of names spread over three computers with drives as Windows has them, one archive, one database."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from mapshell.sandbox.spec import CollectionSpec
from pipeline import database
from tests.faults.others.test_two_rigs import begin, end

from .lab import NamesLab
from .rounds import LEFT_OUT, Computer

if TYPE_CHECKING:
    from pathlib import Path

# The place of each computer's recordings, of what lies there without animals' folders, and of its videos: as Globus
# says it, drive first.  One inside another: videos below recordings, and recordings below videos, as in the
# predecessor's own configuration; and on the third all on one disk, each elsewhere.
PLACES = {
    "rig-1": ("/D/data", "/E/older", "/D/data/video"),
    "rig-2": ("/D/all/4ElectrodeRig_Ephys", "/D/all/4ElectrodeRig_Ephys/older", "/D/all"),
    "rig-3": ("/C/Users/lab/ephys", "/D/drive", "/F"),
}


@dataclass
class Rig(Computer):
    """One of the three."""

    rig: object
    name: str

    def files(self) -> dict[str, Path]:
        """Return this computer's files by subpath: each is of the innermost root that it lies in."""
        roots = [self.folder / "disks" / place.lstrip("/") for place in PLACES[self.name]]
        found = {}
        for path in sorted((self.folder / "disks").rglob("*")):
            if path.is_file() and ".mapshell" not in path.parts and not path.name.endswith(LEFT_OUT):
                root = max((root for root in roots if path.is_relative_to(root)), key=lambda root: len(root.parts))
                found[path.relative_to(root).as_posix()] = path
        return found

    def status(self) -> list[tuple]:
        """Return what this computer says of every session."""
        rows = self.run("publication-status")["sessions"]
        names = ("subject_id", "session", "alias", "state", "files", "bytes", "computer", "reason")
        return [tuple(row[name] for name in names) for row in rows]


@pytest.fixture
def three(lab_database, nobody, tmp_path, monkeypatch):
    from tests.integration.rig import make_rig

    for rig in make_rig(lab_database, nobody, tmp_path, monkeypatch):
        whole = NamesLab(*(tmp_path / "whole" / kind for kind in ("ephys", "drive", "video")), usual=True).make()
        rigs = [make(rig, number, name, whole) for number, name in enumerate(PLACES)]
        spread(whole, rigs)
        database.bind(rigs[0].configure())
        yield whole, rigs


def make(rig, number, name, whole):
    """Configure a computer: its name, its collection, its roots."""
    folder = rig.folder / name
    endpoint = f"d3e0a001-0000-4000-8000-00000000b00{number}"
    for place in PLACES[name]:
        (folder / "disks" / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
    ephys, older, video = (
        {"endpoint": endpoint, "endpoint_subdir": place, "endpoint_path": str(folder / "disks" / place.lstrip("/"))}
        for place in PLACES[name]
    )
    document = json.loads((rig.folder / "dj_local_conf.json").read_text())
    document |= {
        "archive.computer": name,
        "archive.ephys_layouts": ["Testing Data/{h2o}_g{gate}", "Trial Data/{h2o}_g{gate}"],
        "globus.sandbox": str(rig.folder / ".mapshell/sandbox"),
        "globus.token_file": str(rig.settings.globus.token_file),
    }
    document["custom"]["globus.local_endpoints"] = {"raw-ephys": [ephys, older], "raw-video": video}
    file = folder / "dj_local_conf.json"
    file.write_text(json.dumps(document))
    file.chmod(0o600)
    rig.admin.put_collection(endpoint, CollectionSpec(folder / "disks", personal=True))
    return Rig(folder, replace(whole), rig.archive, rig, name)


def spread(whole, rigs):
    """Give each animal's recordings to one computer and its videos to the next one."""
    for kind, (index, root) in {
        "ephys": (0, whole.ephys),
        "drive": (1, whole.drive),
        "video": (2, whole.video),
    }.items():
        for number, animal in enumerate(sorted(root.iterdir())):
            mine = rigs[(number + (kind == "video")) % len(rigs)]
            place = mine.folder / "disks" / PLACES[mine.name][index].lstrip("/") / animal.name
            shutil.move(animal, place)


def test_three_rigs_share_one_lab(three, tmp_path):
    whole, rigs = three
    everything = Counter(name for rig in rigs for name in rig.files())
    assert set(everything.values()) == {1}
    rigs[0].run("ingest-subjects", whole.sheet(tmp_path / "animals.csv"))
    for rig in rigs:
        rig.ingest()
    for rig in rigs:
        rig.ingest("--with-video-sessions")

    # All at once, and once more: what a person must see to stays, and every computer says the same of it.
    for processes in ([begin(rig.rig, rig.folder, "publication-publish") for rig in rigs] for _ in range(2)):
        for process in processes:
            stdout, stderr = process.communicate(timeout=120)
            assert process.returncode in (0, 3), stdout + stderr
            assert "Traceback" not in stderr
    for rig in rigs:
        rig.account(rig.ingest("--with-video-sessions"), rig.publish())
    truth = rigs[0].status()
    assert [rig.status() for rig in rigs] == [truth] * 3
    waiting = [row for row in truth if row[3] not in ("archived", "not here")]
    assert [row[3] for row in waiting] == ["recording"]
    (owner,) = [rig for rig in rigs if rig.name == waiting[0][6]]

    # Which can be accepted on the computer that has it.
    subject, session = map(str, waiting[0][:2])
    chosen = ("--subject", subject, "--session", session, "--type", "ephys")
    why = ("--accept", "still-recording", "--because", "a crash")
    for rig in rigs:
        if rig is not owner:
            document = rig.publish(*chosen, *why)
            assert not [each for each in document["sessions"] if each["sent_files"]]
    owner.publish(*chosen, *why, codes=(0,))
    truth = rigs[0].status()
    assert [rig.status() for rig in rigs] == [truth] * 3
    assert {row[3] for row in truth} == {"archived", "not here"}

    # Every byte of every computer is there, once.
    there = rigs[0].there()
    untold = {name for name in everything if name not in there}
    assert {name.split("/")[1] for name in untold} <= {"catgt_run_name_g0", "catgt_go_name_g0"} | {
        name.split("/")[1] for name in untold if "bitcode" in name
    }
    for rig in rigs:
        for name, path in rig.files().items():
            assert name in untold or path.read_bytes() == there[name].read_bytes()
    assert set(there) == set(everything) - untold
    tasks = len(rigs[0].rig.tasks())
    for process in [begin(rig.rig, rig.folder, "publication-publish") for rig in rigs]:
        process.communicate(timeout=120)
    assert len(rigs[0].rig.tasks()) == tasks
    end(begin(rigs[1].rig, rigs[1].folder, "publication-verify"))
