"""``mapshell database adopt``: the predecessor's rows become ours, are completed by looking, and come back as files."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
from dataclasses import replace

import pytest

from mapshell.errors import FAILED, PARTLY, USAGE
from pipeline import database, publication
from pipeline.archive.session import file_id
from pipeline.board.status import status
from pipeline.errors import UsageError
from pipeline.oldlab.adopting import adopt
from tests.integration.kills import kill_at
from tests.integration.publish.bench import LONG_AGO

from .rows import FILES, HOSTILE, SC030, SC033

pytestmark = pytest.mark.mariadb

INDEX = ("DataSet", "DataSet.PhysicalFile", "ArchivedRawEphys", "ArchivedTrackingVideo", "GlobusStorageLocation")
ADOPT = ("database", "adopt")


def index():
    """Return all rows of our index."""
    found = {}
    for name in INDEX:
        table = publication
        for part in name.split("."):
            table = getattr(table, part)
        found[name] = sorted(table.to_dicts(), key=repr)
    return found


def put(rig):
    """Put the files of the old rows into the archive; return their bytes by alias and subpath."""
    draw, there = random.Random(1), {}
    for (alias, _), files in FILES.items():
        for subpath in files:
            path = rig.archive / alias / subpath
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(draw.randbytes(draw.randint(1, 5000)))
            there[alias, subpath] = path.read_bytes()
    return there


def old_states(rig):
    """Return state and reason of the sessions of the old rows."""
    rows = status(rig.settings, ("ephys", "video"))
    return {(row.alias, (row.subject_id, row.session)): row for row in rows if row.subject_id in (SC030, SC033)}


@pytest.fixture
def rig(reading_rig):
    return reading_rig


def adopted(rig, *args, check=PARTLY):
    """Run the command; some names of the old rows are hostile, so that a person must look."""
    return json.loads(rig.run(*ADOPT, *args, "--format", "json", check=check).stdout)


def test_a_dry_run_says_all_and_writes_nothing(rig, old_lab):
    before, ours = old_lab.snapshot(), index()
    found = adopted(rig, "--dry-run")
    assert found["dry_run"] is True
    assert found["adopted"] == {"sessions": len(FILES), "files": sum(map(len, FILES.values()))}
    assert (old_lab.snapshot(), index()) == (before, ours)
    shown = rig.run(*ADOPT, "--dry-run", check=PARTLY)
    assert "Would adopt 4 sessions" in " ".join(shown.stderr.split())
    assert "to adopt" in shown.stdout


def test_the_rows_are_those_of_the_old_database_in_our_spelling(rig, old_lab):
    before = old_lab.snapshot()
    found = adopted(rig)
    assert {(row["alias"], (row["subject_id"], row["session"])): row["files"] for row in found["sessions"]} == {
        key: len(files) for key, files in FILES.items()
    }
    for (alias, (subject_id, session)), files in FILES.items():
        kind = "ephys" if alias == "raw-ephys" else "video"
        key = {"globus_alias": alias, "dataset_name": f"{kind}-{subject_id}-{session:04d}"}
        rows = (publication.DataSet.PhysicalFile & key).to_dicts()
        assert {row["file_subpath"] for row in rows} == set(files)
        for row in rows:
            assert row["file_id"] == file_id(row["file_subpath"])
            unknown = ("file_size", "file_mtime", "file_sha1", "sha1_source", "verified_at", "verified_how")
            assert {row[name] for name in unknown} == {None}
        (archived,) = (publication.archived_table(kind) & key).to_dicts()
        assert (archived["subject_id"], archived["session"]) == (subject_id, session)
        assert archived["evidence"]["source"] == "adopted"
        assert archived["evidence"]["from"] == f"{old_lab.prefix}publication"
        assert publication.DataSet.to_dicts()[0]["dataset_manifest"] == ""
    for each in old_states(rig).values():
        if (each.alias, (each.subject_id, each.session)) in FILES:
            assert (each.state, each.size) == ("present", None)
            assert each.reason == f"adopted from {old_lab.prefix}publication, never verified"
    assert old_lab.snapshot() == before
    # Again: nothing changes.
    rows = index()
    again = adopted(rig)
    assert {row["state"] for row in again["sessions"]} == {"known"}
    assert again["adopted"] == {"sessions": 0, "files": 0}
    assert index() == rows
    # The old database gets one more file; the rest stays as it is.
    more = {"globus_alias": "raw-ephys", "dataset_name": "ephys-raw-SC030-1", "file_type": "unknown"}
    old_lab.insert("publication.data_set__physical_file", [{**more, "file_subpath": "/SC030/catgt_SC030_100219_g0/x"}])
    assert adopted(rig)["adopted"] == {"sessions": 1, "files": 1}
    kept = [row for row in index()["DataSet.PhysicalFile"] if not row["file_subpath"].endswith("/x")]
    assert kept == rows["DataSet.PhysicalFile"]


def test_what_means_no_file_or_no_session_is_named(rig, old_lab):
    kind = {"dataset_type": "ephys-raw", "globus_alias": "raw-ephys"}
    old_lab.insert("publication.data_set", [{**kind, "dataset_name": "ephys-raw-SC999-1"}])
    found = adopted(rig)
    refused = {
        (row["alias"], (row["subject_id"], row["session"])): [each["name"] for each in row["refused_files"]]
        for row in found["sessions"]
        if row["refused_files"]
    }
    assert refused == {key: sorted(names) for key, names in HOSTILE.items()}
    assert found["datasets_of_no_session"] == ["ephys-raw-SC999-1 (raw-ephys)"]
    assert found["sessions_without_files"] == [{"subject_id": SC033, "session": 4}]
    # Where the archives lie: ours holds, and the difference is told.
    assert {each["alias"]: each["state"] for each in found["storage_locations"]} == {
        "raw-ephys": "other",
        "raw-video": "other",
    }
    shown = rig.run(*ADOPT, check=PARTLY).stderr
    for said in ("other lab", "ephys-raw-SC999-1", "/4ElectrodeRig_Ephys", "ours holds", f"subject {SC033} session 4"):
        assert said in shown, said


def test_locations_are_copied_where_ours_has_none(rig, old_lab):
    document = json.loads(rig.settings.file.read_text())
    del document["custom"]["globus.storage_locations"]
    rig.settings.file.write_text(json.dumps(document))
    old_lab.query(
        "UPDATE `map_v2_publication`.`#globus_storage_location` SET globus_endpoint = 'petrel#mylab' "
        "WHERE globus_alias = 'raw-video'"
    )
    found = adopted(rig)
    states = {each["alias"]: (each["state"], each["ours"]) for each in found["storage_locations"]}
    assert states["raw-ephys"] == ("copied", "5b875fda-4185-11e8-bb52-0ac6873fc732:/4ElectrodeRig_Ephys")
    assert states["raw-video"] == ("unusable", None)
    assert [row["globus_alias"] for row in index()["GlobusStorageLocation"]] == ["raw-ephys"]
    videos = [row for row in found["sessions"] if row["alias"] == "raw-video"]
    assert {(row["state"], "mapshell storage add raw-video" in row["remedy"]) for row in videos} == {("refused", True)}


def test_adopted_then_discovered_then_verified_then_fetched(rig, old_lab):
    before, there = old_lab.snapshot(), put(rig)
    adopted(rig)
    refused = rig.run("publication-retrieve", "--subject", "SC030", check=PARTLY)
    assert "nobody has looked at it" in " ".join(refused.stderr.split())
    dry = json.loads(rig.run("publication-discover", "--dry-run", "--format", "json", check=0).stdout)
    assert sum("would be filled in" in row["reason"] for row in dry["sessions"]) == len(FILES)
    assert {row["file_size"] for row in index()["DataSet.PhysicalFile"]} == {None}
    found = json.loads(rig.run("publication-discover", "--format", "json", check=0).stdout)
    assert sum("filled in" in row["reason"] for row in found["sessions"]) == len(FILES)
    rows = {(row["globus_alias"], row["file_subpath"]): row for row in index()["DataSet.PhysicalFile"]}
    assert {key: row["file_size"] for key, row in rows.items()} == {key: len(raw) for key, raw in there.items()}
    for (alias, subpath), row in rows.items():
        assert row["file_mtime"] == int((rig.archive / alias / subpath).stat().st_mtime)
    assert {row["file_sha1"] for row in rows.values()} == {None}
    # Read for the first time, then compared.
    rig.run("publication-verify", "--checksum", "all", check=PARTLY)
    rows = {(row["globus_alias"], row["file_subpath"]): row for row in index()["DataSet.PhysicalFile"]}
    assert {key: row["file_sha1"] for key, row in rows.items()} == {
        key: hashlib.sha1(raw).hexdigest() for key, raw in there.items()
    }
    assert {(row["sha1_source"], row["verified_at"]) for row in rows.values()} == {("archive", None)}
    rig.run("publication-verify", "--checksum", "all", check=0)
    assert {each.state for key, each in old_states(rig).items() if key in FILES} == {"present"}
    rig.run("publication-retrieve", "--everything", check=0)
    back = {
        (f"raw-{name.split('/')[0]}", name.partition("/")[2]): path.read_bytes() for name, path in rig.files().items()
    }
    assert {key: back.get(key) for key in there} == there
    assert old_lab.snapshot() == before


def test_verify_alone_completes_and_names_what_the_archive_lacks(rig):
    there = put(rig)
    gone = next(iter(there))
    (rig.archive / gone[0] / gone[1]).unlink()
    adopted(rig)
    report = json.loads(rig.run("publication-verify", "--format", "json", check=PARTLY).stdout)
    drift = [each for row in report["sessions"] for each in row["drift"]]
    assert [(each["kind"], each["file"]) for each in drift] == [("missing", gone[1])]
    sizes = {(row["globus_alias"], row["file_subpath"]): row["file_size"] for row in index()["DataSet.PhysicalFile"]}
    assert sizes == {key: None if key == gone else len(raw) for key, raw in there.items()}
    found = json.loads(rig.run("publication-discover", "--format", "json", check=PARTLY).stdout)
    assert [row["reason"] for row in found["sessions"] if gone[1] in row["reason"]]


def test_what_mapshell_did_itself_is_not_touched(rig, old_lab):
    rig.publish(types=("ephys",))
    mine = publication.ArchivedRawEphys.to_dicts()
    kept = index()
    claimed = {"dataset_type": "ephys-raw", "globus_alias": "raw-ephys", "dataset_name": "ephys-raw-again"}
    old_lab.insert("publication.data_set", [claimed])
    del claimed["dataset_type"]
    keys = [{"subject_id": row["subject_id"], "session": row["session"]} for row in mine]
    old_lab.insert("publication._archived_raw_ephys", [{**key, **claimed} for key in keys])
    files = [{**claimed, "file_subpath": "/SC038/x/foreign.bin", "file_type": "unknown"}]
    old_lab.insert("publication.data_set__physical_file", files)
    (publication.ArchivedRawEphys & keys[0]).delete(prompt=False)
    found = {(row["subject_id"], row["session"]): row["state"] for row in adopted(rig)["sessions"]}
    states = [found[key["subject_id"], key["session"]] for key in keys]
    assert states == ["withdrawn", *["archived"] * (len(keys) - 1)]
    after = index()
    names = {row["dataset_name"] for row in kept["DataSet"]}
    assert [row for row in after["DataSet"] if row["dataset_name"] in names] == kept["DataSet"]
    files = [row for row in after["DataSet.PhysicalFile"] if row["dataset_name"] in names]
    assert files == kept["DataSet.PhysicalFile"]


def test_a_session_found_by_discover_before_stays_as_it_was_found(rig):
    put(rig)
    rig.run("publication-discover", check=0)
    before = index()
    states = {(row["alias"], (row["subject_id"], row["session"])): row["state"] for row in adopted(rig)["sessions"]}
    found = {
        (row["globus_alias"], (row["subject_id"], row["session"]))
        for name in ("ArchivedRawEphys", "ArchivedTrackingVideo")
        for row in before[name]
    }
    assert found
    assert {key for key, state in states.items() if state == "found"} == found & set(FILES)
    names = {row["dataset_name"] for row in before["DataSet"]}
    assert [row for row in index()["DataSet.PhysicalFile"] if row["dataset_name"] in names] == before[
        "DataSet.PhysicalFile"
    ]


def test_new_files_of_an_adopted_session_wait_until_somebody_has_looked(rig):
    there = put(rig)
    adopted(rig)
    alias, subpath = next(key for key in there if key[1].startswith("SC030/catgt_SC030_100219_g0"))
    folder = rig.rig / "ephys" / "SC030" / "catgt_SC030_100219_g0"
    (folder / "SC030_100219_imec0").mkdir(parents=True)
    mine = rig.rig / "ephys" / subpath
    mine.write_bytes(there[alias, subpath])
    only = ("publication-publish", "--type", "ephys", "--subject", "SC030", "--session", "1", "--format", "json")
    (row,) = json.loads(rig.run(*only, check=0).stdout)["sessions"]
    assert (row["state"], "nobody has looked" in row["reason"]) == ("present", True)
    (folder / "notes.txt").write_text("later")
    os.utime(folder / "notes.txt", (LONG_AGO, LONG_AGO))
    (row,) = json.loads(rig.run(*only, check=PARTLY).stdout)["sessions"]
    assert (row["state"], "nobody has looked at its size" in row["reason"]) == ("present", True)
    rig.run("publication-verify", "--subject", "SC030", check=0)
    (row,) = json.loads(rig.run(*only, check=0).stdout)["sessions"]
    assert (row["state"], row["sent_files"]) == ("present", 1)
    assert (rig.archive / "raw-ephys/SC030/catgt_SC030_100219_g0/notes.txt").read_text() == "later"
    (manifest,) = (path for path in rig.manifests().values() if "SC030" in path.name)
    listed = {each["subpath"]: each for each in json.loads(manifest.read_text())["files"]}
    assert listed[subpath]["size"] == len(there[alias, subpath])


@pytest.mark.parametrize("looked", ["not at all", "listed", "read"])
def test_the_computer_that_has_the_files_proves_them(rig, old_lab, looked):
    rig.publish(types=("ephys",))
    rows = publication.ArchivedRawEphys.to_dicts()
    key = {name: rows[0][name] for name in ("subject_id", "session")}
    mine = (publication.DataSet.PhysicalFile & {"dataset_name": rows[0]["dataset_name"]}).to_dicts()
    # As the predecessor would have left it: no manifest, no index but its own.
    database.unbind()
    old_lab.query(f"DROP DATABASE `{old_lab.own_prefix}publication`")
    for path in rig.manifests().values():
        path.unlink()
    theirs = {"globus_alias": "raw-ephys", "dataset_name": "ephys-raw-again"}
    old_lab.insert("publication.data_set", [{**theirs, "dataset_type": "ephys-raw"}])
    old_lab.insert("publication._archived_raw_ephys", [{**key, **theirs}])
    files = [{**theirs, "file_subpath": f"/{row['file_subpath']}", "file_type": "unknown"} for row in mine]
    old_lab.insert("publication.data_set__physical_file", files)
    adopted(rig)
    only = ("--subject", str(key["subject_id"]), "--session", str(key["session"]))
    if looked != "not at all":  # other sessions of the animal are in no index
        rig.run("publication-verify", *only, *(["--checksum", "all"] if looked == "read" else []), check=PARTLY)
    tasks = len(rig.tasks())
    done = rig.run("publication-publish", "--type", "ephys", *only, "--adopt", "--format", "json", check=0)
    (row,) = json.loads(done.stdout)["sessions"]
    assert (row["state"], row["sent_files"], row["adopted_files"]) == ("archived", 0, len(mine))
    assert len(rig.tasks()) == tasks + 1  # the manifest's
    database.bind(rig.settings)
    after = (publication.DataSet.PhysicalFile & {"dataset_name": rows[0]["dataset_name"]}).to_dicts()
    same = ("file_subpath", "file_id", "file_type", "file_size", "file_mtime", "file_sha1", "sha1_source")
    assert [[row[name] for name in same] for row in after] == [[row[name] for name in same] for row in mine]
    assert all(row["verified_at"] for row in after)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize(("step", "nth"), [("discover: claimed", 2), ("discover: files", 2)])
def test_killed_in_the_middle_it_leaves_whole_sessions_and_goes_on(rig, step, nth):
    killed = rig.run(*ADOPT, prelude=kill_at(step, nth))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    database.bind(rig.settings)
    left = index()
    assert len(left["DataSet"]) == len(left["ArchivedRawEphys"]) + len(left["ArchivedTrackingVideo"]) == nth - 1
    adopted(rig)
    assert len(index()["DataSet"]) == len(FILES)
    assert not publication.Claim()
    assert {row["state"] for row in adopted(rig)["sessions"]} == {"known"}


# ---- where our own tables hold animals and sessions


@pytest.fixture
def own_tables(old_lab):
    """Tables of our own for animals and sessions, on the same server."""
    from pipeline import experiment, lab

    settings = old_lab.settings()
    settings = replace(settings, database=replace(settings.database, lab_schemas=()))
    database.bind(settings)
    lab.Subject.insert1({"subject_id": SC030})
    lab.WaterRestriction.insert1({"subject_id": SC030, "water_restriction_number": "SC030"})
    day = {"session_time": None, "session_timezone": "America/New_York"}
    experiment.Session.insert1({"subject_id": SC030, "session": 1, "session_date": "2019-10-02", **day})
    experiment.Session.insert1({"subject_id": SC030, "session": 3, "session_date": "2019-10-09", **day})
    yield settings
    database.unbind()


def test_sessions_of_another_day_or_none_are_refused(own_tables, old_lab):
    before = old_lab.snapshot()
    found = adopt(own_tables, prefix=old_lab.prefix)
    states = {each.key: each for each in found.sessions}
    assert states[SC030, 1].state == "adopted"
    assert states[SC030, 3].state == "refused"
    assert "2019-10-03" in states[SC030, 3].reason
    assert "2019-10-09" in states[SC030, 3].reason
    assert {states[SC033, number].state for number in (5, 6)} == {"no session"}
    assert [row["dataset_name"] for row in publication.DataSet.to_dicts()] == [f"ephys-{SC030}-0001"]
    assert old_lab.snapshot() == before


def test_a_file_that_the_index_gives_to_another_session_is_refused(own_tables, old_lab):
    from pipeline import experiment

    experiment.Session.update1({"subject_id": SC030, "session": 3, "session_date": "2019-10-03"})  # as there
    adopt(own_tables, prefix=old_lab.prefix)
    taken = publication.DataSet.PhysicalFile.to_dicts()[0]["file_subpath"]
    more = {"globus_alias": "raw-ephys", "dataset_name": "ephys-raw-SC030-3", "file_type": "unknown"}
    old_lab.insert("publication.data_set__physical_file", [{**more, "file_subpath": taken}])
    found = {each.key: each for each in adopt(own_tables, prefix=old_lab.prefix).sessions}
    assert found[SC030, 3].state == "refused"
    assert "session 1" in found[SC030, 3].reason


# ---- bad input


def test_a_prefix_of_nothing_is_wrong_use(rig, old_lab):
    error = json.loads(rig.run(*ADOPT, "--from", "nobody_", "--format", "json", check=USAGE).stdout)["error"]
    assert "nobody_publication" in error["message"]
    assert "--from PREFIX" in error["remedy"]


def test_on_postgresql_there_is_no_such_database(postgresql_database):
    database.bind(postgresql_database)
    with pytest.raises(UsageError, match="map-ephys database is on MySQL"):
        adopt(postgresql_database)


def test_tables_of_another_age_or_kind_are_told(own_tables, old_lab):
    old_lab.query("DROP TABLE `map_v2_publication`.`data_set__physical_file`")
    with pytest.raises(UsageError, match="data_set__physical_file lacks"):
        adopt(own_tables, prefix=old_lab.prefix)


def test_an_empty_older_database_has_nothing_to_adopt(own_tables, old_lab):
    for table in ("_archived_raw_ephys", "_archived_tracking_video", "_archived_session"):
        old_lab.query(f"DELETE FROM `map_v2_publication`.`{table}`")
    for table in ("data_set__physical_file", "data_set"):
        old_lab.query(f"DELETE FROM `map_v2_publication`.`{table}`")
    found = adopt(own_tables, prefix=old_lab.prefix)
    assert "nothing to adopt" in str(found)
    assert found.whole


def test_an_account_that_may_not_write_ours_may_try_dry(rig, old_lab):
    ours = old_lab.own_prefix.replace("_", r"\_")
    old_lab.query(f"REVOKE ALL ON `{ours}%`.* FROM {old_lab.reader}")
    old_lab.query(f"GRANT SELECT ON `{ours}%`.* TO {old_lab.reader}")
    database.unbind()
    assert adopted(rig, "--dry-run")["adopted"]["sessions"] == len(FILES)
    error = json.loads(rig.run(*ADOPT, "--format", "json", check=FAILED).stdout)["error"]
    assert error["type"] == "DatabaseReadOnly"
