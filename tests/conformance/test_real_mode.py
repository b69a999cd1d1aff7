"""``scripts/test.py --real-globus``, played against a second sandbox that stands for the real service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mapshell.sandbox.constants import CONFIDENTIAL_CLIENT_ID, CONFIDENTIAL_CLIENT_SECRET

from .conftest import GUEST, RIG
from .real import STAND_IN, Stopped, main, real_environment
from .report import Comparison, Report
from .rows import Row, Seen
from .runner import Played

HERE = Path(__file__).resolve().parent


@pytest.fixture
def real(box, tmp_path):
    """Return a function that runs the mode as its user would, with the sandbox for the real service."""
    environment = {
        **box.environment("real"),
        "GLOBUS_CLI_CLIENT_ID": CONFIDENTIAL_CLIENT_ID,
        "GLOBUS_CLI_CLIENT_SECRET": CONFIDENTIAL_CLIENT_SECRET,
        "MAPSHELL_HOME": str(tmp_path / "home"),
        "MAPSHELL_GLOBUS_CLIENT_ID": CONFIDENTIAL_CLIENT_ID,
        "MAPSHELL_GLOBUS_CLIENT_SECRET": CONFIDENTIAL_CLIENT_SECRET,
        # What would lead a careless program to a lab's database, or away from Globus.
        "DJ_HOST": "database.invalid",
        "GLOBUS_SDK_SERVICE_URL_TRANSFER": "http://127.0.0.1:9/",
        STAND_IN: str(box.folder / "state"),
    }

    def run(*args: str, wait: bool = True, **further: str):
        started = subprocess.Popen(
            [sys.executable, str(HERE), *args],
            env={**environment, **further},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        if not wait:
            return started
        return subprocess.CompletedProcess(args, *_ended(started))

    for name in ("rig", "guest"):
        (box.folder / name / "mine").mkdir(exist_ok=True)
    (tmp_path / "new home").mkdir()
    return run


def _ended(started: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = started.communicate(timeout=300)
    return started.returncode, out, err


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_the_whole_mode(real, box, tmp_path):
    (box.folder / "guest" / "mine" / "precious.txt").write_text("not ours")
    local = str(box.folder / "rig" / "mine")
    done = real(f"{RIG}:/mine", f"{GUEST}:/mine", "--local", local, "--yes")
    report = (tmp_path / "real-globus.md").read_text(encoding="utf-8")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{report}"
    assert "0 differ from the sandbox; publish and retrieve: done" in done.stdout
    assert "Note:" not in done.stdout
    assert "mapshell publication-publish --type ephys --subject SC038 --session 1`: done" in report
    assert "byte by byte as made" in report
    assert "| transfers | a recursive one | 0 | 0 | as expected |" in report
    assert names(box.folder / "rig" / "mine") == []
    assert names(box.folder / "guest" / "mine") == ["precious.txt"]


def test_what_is_different_is_written_down(real, box, tmp_path):
    box.info.admin.fail_requests("transfer/task/<id>/pause_info", status=404, count=None, code="Odd", message="How odd")
    local = str(box.folder / "rig" / "mine")
    try:
        done = real(
            f"{RIG}:/mine", f"{GUEST}:/mine", "--local", local, "--yes", "--no-publish", "--chapter", "ended tasks"
        )
    finally:
        box.info.admin.clear_faults()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 differ from the sandbox; publish and retrieve: not tried" in done.stdout
    report = (tmp_path / "real-globus.md").read_text(encoding="utf-8")
    assert "## ended tasks: not paused" in report
    assert "How odd" in report
    assert "is not paused." in report  # what the sandbox said


def test_it_asks_first(real, box, tmp_path):
    done = real(f"{RIG}:/mine", f"{GUEST}:/mine", "--local", str(box.folder / "rig" / "mine"))
    assert done.returncode == 2
    assert "deletes at the end what it made there, by name" in done.stdout
    assert "nobody is there to agree" in done.stderr
    assert not (tmp_path / "real-globus.md").exists()


@pytest.mark.parametrize(
    ("source", "destination", "further", "said"),
    [
        (f"{RIG}:/mine", f"{GUEST}:/mine", {"GLOBUS_CLI_CLIENT_SECRET": "wrong"}, "globus login"),
        (f"{RIG}:/mine", f"{RIG[:-1]}f:/mine", {}, "there is no collection"),
        (f"{RIG}:/nowhere", f"{GUEST}:/mine", {}, "Does the collection show another one? --local DIR"),
        (f"{GUEST}:/mine", f"{GUEST}:/mine", {}, "the source cannot be used"),
        (f"{RIG}:/mine", f"{GUEST}:/nowhere", {}, "the destination cannot be used"),
    ],
    ids=["no login", "no collection", "no source", "not this folder", "no destination"],
)
def test_what_is_missing_is_said_before_anything_is_done(real, box, tmp_path, source, destination, further, said):
    local = box.folder / "rig" / "mine"
    home = dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(tmp_path / "new home"))
    done = real(source, destination, "--local", str(local), "--yes", "--no-publish", **home, **further)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert names(local) == []
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="NO CTRL-C: Windows has no signal to send to one process alone")
def test_interrupted_it_cleans_up_all_the_same(real, box):
    local = box.folder / "rig" / "mine"
    started = real(f"{RIG}:/mine", f"{GUEST}:/mine", "--local", str(local), "--yes", "--no-publish", wait=False)
    for line in started.stdout:
        if line.strip() == "transfers ...":
            break
    started.send_signal(signal.SIGINT)
    said, wrong = started.communicate(timeout=120)
    assert started.returncode == 130, said + wrong
    assert wrong.startswith("Interrupted; what was made has been deleted")
    assert "Note:" not in said
    assert names(local) == []
    assert names(box.folder / "guest" / "mine") in ([], ["precious.txt"])


def test_the_source_must_be_of_this_computer(real, tmp_path):
    done = real(f"{RIG}:/mine", f"{GUEST}:/mine", "--local", str(tmp_path / "not here"), "--yes")
    assert done.returncode == 2
    assert "say where its folder lies: --local DIR" in done.stderr


def test_nothing_but_the_real_service_is_meant(monkeypatch):
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", "http://127.0.0.1:9/")
    monkeypatch.setenv("GLOBUS_SDK_ENVIRONMENT", "preview")
    assert not [name for name in real_environment() if name.startswith("GLOBUS_SDK_")]
    monkeypatch.setenv(STAND_IN, "/nowhere")
    with pytest.raises(Stopped, match="no sandbox runs in /nowhere"):
        real_environment()


def test_a_mistyped_place_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["somewhere", f"{GUEST}:/mine"])
    assert "'somewhere' is not UUID:/PATH" in capsys.readouterr().err


def test_a_report_knows_fields_that_differ():
    row = Row("fields", "ls", shape=True)
    ours = Played("listing", row, "ls", Seen(0, '{"a": 1, "b": "x", "c": [{"d": null}]}', ""))
    real = Played("listing", row, "ls", Seen(0, '{"a": "1", "c": [{"d": 1, "e": 2}]}', ""))
    report = Report("t", [Comparison(real, ours)])
    assert report.rows[0].differences == [
        ".b: only the sandbox has this field",
        ".a: int in the sandbox, str in reality",
        ".c[].e: the sandbox has no such field",
    ]
    assert not report.well
    assert ".c[].e: the sandbox has no such field" in report.markdown()


def test_the_launcher_starts_it():
    code = (
        f"import sys; sys.path.insert(0, {str(HERE.parents[1] / 'scripts')!r}); import _bootstrap;"
        "_bootstrap.prepare = lambda groups: sys.executable; import test;"  # the environment is here already
        "sys.exit(test.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "--real-globus"]
    done = subprocess.run([*command, "--help"], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: test.py --real-globus" in done.stdout
    done = subprocess.run([*command, "nowhere"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert "'nowhere' is not UUID:/PATH" in done.stderr
