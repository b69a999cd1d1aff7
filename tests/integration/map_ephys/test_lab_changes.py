"""What the lab does to its own tables afterwards, and what a manifest says of them elsewhere."""

from __future__ import annotations

import json
from datetime import date

import pytest

from pipeline import database, settings
from pipeline.errors import UsageError

from .rows import SC030

pytestmark = pytest.mark.mariadb


def manifests(rig):
    return {name: json.loads(path.read_bytes()) for name, path in rig.manifests().items()}


def test_a_manifest_says_what_the_labs_tables_say(reading_rig, old_lab):
    insertion = {"insertion_number": 1, "probe": "18005116811", "probe_type": "neuropixels 1.0 - 3A"}
    key = {"subject_id": 480133, "session": 1}
    old_lab.insert("ephys.probe_insertion", [{**key, **insertion, "electrode_config_name": "0-383"}])
    reading_rig.publish({"subject_id": 480133, "session": 1}, types=("ephys",))
    ((_, said),) = manifests(reading_rig).items()
    assert said["session"]["session_time"] == "14:03:27"
    assert said["session"]["timezone"] == reading_rig.settings.archive.timezone
    rows = said["lab"]
    assert rows["lab.Subject"] == [
        {
            "subject_id": 480133,
            "username": "susu",
            "cage_number": 120001,
            "date_of_birth": "2019-08-12",
            "sex": "M",
            "animal_source": None,
        }
    ]
    assert rows["lab.WaterRestriction"][0]["wr_start_weight"] == 23.5
    assert rows["experiment.Session"][0]["session_time"] == "14:03:27"
    assert rows["lab.Person"] == [{"username": "susu", "fullname": "Susu Chen"}]
    assert [row["rig"] for row in rows["lab.Rig"]] == ["RRig"]
    assert rows["lab.Probe"] == [{"probe": "18005116811", "probe_type": "neuropixels 1.0 - 3A", "probe_comment": ""}]
    assert [row["insertion_number"] for row in rows["ephys.ProbeInsertion"]] == [1]
    assert not [name for name in rows if name.startswith("tracking.")]  # there, cameras are of no session


def test_a_lab_with_tables_of_mapshells_own_takes_it_from_there(reading_rig, old_lab):
    rig = reading_rig
    old_lab.query("UPDATE `map_v2_lab`.`subject` SET sex = 'Unknown' WHERE subject_id = 480133")
    rig.publish()
    known = {name: path.read_bytes() for name, path in rig.archived().items()}
    file = rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    document["database.prefix"] = document["database.lab_prefix"] = f"{old_lab.own_prefix}again_"
    file.write_text(json.dumps(document))
    done = rig.run("publication-discover", "--create-sessions", check=0)
    assert "cage_number" in done.stderr  # what has no place here is told
    database.bind(settings.load(file=file))
    from pipeline import experiment, lab, publication

    subject = (lab.Subject & {"subject_id": 480133}).to_dicts()[0]
    assert (subject["sex"], subject["date_of_birth"]) == ("U", date(2019, 8, 12))
    assert (lab.WaterRestriction & {"subject_id": 480133}).fetch1("wr_start_weight") == 23.5
    first = (experiment.Session & {"subject_id": 480133, "session": 1}).to_dicts()[0]
    assert (first["session_time"], first["session_timezone"]) == ("14:03:27", rig.settings.archive.timezone)
    assert (first["username"], first["rig"]) == ("susu", "RRig")
    stored = {row["file_subpath"] for row in publication.DataSet.PhysicalFile.to_dicts()}
    assert stored == {name.split("/", 1)[1] for name in known}


def test_a_session_that_the_lab_deletes_leaves_its_files_in_the_index(reading_rig, old_lab):
    rig = reading_rig
    rig.publish()
    from pipeline import publication

    index = len(publication.ArchivedRawEphys())
    old_lab.query("DELETE FROM `map_v2_experiment`.`session` WHERE subject_id = 480133 AND session = 1")
    before = old_lab.snapshot()
    for command in (
        ("publication-status",),
        ("publication-publish", "--dry-run"),
        ("publication-verify",),
        ("publication-discover",),
        ("publication-retrieve", "--subject", "SC048", "--dry-run"),
        ("session-ident", "SC038"),
    ):
        done = rig.run(*command)
        assert done.returncode in {0, 3}, (command, done.stderr)
        assert "Traceback" not in done.stderr
    database.bind(rig.settings)
    assert len(publication.ArchivedRawEphys()) == index
    assert old_lab.snapshot() == before


def test_a_session_that_the_lab_enters_is_seen_at_once(reading_rig, old_lab):
    from pipeline import sessions

    row = {"subject_id": SC030, "session": 9, "session_date": "2020-02-29", "session_time": "23:59:59"}
    old_lab.insert("experiment.session", [{**row, "username": "jm", "rig": "RRig2"}])
    ref = sessions.load().refs[SC030, 9]
    assert (ref.h2o, ref.session_time, ref.timezone) == ("SC030", "23:59:59", reading_rig.settings.archive.timezone)
    old_lab.insert(
        "lab.water_restriction",
        [
            {
                "subject_id": 461002,
                "water_restriction_number": "SC036",
                "cage_number": 1,
                "wr_start_date": "2019-10-10",
                "wr_start_weight": 20,
            }
        ],
    )
    assert (461002, 1) in sessions.load().refs


def test_a_name_that_two_animals_bear_names_none(reading_rig, old_lab):
    from pipeline.subjects import resolve

    assert resolve("SC038") == 480133
    old_lab.query(
        "UPDATE `map_v2_lab`.`water_restriction` SET water_restriction_number = 'sc038' WHERE subject_id = 455219"
    )
    with pytest.raises(UsageError, match="of several subjects: 455219, 480133") as refused:
        resolve("SC038")
    assert "subject id" in refused.value.remedy
    assert resolve(455219) == 455219
