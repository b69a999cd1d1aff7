"""Roots and archives that lie inside each other, and paths below a collection's default folder."""

from __future__ import annotations

import json

from mapshell.demo.run import ARCHIVE, RIG
from pipeline import database, settings
from pipeline.here import local_roots
from pipeline.ingest.recordings import ingest_recordings
from pipeline.locations import known
from tests.integration.publish.bench import DAY, write


def configure(bench, **custom):
    """Write the configuration's roots and locations anew (``endpoints``, ``locations``, or flat keys)."""
    file = bench.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    names = {"endpoints": "globus.local_endpoints", "locations": "globus.storage_locations"}
    flat = {key: value for key, value in custom.items() if key not in names}
    document |= {f"globus.{key}": value for key, value in flat.items()}
    document["custom"] = {names[key]: value for key, value in custom.items() if key in names}
    file.write_text(json.dumps(document))
    bench.rig.settings = settings.load(file=file)
    database.bind(bench.rig.settings)


def root(folder, subdir):
    return {"endpoint": RIG, "endpoint_subdir": subdir, "endpoint_path": str(folder)}


def video(folder, name="SC038/05012020", start=DAY):
    """Make a session of tracking video."""
    place = folder / name / "video"
    place.mkdir(parents=True)
    for trial in range(2):
        write(place / f"SC038_side_735-{trial:04d}.avi", b"RIFF" + bytes(2000 + trial))
    return place


def test_the_predecessors_own_places_inside_each_other(each_bench):
    """``/`` has the video and holds ``/4ElectrodeRig_Ephys``, here and at the archive."""
    bench, top = each_bench, each_bench.rig.rig
    configure(
        bench,
        endpoints={
            "raw-video": root(top, "/"),
            "raw-ephys": root(top / "4ElectrodeRig_Ephys", "/4ElectrodeRig_Ephys"),
        },
        locations=[["raw-ephys", ARCHIVE, "/4ElectrodeRig_Ephys"], ["raw-video", ARCHIVE, "/"]],
    )
    bench.session("both", base=top / "4ElectrodeRig_Ephys")
    video(top)
    (outer,) = local_roots(bench.rig.settings, "raw-video")
    (inner,) = local_roots(bench.rig.settings, "raw-ephys")
    assert (outer.elsewhere, inner.elsewhere) == ({"4ElectrodeRig_Ephys"}, frozenset())
    report = bench.rig.publish()
    assert report.whole
    assert {(each.alias, each.state) for each in report.outcomes} == {
        ("raw-ephys", "archived"),
        ("raw-video", "archived"),
    }
    assert "4ElectrodeRig_Ephys" not in report.strangers
    sent = {path.relative_to(bench.rig.archive).parts[0] for path in bench.rig.archive.rglob("*.avi")}
    assert sent == {"SC038"}
    sent = {path.relative_to(bench.rig.archive).parts[:2] for path in bench.rig.archive.rglob("*.bin")}
    assert sent == {("4ElectrodeRig_Ephys", "SC038")}
    assert known()["raw-video"].elsewhere == {"4ElectrodeRig_Ephys"}
    (bench.rig.archive / "StrangerAtTheTop").mkdir()
    for command in ("publication-discover", "publication-verify"):
        stdout, stderr = bench.run(command, "--format", "json", check=0)
        assert "StrangerAtTheTop" in stdout + stderr
        assert "4ElectrodeRig_Ephys" not in (stdout + stderr).replace("/4ElectrodeRig_Ephys", "")


def test_a_root_inside_a_folder_that_another_walks(bench):
    """Wherever a root begins, the walk from above stops: below the root, an animal, or a session's folder."""
    top = bench.rig.rig / "ephys"
    folder = bench.session("one")
    inner = folder / "later"
    bench.record("SC038_050120", DAY, base=inner)
    elsewhere = top / "SC048"
    bench.enter("two", (DAY).date(), subject=502716)
    (elsewhere / "SC048_050120_g0").mkdir(parents=True)
    configure(
        bench,
        endpoints={
            "raw-ephys": [root(top, "/ephys")],
            "raw-video": [
                root(inner, f"/ephys/{inner.relative_to(top).as_posix()}"),
                root(elsewhere, "/ephys/SC048"),
            ],
        },
        locations={
            "raw-ephys": {"endpoint": ARCHIVE, "path": "/raw-ephys"},
            "raw-video": {"endpoint": ARCHIVE, "path": "/raw-video"},
        },
    )
    assert bench.publish().whole
    sent = set(bench.there())
    assert sent == {name for name in bench.here(folder) if "/later/" not in name}
    plan = ingest_recordings(bench.rig.settings, dry_run=True)
    assert {each.h2o for each in plan.reports} == {"SC038"}
    # What lies in a root of another kind of data is told.
    assert {each.folder: "raw-video alone" in each.reason for each in plan.skipped} == {"SC038/SC038_050120_g0": True}


def test_two_roots_of_one_alias_inside_each_other(bench):
    top = bench.rig.rig / "ephys"
    new = top / "new drive"
    configure(
        bench,
        endpoints={"raw-ephys": [root(top, "/ephys"), root(new, "/ephys/new drive")]},
        locations={"raw-ephys": {"endpoint": ARCHIVE, "path": "/raw-ephys"}},
    )
    folders = [bench.session("one"), bench.session("two", base=new)]
    assert bench.publish().whole
    expected = set(bench.here(folders[0])) | set(bench.here(folders[1], new))
    assert set(bench.there()) == expected
    assert len(bench.there()) == len(bench.here(folders[0])) * 2  # none was found twice


def test_one_folder_for_all_aliases_by_the_flat_keys(bench):
    top = bench.rig.rig / "ephys"
    configure(
        bench,
        locations={alias: {"endpoint": ARCHIVE, "path": f"/{alias}"} for alias in ("raw-ephys", "raw-video")},
        local_endpoint=RIG,
        local_endpoint_subdir="/ephys",
        local_endpoint_local_path=str(top),
    )
    folder = bench.session("one")
    video(top)
    assert all(
        not each.elsewhere for alias in ("raw-ephys", "raw-video") for each in local_roots(bench.rig.settings, alias)
    )
    assert bench.rig.publish().whole
    names = {name for name in bench.rig.archived() if name.endswith((".avi", ".bin", ".meta"))}
    assert names == {f"ephys/{name}" for name in bench.here(folder)} | {
        f"video/SC038/05012020/video/SC038_side_735-000{trial}.avi" for trial in range(2)
    }


def test_paths_without_a_slash_begin_at_the_default_folder(each_bench):
    """On the rig and at the archive, where the default folder is not the collection's root."""
    bench = each_bench
    top = bench.rig.rig / "lab" / "rig" / "recordings"
    (bench.rig.archive / "space" / "mylab").mkdir(parents=True)
    bench.rig.admin.set_collection(RIG, home="/lab/rig")
    bench.rig.admin.set_collection(ARCHIVE, home="/space/mylab")
    configure(
        bench,
        endpoints={"raw-ephys": root(top, "recordings")},
        locations={"raw-ephys": f"{ARCHIVE}:raw"},
    )
    (mine,) = local_roots(bench.rig.settings, "raw-ephys")
    assert mine.globus_path == "/~/recordings"
    folder = bench.session("one", base=top)
    assert bench.publish().whole
    there = bench.rig.archive / "space" / "mylab" / "raw"
    for name, path in bench.here(folder, top).items():
        assert (there / name).read_bytes() == path.read_bytes()
    assert len(list(there.rglob("*.manifest-0001.json"))) == 1
    assert not list(bench.rig.archive.glob("~*"))
    tasks = len(bench.rig.tasks())
    assert bench.publish().whole
    assert len(bench.rig.tasks()) == tasks
    bench.run("publication-verify", "--type", "ephys", check=0)

    # What a transfer left unfinished is known as ours there, too, and the archive moves from there.
    later = bench.session("two", base=top)
    bench.rig.admin.fail_tasks("fail", after_files=1, partial=True)
    assert not bench.publish().whole
    assert bench.publish().whole
    assert {name for name in bench.here(later, top) if (there / name).exists()} == set(bench.here(later, top))
    bench.run("storage", "set", "raw-ephys", f"{ARCHIVE}:/space/mylab/raw", check=0)
    bench.run("storage", "set", "raw-ephys", f"{ARCHIVE}:~/raw", check=0)
    assert known()["raw-ephys"].path == "/~/raw"


def test_a_root_of_an_alias_that_is_unknown(bench):
    """A slip is refused with the alias that was meant; a root that another program has there is only told."""
    top = bench.rig.rig / "ephys"
    folder = bench.session("one")
    places = {"raw-ephys": {"endpoint": ARCHIVE, "path": "/raw-ephys"}}
    configure(bench, endpoints={"raw-ephis": root(top, "/ephys")}, locations=places)
    text = bench.tell(check=3)
    assert f"not read: {top} (raw-ephis)" in text
    assert "there is no storage location raw-ephis (" in text
    assert "dj_local_conf.json, line 1)" in text
    assert "Remedy: did you mean raw-ephys?" in text
    configure(bench, endpoints={"raw-ephys": root(top, "/ephys"), "wheel-data": root(top, "/ephys")}, locations=places)
    text = bench.tell(check=0)
    assert "mapshell storage add wheel-data UUID:/PATH" in text
    bench.assert_archived(folder)


def test_a_root_that_holds_another_labs_data(bench):
    """What belongs to no animal and no session of this lab is named and never sent, here and at the archive."""
    folder = bench.session("one")
    bench.record("SC038_010215", DAY.replace(year=2015, month=1, day=2))  # an animal of the same name
    other = bench.ephys / "XY001" / "XY001_050120_g0"
    write(other / "XY001_050120_g0_t0.nidq.bin", bytes(100))
    text = bench.tell(check=0)
    assert "no session: XY001" in text
    assert "SC038/SC038_010215_g0" in text
    bench.assert_archived(folder)
    assert {name.split("/")[1] for name in bench.there()} == {folder.name}
    (bench.archive / "XY001").mkdir()
    before = bench.indexed()
    _, stderr = bench.run("publication-discover-ephys", check=0)
    assert "XY001" in stderr
    assert bench.indexed() == before
