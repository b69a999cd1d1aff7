"""Sessions of which the archive holds bytes that no index knows of."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from mapshell.demo.run import ARCHIVE
from pipeline import publication
from tests.integration.publish.bench import LONG_AGO
from tests.integration.publish.proxy import STEPS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.publish.bench import Bench

UNKNOWN = dict.fromkeys(("file_sha1", "sha1_source", "verified_at", "verified_how"))


def plant(bench: Bench, folder: Path, pattern: str = "*") -> dict[str, Path]:
    """Copy files to the archive past mapshell, as somebody did years ago; return them by subpath."""
    planted = {}
    for path in sorted(folder.rglob(pattern)):
        if path.is_file():
            there = bench.archive / path.relative_to(bench.ephys)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)
            os.utime(there, (LONG_AGO - 500, LONG_AGO - 500))
            planted[path.relative_to(bench.ephys).as_posix()] = there
    return planted


def flip(path: Path) -> None:
    """Change one bit of a file, and nothing else."""
    data, times = bytearray(path.read_bytes()), path.stat()
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def only_listed(bench: Bench) -> Path:
    """Archive a session, then let its rows say what they would say after it was found by its listing."""
    folder = bench.session("one")
    assert bench.publish().whole
    for row in publication.DataSet.PhysicalFile.keys():  # noqa: SIM118  # a table
        publication.DataSet.PhysicalFile.update1({**row, **UNKNOWN})
    publication.DataSet.update1({**publication.DataSet.fetch1("KEY"), "dataset_manifest": ""})
    for path in bench.rig.manifests().values():
        path.unlink()
    return folder


def data_tasks(bench: Bench) -> list[dict[str, Any]]:
    """Return the tasks that moved recordings to the archive."""
    return [task for task in bench.rig.tasks() if task["label"].startswith("mapshell publish")]


def read_backs(bench: Bench) -> list[str]:
    """Return the paths that were asked for over HTTPS since the counts were reset."""
    return [each["path"] for each in bench.rig.admin.requests() if each["kind"].startswith("https")]


def no_https(bench: Bench) -> None:
    bench.rig.admin.set_collection(ARCHIVE, https=False)


@pytest.fixture
def steps():
    STEPS.forget()
    yield STEPS
    STEPS.forget()
