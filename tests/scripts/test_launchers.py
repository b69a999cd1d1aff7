"""The launchers start on a bare Python and set up one environment, wherever there is room for it."""

import ast
import importlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def helpers(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python without site-packages, as a launcher finds it on a new computer."""
    return subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n" + textwrap.dedent(code),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
        check=False,
    )


@pytest.mark.parametrize(
    "name", ["demo.py", "test.py", "mapshell.py", "campaign.py", "fuzz.py", "load.py", "bench.py", "_bootstrap.py"]
)
def test_an_old_python_can_read_far_enough_to_be_told_so(name):
    ast.parse((SCRIPTS / name).read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("name", ["demo.py", "test.py", "mapshell.py", "campaign.py", "fuzz.py", "load.py", "bench.py"])
def test_an_old_python_is_refused_in_words(name):
    done = run(f"sys.version_info = (3, 10, 9, 'final', 0); import runpy; runpy.run_path({str(SCRIPTS / name)!r})")
    assert done.returncode == 1
    assert done.stderr.startswith("mapshell needs Python 3.11 or newer; this is Python 3.10.")
    assert "Traceback" not in done.stderr


def test_nothing_but_the_standard_library_is_needed_to_start():
    done = run("import _bootstrap, _folders, _packages, demo, load, test; print('read')")
    assert (done.stdout, done.stderr) == ("read\n", "")


def test_help_of_the_test_launcher_sets_nothing_up(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "test.py"), "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "MAPSHELL_VENV": str(tmp_path / "none")},
        check=True,
    )
    assert "-k naming" in done.stdout
    assert not (tmp_path / "none").exists()


def test_the_clone_comes_first_then_the_cache_then_a_private_temporary_folder(helpers, monkeypatch, tmp_path):
    monkeypatch.delenv("MAPSHELL_VENV", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    clone, cache, temporary = helpers("_folders").environments(tmp_path / "clone")
    assert clone == tmp_path / "clone" / ".venv"
    assert cache.is_relative_to(tmp_path / "cache" / "mapshell")
    assert temporary.name == cache.name
    monkeypatch.setenv("MAPSHELL_VENV", str(tmp_path / "mine"))
    assert helpers("_folders").environments(tmp_path / "clone") == [tmp_path / "mine"]


def test_two_clones_never_share_a_cached_environment(helpers, monkeypatch, tmp_path):
    monkeypatch.delenv("MAPSHELL_VENV", raising=False)
    one, other = (helpers("_folders").environments(tmp_path / name / "mapshell")[-1] for name in ("a", "b"))
    assert one != other


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write into any folder")
def test_a_folder_that_may_not_be_written_is_not_used(helpers, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert not helpers("_folders").usable(closed / ".venv")


def test_emptying_keeps_the_lock_and_follows_no_link(helpers, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    folder = tmp_path / "environment"
    (folder / "lib" / "deep").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("")
    (folder / "lock").write_text("")
    if sys.platform != "win32":
        (folder / "link").symlink_to(outside)
    helpers("_folders").empty(folder, keep="lock")
    assert [entry.name for entry in folder.iterdir()] == ["lock"]
    assert (outside / "kept.txt").read_text() == "kept"


PREPARED = """
    import json, pathlib, _bootstrap
    folder = pathlib.Path({folder!r})
    python = _bootstrap._python(folder)
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    _bootstrap._write_stamp(folder, {key}, ["lint", "test"], done={done})
    print(_bootstrap._ready(folder, _bootstrap._key(), {groups}))
"""


@pytest.mark.parametrize(
    ("key", "done", "groups", "ready"),
    [
        ("_bootstrap._key()", True, [], True),
        ("_bootstrap._key()", True, ["test"], True),
        ("_bootstrap._key()", True, ["docs"], False),
        ("_bootstrap._key()", False, [], False),
        ("'of another pyproject.toml'", True, [], False),
    ],
    ids=["runtime", "group-there", "group-missing", "interrupted", "outdated"],
)
def test_an_environment_is_ready_only_when_its_stamp_says_all_of_it(tmp_path, key, done, groups, ready):
    shown = run(PREPARED.format(folder=str(tmp_path / "environment"), key=key, done=done, groups=groups))
    assert shown.stdout.strip() == str(ready), shown.stderr


def test_a_torn_stamp_counts_as_none(helpers, tmp_path):
    (tmp_path / "mapshell-stamp.json").write_text('{"key": "12')
    assert helpers("_bootstrap")._read_stamp(tmp_path) == {}
    (tmp_path / "mapshell-stamp.json").write_text(json.dumps(["no", "object"]))
    assert helpers("_bootstrap")._read_stamp(tmp_path) == {}
