"""What discover asks of the service, and what it says when the service fails: never empty, never half."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from mapshell.demo.run import ARCHIVE
from mapshell.errors import PARTLY
from pipeline import from_manifests, publication
from pipeline.archive.filetypes import classify
from pipeline.archive.manifest import FileEntry, Manifest, to_json
from pipeline.archive.session import SessionRef
from pipeline.discovery import early
from pipeline.errors import DatabaseReadOnly
from tests.integration.accounts import read_only
from tests.integration.publish.bench import DAY, SC038, write

from .losing import PUBLICATION, discover, drop, listings, rows

EPHYS = {"types": ("ephys",)}


def reads(rig):
    """Return how many requests were neither listings nor about collections and logins."""
    return sum("/https" in name or "submission" in name or "transfer" in name.split("/") for name in rig.admin.counts())


def test_a_second_discovery_lists_the_root_and_each_animal_once_and_reads_nothing(pg_rig):
    pg_rig.publish()
    tasks = len(pg_rig.tasks())
    drop(pg_rig, "publication")
    assert discover(pg_rig).whole
    between = len(pg_rig.tasks())
    pg_rig.admin.reset_counts()
    assert discover(pg_rig).whole
    assert Counter(listings()) == Counter(
        f"/raw-{kind}{animal}" for kind in ("ephys", "video") for animal in ("", "/SC038", "/SC048")
    )
    assert len(pg_rig.tasks()) == between
    assert between - tasks <= 2  # one task at most for all manifests of a location
    assert not reads(pg_rig)


def test_without_https_one_task_brings_all_manifests(pg_rig):
    pg_rig.publish(types=("ephys",))
    lost = rows(*PUBLICATION)
    drop(pg_rig, "publication")
    tasks = len(pg_rig.tasks())
    pg_rig.admin.fault("no-https", collection=ARCHIVE)
    assert discover(pg_rig, **EPHYS).whole
    assert len(pg_rig.tasks()) == tasks + 1
    assert rows(*PUBLICATION) == lost
    assert not [path for path in (pg_rig.rig / "ephys/.mapshell").rglob("*") if path.is_file()]


def test_only_animals_that_are_asked_for_are_listed(pg_rig):
    pg_rig.publish(types=("ephys",))
    drop(pg_rig, "publication")
    pg_rig.admin.reset_counts()
    report = discover(pg_rig, **EPHYS, subjects=["SC048"], since="2021-01-01")
    assert [found.session_date for found in report.sessions] == ["2021-01-01"]
    assert {folder.split("/")[2] for folder in listings() if folder.count("/") > 1} == {"SC048"}
    assert not [folder for folder in listings() if "122920" in folder]


def test_an_account_that_may_only_read_is_told_at_once(rig):
    with read_only(rig):
        rig.admin.reset_counts()
        with pytest.raises(DatabaseReadOnly, match="discover must write the index"):
            discover(rig)
        with pytest.raises(DatabaseReadOnly, match="a dry run too, which rolls it back"):
            discover(rig, dry_run=True)
        assert rig.admin.counts() == {}


def test_the_command_tells_the_same_as_the_tables(rig):
    rig.publish(types=("ephys",))
    lost = rows(*PUBLICATION)
    drop(rig, "publication")
    write(rig.archive / "raw-ephys/SC048/catgt_SC048_030321_surface_g0/x.bin", b"12345")
    would = rig.run("publication-discover", "--type", "ephys", "--dry-run", check=0)
    assert "Would discover: 5 sessions in raw-ephys" in would.stderr
    assert not publication.DataSet()
    done = rig.run("publication-discover", "--type", "ephys", "--format", "json", check=0)
    document = json.loads(done.stdout)
    assert {row["state"] for row in document["sessions"]} == {"discovered"}
    assert sum(row["files"] for row in document["sessions"]) == len(lost["DataSet.PhysicalFile"])
    (folder,) = document["folders_without_session"]
    assert (folder["seems"]["date"], folder["bytes"]) == ("2021-03-03", 5)
    assert rows(*PUBLICATION) == lost
    manifest = next(path for path in rig.manifests().values() if "SC048" in path.name)
    drop(rig, "publication")
    manifest.write_text("{}")
    refused = rig.run("publication-discover", "--type", "ephys", check=PARTLY)
    assert "not a usable manifest" in refused.stderr
    assert "Remedy" in refused.stderr
    for wrong, word in (
        (("--subject", "SC083"), "did you mean"),
        (("--session", "77"), "no session 77"),
        (("--since", "2021-01-01", "--until", "2020-01-01"), "No day"),
        (("--restor",), "restore"),
    ):
        assert word in rig.run("publication-discover", *wrong, check=2).stderr
    empty = rig.run("publication-discover", "--since", "2031-01-01", check=0)
    assert "Nothing at the archive matches" in empty.stderr


def describe(bench, number, files):
    """Put a session with many (empty) files and its manifest at the archive, as if it had been published."""
    day = date(2020, 1, 1) + timedelta(days=number)
    folder = f"SC038/catgt_SC038_{day:%m%d%y}_g0"
    place = bench.archive / folder
    place.mkdir(parents=True)
    entries = []
    for index in range(files):
        name = f"{folder}/SC038_{day:%m%d%y}_g0_tcat.imec0.part{index:05d}.txt"
        (bench.archive / name).touch()
        entries.append(FileEntry(name, 0, 1_600_000_000, classify(name), "0" * 40, "computed"))
    session = SessionRef(SC038, number + 1, "SC038", day)
    manifest = Manifest(session, "ephys", "raw-ephys", 1, tuple(entries), datetime.fromisoformat("2020-06-01"))
    (bench.archive / manifest.subpath).write_bytes(to_json(replace(manifest, evidence={"folders": [folder]})))


def test_memory_is_that_of_some_sessions_not_of_all(bench, monkeypatch):
    """If all files were held at once they would take two or three times as much."""
    monkeypatch.setattr(from_manifests, "_FILES", 400)
    monkeypatch.setattr(early, "_FILES", 400)
    sessions, files = 100, 120
    for number in range(sessions):
        describe(bench, number, files)
    tracemalloc.start()
    report = discover(bench.rig, create_sessions=True, **EPHYS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(report.having("discovered")) == sessions
    assert report.whole
    assert len(publication.DataSet.PhysicalFile()) == sessions * files
    assert peak < 300 * sessions * files, peak


def test_many_folders_without_manifest_are_walked_together(bench):
    for number in range(20):
        day = DAY + timedelta(days=number)
        bench.enter(f"{number}", day.date())
        write(bench.archive / f"SC038/catgt_SC038_{day:%m%d%y}_g0/x_g0_imec0/x.imec0.ap.bin", b"1" * number)
    bench.rig.admin.reset_counts()
    report = discover(bench.rig, **EPHYS)
    assert len(report.having("present")) == 20
    assert report.whole
    assert len(listings()) == 2 + 2 * 20
