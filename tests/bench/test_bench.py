"""The benchmark works: in small, each row that is cheap prints what it compared.  No time is judged here."""

from __future__ import annotations

import json
import xml.dom.minidom

import pytest

from . import plot, report
from .__main__ import main, read
from .instrument import Aim, Contender, Measured, Options, Row, Table, contest, judge
from .rows import NAMES, ROWS


def shown(number, server, folder):
    row = ROWS[number]
    options = Options(quick=True, repeat=1, folder=folder, server=server.settings, database=server.kind)
    tables = row.measure(options)
    text = report.block(row, tables, options)
    assert max(map(len, text.splitlines())) <= report.WIDTH
    assert all(each.values for table in tables for each in table.measured)
    json.dumps(report.document(row, tables), allow_nan=False)
    return text


@pytest.mark.slow
def test_publishing_is_compared(postgresql_server, tmp_path):
    text = shown(1, postgresql_server, tmp_path)
    assert "mapshell / globus-cli + sha1sum = " in text
    assert "mapshell / one task per file = " in text


@pytest.mark.slow
def test_the_index_is_compared(lab_server, tmp_path):
    text = shown(7, lab_server, tmp_path)
    assert " x; aim: at most " in text


def test_the_sandbox_is_compared(postgresql_server, tmp_path):
    assert "sandbox / cp, sha1sum of both = " in shown(11, postgresql_server, tmp_path)


@pytest.mark.slow
def test_starting_is_compared(postgresql_server, tmp_path):
    assert "mapshell / globus = " in shown(10, postgresql_server, tmp_path)


@pytest.mark.slow
def test_the_board_is_compared(postgresql_server, tmp_path):
    text = shown(9, postgresql_server, tmp_path)
    assert "30 sessions / 4 sessions = 1.00 x; aim: at most 1.00 x: met" in text


@pytest.mark.slow
def test_why_is_compared(postgresql_server, tmp_path):
    text = shown(13, postgresql_server, tmp_path)
    assert text.count("30 sessions / 10 sessions = 1.00 x; aim: at most 1.00 x: met") == 2


def test_what_is_new_is_found_at_any_size(tmp_path):
    options = Options(quick=True, repeat=1, folder=tmp_path)
    assert [ROWS[4].grow(options, scale).work for scale in (1, 40)] == [20, 800]


def test_contenders_take_turns():
    order = []

    def run(name, value):
        order.append(name)
        return value

    contenders = [
        Contender("ours", lambda: run("ours", 2.0)),
        Contender("other", lambda: run("other", 1.0)),
        Contender("slow", lambda: run("slow", 9.0), times=1),
    ]
    table = contest("all", contenders, Options(repeat=2), [Aim("ours", "other", 1.5)])
    assert order == ["ours", "other", "slow", "ours", "other"]
    assert report.said(table, table.aims[0]) == "ours / other = 2.00 x; aim: at most 1.50 x: MISSED"


@pytest.mark.parametrize(
    ("aim", "value", "met"),
    [
        (Aim("ours", "other", 0.5), 0.5, True),
        (Aim("ours", "other", 0.4), 0.5, False),
        (Aim("ours", None, 2.0, "s"), 2.0, True),
        (Aim("ours", None, 1.9, "s"), 2.0, False),
        (Aim("other", "ours", 2.0, "s"), 2.0, True),
        (Aim("ours", "nothing", 1.0), float("inf"), False),
        (Aim("nothing", "nothing", 1.0), 1.0, True),
    ],
)
def test_aims_are_held_against_medians(aim, value, met):
    measured = (Measured("ours", (1.0, 2.0, 30.0)), Measured("other", (4.0, 4.0)), Measured("nothing", (0.0,)))
    table = Table("three", measured, (aim,))
    judged = judge(table, aim)
    assert (judged.value, judged.met) == (value, met)
    assert ("met" if met else "MISSED") in report.said(table, aim)


def test_a_row_that_fails_is_told_and_the_others_are_measured(monkeypatch, capsys, tmp_path):
    def fails(_):
        raise SystemExit("globus-cli has not sent all files")

    table = Table("one", (Measured("ours", (1.5,)),))
    monkeypatch.setitem(ROWS, 1, Row(1, "publish", "first", fails))
    monkeypatch.setitem(ROWS, 2, Row(2, "calls", "second", lambda _: [table]))
    assert main(["1", "2", "--quick", "--json", str(tmp_path / "all.json")]) == 1
    shown = capsys.readouterr()
    assert "Row 1 was not measured: globus-cli has not sent all files" in shown.err
    assert "Row 2: second" in shown.out
    assert [row["row"] for row in json.loads((tmp_path / "all.json").read_text())["rows"]] == [2]


def test_a_plot_is_well_formed():
    lines = [plot.Series("1 a & b <files>", ((10.0, 3.0), (100.0, 0.3))), plot.Series("one point", ((1.0, 1.0),))]
    drawn = plot.svg("a < b", "under it", "work", "ms", lines)
    assert len(xml.dom.minidom.parseString(drawn).getElementsByTagName("circle")) == 3


def test_rows_have_a_number_and_a_name():
    assert sorted(ROWS) == list(range(1, 14))
    assert [row.number for row in NAMES.values()] == list(range(1, 14))
    _, options, rows = read(["--quick", "publish", "4"])
    assert [row.number for row in rows] == [1, 4]
    assert (options.quick, options.repeat) == (True, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["nix"], "there is no row 'nix'; there are: 1 publish"),
        (["14"], "there is no row '14'"),
        (["--repeat", "0"], "give a number from 1"),
        (["1", "--plot", "a.svg"], "name 12, too"),
        (["12", "--plot", "a.png"], "ends in .svg"),
        (["--json", "no-such-folder/a.json"], "make it first"),
        (["--dir", "no-such-folder"], "make it first"),
    ],
)
def test_what_cannot_be_is_named(line, said, capsys):
    with pytest.raises(SystemExit) as end:
        main(line)
    assert end.value.code == 2
    assert said in capsys.readouterr().err
