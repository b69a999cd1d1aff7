"""Folders that fit no session, several, or the wrong one; sessions of many folders; roots and links."""

import shutil
from datetime import timedelta

from mapshell.sandbox.spec import CollectionSpec

from .bench import DAY, at, only, write

OTHER = "d3e0a001-0000-4000-8000-00000000a009"


def test_two_sessions_that_fit_one_folder_are_refused_until_an_ident_is_set(bench):
    bench.enter("first", DAY, None)
    bench.enter("second", DAY, None)
    folder = bench.record("SC038_050120_surface", DAY)
    good = bench.session("good")

    document = bench.command(check=3)
    for name in ("first", "second"):
        row = document["sessions"][name]
        assert row["state"] == "refused"
        assert row["folders"] == ["SC038/SC038_050120_surface_g0"]
        assert "SC038_050120_surface_g0" in row["reason"]
        assert "start time" in row["remedy"]
        assert "mapshell session-ident" in row["remedy"]
    assert document["sessions"]["good"]["state"] == "archived"
    assert document["not_here"] == 0
    bench.assert_archived(good)
    bench.assert_untouched(folder)
    told = bench.tell(check=3)
    assert told.count("refused: SC038/SC038_050120_surface_g0") == 1
    status, _ = bench.run("publication-status", "--type", "ephys", check=0)
    assert status.count("refused") == 2

    bench.set_ident("second", "surface")
    document = bench.command(check=0)
    assert document["sessions"]["second"]["state"] == "archived"
    assert "first" not in document["sessions"]
    assert document["not_here"] == 1
    bench.assert_archived(folder)
    status, _ = bench.run("publication-status", "--type", "ephys", check=0)
    assert "refused" not in status


def test_a_start_time_decides_between_two_sessions(bench):
    bench.enter("morning", DAY, "10:00:00")
    bench.enter("evening", DAY, "18:00:00")
    folder = bench.record("SC038_050120_surface", at(DAY, "18:01:00"))
    outcomes = bench.outcomes(bench.publish())
    assert outcomes["evening"].state == "archived"
    assert "morning" not in outcomes
    bench.assert_archived(folder)


def test_a_folder_that_contradicts_its_session_is_refused_alone(bench):
    raw = bench.session("own")
    wrong = bench.record("SC038_050120", DAY + timedelta(days=40), folder="catgt_SC038_050120_g0", trigger="cat")
    bench.enter("contradicted", DAY + timedelta(days=1), "10:00:00")
    alone = bench.record("SC038_050220", DAY + timedelta(days=41))

    document = bench.command(check=3)
    assert document["sessions"]["own"]["state"] == "archived"
    bench.assert_archived(raw)
    bench.assert_untouched(wrong, alone)
    (stray,) = [s for s in document["folders_without_session"] if s["folder"].endswith(wrong.name)]
    assert stray["refused"]
    assert "2020-06-10" in stray["reason"]
    assert "session-ident" in stray["remedy"]
    row = document["sessions"]["contradicted"]
    assert row["state"] == "refused"
    assert alone.name in row["reason"]
    assert row["remedy"]


def test_a_session_of_many_folders_on_two_disks(bench):
    raw = bench.session("many")
    (bench.rig.folder / "rig/second").mkdir()
    bench.add_root("d3e0a001-0000-4000-8000-00000000a001", "/second", "rig/second")
    other = bench.rig.folder / "other"
    other.mkdir()
    bench.rig.admin.put_collection(OTHER, CollectionSpec(other, personal=True))
    bench.add_root(OTHER, "/", "other")

    gate = bench.record("SC038_050120", DAY + timedelta(minutes=20), gate=1)
    catgt = bench.record("SC038_050120", DAY, folder="catgt_SC038_050120_g0", trigger="cat")
    drive = bench.rig.folder / "rig/second"
    near = write(drive / "SC038/SC038_050120_g0/SC038_050120_g0_imec3/notes.txt", b"same collection")
    far = write(other / "SC038/SC038_050120_g0/SC038_050120_g0_imec4/notes.txt", b"another collection")

    row = bench.command(check=0)["sessions"]["many"]
    assert row["state"] == "archived"
    bench.assert_archived(raw, gate, catgt)
    bench.assert_archived(near.parents[1], base=drive)
    bench.assert_archived(far.parents[1], base=other)
    assert row["sent_files"] == len(bench.indexed()) == len(bench.there())
    assert len(bench.rig.manifests()) == 2  # a transfer has one source collection: two generations
    tasks = len(bench.rig.tasks())
    assert bench.command(check=0)["sessions"]["many"]["sent_files"] == 0
    assert len(bench.rig.tasks()) == tasks


def test_a_session_in_two_collections_without_waiting(bench):
    raw = bench.session("two")
    other = bench.rig.folder / "other"
    other.mkdir()
    bench.rig.admin.put_collection(OTHER, CollectionSpec(other, personal=True))
    bench.add_root(OTHER, "/", "other")
    far = write(other / "SC038/SC038_050120_g0/far.txt", b"another collection")
    bench.rig.admin.fail_tasks("hold", count=None)
    assert bench.outcomes(bench.publish(wait=False))["two"].state == "in flight"
    bench.release()
    outcome = bench.outcomes(bench.publish())["two"]
    assert (outcome.state, outcome.sent_files) == ("archived", 3)
    bench.assert_archived(raw)
    bench.assert_archived(far.parent, base=other)


def test_the_same_file_under_two_roots_is_refused(bench):
    twin, good = bench.session("twin"), bench.session("good")
    second = bench.rig.folder / "rig/second"
    shutil.copytree(twin, second / "SC038" / twin.name)
    bench.add_root("d3e0a001-0000-4000-8000-00000000a001", "/second", "rig/second")
    row = bench.command(check=3)["sessions"]["twin"]
    assert row["state"] == "refused"
    assert only(twin, "*.bin").name in row["reason"]
    assert str(second) in row["reason"]
    assert "one place only" in row["remedy"]
    bench.assert_untouched(twin)
    bench.assert_archived(good)


def test_a_root_that_is_not_there_is_named_and_the_others_go_on(bench):
    folder = bench.session("good")
    bench.add_root("d3e0a001-0000-4000-8000-00000000a001", "/unplugged", "rig/unplugged")
    for options in ((), ("--subject", "SC038")):
        document = bench.command(*options, check=3)
        assert document["sessions"]["good"]["state"] == "archived"
        (stray,) = document["folders_without_session"]
        assert str(bench.rig.rig / "unplugged") in stray["reason"]
        assert "connect the disk" in stray["remedy"]
    bench.assert_archived(folder)
    told = bench.tell(check=3)
    assert f"not read: {bench.rig.rig / 'unplugged'}" in told


def test_no_root_at_all_is_an_error_too(bench):
    bench.session("good")
    shutil.rmtree(bench.ephys)
    document = bench.command(check=3)
    assert document["sessions"] == {}
    assert "connect the disk" in document["folders_without_session"][0]["remedy"]


def test_animals_without_subject_or_water_restriction(bench):
    from pipeline import experiment, lab

    good = bench.session("good")
    lab.Subject.insert1({"subject_id": 999001})
    experiment.Session.insert1({"subject_id": 999001, "session": 1, "session_date": DAY.date()})
    stranger = write(bench.ephys / "XX999/XX999_050120_g0/notes.txt", b"whose?").parent
    document = bench.command(check=3)
    assert document["without_water_restriction"] == [{"subject_id": 999001, "session": 1}]
    assert document["animals_without_session"] == ["XX999"]
    bench.assert_archived(good)
    bench.assert_untouched(stranger)
    told = bench.tell(check=3)
    assert "subject 999001 session 1" in told
    assert "XX999" in told
    assert "mapshell ingest-subjects" in told

    # Without that session, an unknown animal's folder is told, and is no failure.
    (experiment.Session() & {"subject_id": 999001}).delete_quick()
    told = bench.tell(check=0)
    assert "XX999" in told
