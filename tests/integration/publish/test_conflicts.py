"""What lies at the archive already is never overwritten, and the session that would is refused with its reason."""

from mapshell.errors import PARTLY
from pipeline.archive.journal import Part
from pipeline.archive.manifest import from_json

from .bench import only, write
from .faults import DATA, TWO, bind, files_of, told, whole


def test_other_files_at_the_archive_are_never_overwritten(bench):
    names = ("other size", "same size", "a folder", "a file for a folder", "free")
    folders = {name: bench.session(name) for name in names}
    subpaths = {name: only(folder, "*.bin").relative_to(bench.ephys).as_posix() for name, folder in folders.items()}
    size = only(folders["same size"], "*.bin").stat().st_size
    squatters = {
        bench.archive / subpaths["other size"]: b"somebody else's",
        bench.archive / subpaths["same size"]: b"\1" * size,
        bench.archive / subpaths["a folder"] / "inside.txt": b"a folder of that name",
        bench.archive / subpaths["a file for a folder"].rsplit("/", 1)[0]: b"a file where a folder should be",
    }
    for path, data in squatters.items():
        write(path, data)

    sessions = bench.command(check=3)["sessions"]
    causes = {
        "other size": f"{len(b'somebody else' + b'x' * 2)} bytes there, {size} here",
        "same size": "of this name and size",
        "a folder": "a folder of this name",
        "a file for a folder": "needs a folder",
    }
    for name, cause in causes.items():
        row = sessions[name]
        assert row["state"] == "refused", (name, row)
        assert cause in row["reason"]
        named = subpaths[name] if name != "a file for a folder" else subpaths[name].rsplit("/", 1)[0]
        assert named in row["reason"]
        assert "nothing was overwritten" in row["remedy"]
    assert sessions["free"]["state"] == "archived"
    bench.assert_archived(folders["free"])
    for path, data in squatters.items():
        assert path.read_bytes() == data
    squatting = {path.relative_to(bench.archive).as_posix() for path in squatters}
    assert set(bench.there()) == squatting | set(bench.here(folders["free"]))
    assert bench.archived_keys() == {bench.keys["free"]}
    assert len(bench.rig.tasks()) == 2

    # Running again says the same and sends nothing; once the archive is free, the session is archived.
    (bench.archive / subpaths["other size"]).unlink()
    sessions = bench.command(check=3)["sessions"]
    assert sessions["other size"]["state"] == "archived"
    assert sessions["same size"]["state"] == "refused"
    assert len(bench.rig.tasks()) == 4


def test_an_unknown_manifest_is_not_overwritten(bench):
    folder, good = bench.session("described"), bench.session("good")
    bench.publish({"session": 2})
    (mine,) = bench.rig.manifests().values()
    name = mine.name.replace("20200502_s2", "20200501_s1")
    assert name != mine.name
    there = from_json(mine.read_bytes(), name=mine.name).subpath.replace("20200502_s2", "20200501_s1")
    foreign = write(bench.archive / there, b"{}")
    row = bench.command(check=3)["sessions"]["described"]
    assert row["state"] == "refused"
    assert there in row["reason"]
    assert "manifest" in row["reason"]
    assert "rebuild the index" in row["remedy"]
    assert foreign.read_bytes() == b"{}"
    bench.assert_untouched(folder)
    bench.assert_archived(good)


def test_a_conflict_in_an_archived_session_does_not_keep_new_files_back(bench):
    folder = bench.session("grown")
    bench.publish()
    write(folder / "new.txt", b"new")
    write(folder / "taken.txt", b"taken here")
    squatter = write(bench.archive / (folder / "taken.txt").relative_to(bench.ephys), b"taken there too")
    row = bench.command(check=3)["sessions"]["grown"]
    assert (row["state"], row["sent_files"]) == ("archived with changes", 1)
    assert "taken.txt" in row["reason"]
    assert squatter.read_bytes() == b"taken there too"
    subpath = (folder / "new.txt").relative_to(bench.ephys).as_posix()
    assert bench.there()[subpath].read_bytes() == b"new"
    assert subpath in bench.indexed()
    assert subpath.replace("new", "taken") not in bench.indexed()


def test_a_manifest_of_somebody_else_stops_only_its_own_session(pg_rig):
    pg_rig.admin.fail_tasks("hold", count=2, label=DATA)
    told(pg_rig, TWO, wait=False)
    tables = bind(pg_rig)
    subpaths = {
        row["session"]: Part.unpack(row["payload"]).manifest.subpath for row in tables.Transfer.Session.to_dicts()
    }
    theirs = pg_rig.archive / "raw-ephys" / subpaths[1]
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_bytes(b"{}")
    for task in pg_rig.tasks():
        pg_rig.admin.control_task(task["task_id"], "release")
    outcomes, _ = told(pg_rig, TWO, code=PARTLY)
    first, second = outcomes
    assert (first.state, second.state) == ("in flight", "archived")
    assert "not overwritten" in first.reason
    assert theirs.read_bytes() == b"{}"
    theirs.unlink()
    told(pg_rig, TWO)
    whole(pg_rig, files_of(pg_rig, 0, 1), sessions=2)
