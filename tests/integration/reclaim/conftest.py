"""A rig whose recordings are archived and old, and what is asked of reclaim there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import database, publication
from pipeline.reclaim.rows import read_evidence

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.publish.bench import Bench

TOMBSTONE = "mapshell-reclaimed-ephys.json"


@dataclass
class Freeing:
    """A bench with archived sessions; ``folders`` are theirs on the rig, ``held`` what they held."""

    bench: Bench
    folders: dict[str, Path] = field(default_factory=dict)
    held: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def rig(self) -> Any:
        return self.bench.rig

    def archive(self, *names: str) -> Path:
        """Record sessions and archive them; return the folder of the last."""
        for name in names:
            self.folders[name] = self.bench.session(name)
        assert self.bench.publish().whole
        for name in names:
            self.remember(name)
        return self.folders[names[-1]]

    def remember(self, name: str) -> None:
        """Take what a session's folder holds now for what must come back."""
        self.held[name] = self.files(name)

    def files(self, name: str) -> dict[str, bytes]:
        """Return what lies in a session's folder now, without tombstones."""
        here = self.bench.here(self.folders[name])
        return {each: path.read_bytes() for each, path in here.items() if not path.name.startswith("mapshell-recl")}

    def command(self, *args: str, check: int = 0, older_than: str = "0d") -> dict[str, Any]:
        """Run the command for programs, unattended; return the sessions by name."""
        when = ("--older-than", older_than) if older_than else ()
        how = () if "--dry-run" in args else ("--yes",)
        line = ("publication-reclaim", "--type", "ephys", "--format", "json", *when, *how, *args)
        return self.read(self.bench.run(*line, check=check)[0])

    def read(self, text: str) -> dict[str, Any]:
        return self.bench.read(text)

    def retrieve(self, name: str, check: int = 0) -> dict[str, Any]:
        """Bring a session back by the command of its row."""
        subject, number = self.bench.keys[name]
        choose = ("--subject", str(subject), "--session", str(number), "--type", "ephys")
        stdout, _ = self.bench.run("publication-retrieve", *choose, "--format", "json", check=check)
        return json.loads(stdout)

    def state(self, name: str) -> str:
        """Return what status calls a session."""
        stdout, _ = self.bench.run("publication-status", "--type", "ephys", "--format", "json", check=0)
        document = json.loads(stdout)
        rows = document["sessions"] if isinstance(document, dict) else document
        return next(r["state"] for r in rows if (r["subject_id"], r["session"]) == self.bench.keys[name])

    def tombstones(self) -> list[Path]:
        return sorted(self.bench.ephys.rglob("*mapshell-reclaimed*"))

    def rows(self) -> list[dict[str, Any]]:
        database.bind(self.rig.settings)
        found = sorted(publication.Reclaim.to_dicts(), key=lambda row: row["proved_at"])
        return [{**row, "evidence": read_evidence(row["evidence"])} for row in found]

    def assert_untouched(self, *names: str) -> None:
        """Nothing was deleted, and nothing of ours lies in the folders."""
        for name in names or tuple(self.folders):
            assert self.files(name) == self.held[name], name
        assert self.tombstones() == []
        assert [row for row in self.rows() if row["state"] != "back"] == []
        assert not publication.Claim()

    def assert_reclaimed(self, name: str) -> None:
        """Nothing but the tombstone is left, and the archive has every byte."""
        assert self.files(name) == {}
        assert (self.folders[name] / TOMBSTONE).is_file()
        there = self.bench.there()
        for subpath, content in self.held[name].items():
            assert there[subpath].read_bytes() == content, subpath
        assert not publication.Claim()


@pytest.fixture
def freeing(bench):
    """On PostgreSQL alone, where the database does not matter."""
    return Freeing(bench)


@pytest.fixture
def each_freeing(each_bench):
    """On each database."""
    return Freeing(each_bench)
