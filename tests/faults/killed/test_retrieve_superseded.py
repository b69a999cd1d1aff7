"""A killed retrieval is gone on with after one of its files was superseded: the old bytes get no name."""

from __future__ import annotations

import json
import signal

import pytest

from tests.integration.kills import kill_at, needs_sigkill
from tests.integration.later.test_supersede import NEW, OLD, SUPERSEDE
from tests.integration.publish.bench import write
from tests.integration.retrieve.home import RETRIEVE


@needs_sigkill
@pytest.mark.fault(9)
def test_superseded_between_the_kill_and_the_next_run(bench):
    folder = bench.session("one")
    file = write(folder / "sorting/spike_times.npy", OLD)
    write(folder / "sorting/params.py", b"n = 1")
    assert bench.publish().whole
    target = bench.ephys / "got"
    where = ("--to", str(target))
    killed = bench.rig.run(*RETRIEVE, *where, prelude=kill_at("retrieve: checked"))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert OLD in {path.read_bytes() for path in target.rglob("*") if path.is_file()}
    write(file, NEW)
    bench.rig.run("publication-publish", "--type", "ephys", *SUPERSEDE, check=0)

    done = bench.rig.run(*RETRIEVE, *where, "--format", "json", check=0)
    document = json.loads(done.stdout)
    assert [note for note in document["notes"] if note.startswith("1 file was superseded")], document["notes"]
    there = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    name = file.relative_to(bench.ephys).as_posix()
    assert there.pop(name) == NEW
    assert OLD not in there.values()
    assert any(each.endswith("sorting/params.py") for each in there)
    assert not (target / ".mapshell").exists()
    assert not list((bench.rig.folder / "home" / "data" / "retrievals").rglob("*.json.gz"))
