"""An archived session, and one that differs from the index or meets other files at the archive."""

from __future__ import annotations

import os
import shutil

from pipeline import experiment, publication
from pipeline.board.status import status
from tests.integration.discover.losing import drop
from tests.integration.publish.bench import LONG_AGO, only, write

from .asking import EPHYS, assert_commands, decision, rules, run, why


def state_of(bench, name):
    (row,) = [row for row in status(bench.rig.settings, EPHYS) if (row.subject_id, row.session) == bench.keys[name]]
    return row.state


def test_an_archived_session_has_nothing_to_do_with_its_copies_and_when_it_was_verified(each_bench):
    bench = each_bench
    bench.session("one")
    bench.publish()
    place = why(bench, "one")
    assert (place.state, place.reason, place.next, place.failed) == ("archived", "", (), [])
    assert "archived 20" in decision(place, "archived").evidence
    assert decision(place, "drift").verdict == "not reached"
    bench.run("publication-verify", "--type", "ephys", check=0)
    assert "nothing lost" in decision(why(bench, "one"), "drift").evidence


def test_a_changed_file_a_new_one_and_one_of_another_time(each_bench):
    bench = each_bench
    folder, grown = bench.session("one"), bench.session("grown")
    bench.publish()
    meta = only(folder, "*.meta")
    write(meta, meta.read_bytes() + b"\nmore=1\n")
    write(grown / "sorted.npy", b"new")
    os.utime(only(grown, "*.meta"), (LONG_AGO + 9, LONG_AGO + 9))
    (told,) = [o for o in bench.publish(dry_run=True).outcomes if o.key == bench.keys["one"]]
    for offline in (False, True):
        place = why(bench, "one", offline=offline)
        assert "changed since it was archived" in rules(place)["changed"]
        assert meta.name in rules(place)["changed"]
        assert place.state == told.state == "archived with changes"
        assert "conflict" not in rules(place)
        assert_commands(place)
    supersede = next(line for line in place.next if "--supersede" in line)
    run(bench, supersede, codes=(0,))
    assert why(bench, "one").state == state_of(bench, "one") == "archived"
    place = why(bench, "grown")
    assert (
        decision(place, "compared").evidence == "1 archived, 1 new, 1 of another time, which the next publish compares"
    )
    assert place.state == "archived with changes"
    assert not place.failed
    run(bench, place.next[0], codes=(0,))
    assert why(bench, "grown").state == "archived"


def test_a_renamed_folder(bench):
    folder = bench.session("one")
    bench.publish()
    new = folder.rename(folder.with_name("SC038_050120_deep_g0"))
    bench.publish()
    place = why(bench, "one")
    assert "renamed" in rules(place)
    assert_commands(place)
    assert any("--accept renamed" in line for line in place.next)
    new.rename(folder)
    bench.publish()
    assert why(bench, "one").state == "archived"


def test_other_files_and_unknown_manifests_at_the_archive(bench):
    taken, described = bench.session("taken"), bench.session("described")
    squatter = write(bench.archive / only(taken, "*.bin").relative_to(bench.ephys), b"somebody else's")
    bench.publish({"session": bench.keys["described"][1]})
    (mine,) = bench.rig.manifests().values()
    drop(bench.rig, "publication")
    assert mine.exists()
    told = bench.command("--dry-run", check=3)["sessions"]
    for name, rule in (("taken", "conflict"), ("described", "described")):
        place = why(bench, name)
        assert rule in rules(place), (name, rules(place))
        assert place.state == told[name]["state"] == "refused"
        assert_commands(place)
        offline = why(bench, name, offline=True)
        assert decision(offline, rule).verdict == "unknown"
        assert offline.state == "queued"
    run(bench, decision(why(bench, "described"), "described").commands[0], codes=(0,))
    look, rename = decision(why(bench, "taken"), "conflict").commands
    run(bench, look, codes=(0,))
    run(bench, rename, codes=(0,))
    assert not squatter.exists()
    assert squatter.with_name(f"{squatter.name}.other").read_bytes() == b"somebody else's"
    assert why(bench, "described").state == "archived"
    assert why(bench, "taken").state == "queued"
    assert described.is_dir()


def test_a_session_whose_row_was_changed_or_deleted_or_is_only_listed(each_bench):
    bench = each_bench
    bench.session("one")
    bench.session("gone")
    bench.publish()
    key = {"subject_id": 480133, "session": bench.keys["one"][1]}
    experiment.Session.update1({**key, "session_time": "18:00:00"})
    place = why(bench, "one")
    assert "the lab's tables now say" in rules(place)["identity"]
    assert place.state == "archived with changes"
    assert_commands(place)
    experiment.Session.update1({**key, "session_time": "10:00:00"})
    assert why(bench, "one").state == "archived"
    other = {"subject_id": 480133, "session": bench.keys["gone"][1]}
    (publication.ArchivedRawEphys() & other).delete(prompt=False)
    place = why(bench, "gone")
    assert place.state == state_of(bench, "gone") == "withdrawn"
    assert "deleted on" in rules(place)["withdrawn"]
    assert_commands(place)
    publication.Withdrawal().delete_quick()
    place = why(bench, "gone")
    assert place.state == state_of(bench, "gone") == "refused"
    assert "without an archived row" in rules(place)["identity"]
    assert_commands(place)
    run(bench, decision(place, "identity").commands[0], codes=(0, 3))
    if why(bench, "gone").state != "archived":
        run(bench, decision(why(bench, "gone"), "identity").commands[0], "--restore", codes=(0,))
    assert why(bench, "gone").state == "archived"
    (publication.ArchivedRawEphys() & other).delete(prompt=False)
    run(bench, decision(why(bench, "gone"), "withdrawn").commands[0], codes=(0,))
    assert why(bench, "gone").state == "archived"


def test_what_verify_found_lost(bench):
    folder = bench.session("one")
    bench.publish()
    lost = bench.archive / only(folder, "*.bin").relative_to(bench.ephys)
    kept = lost.read_bytes()
    lost.unlink()
    bench.run("publication-verify", "--type", "ephys", check=3)
    place = why(bench, "one")
    assert "1 missing" in rules(place)["drift"] or "missing" in rules(place)["drift"]
    assert place.state == state_of(bench, "one") == "archived with changes"
    assert_commands(place)
    write(lost, kept)
    run(bench, decision(place, "drift").commands[0])
    assert why(bench, "one").state == "archived"


def test_what_other_computers_said_counts_here(bench):
    from tests.integration.publish.test_status import tell

    folder = bench.session("one")
    shutil.rmtree(folder)
    tell(bench, "B", "recording", "still growing")
    place = why(bench, "one")
    assert place.state == state_of(bench, "one") == "recording"
    said = next(each for each in place.failed if each.rule == "said-elsewhere")
    assert said.computer == "B"
    assert "still growing" in said.evidence
    assert "folder-here" not in rules(place)
    assert_commands(place)
