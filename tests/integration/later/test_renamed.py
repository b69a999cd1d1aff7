"""A run that somebody renames on disk, before and after it was archived."""

import json

from pipeline import publication
from pipeline.board.status import status
from tests.integration.publish.bench import EPHYS, only, write

WHY = "the new name has the depth"
PUBLISH = ("--subject", "SC038", "--session", "1")
ACCEPTED = (*PUBLISH, "--accept", "renamed", "--because", WHY)


def state_of(bench):
    (row,) = [row for row in status(bench.rig.settings, EPHYS) if (row.subject_id, row.session) == bench.keys["one"]]
    return row.state, row.reason


def renamed_inside(folder, new):
    """Give everything in a folder other names than its metas say."""
    for path in sorted(folder.rglob("*SC038_050120*"), reverse=True):
        path.rename(path.with_name(path.name.replace("SC038_050120", new)))


def test_a_run_that_was_renamed_before_it_was_archived(bench):
    """What its metas say of its first name does not matter: bytes, sizes and times tell."""
    first, second, third = bench.session("one"), bench.session("two"), bench.session("three")
    renamed_inside(first, "mouse5_day2")
    first = first.rename(first.with_name("mouse5_day2_g0"))
    second = second.rename(second.with_name("SC038_050220_morning_g0"))
    lost = third.rename(third.with_name("SC038_050920_g0"))
    document = bench.command(check=0)
    assert {name: row["state"] for name, row in document["sessions"].items()} == {"one": "archived", "two": "archived"}
    bench.assert_archived(first, second)
    (stray,) = document["folders_without_session"]
    assert "no session of SC038 on 2020-05-09, and its recording began on 2020-05-03" in stray["reason"]
    assert "rename it for 2020-05-03" in stray["remedy"]
    third = lost.rename(third)
    assert bench.publish().whole
    bench.assert_archived(third)


def test_a_folder_that_was_renamed_after_it_was_archived_is_not_sent_again(each_bench):
    bench = each_bench
    folder = bench.session("one")
    write(folder / "sorting/cluster_info.tsv", b"id\n")
    write(folder / "sorting/empty.tsv", b"")
    assert bench.publish().whole
    before, tasks = bench.indexed(), len(bench.rig.tasks())
    new = folder.rename(folder.with_name("SC038_050120_deep_g0"))
    assert state_of(bench)[0] == "archived with changes"
    assert "3 files perhaps renamed, which the next publish compares" in state_of(bench)[1]
    dry = bench.command("--dry-run", check=0)["sessions"]["one"]
    assert [d["action"] for d in dry["details"]].count("hash") == 3

    row = bench.command(check=3)["sessions"]["one"]
    assert row["state"] == "archived with changes"
    assert "renamed since it was archived: it is SC038/SC038_050120_g0/" in row["reason"]
    assert row["remedy"].startswith("rename SC038/SC038_050120_deep_g0 back to SC038/SC038_050120_g0;")
    assert "--accept renamed" in row["remedy"]
    assert {detail["rule"] for detail in row["details"]} == {"renamed"}
    assert state_of(bench) == ("archived with changes", row["reason"])
    assert len(bench.rig.tasks()) == tasks
    assert bench.indexed() == before

    # Renamed back, all is well.
    new.rename(folder)
    assert bench.publish().whole
    assert state_of(bench) == ("archived", "")
    assert len(bench.rig.tasks()) == tasks


def test_the_new_name_may_be_archived_as_well_on_purpose(each_bench):
    bench = each_bench
    folder = bench.session("one")
    assert bench.publish().whole
    old = bench.here(folder)
    new = folder.rename(folder.with_name("SC038_050120_deep_g0"))
    dry = bench.command("--dry-run", *ACCEPTED, check=0)
    assert (dry["sessions"]["one"]["to_send_files"], dry["nothing_accepted_under"]) == (2, [])
    row = bench.command(*ACCEPTED, check=0)["sessions"]["one"]
    assert (row["state"], row["sent_files"]) == ("archived", 2)
    bench.assert_archived(new)
    assert {*old, *bench.here(new)} == {*bench.indexed()} == {*bench.there()}
    (archived,) = publication.ArchivedRawEphys.to_dicts()
    assert [(r["rule"], r["because"]) for r in archived["evidence"]["accepted"]] == [("renamed", WHY)] * 2
    assert state_of(bench) == ("archived", "archived with accepted defects: renamed")
    assert bench.publish().whole
    new.rename(folder)  # and back again: the archive has it under either name
    assert bench.publish().whole


def test_a_file_that_was_renamed_beside_new_ones(bench):
    folder = bench.session("one")
    assert bench.publish().whole
    file = only(folder, "*.bin")
    file.rename(file.with_name("x.imec0.ap.bin"))
    write(folder / "sorting/spike_times.npy", b"spikes")
    row = bench.command(check=3)["sessions"]["one"]
    assert {detail["rule"] for detail in row["details"]} == {"renamed", "bin-without-meta"}
    assert "--accept bin-without-meta --accept renamed" in row["remedy"]
    assert len(bench.there()) == 2  # until a person has decided, nothing of it moves
    file.with_name("x.imec0.ap.bin").rename(file)
    assert bench.publish().whole
    bench.assert_archived(folder)


def test_files_made_anew_are_no_renamed_ones(bench):
    """A sorter writes small files of the same bytes again, when its first output is gone from the rig."""
    folder = bench.session("one")
    first = write(folder / "sorting/channel_map.npy", b"the same in each run")
    assert bench.publish().whole
    first.unlink()
    write(folder / "sorting2/channel_map.npy", b"the same in each run").touch()
    key = {"session": 1}
    row = json.loads(bench.run("publication-status", "--type", "ephys", "--format", "json", check=0)[0])["sessions"][0]
    assert row["reason"] == "1 new file"
    assert bench.publish(key, epoch=_tomorrow).outcomes[0].sent_files == 1
    assert len(bench.indexed()) == 4


def _tomorrow():
    import time

    return time.time() + 86_400
