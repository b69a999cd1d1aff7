"""The commands of ingest, as a person types them."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from datetime import datetime

import pytest

from mapshell import errors
from mapshell.cli import cli
from mapshell.context import Context, Options
from mapshell.demo.lab import make_lab
from mapshell.demo.recordings import write_recording
from pipeline.settings.types import GlobusSettings, LocalRoot

NOW = datetime.fromisoformat("2024-03-05T14:00:00")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return make_lab(tmp_path_factory.mktemp("rig"), now=NOW)


@pytest.fixture
def run(postgresql_database, lab):
    roots = tuple(
        LocalRoot(f"raw-{kind}", "00000000-0000-0000-0000-000000000001", f"/{kind}", lab.root / kind)
        for kind in ("ephys", "video")
    )
    settings = replace(postgresql_database, globus=GlobusSettings(local_roots=roots))

    def command(*args):
        context = Context(Options(), environ={})
        context.__dict__["settings"] = settings  # what a settings file would say
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = errors.run(cli, [str(arg) for arg in args], context)
        return code, out.getvalue(), err.getvalue()

    return command


def test_a_lab_is_entered_shown_and_known(run, lab):
    code, out, err = run("ingest-subjects", lab.sheet, "--dry-run")
    assert (code, "SC038" in out) == (0, True), err
    assert "Would enter: 2 new" in err
    assert run("ingest-subjects", lab.sheet)[0] == 0
    code, out, err = run("ingest-recordings")
    assert code == 0, err
    assert "Sessions: 6 new" in err
    assert "its metas say no end yet" in err
    assert len(out.splitlines()) == 7
    code, out, err = run("ingest-recordings", "--format", "json", "--subject", "sc048")
    assert code == 0, err
    data = json.loads(out)
    assert [row["outcome"] for row in data["sessions"]] == ["known"] * 3
    assert data["skipped"] == []

    code, out, err = run("session-ident", "SC038", "--format", "json")
    assert [(row["ident"], row["by_hand"]) for row in json.loads(out)] == [
        (None, False),
        (None, False),
        ("115124", True),
    ]
    code, out, err = run("session-ident", "SC038", "2", "surface")
    assert (code, "SC038/catgt_SC038_111919_surface_g0" in out) == (0, True), err
    code, out, err = run("session-ident", "480133", "3", "--none")
    assert code == 0, err
    code, out, err = run("session-ident", "SC038", "2", "--default", "--format", "json")
    assert [row["ident"] for row in json.loads(out)] == [None]


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("SC999",), 2, "no subject SC999"),
        (("SC038", "9"), 2, "has no session 9"),
        (("SC038", "2019-01-01", "x"), 2, "has no session 2019-01-01"),
        (("SC038", "yesterday", "x"), 2, "has no session yesterday"),
        (("SC038", "2019-11-19", "x"), 2, "several sessions"),
        (("SC038", "3", "--none"), 2, "has no ident already"),
        (("SC038", "2", "115124"), 2, "has the ident '115124' already"),
        (("SC038", "2", "x" * 65), 2, "65 characters"),
        (("SC038", "2", "a/b"), 1, "No folder can be named"),
        (("SC038", "2", "x", "--none"), 2, "one of them"),
        (("SC038", "--none"), 2, "which SESSION"),
    ],
)
def test_idents_that_cannot_be_set(run, lab, args, code, says):
    run("ingest-subjects", lab.sheet)
    run("ingest-recordings", "-q")
    got, out, err = run("session-ident", *args)
    assert (got, out) == (code, ""), err
    assert says in err


def test_a_folder_that_contradicts_itself_is_told_and_the_exit_says_so(run, lab):
    run("ingest-subjects", lab.sheet)
    wrong = lab.root / "ephys" / "SC048" / "SC048_020221_g0"
    files = write_recording(wrong, "SC048_020221", start=NOW, seconds=0.01, channels=2, nidq=False)
    code, _, err = run("ingest-recordings", "--dry-run")
    for file in files:
        file.unlink()
    (wrong / "SC048_020221_g0_imec0").rmdir()
    wrong.rmdir()
    assert code == 3
    assert "Skipped ephys/SC048/SC048_020221_g0: its name says 2021-02-02" in err
    assert "Remedy:" in err


def test_a_sheet_that_is_wrong(run, tmp_path):
    (tmp_path / "a.csv").write_text("subject_id,h2o\nx,AB1\n")
    code, out, err = run("ingest-subjects", tmp_path / "a.csv")
    assert (code, out) == (2, "")
    assert "row 2: subject_id: 'x' is no whole number" in err


def test_without_a_folder_of_recordings(run, postgresql_database):
    context = Context(Options(), environ={})
    context.__dict__["settings"] = postgresql_database
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        assert errors.run(cli, ["ingest-recordings"], context) == 5
    assert "No folder of recordings" in err.getvalue()
