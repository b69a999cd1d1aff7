"""`scripts/campaign.py` for people: wrong options are refused in words, and Ctrl-C leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaign import options
from tests.campaign.report import Tally, report

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the campaign forks and kills as POSIX does")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--minutes", "0"], "must be more than 0"),
        (["--minutes", "nan"], "must be more than 0"),
        (["--kills", "-1"], "must be at least 1"),
        (["--jobs", "0"], "must be at least 1"),
        (["--minutes", "1", "--kills", "1"], "not allowed with"),
        (["--mutations", "no-look", "no-such"], "there is no mutation 'no-such'; there are:\nno-look, "),
        (["--play", "none.json"], "--play none.json: No such file"),
        (["--play", "text.json"], "--play text.json: no JSON"),
        (["--play", "object.json"], "--play object.json: no schedule"),
        (["--play", "unknown.json"], 'move 2 is none that this version knows: {"do": "fly"}'),
        (["--play", "private.json"], "move 1 is none that this version knows"),
        (["--json", "nowhere/report.json"], "there is no such folder"),
    ],
    ids=lambda value: "-".join(value).strip("-") if isinstance(value, list) else "",
)
def test_what_cannot_be_followed_is_refused_before_anything_begins(args, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "text": "x",
        "object": "{}",
        "unknown": '[{"do": "record"}, {"do": "fly"}]',
        "private": '[{"do": "__init__"}]',
    }.items():
        Path(f"{name}.json").write_text(content)
    with pytest.raises(SystemExit) as ended:
        options.read(["--database", "postgresql", *args])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_without_an_aim_it_takes_two_minutes_in_all():
    read = options.read(["--database", "postgresql"])
    assert (read.kinds, read.minutes) == (("postgresql",), 2.0)


def test_a_report_fits_in_80_columns_and_says_when_nothing_was_played():
    tally = Tally("mariadb", interrupted=True)
    assert report([tally]) == "mariadb: 0.0 minutes, then interrupted\n  nothing was played to its end"
    counts = {"kills": 3, "kill seconds": 2, "kill step commit": 1, "command publish": 20, "commands": 20}
    faults = {f"a fault of kind {n}": n for n in range(1, 12)}
    tally.add({"counts": counts, "faults": faults, "held": {"rss": 1e8, "files": 7}, "violations": []})
    text = report([tally])
    assert max(map(len, text.splitlines())) < 80
    assert "  kills        3 (at 1 named steps 1, at instants 2)\n" in text
    assert "  violations   0" in text


def test_ctrl_c_ends_everything_and_tells_what_was_done(tmp_path):
    code = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started with
from tests.campaign.run import main
sys.exit(main(sys.argv[1:]))
"""
    begun = subprocess.Popen(
        [
            *(sys.executable, "-c", code),
            *("--schedules", "2", "--length", "1", "--jobs", "1", "--database", "postgresql"),
            *("--json", str(tmp_path / "report.json")),
        ],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert "first seed 1" in begun.stdout.readline()
    assert "seed 1 " in begun.stdout.readline()  # the second is under way
    os.killpg(begun.pid, signal.SIGINT)
    out, err = begun.communicate(timeout=100)
    assert begun.returncode == 130
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert "then interrupted" in out
    (tally,) = json.loads((tmp_path / "report.json").read_text())
    assert tally["counts"]["schedules"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]
