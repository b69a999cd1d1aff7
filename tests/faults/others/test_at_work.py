"""Two at work at once: on one session, beside discover, on one folder to fetch to."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mapshell.errors import DONE, FAILED, PARTLY
from pipeline.archive.onlyone import only_one
from pipeline.errors import Conflict
from tests.integration.discover.losing import PUBLICATION, rows
from tests.integration.publish.faults import converges, told
from tests.integration.publish.proxy import STEPS

DISCOVER = ("publication-discover", "--type", "ephys", "--format", "json")


@pytest.fixture
def steps():
    STEPS.forget()
    yield STEPS
    STEPS.forget()


@pytest.mark.fault(33)
@pytest.mark.parametrize("step", ["checked", "described", "committing"])
def test_discover_beside_a_session_that_is_being_published(rig, steps, step):
    """Its files, at the end its manifest too, lie at the archive: discover leaves it to whoever publishes it."""
    seen = []
    steps.at(step, lambda: seen.append(rig.run(*DISCOVER)))
    told(rig)
    assert steps.reached == [step]
    (beside,) = seen
    assert beside.returncode in (DONE, PARTLY), beside.stderr
    assert "Traceback" not in beside.stderr
    assert not [found for found in json.loads(beside.stdout)["sessions"] if found["state"] == "discovered"]
    before = rows(*PUBLICATION)
    rig.run(*DISCOVER)
    assert rows(*PUBLICATION) == before
    converges(rig, tasks=2)


@pytest.mark.fault(34)
@pytest.mark.parametrize("via", ["globus", "https"])
def test_two_retrievals_at_once_into_one_folder(home, steps, via):
    words = ("publication-retrieve", "--subject", "SC038", "--type", "ephys", "--via", via)
    second = []
    steps.at("retrieve: placed", lambda: second.append(home.rig.run(*words)))
    assert home.retrieve(via=via).whole
    (other,) = second
    assert other.returncode == FAILED, other.stderr
    assert "Another retrieval" in other.stderr
    assert str(home.root) in other.stderr
    assert "Remedy:" in other.stderr
    home.assert_same()
    home.rig.run(*words, check=DONE)
    assert len(home.tasks()) == (1 if via == "globus" else 0)


@pytest.mark.fault(34)
def test_two_retrievals_into_one_folder_do_not_meet(home):
    """One that lives is named; one that died has left the folder free."""
    code = (
        "import sys, datetime, pathlib\n"
        "from pipeline.archive.onlyone import only_one\n"
        "with only_one('x', pathlib.Path(sys.argv[1]), '.mapshell', 'rig3', datetime.datetime(2020, 5, 1)):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Conflict, match=rf"Another retrieval .*process {other.pid} on rig3") as caught:
            home.retrieve()
        assert "another folder" in caught.value.remedy
        assert home.here() == {".mapshell/retrieve.lock": home.root / ".mapshell/retrieve.lock"} | {
            ".mapshell/retrieve.json": home.root / ".mapshell/retrieve.json"
        }
        assert home.retrieve(dry_run=True).whole  # asks nobody
        other.kill()
    assert home.retrieve().whole
    home.assert_same()


@pytest.mark.fault(34)
def test_a_lock_that_was_removed_under_us_is_not_held_twice(tmp_path):
    """Who opened the lock file before its holder removed it must not take the orphan for the lock."""
    from datetime import datetime

    now = datetime(2020, 5, 1)  # noqa: DTZ001  # naive UTC, as everywhere here
    with only_one("a", tmp_path, ".mapshell", "rig", now):
        assert (tmp_path / ".mapshell" / "retrieve.lock").exists()
        with pytest.raises(Conflict), only_one("a", tmp_path, ".mapshell", "rig", now):
            pass
        assert (tmp_path / ".mapshell" / "retrieve.lock").exists()
    assert list(tmp_path.iterdir()) == []
