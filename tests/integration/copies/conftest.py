"""A rig with two archives of ephys, each in a collection of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from mapshell.sandbox import service
from mapshell.sandbox.spec import CollectionSpec
from pipeline import database, publication
from pipeline.archive.session import Location
from pipeline.locations import location_row

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.publish.bench import Bench

SECOND = "5ec0dd1c-0f0e-4c1e-8d5b-3a7d2d1a9e42"
FIRST, OTHER = "raw-ephys", "raw-ephys-2"
BOTH = (FIRST, OTHER)


@dataclass
class Two:
    """A bench with a second archive."""

    bench: Bench
    other: Path

    @property
    def rig(self) -> Any:
        return self.bench.rig

    @property
    def first(self) -> Path:
        return self.bench.archive

    def name_both(self) -> None:
        """Say that both archives hold every session."""
        self.bench.run("storage", "copies", "ephys", *BOTH, check=0)

    def publish_at_first(self) -> None:
        """Publish before anybody names a second copy."""
        self.bench.run("publication-publish", "--type", "ephys", check=0)

    def take_away(self, folder: Path) -> dict[str, bytes]:
        """Remove a session's folder from this computer; return what it held."""
        held = {name: path.read_bytes() for name, path in self.bench.here(folder).items()}
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
        return held

    def data(self, where: Path) -> dict[str, bytes]:
        """Return the data files of an archive."""
        return {
            path.relative_to(where).as_posix(): path.read_bytes()
            for path in sorted(where.rglob("*"))
            if path.is_file() and ".manifest-" not in path.name
        }

    def manifests(self, where: Path) -> list[Path]:
        return sorted(where.rglob("*.manifest-*"))

    def rows(self, alias: str) -> dict[str, tuple[int, str | None]]:
        """Return size and SHA1 of the files that the index has at a location."""
        found = (publication.DataSet.PhysicalFile() & {"globus_alias": alias}).to_dicts()
        return {row["file_subpath"]: (row["file_size"], row["file_sha1"]) for row in found}

    def evidence(self, alias: str) -> list[dict[str, Any]]:
        return [row["evidence"] for row in (publication.ArchivedRawEphys() & {"globus_alias": alias}).to_dicts()]

    def assert_same(self) -> None:
        """Both archives, and both indexes, hold the very same files."""
        assert self.data(self.first) == self.data(self.other)
        assert self.rows(FIRST) == self.rows(OTHER)


def second_archive(bench: Bench, **options: Any) -> Two:
    """Give a bench a second archive of ephys in another collection, known to the database."""
    other = bench.rig.folder / "second" / "raw-ephys"
    other.mkdir(parents=True)
    spec = CollectionSpec(bench.rig.folder / "second", **options)
    service.start(bench.rig.folder / ".mapshell" / "sandbox", {SECOND: spec})
    database.bind(bench.rig.settings)
    publication.GlobusStorageLocation.insert1(location_row(Location(OTHER, SECOND, "/raw-ephys", "ephys")))
    return Two(bench, other)


@pytest.fixture
def two(each_bench):
    """Two archives, on each database."""
    return second_archive(each_bench)


@pytest.fixture
def pg_two(bench):
    """The same, on PostgreSQL alone, where the database does not matter."""
    return second_archive(bench)
