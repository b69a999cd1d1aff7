"""``cp`` and ``mv`` at the archive are killed at each step; running them again ends what was begun, once."""

from __future__ import annotations

import signal

import pytest

from pipeline import database, publication
from tests.integration.kills import kill_at, needs_sigkill

SESSION = "SC038/SC038_111919_g0"
COPYING = ("copy: planned", "copy: folders made", "submitting", "accepted", "copy: submitted", "copy: ended")
MOVING = ("mv: renaming", "mv: renamed")

pytestmark = needs_sigkill


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.fault(2, 3, 4, 7)
@pytest.mark.parametrize("step", COPYING)
def test_a_copy(shelf, step):
    command = ("cp", "-r", f"raw-ephys:/{SESSION}", "raw-ephys:/copy")
    (shelf.archive / "raw-ephys" / SESSION / "empty").mkdir()
    tasks = len(shelf.tasks())
    shelf.run(*command, prelude=kill_at(step), check=-signal.SIGKILL)
    done = shelf.run(*command, check=0)

    assert "Going on with a copy" in done.stderr
    assert len(shelf.tasks()) == tasks + 1
    assert files(shelf.archive / "raw-ephys/copy") == files(shelf.archive / "raw-ephys" / SESSION)
    assert (shelf.archive / "raw-ephys/copy/empty").is_dir()
    database.bind(shelf.settings)
    (row,) = (publication.Transfer() & {"purpose": "copy"}).to_dicts()
    assert (row["state"], row["outcome"] or "") == ("done", "")


@pytest.mark.fault(2, 3)
@pytest.mark.parametrize("step", MOVING)
def test_a_renaming(shelf, step):
    """One request is all that it is: the file has the old name or the new, and a second time there is nothing to do."""
    archive = shelf.archive / "raw-ephys"
    (archive / "note.txt").write_text("note")
    before = files(archive)
    command = ("mv", "raw-ephys:/note.txt", "raw-ephys:/other.txt")
    shelf.run(*command, prelude=kill_at(step), check=-signal.SIGKILL)
    renamed = step == "mv: renamed"
    new = {("other.txt" if name == "note.txt" else name): data for name, data in before.items()}
    assert files(archive) == (new if renamed else before)
    again = shelf.run(*command, check=1 if renamed else 0)
    assert "Traceback" not in again.stderr
    assert not renamed or "note.txt" in again.stderr
    assert files(archive) == new
