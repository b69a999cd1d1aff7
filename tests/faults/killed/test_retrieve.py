"""A retrieval is killed at each of its steps; running it again leaves no trace of that."""

from __future__ import annotations

import signal

import pytest

from mapshell.sandbox.spec import CollectionSpec
from tests.integration.kills import kill_at, needs_sigkill
from tests.integration.retrieve.home import RETRIEVE
from tests.integration.retrieve.test_elsewhere import CLUSTER

TASK = ("submitting", "accepted", "retrieve: planned", "retrieve: submitted", "retrieve: closed")
HERE = ("retrieve: checked", "retrieve: placed")
WEB = ("retrieve: part written",)
CASES = [
    *((step, 1, "globus") for step in (*TASK, *HERE)),
    ("retrieve: placed", 5, "globus"),
    *((step, nth, "https") for step in (*WEB, *HERE) for nth in (1, 4)),
    *((step, 1, "elsewhere") for step in (*TASK, "retrieve: placed")),
]

pytestmark = needs_sigkill


@pytest.mark.fault(2, 3, 4, 9)
@pytest.mark.parametrize("way", ["globus", "https", "elsewhere"])
def test_killed_at_each_step_and_run_again(home, tmp_path, way):
    (tmp_path / "cluster").mkdir()
    home.rig.admin.put_collection(CLUSTER, CollectionSpec(tmp_path / "cluster", name="Cluster", https=False))
    for number, (step, nth) in enumerate((step, nth) for step, nth, how in CASES if how == way):
        try:
            kill_and_run_again(home, way, number, step, nth)
        except AssertionError as error:
            error.add_note(f"{way}: killed at {step!r}, the {nth}. time")
            raise


def kill_and_run_again(home, way, number, step, nth):
    below = str(number)
    target, *options = {
        "globus": (home.root / below, "--to", str(home.root / below)),
        "https": (home.rig.folder / "data" / below, "--via", "https", "--to", str(home.rig.folder / "data" / below)),
        "elsewhere": (home.rig.folder / "cluster" / below, "--to", f"{CLUSTER}:/{below}"),
    }[way]
    before = len(home.tasks())
    command = ("publication-retrieve", "--subject", "SC038", "--type", "ephys", *options)
    killed = home.rig.run(*command, prelude=kill_at(step, nth))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if target.exists():
        home.no_partial(target)

    document = home.command(*options, code=0)
    assert {each["verdict"] for each in document["files"]} <= {"fetched", "identical", "unchecked"}
    if way == "elsewhere":
        there = {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*") if p.is_file()}
        assert there == home.originals
    else:
        home.assert_same(target)
    assert home.journal() == []
    made = home.tasks()
    assert len(made) - before == (0 if way == "https" else 1), [task["label"] for task in made]
    assert {task["status"] for task in made} <= {"SUCCEEDED"}


@pytest.mark.fault(9)
def test_what_had_arrived_is_checked_again_before_it_gets_its_name(home):
    """Whoever has checked it before the process was killed: the bytes that lie there now are what counts."""
    killed = home.rig.run(*RETRIEVE, prelude=kill_at("retrieve: checked"))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    home.no_partial()
    arrived = [path for path in (home.root / ".mapshell").rglob("*") if path.is_file() and path.stat().st_size > 9]
    assert len(arrived) > 1
    for path in arrived:
        data = path.read_bytes()
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    document = home.command(code=0)
    assert {each["verdict"] for each in document["files"]} == {"fetched"}
    home.assert_same()
    assert home.journal() == []
