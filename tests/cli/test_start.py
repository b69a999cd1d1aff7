"""How the command line begins: instantly, with sections, and with a hint for every slip."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

from mapshell.cli import ALIASES, COMMANDS, SHORT, common_options
from mapshell.context import Context, pass_context
from mapshell.errors import EXIT_CODES, Partial
from pipeline.errors import ConfigError, IntegrityError, LoginNeeded, UsageError

HEAVY = ("datajoint", "requests", "numpy", "globus_sdk", "rich", "neo", "pydantic", "starlette", "psycopg2", "pymysql")


def test_help_imports_nothing_heavy(workplace):
    program = (
        "import sys\n"
        "from mapshell.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "publication-publish" in done.stdout


def test_help_shows_every_command_by_section(mapshell):
    result = mapshell("--help")
    assert result.code == 0
    for name, entry in COMMANDS.items():
        assert name in result.stdout
        assert entry.help in result.stdout
    order = [result.stdout.index(f"\n{section}:") for section in ("Everyday", "Set up", "Local services")]
    assert order == sorted(order)
    assert "Examples:" in result.stdout


def test_every_alias_leads_to_a_command():
    assert {meant[0] for meant in ALIASES.values()} <= set(COMMANDS)
    assert not set(ALIASES) & set(COMMANDS)


def test_without_arguments_the_help_appears_and_the_exit_code_says_so(mapshell):
    result = mapshell()
    assert result.code == 2
    assert "Everyday:" in result.stderr
    assert result.stdout == ""


def test_version(mapshell):
    result = mapshell("--version")
    assert result.code == 0
    assert result.stdout.startswith("mapshell ")


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["publication-publsh"], "mapshell publication-publish"),
        (["publsh"], "mapshell publication-publish"),
        (["statu"], "mapshell publication-status"),
        (["conf"], "mapshell config"),
        (["config", "shwo"], "mapshell config show"),
        (["--fromat", "json"], "--format"),
        (["config", "init", "--local-pth", "x"], "--local-path"),
    ],
)
def test_slips_are_answered_with_what_was_meant(mapshell, args, meant):
    result = mapshell(*args)
    assert result.code == 2
    assert f"did you mean {meant}?" in result.stderr


def test_a_wrong_value_names_the_help(mapshell):
    result = mapshell("config", "show", "--format", "xml")
    assert result.code == 2
    assert "Remedy: see mapshell config show --help" in result.stderr


def test_common_options_stand_before_or_behind_the_name(mapshell):
    before, behind = mapshell("--format", "json", "config", "show"), mapshell("config", "show", "--format=json")
    assert before == behind
    assert before.json["file"] is None


def test_usage_errors_are_told_in_json_too(mapshell):
    result = mapshell("config", "nonsense", "--format", "json")
    assert result.json["error"]["exit_code"] == result.code == 2
    assert "nonsense" in result.json["error"]["message"]


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (UsageError("no such subject.", remedy="look at the list."), 2),
        (IntegrityError("bytes differ.", remedy="verify."), 1),
        (LoginNeeded("no login.", remedy="mapshell login"), 4),
        (ConfigError("broken.", remedy="mend it."), 5),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (Partial("2 of 3 archived."), 3),
    ],
)
@pytest.mark.parametrize("form", ["table", "json"])
def test_every_error_has_its_exit_code_and_remedy(mapshell, raised, code, form):
    @common_options
    @click.command()
    @pass_context
    def command(context):
        raise raised

    result = mapshell("--format", form, command=command)
    assert result.code == code
    assert code in EXIT_CODES
    assert "Traceback" not in result.stderr
    if hasattr(raised, "remedy"):
        assert f"Error: {raised.message}\nRemedy: {raised.remedy}\n" in result.stderr
        assert (result.stdout == "") == (form == "table")
        if form == "json":
            assert result.json["error"] == {
                "type": type(raised).__name__,
                "message": raised.message,
                "remedy": raised.remedy,
                "exit_code": code,
            }


def test_no_as_an_answer_is_not_told_as_an_interruption(mapshell):
    @common_options
    @click.command()
    @click.option("--no", is_flag=True)
    def command(*, no):
        if no:
            raise click.Abort
        try:
            raise KeyboardInterrupt  # noqa: TRY301
        except KeyboardInterrupt:
            raise click.Abort from None  # as click does it

    assert "the answer was no, so nothing was done." in mapshell("--no", command=command).stderr
    assert "interrupted; what was done stays done" in mapshell(command=command).stderr


def test_an_error_after_the_data_leaves_one_json_document(mapshell):
    @common_options
    @click.command()
    @pass_context
    def command(context):
        context.output.data({"archived": 2})
        raise IntegrityError("bytes differ.", remedy="verify.")

    result = mapshell("--format", "json", command=command)
    assert result.json == {"archived": 2}
    assert "bytes differ" in result.stderr


def test_a_defect_is_logged_without_secrets_and_shown_without_traceback(mapshell, workplace):
    @common_options
    @click.command()
    def command():
        message = "refresh_token=hush1 and password: 'hush2' at postgresql://me:hush3@db"
        raise RuntimeError(message)

    result = mapshell(command=command)
    file = workplace.parent / "home" / "log" / "mapshell.log"
    text = file.read_text(encoding="utf-8")
    assert result.code == 1
    assert str(file) in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in text
    assert "RuntimeError" in text
    assert "hush" not in text + result.stderr
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o077 == 0

    shown = mapshell("--debug", command=command)
    assert "Traceback" in shown.stderr
    assert "hush" not in shown.stderr


def test_a_log_file_that_cannot_be_written_is_no_obstacle(mapshell, workplace):
    (workplace.parent / "home" / "log").write_text("in the way", encoding="utf-8")
    assert mapshell("config", "show").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT between processes as Unix has")
def test_ctrl_c_ends_with_130(workplace):
    import signal

    program = (
        "import click, sys\nfrom mapshell import errors\nfrom mapshell.context import Context\n"
        "@click.command()\ndef wait():\n    print('ready', flush=True)\n    sys.stdin.read()\n"
        "sys.exit(errors.run(wait, [], Context()))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert "Traceback" not in process.stderr.read()


def test_a_closed_pipe_is_quiet(workplace):
    process = subprocess.Popen(
        [sys.executable, "-m", "mapshell", "config", "reference", "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    process.wait(timeout=30)


def test_a_foreign_package_named_pipeline_is_named(mapshell_process, workplace):
    foreign = workplace / "pipeline"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("raise SystemExit('the foreign package was run')\n", encoding="utf-8")
    result = mapshell_process("--help")
    assert result.code == 5
    assert str(foreign) in result.stderr
    assert "Remedy:" in result.stderr
    assert "was run" not in result.stderr


def test_nobody_is_asked_without_a_terminal(workplace, monkeypatch):
    assert not Context().interactive
    monkeypatch.setattr(sys, "stdin", None)
    assert not Context().interactive


def test_json_reaches_a_program_through_a_pipe(mapshell_process):
    assert json.loads(mapshell_process("config", "show", "--format", "json").stdout)["settings"]


@pytest.mark.parametrize("short", sorted(SHORT))
def test_every_publication_command_has_a_short_name(mapshell, short):
    long, short_ = mapshell(SHORT[short], "--help"), mapshell(short, "--help")

    assert (short_.code, long.code) == (0, 0)
    assert short_.stdout.replace(f"mapshell {short} ", f"mapshell {SHORT[short]} ") == long.stdout
