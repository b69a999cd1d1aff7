"""The documents tell the truth: settings are accepted, commands are run in a demo folder, tables are up to date."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from . import examples

CONSOLE = [document for document in examples.DOCUMENTS if examples.blocks(document, "console")]
PYTHON = [document for document in examples.DOCUMENTS if examples.blocks(document, "python")]
JSON = [block for document in examples.DOCUMENTS for block in examples.blocks(document, "json")]


def mapshell(*args: str, cwd: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one command as a person would, except that nobody answers and both streams are read as one."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "mapshell", *args],
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def environ(tmp_path_factory):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAPSHELL_", "DJ_", "GLOBUS_"))}
    return {
        **kept,
        "MAPSHELL_HOME": str(tmp_path_factory.mktemp("home")),
        "COLUMNS": "200",
        "PYTHONIOENCODING": "utf-8",
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory, environ):
    """Return the folder of a demo that has run; its services are ended afterwards."""
    folder = tmp_path_factory.mktemp("demo") / "day"
    made = mapshell("demo", "--dir", str(folder), cwd=folder.parent, environ=environ)
    assert made.returncode == 0, made.stdout
    yield folder
    ended = mapshell("demo", "--dir", str(folder), "--stop", cwd=folder.parent, environ=environ)
    assert ended.returncode == 0, ended.stdout
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("document", CONSOLE)
def test_commands_do_what_the_document_shows(document, demo, environ):
    for block in examples.blocks(document, "console"):
        for step in examples.steps(block):
            assert step.words[0] == "mapshell", f"{step.place}: only mapshell is run here; fence it as sh"
            done = mapshell(*step.words[1:], cwd=demo, environ=environ)
            said = f"{step.place}: {' '.join(step.words)}\nexit {done.returncode}, printed:\n{done.stdout}"
            assert done.returncode == step.code, said
            assert examples.printed(step.output, done.stdout), f"{said}\nbut the document shows:\n{step.output}"


@pytest.mark.slow
@pytest.mark.parametrize("document", PYTHON)
def test_python_does_what_the_document_shows(document, demo, environ):
    """All python blocks of a document are one notebook, from top to bottom."""
    started = mapshell("services", "start", cwd=demo, environ=environ)
    assert started.returncode == 0, started.stdout
    cells = "\n".join(block.text for block in examples.blocks(document, "python"))
    done = subprocess.run(
        [sys.executable, "-P", "-c", cells], cwd=demo, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("block", JSON, ids=str)
def test_every_configuration_shown_is_accepted(block):
    from pipeline import settings

    parsed = settings.parse(block.text, file=Path("dj_local_conf.json").absolute(), environ={})
    assert parsed.foreign == ()
    assert parsed.warnings == ()


def test_the_tables_are_those_of_the_code():
    done = subprocess.run(
        [sys.executable, str(examples.ROOT / "scripts" / "reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nWrite them anew: .venv/bin/python scripts/reference.py"


@pytest.mark.parametrize("document", examples.DOCUMENTS)
def test_every_command_and_option_that_is_mentioned_exists(document):
    from mapshell.cli import cli

    for line in examples.code(document):
        for mention in re.finditer(r"\bmapshell(?:\.py)? ([a-z][a-z-]+)((?: +[^\s|&]+)*)", line):
            command, words = cli.get_command(None, mention[1]), mention[2].split()
            assert command is not None, f"{document}: there is no command mapshell {mention[1]}"
            while hasattr(command, "commands") and words and words[0] in command.commands:
                command = command.commands[words.pop(0)]
            known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
            mentioned = {word.split("=")[0] for word in words if word.startswith("--")}
            assert mentioned <= known | {"--help"}, f"{document}: {mention[0]}"


@pytest.mark.parametrize("document", examples.DOCUMENTS)
def test_links_to_files_lead_somewhere(document):
    text = (examples.ROOT / document).read_text(encoding="utf-8")
    here = (examples.ROOT / document).parent
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", text):
        assert (here / target).exists(), f"{document}: {target}"
