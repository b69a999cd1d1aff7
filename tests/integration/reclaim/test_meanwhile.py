"""Others at work while a session is freed: they keep off, and nothing is lost or called missing."""

from __future__ import annotations

import json

import pytest

from pipeline import database, publication
from tests.integration.kills import do_at
from tests.integration.publish.bench import write

from .conftest import TOMBSTONE

RECLAIM = ("publication-reclaim", "--type", "ephys", "--older-than", "0d", "--yes", "--format", "json")
CHOSEN = ("--subject", "SC038", "--session", "1", "--type", "ephys", "--format", "json")

_OTHER = """
            import subprocess, sys
            with open({file!r}, "w") as out:
                code = subprocess.run([sys.executable, "-c", "from mapshell.cli import main; main()", *{args!r}],
                    stdout=out, stderr=subprocess.DEVNULL).returncode
            open({file!r} + ".code", "w").write(str(code))
"""


def beside(freeing, step, *args):
    """Run another command line while a reclaim stands at a step; return both results, and the other's exit code."""
    file = freeing.rig.folder / "other.json"
    prelude = do_at(step, _OTHER.format(file=str(file), args=list(args)).strip())
    mine = json.loads(freeing.rig.run(*RECLAIM, prelude=prelude, check=0).stdout)
    database.bind(freeing.rig.settings)
    assert not publication.Claim()
    return mine["sessions"][0], json.loads(file.read_text()), int((file.parent / "other.json.code").read_text())


STEPS = ["reclaim: proved", "reclaim: planned", "reclaim: file deleted"]


@pytest.mark.parametrize("step", STEPS)
def test_a_second_reclaim_keeps_off(freeing, step):
    freeing.archive("one")
    mine, other, code = beside(freeing, step, *RECLAIM)
    assert mine["verdict"] == "reclaimed"
    assert mine["files"] == len(freeing.held["one"])
    assert code == 3
    (row,) = other["sessions"]
    assert (row["verdict"], row["proof"]) == ("refused", "nothing open")
    assert other["deleted"] == 0
    freeing.assert_reclaimed("one")


@pytest.mark.parametrize("step", STEPS)
def test_a_retrieval_keeps_off(freeing, step):
    freeing.archive("one")
    mine, other, code = beside(freeing, step, "publication-retrieve", *CHOSEN)
    assert mine["verdict"] == "reclaimed"
    assert code == 1
    assert "A reclaim is deleting files" in other["error"]["message"]
    freeing.assert_reclaimed("one")
    freeing.retrieve("one")
    assert freeing.files("one") == freeing.held["one"]


@pytest.mark.parametrize("step", STEPS)
def test_a_publish_of_what_came_later_keeps_off(freeing, step):
    """A file that came while the session was proved is archived by the next round, and stays."""
    folder = freeing.archive("one")
    late = folder / "notes.txt"
    come = f"import os; p = {str(late)!r}; open(p, 'w').write('late'); os.utime(p, (1.5e9, 1.5e9))"
    file = freeing.rig.folder / "other.json"
    other = _OTHER.format(file=str(file), args=["publication-publish", *CHOSEN]).strip()
    freeing.rig.run(*RECLAIM, prelude=do_at(step, f"{come}\n            {other}"), check=0)
    row = json.loads(file.read_text())["sessions"][0]
    assert row["state"] in ("in flight", "archived with changes"), row
    assert late.read_text() == "late"
    assert freeing.bench.publish().whole
    database.bind(freeing.rig.settings)
    assert late.read_text() == "late"
    assert any(name.endswith("/notes.txt") for name in freeing.bench.there())
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"notes.txt", TOMBSTONE}


def test_verify_and_discover_find_everything_at_its_place(freeing):
    freeing.archive("one")
    freeing.command()
    document = json.loads(freeing.bench.run("publication-verify", "--type", "ephys", "--format", "json", check=0)[0])
    assert not any(each.get("drift") for each in document["sessions"])
    freeing.bench.run("publication-discover", "--type", "ephys", check=0)
    assert freeing.state("one") == "reclaimed"


def test_a_file_of_its_name_that_is_new_is_a_conflict_not_a_return(freeing):
    """Somebody puts other bytes where a reclaimed file was: publish says so, retrieve overwrites nothing."""
    folder = freeing.archive("one")
    freeing.command()
    name, content = next((n, c) for n, c in freeing.held["one"].items() if n.endswith(".ap.bin"))
    write(freeing.bench.ephys / name, bytes(len(content)))
    assert not freeing.bench.publish().whole
    assert freeing.retrieve("one", check=3)
    assert (freeing.bench.ephys / name).read_bytes() == bytes(len(content))
    assert (folder / TOMBSTONE).exists()
    row = freeing.command(check=3)["sessions"]["one"]
    assert (row["verdict"], row["proof"]) == ("refused", "same bytes")
    assert (freeing.bench.ephys / name).read_bytes() == bytes(len(content))
