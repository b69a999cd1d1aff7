"""What must be true after a session was reassigned."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pipeline import publication
from pipeline.board.status import status
from tests.integration.publish.bench import SC038, SC048, Bench


def add_animal_session(bench: Bench, name: str, day, at="10:00:00", number=1, subject=SC048):
    """Enter the right session, of another animal, on the day of a recording."""
    bench.enter(name, day, at, number=number, subject=subject)


def files_there(bench: Bench) -> dict[str, bytes]:
    """Return the archive's data files with their bytes, by subpath."""
    return {name: path.read_bytes() for name, path in bench.there().items() if ".reassigned-" not in name}


def manifests_there(bench: Bench) -> list[str]:
    """Return the names of the manifests that are in force, by subpath."""
    there = bench.rig.files("archive")
    return sorted(n.removeprefix("ephys/") for n in there if ".manifest-" in n and n.endswith(".json"))


def indexed_sessions() -> dict[tuple[int, int], dict[str, Any]]:
    """Return the archived rows by session."""
    return {(row["subject_id"], row["session"]): row for row in publication.ArchivedRawEphys.to_dicts()}


def assert_index_is_true(bench: Bench) -> None:
    """Every file of the index is at the archive with its size and SHA1, and every row of the journal has ended."""
    there = files_there(bench)
    rows = publication.DataSet.PhysicalFile.to_dicts()
    assert {row["file_subpath"] for row in rows} == set(there)
    for row in rows:
        data = there[row["file_subpath"]]
        assert len(data) == row["file_size"]
        assert hashlib.sha1(data, usedforsecurity=False).hexdigest() == row["file_sha1"]
    for row in publication.DataSet.to_dicts():
        assert row["dataset_manifest"] in manifests_there(bench)
    assert set(publication.Transfer().to_arrays("state")) <= {"done", "failed"}
    assert not publication.Claim()
    assert not list((bench.ephys / ".mapshell").glob("*"))


def states(bench: Bench) -> dict[str, str]:
    """Return the state of every session by its name."""
    names = {key: name for name, key in bench.keys.items()}
    every = status(bench.rig.settings, ("ephys",))
    return {names[row.subject_id, row.session]: row.state for row in every}


def reassign(bench: Bench, *args: str, check: int = 0) -> tuple[str, str]:
    return bench.run("publication-reassign", *args, "--yes", check=check)


def document(bench: Bench, *args: str, check: int = 0) -> dict[str, Any]:
    return json.loads(bench.run("publication-reassign", *args, "--yes", "--format", "json", check=check)[0])


__all__ = [
    "SC038",
    "SC048",
    "add_animal_session",
    "assert_index_is_true",
    "document",
    "files_there",
    "indexed_sessions",
    "manifests_there",
    "reassign",
    "states",
]
