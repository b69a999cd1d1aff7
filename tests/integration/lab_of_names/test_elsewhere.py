"""Sessions that a layout of the lab puts elsewhere than below their animal's folder, seen from the archive."""

from __future__ import annotations

import json
import shutil

import pytest

from pipeline import settings
from tests.integration.discover.losing import drop
from tests.integration.publish.bench import DAY, SC038, write

FLAT = "[catgt_]{h2o}_{date:%m%d%y}[_{ident}]_g{gate}"
LAYOUTS = [FLAT, "Old Data/{h2o=SC038}{date:%-m-%-d-%Y}_g{gate}"]
OPTIONS = ("--type", "ephys")


def configure(bench, layouts):
    file = bench.rig.folder / "dj_local_conf.json"
    document = {**json.loads(file.read_text()), "archive.ephys_layouts": layouts}
    file.write_text(json.dumps(document))
    bench.rig.settings = settings.load(file=file)


@pytest.fixture
def flat(each_bench):
    """Two sessions of an animal without a folder of its own, published."""
    bench = each_bench
    configure(bench, LAYOUTS)
    for name, folder in (("one", "SC038_050120_g0"), ("two", "Old Data/5-2-2020_g0")):
        start = DAY.replace(day=1 if name == "one" else 2)
        bench.enter(name, start.date(), f"{start:%H:%M:%S}")
        made = bench.record(folder.rsplit("/", 1)[-1].removesuffix("_g0"), start)
        (bench.ephys / folder).parent.mkdir(exist_ok=True)
        made.rename(bench.ephys / folder)
        write(bench.ephys / folder / "notes.txt", b"beside the probes")
    (bench.ephys / "SC038").rmdir()
    report = bench.publish()
    assert report.whole, repr(report)
    assert (report.strays, report.strangers) == ([], set())
    assert len(report.outcomes) == 2
    return bench


def discover(bench, *more, check=0):
    return json.loads(bench.run("publication-discover", *OPTIONS, "--format", "json", *more, check=check)[0])


def verify(bench, check):
    return json.loads(bench.run("publication-verify", *OPTIONS, "--format", "json", check=check)[0])


def test_the_archive_has_them_where_the_rig_has_them(flat):
    here = {path.relative_to(flat.ephys).as_posix(): path for path in flat.ephys.rglob("*") if path.is_file()}
    here = {name: path for name, path in here.items() if not name.startswith(".mapshell")}
    assert set(flat.there()) == set(here)
    assert len(flat.rig.manifests()) == 2
    assert {name.rsplit("/", 2)[-2] for name in flat.rig.manifests()} == {"SC038"}
    rows = json.loads(flat.run("publication-status", *OPTIONS, "--format", "json", check=0)[0])["sessions"]
    assert [row["state"] for row in rows] == ["archived", "archived"]
    assert {tuple(row["folders"]) for row in rows} == {("SC038_050120_g0",), ("Old Data/5-2-2020_g0",)}
    document = verify(flat, check=0)
    assert (document["no_session"], document["unknown_animals"]) == ([], {})


def test_what_is_strange_at_the_archive_is_seen(flat):
    write(flat.archive / "SC038_050120_g0" / "strange.txt", b"x")
    write(flat.archive / "SC038_060120_g0" / "SC038_060120_g0_t0.nidq.bin", b"x")
    (flat.archive / "SC038_050120_g0" / "notes.txt").unlink()
    document = verify(flat, check=3)
    (wrong,) = [session for session in document["sessions"] if session["drift"]]
    assert {each["file"].rsplit("/", 1)[-1] for each in wrong["drift"]} == {"strange.txt", "notes.txt"}
    assert document["unknown_animals"] == {"raw-ephys": ["SC038_060120_g0"]}
    assert discover(flat, check=0)["sessions"] is not None


def test_an_index_is_rebuilt_from_manifests_and_without(flat):
    before = flat.indexed()
    drop(flat.rig, "publication")
    configure(flat, [])
    document = discover(flat, check=3)
    refused = [each for each in document["sessions"] if each["state"] == "refused"]
    assert len(refused) == 2
    assert all("archive.ephys_layouts" in each["reason"] for each in refused)
    configure(flat, LAYOUTS)
    discover(flat)
    assert flat.indexed() == before
    drop(flat.rig, "publication")
    shutil.rmtree(flat.archive / "SC038")
    document = discover(flat)
    assert {(each["session"], each["state"]) for each in document["sessions"]} == {(1, "present"), (2, "present")}
    assert set(flat.indexed()) == set(before)
    assert {row["subject_id"] for row in document["sessions"]} == {SC038}
