"""A session that is known by its listing alone is reassigned: it stays present, until it was compared."""

from __future__ import annotations

from tests.integration.adopt.conftest import only_listed
from tests.integration.discover.losing import PUBLICATION, discover, drop, rows
from tests.integration.publish.bench import DAY
from tests.integration.reassign.moved import add_animal_session, assert_index_is_true, reassign, states


def test_reassigned_then_adopted_then_found_again(each_bench):
    bench = each_bench
    only_listed(bench)
    del bench.keys["one"]
    bench.keys["wrong"] = (480133, 1)
    add_animal_session(bench, "right", DAY.date())
    reassign(bench, "SC038/1", "SC048/1")
    assert states(bench) == {"wrong": "not here", "right": "present"}
    assert bench.outcomes(bench.publish())["right"].state == "present"
    bench.run("publication-verify", "--type", "ephys", check=0)
    assert states(bench)["right"] == "present"
    assert bench.outcomes(bench.publish(adopt=True))["right"].state == "archived"
    assert_index_is_true(bench)
    known = rows(*PUBLICATION)
    drop(bench.rig, "publication")
    assert discover(bench.rig, types=("ephys",)).whole
    assert rows(*PUBLICATION) == known
    assert states(bench) == {"wrong": "not here", "right": "archived"}
