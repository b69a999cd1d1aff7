"""Many files come in several tasks at once: all of them are checked, named and gone on with like one."""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter

import pytest

from pipeline.errors import PermissionDenied
from tests.integration.kills import do_at, kill_at, needs_sigkill
from tests.integration.publish.bench import write

from .home import ARCHIVE, RETRIEVE, Home

FILES = 110
KILLS = [
    ("retrieve: planned", 2),
    ("accepted", 2),
    ("retrieve: submitted", 1),
    ("retrieve: checked", 150),
    ("retrieve: placed", 150),
    ("retrieve: closed", 1),
]


@pytest.fixture
def crowd(bench):
    """Two archived sessions of many small files."""
    home = Home(bench)
    for name in ("one", "two"):
        (probe,) = bench.session(name).glob("*_imec0")
        for number in range(FILES):
            write(probe / "imec0_ks2" / f"part {number}.npy", f"{name} {number}".encode())
    assert bench.publish().whole
    for name, path in home.here().items():
        home.originals[name] = path.read_bytes()
        home.times[name] = int(path.stat().st_mtime)
    shutil.rmtree(home.root / "SC038")
    return home


def test_many_files_are_shared_by_tasks_that_run_side_by_side(crowd):
    result = crowd.retrieve()
    assert result.whole
    assert set(crowd.verdicts(result).values()) == {"fetched"}
    crowd.assert_same()
    made = crowd.tasks()
    assert len(made) == 2
    assert set(result.tasks) == {task["task_id"] for task in made}
    assert crowd.journal() == []
    again = crowd.retrieve()
    assert set(crowd.verdicts(again).values()) == {"identical"}
    assert len(crowd.tasks()) == 2


@needs_sigkill
def test_killed_among_several_tasks_and_run_again(crowd):
    for step, nth in KILLS:
        before = len(crowd.tasks())
        killed = crowd.rig.run(*RETRIEVE, prelude=kill_at(step, nth))
        assert killed.returncode == -signal.SIGKILL, (step, nth, killed.stderr)
        crowd.no_partial()
        document = crowd.command(code=0)
        assert {each["verdict"] for each in document["files"]} <= {"fetched", "identical"}, (step, nth)
        crowd.assert_same()
        assert crowd.journal() == []
        made = crowd.tasks()
        assert len(made) - before == 2, (step, nth, [task["label"] for task in made])
        assert {task["status"] for task in made} == {"SUCCEEDED"}
        shutil.rmtree(crowd.root / "SC038")


def test_what_the_archive_lost_is_named_and_the_rest_comes(crowd):
    gone = crowd.pick("050120_g0_imec0/imec0_ks2/part 7.npy")
    crowd.at_archive(gone).unlink()
    lost = crowd.at_archive("SC038/SC038_050220_g0/SC038_050220_g0_imec0/imec0_ks2")
    shutil.rmtree(lost)
    result = crowd.retrieve()
    missing = {name for name, verdict in crowd.verdicts(result).items() if verdict == "missing"}
    assert missing == {gone, *(name for name in crowd.originals if "050220" in name and "imec0_ks2" in name)}
    crowd.assert_same(only=lambda name: name not in missing)
    assert crowd.journal() == []


def test_a_damaged_file_is_named_and_the_tasks_without_it_are_not_repeated(crowd):
    flipped = crowd.pick("050120_g0_imec0/imec0_ks2/part 7.npy")
    data = bytearray(crowd.originals[flipped])
    data[0] ^= 1
    crowd.at_archive(flipped).write_bytes(data)
    result = crowd.retrieve()
    assert [(each.subpath, each.verdict) for each in result.problems] == [(flipped, "damaged")]
    crowd.assert_same(only=lambda name: name != flipped)
    asked = [task for task in crowd.tasks() if " 1 files " in task["label"]]
    assert len(crowd.tasks()) == 2 + len(asked)


def test_an_archive_that_denies_everything_is_told_before_any_task(crowd):
    crowd.impatient()
    crowd.rig.admin.set_collection(ARCHIVE, deny=["*"])
    with pytest.raises(PermissionDenied):
        crowd.retrieve()
    assert crowd.tasks() == []
    assert crowd.journal() == []


def test_what_ends_a_run_between_two_tasks_says_of_each_file_whether_it_is_under_way(crowd):
    error = "__import__('pipeline.errors').errors.CollectionOffline('The archive is away.', remedy='wait.')"
    raising = f"raise {error}"
    ended = crowd.rig.run(*RETRIEVE, "--format", "json", prelude=do_at("retrieve: planned", raising, nth=2), check=1)
    assert "The archive is away." in ended.stderr
    said = Counter(each["verdict"] for each in json.loads(ended.stdout)["files"])
    assert set(said) == {"in flight", "failed"}
    assert min(said.values()) > FILES / 2
    assert len(crowd.tasks()) == 1
    assert len(crowd.journal()) == 2
    crowd.no_partial()
    assert {each["verdict"] for each in crowd.command(code=0)["files"]} == {"fetched"}
    crowd.assert_same()
    assert len(crowd.tasks()) == 2
    assert crowd.journal() == []
