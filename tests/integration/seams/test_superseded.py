"""What supersedes, and what is superseded, beside metas, drives, kills and the labs that change their mind."""

from __future__ import annotations

import shutil

import pytest

from pipeline import database, publication
from tests.integration.discover.losing import PUBLICATION, discover, drop, rows
from tests.integration.kills import kill_at
from tests.integration.later.test_supersede import SUPERSEDE, aside
from tests.integration.publish.bench import edit, only, write

ONE = ("--subject", "SC038", "--session", "1")


def test_a_meta_that_contradicts_the_archived_recording(each_bench):
    """The recording stays as it is archived: a meta with another SHA1 of it does not take the other's place."""
    bench = each_bench
    folder = bench.session("one")
    meta = only(folder, "*.meta")
    sound = meta.read_text()
    assert bench.publish().whole
    edit(meta, fileSHA1="0" * 40)
    for arguments in (SUPERSEDE, (*SUPERSEDE, "--dry-run")):
        row = bench.command(*arguments, check=3)["sessions"]["one"]
        assert "it says that the SHA1 of SC038_050120_g0_t0.imec0.ap.bin is 0000" in row["reason"]
        assert {detail["rule"] for detail in row["details"]} == {"checksum"}
        assert not aside(bench)
    write(meta, sound.encode())
    edit(meta, userNotes="deeper")
    assert bench.command(*SUPERSEDE, check=0)["sessions"]["one"]["state"] == "archived"

    # A person may say that it is meant.
    edit(meta, fileSHA1="0" * 40, userNotes="deeper still")
    row = bench.command(*SUPERSEDE, "--accept", "checksum", check=0)["sessions"]["one"]
    assert row["state"] == "archived"
    (archived,) = publication.ArchivedRawEphys.to_dicts()
    assert [(record["rule"], record["meta_sha1"]) for record in archived["evidence"]["accepted"]] == [
        ("checksum", "0" * 40)
    ]
    bench.assert_archived(folder)


def test_a_meta_that_comes_later_and_contradicts_the_archived_recording(bench):
    folder = bench.session("one")
    meta = only(folder, "*.meta")
    kept = shutil.move(meta, bench.rig.folder / "kept.meta")
    bench.command(*ONE, "--accept", "bin-without-meta", "--because", "lost", check=0)
    shutil.move(kept, meta)
    sound = meta.read_bytes()
    edit(meta, fileSHA1="0" * 40)
    row = bench.command(check=3)["sessions"]["one"]
    assert row["state"] == "archived with changes"
    assert "but the archived one has" in row["reason"]
    write(meta, sound)
    assert bench.publish().whole
    bench.assert_archived(folder)


@pytest.mark.parametrize("then", ["changes back", "changes again", "vanishes"])
def test_killed_before_the_new_bytes_were_sent(each_bench, then):
    """What the rig has by then is archived; bytes that nothing took the place of are fetched as what there is."""
    bench = each_bench
    folder = bench.session("one")
    file = write(folder / "sorting/a.npy", b"old")
    assert bench.publish().whole
    write(file, b"newer")
    publish = ("publication-publish", "--type", "ephys")
    killed = bench.rig.run(*publish, *SUPERSEDE, prelude=kill_at("committed"))
    assert killed.returncode < 0
    database.bind(bench.rig.settings)
    if then == "vanishes":
        file.unlink()
    else:
        write(file, b"old" if then == "changes back" else b"the newest")
        assert bench.outcomes(bench.publish(dry_run=True))["one"].to_send_files == 1
    assert bench.publish().whole
    bench.assert_archived(folder)
    (name,) = aside(bench)
    assert bench.there()[name].read_bytes() == b"old"
    bench.run("publication-verify", "--type", "ephys", "--checksum", "all", check=0)

    place = bench.rig.folder / "out"
    _, told = bench.run("publication-retrieve", *ONE, "--to", str(place), "--via", "https", check=0)
    assert ("left out" in told) is (then != "vanishes")
    assert (place / name).exists() is (then == "vanishes")
    assert (place / file.relative_to(bench.ephys)).exists() is (then != "vanishes")

    known = rows(*PUBLICATION)
    drop(bench.rig, "publication")
    discover(bench.rig, types=("ephys",))
    assert rows(*PUBLICATION) == known
