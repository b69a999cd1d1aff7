"""The program that gets the report: what it is given, and what is said when it is missing, fails or hangs."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress

import psutil
import pytest

from .mornings import HOUR, command, told

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes of files: POSIX")
KEEP = "import os, sys; open('given.json', 'w').write(sys.stdin.read())"


def configure(bench, *words, **more):
    """Let the settings name a program, here one of Python."""
    file = bench.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    document["notify.command"] = list(words)
    file.write_text(json.dumps({**document, **more}))


def python(bench, code, *words, **more):
    configure(bench, sys.executable, "-c", code, *words, **more)


def given(bench):
    file = bench.rig.folder / "given.json"
    return json.loads(file.read_text()) if file.exists() else None


def failed(bench, *says):
    """The report was shown, and the error says what happened; return what it says."""
    stdout, stderr = bench.run("publication-report", check=1)
    assert stdout.startswith("Nothing needs a person")
    assert "Remedy: " in stderr
    for each in says:
        assert each in stderr
    return stderr


def test_it_gets_the_very_report(bench):
    python(bench, KEEP)
    document, stderr = command(bench, check=0)
    assert given(bench) == document
    assert "The report was given to " in stderr
    told("rig-2", 40 * HOUR)
    document, _ = command(bench, check=3)
    assert given(bench) == document
    assert given(bench)["needs_person"][0]["who"] == "rig-2"


def test_not_when_nobody_shall_be_told(bench):
    python(bench, KEEP)
    _, stderr = command(bench, "--no-notify", check=0)
    assert given(bench) is None
    assert stderr == ""


def test_quiet_means_no_word_of_it(bench):
    python(bench, KEEP)
    assert bench.run("publication-report", "--quiet", check=0)[1] == ""
    assert given(bench) is not None


def test_no_shell_reads_it(bench):
    python(bench, "import sys; open('words', 'w').write(repr(sys.argv[1:]))", "$HOME `id` ; *", "a b")
    command(bench, check=0)
    assert (bench.rig.folder / "words").read_text() == repr(["$HOME `id` ; *", "a b"])


def test_one_that_reads_nothing_has_not_failed(bench):
    python(bench, "")
    command(bench, check=0)


def test_a_program_that_is_not_there(bench):
    configure(bench, "no-such-program")
    failed(bench, "'no-such-program'", "notify.command", "dj_local_conf.json")


@POSIX
def test_a_program_that_cannot_be_started(bench):
    program = bench.rig.folder / "tell"
    configure(bench, "./tell")
    program.write_text("no interpreter")
    failed(bench, "there is no program")  # it is not executable
    program.chmod(0o755)
    failed(bench, "cannot be started", "interpreter")


def test_a_program_that_fails_is_told_with_its_last_words(bench):
    python(bench, "import sys; print('first\\n' * 50, 'token=abcdef123456', file=sys.stderr); sys.exit(7)")
    stderr = failed(bench, "exit code 7", "first / token=********")
    assert "abcdef" not in stderr
    assert stderr.count("first") < 10


@POSIX
def test_a_program_that_was_ended_by_a_signal(bench):
    python(bench, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    failed(bench, "was ended by signal 9, and said nothing")


def test_a_program_that_hangs_is_ended_with_all_that_it_started(bench):
    child = "import sys, time; print('here', flush=True); time.sleep(600)"
    code = (
        "import subprocess, sys; "
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE); "
        "child.stdout.readline(); "
        "open('child', 'w').write(str(child.pid)); "
        "print('waiting', file=sys.stderr, flush=True); child.wait()"
    )
    python(bench, code, **{"notify.timeout": 3})
    failed(bench, "did not end within 3 s", "waiting", "notify.timeout")
    child = int((bench.rig.folder / "child").read_text())
    with suppress(psutil.NoSuchProcess):
        assert psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_one_that_floods_its_error_output_is_cut(bench):
    python(bench, "import sys; sys.stderr.write('x' * 10_000_000); sys.exit(1)")
    assert len(failed(bench, "exit code 1")) < 4_000


def test_the_report_that_needs_a_person_and_cannot_be_passed_on(bench):
    told("rig-2", 40 * HOUR)
    configure(bench, "no-such-program")
    stdout, stderr = bench.run("publication-report", "--format", "json", check=1)
    assert json.loads(stdout)["needs_person"]
    assert "no-such-program" in stderr


@POSIX
def test_a_settings_file_that_everybody_can_change_names_no_program(bench):
    python(bench, KEEP)
    (bench.rig.folder / "dj_local_conf.json").chmod(0o646)
    _, stderr = bench.run("publication-report", check=5)
    assert "chmod o-w" in stderr
    assert given(bench) is None


def test_a_database_that_is_away_is_what_the_report_is_about(bench):
    python(bench, KEEP, **{"database.port": 9})
    done = bench.rig.run("publication-report", "--format", "json", check=1)
    document = json.loads(done.stdout)
    assert [each["kind"] for each in document["needs_person"]] == ["database"]
    assert document["backlog"] is None
    assert "Remedy: " in done.stderr
    assert given(bench) == document
    assert bench.rig.run("publication-report", "--since", "2999-01-01", check=2).stdout == ""


def test_the_doctor_looks_whether_it_can_be_found(bench):
    args = ("doctor", "--only", "configuration", "--format", "json")

    def level(code):
        stdout, _ = bench.run(*args, check=code)
        (found,) = [each for each in json.loads(stdout)["findings"] if each["check"] == "notify"]
        return found["level"], found["message"]

    assert level(0)[0] == "ok"
    python(bench, KEEP)
    assert level(0) == ("ok", f"{sys.executable} gets the morning report (notify.command)")
    configure(bench, "no-such-program")
    assert level(5)[0] == "failure"
    if os.name != "nt":
        python(bench, KEEP)
        (bench.rig.folder / "dj_local_conf.json").chmod(0o646)
        assert level(5)[0] == "failure"


@pytest.mark.usefixtures("bench")
def test_the_settings_are_shown(bench):
    python(bench, KEEP)
    stdout, _ = bench.run("config", "show", "--format", "json", check=0)
    assert json.loads(stdout)["settings"]["notify.command"]["value"] == [sys.executable, "-c", KEEP]
