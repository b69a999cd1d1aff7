"""The documents tell the truth: settings are accepted, commands are run in a demo folder, tables are up to date."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mapshell.sandbox import constants
from mapshell.sandbox.service import status
from tests.integration import ready

from . import examples

CONSOLE = [document for document in examples.DOCUMENTS if examples.blocks(document, "console")]
PYTHON = [document for document in examples.DOCUMENTS if examples.blocks(document, "python")]
FILES = [document for document in examples.DOCUMENTS if examples.files(document)]
JSON = [block for document in examples.DOCUMENTS for block in examples.blocks(document, "json")]


def mapshell(*args: str, cwd: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one command as a person would, except that nobody answers and both streams are read as one."""
    return ready.run("from mapshell.cli import main; main()", args, cwd=cwd, env=environ, timeout=300, together=True)


def run_globus(*args: str, cwd: Path, environ: dict[str, str], sandbox: Path) -> subprocess.CompletedProcess[str]:
    """Run one command of the client `globus`, in a shell with a sandbox's variables and its known client."""
    info = status(sandbox)
    assert info is not None, f"no sandbox runs in {sandbox}"
    return subprocess.run(
        [sys.executable, "-P", "-X", "utf8", "-m", "globus_cli", *args],
        cwd=cwd,
        env={
            **environ,
            **info.environment,
            **dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA"), environ["MAPSHELL_HOME"]),
            "GLOBUS_CLI_CLIENT_ID": constants.CONFIDENTIAL_CLIENT_ID,
            "GLOBUS_CLI_CLIENT_SECRET": constants.CONFIDENTIAL_CLIENT_SECRET,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
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
    sandbox = demo  # the one that the document started last
    for block in examples.blocks(document, "console"):
        for step in examples.steps(block):
            assert step.words[0] in {"mapshell", "globus"}, f"{step.place}: only these are run here; fence it as sh"
            if step.words[0] == "globus":
                done = run_globus(*step.words[1:], cwd=demo, environ=environ, sandbox=sandbox)
            else:
                done = mapshell(*step.words[1:], cwd=demo, environ=environ)
            if step.words[1:3] == ("sandbox", "start"):
                sandbox = demo / step.words[step.words.index("--root") + 1]
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


@pytest.mark.slow
@pytest.mark.parametrize("document", FILES)
def test_files_that_the_document_shows_are_sound_tests(document, environ, tmp_path):
    for name, text in examples.files(document).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "--rootdir", ".", "."],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout


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


@pytest.mark.parametrize("document", examples.DOCUMENTS)
def test_links_to_headings_lead_somewhere(document):
    text = (examples.ROOT / document).read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#]*)#([^)]+)\)", text):
        place = str(((examples.ROOT / document).parent / target).resolve()) if target else document
        assert anchor in examples.anchors(place), f"{document}: {target}#{anchor}"
