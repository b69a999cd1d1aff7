"""Sessions of loose drives, copies at several archives, and what was reclaimed."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace

import pytest

from pipeline import publication
from tests.integration.copies.conftest import OTHER, second_archive
from tests.integration.discover.losing import drop
from tests.integration.drives.conftest import Drawer
from tests.integration.publish.bench import DAY
from tests.integration.publish.test_status import tell
from tests.integration.reclaim.conftest import Freeing

from .asking import assert_commands, decision, document, explain, rules, run, why


def places(bench, name):
    found = explain(bench.rig.settings, bench.rig.globus, "SC038", bench.keys[name][1], types=("ephys",))
    return {place.alias: place for place in found.locations}


@pytest.mark.parametrize("here", [True, False], ids=["here", "away"])
def test_a_copy_that_is_wanting_is_queued_until_it_is_there(bench, here):
    two = second_archive(bench)
    folder = bench.session("one")
    two.publish_at_first()
    two.name_both()
    if not here:
        two.take_away(folder)
    found = places(bench, "one")
    assert found["raw-ephys"].state == "archived"
    place = found[OTHER]
    assert place.state == "queued"
    assert place.failed == []  # nothing is wrong
    said = "the next publish sends it" if here else "from raw-ephys: the next publish copies it"
    lacks = decision(place, "copy-missing")
    assert (lacks.verdict, lacks.evidence.endswith(f"has none yet: {said}")) == ("not reached", True)
    assert place.next[0].startswith("mapshell publication-publish")
    run(bench, place.next[0], codes=(0,))
    found = places(bench, "one")
    assert {place.state for place in found.values()} == {"archived"}
    assert not any(place.failed for place in found.values())


def desk(bench):
    """Let the bench be a computer without folders of recordings."""
    now = bench.rig.settings
    bench.rig.settings = replace(now, globus=replace(now.globus, local_roots=(), shared_roots=()))


@pytest.mark.parametrize(("state", "reason"), [("refused", "x.bin: damaged"), ("queued", "")])
def test_at_a_desk_the_commands_say_on_which_computer(bench, state, reason):
    bench.session("one")
    tell(bench, "rig-9", state, reason)
    desk(bench)
    place = why(bench, "one")
    command = f"mapshell publication-publish --type ephys --subject SC038 --session {bench.keys['one'][1]}"
    assert (place.state, place.next) == (state, (f"on rig-9: {command}",))
    assert place.to_json()["next"] == [f"on rig-9: {command}"]
    assert_commands(place)


def test_what_lies_here_is_published_here_and_what_another_refused_there(bench):
    bench.session("one")
    tell(bench, "rig-9", "refused", "x.bin: damaged")
    place = why(bench, "one")
    assert place.state == "queued"
    assert [line.partition("mapshell ")[0] for line in place.next] == ["on rig-9: "]


def test_where_nobody_has_seen_anything_no_publish_is_told_that_does_nothing_here(bench):
    bench.enter("one", DAY)
    place = why(bench, "one")
    assert place.state == "not here"
    assert [line.partition("mapshell ")[0] for line in place.next] == ["on the computer that has it: "]
    assert_commands(place)
    desk(bench)
    assert not any("publication-publish" in line for line in why(bench, "one").next)


def test_what_was_reclaimed_says_so_and_its_command_brings_it_back(each_bench):
    freeing = Freeing(each_bench)
    freeing.archive("one")
    freeing.command()
    place = why(each_bench, "one")
    assert place.state == freeing.state("one") == "reclaimed"
    assert "each proved before" in decision(place, "reclaimed").evidence
    assert place.failed == []
    (line,) = place.next
    assert line.startswith("mapshell publication-retrieve")
    run(each_bench, line, codes=(0,))
    assert freeing.files("one") == freeing.held["one"]
    assert why(each_bench, "one").state == "archived"


def test_what_was_reclaimed_is_known_by_its_tombstone_where_a_database_was_lost(bench):
    freeing = Freeing(bench)
    freeing.archive("one")
    freeing.command()
    publication.Reclaim().delete_quick()
    place = why(bench, "one")
    assert place.state == freeing.state("one") == "reclaimed"
    assert "were deleted" in place.reason
    run(bench, place.next[0], codes=(0,))
    assert freeing.files("one") == freeing.held["one"]
    assert why(bench, "one").state == freeing.state("one") == "archived"


def test_a_tombstone_of_a_session_that_the_index_lost(bench):
    freeing = Freeing(bench)
    freeing.archive("one")
    freeing.command()
    drop(bench.rig, "publication")
    place = why(bench, "one")
    assert place.state == "refused"
    assert "tombstone" in rules(place)
    assert_commands(place)
    run(bench, decision(place, "tombstone").commands[0], codes=(0,))
    assert why(bench, "one").state in ("archived", "reclaimed")


def test_every_proof_of_reclaim_leads_to_its_dry_run(bench):
    from pipeline.archive.reclaiming.rules import PROOFS
    from pipeline.why.refusals import CATALOGUE, filled, proof_rule

    freeing = Freeing(bench)
    freeing.archive("one")
    facts = {"type": "ephys", "subject": "SC038", "session": str(bench.keys["one"][1])}
    lines = {filled(each, facts) for proof in PROOFS for each in CATALOGUE[proof_rule(proof)].commands}
    (line,) = lines
    stdout, _ = run(bench, line, "--format", "json", codes=(3,))
    assert '"proof": "old enough"' in stdout


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use cannot be renamed on Windows")
def test_a_transfer_that_waits_for_its_drive(bench):
    drawer = Drawer(bench.rig, bench.keys)
    folder = drawer.session("one")
    drawer.copy(folder, f"SC038/{folder.name}")
    shutil.rmtree(folder)
    drawer.ingest_drive(check=0)
    bench.rig.admin.fail_tasks("hold", count=None)
    drawer.publish_drive(types=("ephys",), wait=False)
    place = why(bench, "one")
    assert place.state == "in flight"
    assert "it waits for" in rules(place)["waits-for-drive"]
    assert_commands(place)
    bench.release()
    line = decision(place, "waits-for-drive").commands[0]
    assert str(drawer.drive) in line
    run(bench, line, codes=(0,))
    assert why(bench, "one").state == "archived"


def test_without_session_and_unknown_ones(bench):
    from pipeline import experiment

    bench.session("one")
    bench.publish()
    (experiment.Session() & {"subject_id": 480133, "session": 1}).delete(prompt=False)
    assert publication.DataSet()
    told = document(bench, "SC038", "1", check=2)["error"]
    assert "without session" in told["message"]
    assert "publication-discover" in told["remedy"]
