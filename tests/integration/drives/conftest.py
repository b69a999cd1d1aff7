"""A loose drive beside the rig's own folders, with what ten years leave on one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import database
from pipeline.drives.publishing import publish_drive
from pipeline.drives.sorting import sort_drive
from tests.integration.publish.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Drawer(Bench):
    """A bench with a drive: a folder of the rig's collection, which none of the rig's roots holds."""

    @property
    def drive(self) -> Path:
        return self.rig.rig / "drive"

    def copy(self, folder: Path, to: str) -> Path:
        """Copy a recording of the rig to the drive, with its times."""
        target = self.drive / to
        shutil.copytree(folder, target)
        return target

    def sort(self, path: Path | None = None, **options: Any):
        database.bind(self.rig.settings)
        return sort_drive(self.rig.settings, path or self.drive, **options)

    def verdicts(self, path: Path | None = None, **options: Any) -> dict[str, str]:
        return {folder.folder: folder.verdict for folder in self.sort(path, **options).folders}

    def publish_drive(self, path: Path | None = None, types: Any = ("ephys", "video"), **options: Any):
        database.bind(self.rig.settings)
        return publish_drive(self.rig.settings, self.rig.globus, path or self.drive, types, **options)

    def ingest_drive(self, *args: str, check: int) -> dict[str, Any]:
        """Run ingest-drive on the drive and return its document."""
        stdout, _ = self.run("ingest-drive", *(args or (str(self.drive),)), "--format", "json", check=check)
        return json.loads(stdout)

    def snapshot(self) -> dict[str, tuple[int, int]]:
        """Return every name on the drive with size and time."""
        return {
            path.relative_to(self.drive).as_posix(): (path.lstat().st_size, path.lstat().st_mtime_ns)
            for path in sorted(self.drive.rglob("*"))
            if path.is_file()
        }

    def assert_archived_as(self, folders: dict[Path, str]) -> None:
        """The archive holds these folders, byte for byte, under these names, and the index knows each file."""
        there, indexed = self.there(), self.indexed()
        for folder, subpath in folders.items():
            files = [path for path in folder.rglob("*") if path.is_file()]
            assert files
            for path in files:
                name = f"{subpath}/{path.relative_to(folder).as_posix()}"
                assert there[name].read_bytes() == path.read_bytes(), name
                assert indexed[name]["file_size"] == path.stat().st_size


def drawer(rig: Any) -> Drawer:
    made = Drawer(rig)
    made.drive.mkdir()
    return made


@pytest.fixture
def drawer_here(bench):
    """A drive, where the database does not matter."""
    return drawer(bench.rig)


@pytest.fixture
def each_drawer(each_bench):
    """A drive, on each database."""
    return drawer(each_bench.rig)


_PROGRAM = "from mapshell.cli import main; main()"


@pytest.fixture
def ordinary():
    """Return what runs a command line subject to permissions, without root's privilege, and gives its document."""
    if sys.platform == "win32":
        pytest.skip("permissions of POSIX")
    words: list[str] = []
    if os.geteuid() == 0:
        words = [shutil.which("setpriv") or "", "--bounding-set=-dac_override,-dac_read_search"]
        if not words[0] or subprocess.run([*words, "true"], check=False).returncode:
            pytest.skip("ROOT WITHOUT setpriv: root may read everything, so unreadable files are not tried")

    def run(drawer: Drawer, *args: str, code: int) -> dict[str, Any]:
        done = subprocess.run(
            [*words, sys.executable, "-c", _PROGRAM, *args, "--format", "json"],
            cwd=drawer.rig.folder,
            env=drawer.rig.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    return run
