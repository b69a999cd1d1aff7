"""``mapshell demo --faults``, whole: each act ends as it must, and the check in the morning finds every byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mapshell.demo.lab import Lab, LabFile, LabSession
from mapshell.demo.night import NIGHT
from mapshell.demo.proof import prove

FOREIGN = ("DJ_", "MAPSHELL_", "GLOBUS_SDK_")


@pytest.fixture
def mapshell(tmp_path):
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environ = {**own, "MAPSHELL_HOME": str(tmp_path / "home"), "PYTHONIOENCODING": "utf-8"}
    # A shell that was pointed at another sandbox does not lead the demo there.
    environ |= {f"GLOBUS_SDK_SERVICE_URL_{name}": "http://127.0.0.1:9/" for name in ("AUTH", "TRANSFER")}

    def run(*args):
        return subprocess.run(
            [sys.executable, "-m", "mapshell", *args],
            cwd=tmp_path,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    yield run
    if (tmp_path / "night").exists():
        run("demo", "--stop", "--dir", "night")


@pytest.mark.slow
def test_the_night_is_lived_through(mapshell, tmp_path):
    done = mapshell("demo", "--faults", "--dir", "night", "--format", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["as_expected"]
    assert [tuple(run["state"] for run in act["runs"]) for act in told["acts"]] == [act.expected for act in NIGHT]
    assert [len(act["tasks"]) for act in told["acts"]] == [act.tasks for act in NIGHT]
    met = [act["met"] for act in told["acts"]]
    assert (met[0]["503 to GET ls"], met[0]["429 to POST transfer"]) == (2, 1)
    assert met[1]["no answer to POST transfer"] == 1
    assert met[5]["401 to GET ls"] == 1
    (killed,) = [act for act in told["acts"] if act["runs"][0]["state"] == "killed"]
    assert killed["runs"][0]["killed"] != 0
    proof = told["proof"]
    assert proof["whole"]
    assert (proof["datasets"], proof["manifests"]) == (9, 9)
    rig, archive = tmp_path / "night" / "rig", tmp_path / "night" / "archive"
    recordings = [path.relative_to(rig).as_posix() for path in rig.glob("*/**/*") if path.is_file()]
    archived = [name for name in recordings if (archive / f"raw-{name}").exists()]
    assert proof["same"] == len(archived) > 100
    assert max(len(line) for line in done.stderr.splitlines()) <= 80
    for act in NIGHT:
        assert act.title in done.stderr

    # A second night in the same place begins anew; other folders are left alone.
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").touch()
    refused = mapshell("demo", "--faults", "--dir", "mine")
    assert refused.returncode == 2
    assert "nothing was touched" in refused.stderr
    assert (tmp_path / "mine" / "thesis").exists()
    assert mapshell("demo", "--faults", "--gigabytes", "1").returncode == 2


@pytest.fixture
def small(tmp_path):
    """Two files of one session, as they are on the rig and at the archive, and their rows."""
    from datetime import datetime

    files = tuple(LabFile("ephys", f"a/{name}", 3) for name in ("one", "two"))
    for base in ("rig/ephys", "archive/raw-ephys"):
        (tmp_path / base / "a").mkdir(parents=True)
        for file in files:
            (tmp_path / base / file.subpath).write_bytes(b"abc")
    session = LabSession(1, "SC001", datetime(2020, 1, 1), None, (), files)  # noqa: DTZ001 - local wall time
    lab = Lab(tmp_path / "rig", (), (session,), "UTC")
    return lab, tmp_path / "archive", [("raw-ephys", "ephys-1-1", file.subpath, 3) for file in files]


def test_the_check_finds_nothing_where_all_is_well(small):
    proof = prove(*small)
    assert proof.whole
    assert (proof.same, proof.bytes, proof.datasets, proof.manifests, proof.set_aside) == (2, 6, 1, 0, 0)


@pytest.mark.parametrize("harm", ["flip", "short", "missing", "size", "twice", "lost", "strange", "empty"])
def test_the_check_finds_what_is_wrong(small, harm):
    lab, archive, rows = small
    one = archive / "raw-ephys" / "a" / "one"
    if harm == "flip":
        one.write_bytes(b"abd")
    elif harm == "short":
        one.write_bytes(b"ab")
    elif harm == "missing":
        one.unlink()
    elif harm == "size":
        rows[0] = (*rows[0][:3], 4)
    elif harm == "twice":
        rows.append(rows[0])
    elif harm == "lost":
        rows.pop()
        (archive / "raw-ephys" / "a" / "two").unlink()
    elif harm == "strange":
        one.with_name("three").touch()
    else:
        rows.clear()
    proof = prove(lab, archive, rows)
    assert not proof.whole
    wrong = {"flip": "different", "short": "different", "missing": "different", "size": "different", "empty": "lost"}
    assert getattr(proof, wrong.get(harm, harm))
