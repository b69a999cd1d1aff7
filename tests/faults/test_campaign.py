"""The campaign in small: some random nights on each database, a short soak, and broken guards that it finds."""

import random
import shutil
import sys

import pytest

from tests import mariadb
from tests.campaign import servers
from tests.campaign.cycles import cycles
from tests.campaign.mutating import copy_of, hunt
from tests.campaign.mutations import MUTATIONS
from tests.campaign.plan import draw, steps_in_the_code
from tests.campaign.play import play, schedule, shorten

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the campaign forks and kills as POSIX does")


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def server(request, tmp_path):
    """A server of the test's own: it is killed while others work."""
    if request.param == "mariadb" and not mariadb.found():
        pytest.skip(mariadb.MISSING)
    started = servers.start(request.param, tmp_path / "server")
    yield started
    started.stop()


def test_a_random_night_breaks_no_promise(server, tmp_path):
    played = play(tmp_path / "world", server, schedule(20, 16))
    assert not played.violations, "\n".join(map(str, played.violations))
    assert played.counts["kills"] > 1
    assert played.counts["bytes archived"] > 0


def test_a_disk_is_freed_and_fetched_back_to(tmp_path):
    """Proofs are missing, a deletion is killed in the middle, a recording becomes another animal's meanwhile."""
    started = servers.start("postgresql", tmp_path / "server")

    def run(verb, **options):
        return {"do": "run", "faults": [], "commands": [{"verb": verb, "rig": "rig-a", "after": 0, **options}]}

    moves = [
        {"do": "record", "visit": 0, "rig": "rig-a", "subject": 480133, "kind": "ephys", "state": "whole"},
        run("publish"),
        {"do": "doubt", "how": "swapped", "visit": 0, "dice": 1},
        {"do": "doubt", "how": "replaced", "visit": 0, "dice": 1},
        run("reclaim", older="0d", kill={"step": "reclaim: planned", "nth": 1}),
        {"do": "late", "visit": 0, "dice": 2},
        run("publish"),
        run("reclaim", older="0d", kill={"step": "reclaim: file deleted", "nth": 1}),
        {"do": "entitle", "visit": 0},
    ]
    try:
        played = play(tmp_path / "world", started, moves)
    finally:
        started.stop()
    assert not played.violations, "\n".join(map(str, played.violations))
    assert played.counts["kills"] == 2
    assert played.counts["files freed"] == played.counts["files returned"] > 1


def test_a_soak_breaks_no_promise(server, tmp_path):
    played = cycles(tmp_path / "world", server, 5, 4)
    assert not played.violations, "\n".join(map(str, played.violations))
    assert played.counts["cycles"] == 4


def test_a_schedule_is_its_seed():
    first, again, other = (draw(random.Random(seed), 30, steps=steps_in_the_code()) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_broken_guard_can_be_broken(mutation, tmp_path):
    """Each edit of each mutation still meets the code that it is about, and leaves Python."""
    folder = copy_of(mutation, tmp_path / "copy")
    for file, _, new in mutation.edits:
        text = (folder / file).read_text("utf-8")
        assert new in text
        compile(text, file, "exec")
    shutil.rmtree(folder)


def test_the_campaign_finds_a_broken_guard():
    """The others are hunted by ``scripts/campaign.py --mutations``."""
    (mutation,) = (each for each in MUTATIONS if each.name == "all-rows-but-one")
    answer, _ = hunt(mutation, "postgresql", 20, length=16)
    assert answer is not None
    assert answer["violations"][0][0] == "I1"


def test_a_schedule_that_breaks_a_promise_is_shortened(tmp_path):
    """What breaks it here is the campaign's own doing: a file on a rig is changed behind its back."""
    started = servers.start("postgresql", tmp_path / "server")
    try:
        moves = [*schedule(3, 3), {"do": "vandalise", "visit": 0}]
        played = play(tmp_path / "world", started, moves, calm=False)
        assert [violation.invariant for violation in played.violations] == ["I2"]
        short = shorten(tmp_path, started, moves, played.violations, attempts=8)
        assert [move["do"] for move in short] == ["record", "vandalise"]
    finally:
        started.stop()
