"""What the account that runs mapshell may not read is named, not passed over; as root, without root's privilege."""

import os
import shutil
import subprocess
import sys
from datetime import date

import pytest

from .bench import SC048, only, write

_PROGRAM = "from mapshell.cli import main; main()"


@pytest.fixture
def ordinary():
    """Return the words before a command line that make it subject to permissions: none for an ordinary user."""
    if sys.platform == "win32":
        pytest.skip("permissions of POSIX")
    if os.geteuid() != 0:
        return []
    program = shutil.which("setpriv")
    words = [program or "", "--bounding-set=-dac_override,-dac_read_search"]
    if program is None or subprocess.run([*words, "true"], check=False).returncode:
        pytest.skip("ROOT WITHOUT setpriv: root may read everything, so unreadable files are not tried")
    return words


def test_what_may_not_be_read_is_named(bench, ordinary):
    names = ("file", "meta", "folder", "whole", "good")
    folders = {name: bench.session(name) for name in names}
    write(folders["file"] / "closed.txt", b"secret")
    write(folders["folder"] / "closed/inside.txt", b"secret")
    closed = (
        folders["file"] / "closed.txt",
        only(folders["meta"], "*.meta"),
        folders["folder"] / "closed",
        folders["whole"],
        bench.ephys / "SC048",
    )
    bench.enter("animal", date(2020, 6, 1), subject=SC048)
    (bench.ephys / "SC048").mkdir()
    for path in closed:
        path.chmod(0)
    try:
        done = subprocess.run(
            [*ordinary, sys.executable, "-c", _PROGRAM, "publication-publish", "--format", "json"],
            cwd=bench.rig.folder,
            env=bench.rig.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        for path in closed:
            path.chmod(0o755)
    assert done.returncode == 3, done.stdout + done.stderr
    document = bench.read(done.stdout)
    for name, file in (("file", "closed.txt"), ("meta", closed[1].name), ("folder", "closed")):
        row = document["sessions"][name]
        assert row["state"] == "refused"
        assert file in row["reason"]
        assert "cannot be read" in row["reason"]
        assert "the right to read it" in row["remedy"]
        bench.assert_untouched(folders[name])
    strays = {stray["folder"]: stray for stray in document["folders_without_session"]}
    assert set(strays) == {f"SC038/{folders['whole'].name}", "SC048"}
    assert all("cannot be listed" in stray["reason"] and stray["refused"] for stray in strays.values())
    assert document["sessions"]["good"]["state"] == "archived"
    bench.assert_archived(folders["good"])
