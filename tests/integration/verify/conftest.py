"""Two archived sessions of an animal, and what spoils an archive."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import database, publication
from pipeline.verifying import verify
from tests.integration.publish.bench import only

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.publish.bench import Bench


@dataclass
class Archive:
    """A bench whose sessions ``one`` and ``two`` are archived; ``folders`` are theirs on the rig."""

    bench: Bench
    folders: dict[str, Path]

    @property
    def admin(self):
        return self.bench.rig.admin

    def verify(self, table: Any = None, **options: Any):
        """Verify in this process, as the tables' method does; what ends it early is in the report."""
        rig = self.bench.rig
        database.bind(rig.settings)
        chosen = publication.ArchivedRawEphys() if table is None else table
        return verify(rig.settings, rig.globus, (chosen,), **options)

    def by_name(self, report: Any) -> dict[str, Any]:
        """Return the sessions of a report by their names."""
        names = {key: name for name, key in self.bench.keys.items()}
        return {names[check.session.key]: check for check in report.sessions}

    def drift(self, report: Any) -> dict[str, list[str]]:
        """Return the kinds of drift of the sessions that have any."""
        found = self.by_name(report).items()
        return {name: sorted(each.kind for each in check.drift) for name, check in found if check.drift}

    def at(self, name: str, pattern: str) -> Path:
        """Return a file of a session where it lies at the archive."""
        subpath = only(self.folders[name], pattern).relative_to(self.bench.ephys)
        return self.bench.archive / subpath

    def tell(self, *args: str, check: int) -> tuple[str, str]:
        """Run the command; return what it writes to stdout and stderr."""
        return self.bench.run("publication-verify", "--type", "ephys", *args, check=check)


def make(bench: Bench) -> Archive:
    folders = {name: bench.session(name) for name in ("one", "two")}
    assert bench.publish().whole
    return Archive(bench, folders)


@pytest.fixture
def archive(bench):
    """The archive, on PostgreSQL alone."""
    return make(bench)


@pytest.fixture
def each_archive(each_bench):
    """The same, on each database."""
    return make(each_bench)


@pytest.fixture
def flip():
    """Change one bit of a file, and nothing else."""

    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        times = path.stat()
        path.write_bytes(data)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    return change
