"""The story of docs/shell.md, in a real terminal: from nothing known to files fetched, completion helping."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mapshell.sandbox.consent import code_from_page

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo terminals of this kind", allow_module_level=True)

from scripts._shell_story import STORY, play
from scripts._terminal import Terminal

PROGRAM = str(Path(sys.executable).with_name("mapshell"))


@pytest.fixture
def lab(tmp_path):
    """A lab of the demo in which nobody is logged in and nothing is archived; with the environment of its person."""
    environ = {**os.environ, "MAPSHELL_HOME": str(tmp_path / "home")}
    demo = [PROGRAM, "demo", "--dir", str(tmp_path / "lab")]
    subprocess.run([*demo, "--prepare"], env=environ, check=True)
    yield tmp_path / "lab", environ
    subprocess.run([*demo, "--stop"], env=environ, check=True)


def test_a_person_who_knows_only_the_shell(lab):
    folder, environ = lab
    seen = []
    with Terminal([PROGRAM, "shell"], folder, environ) as terminal:
        for act, _ in play(terminal, code_from_page):
            if act.title not in seen:
                seen.append(act.title)
        assert terminal.end() == 0

    assert seen == [act.title for act in STORY]
    archived = sorted(path.name for path in (folder / "archive" / "raw-ephys" / "SC038").iterdir())
    assert archived == ["SC038_111919_g0", "SC038_20191119_s2_ephys.manifest-0001.json"]
    fetched = [path for path in (folder / "data").rglob("*") if path.is_file() and ".mapshell" not in path.parts]
    assert sorted(path.name for path in fetched) == [
        "SC038_111919_g0_t0.imec0.ap.bin",
        "SC038_111919_g0_t0.imec0.ap.meta",
    ]
    history = Path(environ["MAPSHELL_HOME"]) / "data" / "shell_history"
    assert "publish --subject SC038 --session 2 --type ephys" in history.read_text(encoding="utf-8")
    assert history.stat().st_mode & 0o077 == 0


def test_what_goes_wrong_ends_nothing(lab):
    folder, environ = lab
    with Terminal([PROGRAM, "shell"], folder, environ) as terminal:
        terminal.wait_for(r"Globus: not logged in")
        for line, said in (
            ("nonsense", r"NameError: name 'nonsense' is not defined"),
            ("status --subject SC039", r"Remedy: did you mean SC038"),
            ("publication.ArchivedRawEphys().retrieve()", r"Error: Without any restriction"),
            ("'open", r"Syntax Error"),
        ):
            terminal.type(line)
            terminal.type("ENTER")
            terminal.wait_for(said)
        terminal.type("CTRL-C")
        terminal.type("ls raw-ephys:/")
        terminal.type("ENTER")
        terminal.wait_for(r"Paste the code that it shows")  # nobody is logged in: the shell asks, as any prompt
        terminal.type("CTRL-C")
        terminal.wait_for(r"interrupted(.|\n)*mapshell>\n")
        terminal.type("publication.GlobusStorageManager()")
        terminal.type("ENTER")
        terminal.wait_for(r"GlobusStorageManager\(\)\n(.|\n)*Paste the code that it shows")
        terminal.type("CTRL-C")
        terminal.wait_for(r"GlobusStorageManager\(\)\n(.|\n)*interrupted(.|\n)*mapshell>\n")
        for line in ("for number in (6, 7):", "print(number * 7)", "", ""):
            terminal.type(line)
            terminal.type("ENTER")
        terminal.wait_for(r"\n42\n49\n")
        terminal.type("import threading; threading.Event().wait()")
        terminal.type("ENTER")
        terminal.wait_for(r"wait\(\)$")
        terminal.type("CTRL-C")
        terminal.wait_for(r"interrupted(.|\n)*mapshell>\n")
        terminal.type("exit 7")
        terminal.type("ENTER")
        assert terminal.end() == 7
