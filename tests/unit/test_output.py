"""Output and progress: the same facts as table and JSON; nothing from outside steers a terminal."""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapshell.output import Column, Output, plain_table, to_json, width
from mapshell.progress import BarProgress, LineProgress, SilentProgress, describe, duration
from pipeline.settings import Secret
from pipeline.sizes import human_bytes

COLUMNS = (Column("Session", "name"), Column("Size", "size", align="right", kind="bytes"), Column("Ok", "ok"))
ROWS = [{"name": "SC038_111919", "size": 76_000_000_000, "ok": True}, {"name": "é\u0301漢", "size": 0, "ok": None}]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


def output(form="table", *, terminal=False, quiet=False, **environ):
    make = Terminal if terminal else io.StringIO
    return Output(form, quiet=quiet, stdout=make(), stderr=make(), environ={"TERM": "xterm", **environ})


def test_a_plain_table_is_aligned_by_what_is_seen():
    assert plain_table(ROWS, COLUMNS).splitlines() == [
        "Session          Size  Ok",
        "SC038_111919  76.0 GB  yes",
        "é\u0301漢               0 B",
    ]


def test_table_and_json_show_the_same_rows():
    out = output("json")
    out.table(ROWS, COLUMNS)
    assert json.loads(out.stdout.getvalue()) == ROWS


def test_an_empty_table_says_so_on_stderr_and_is_an_empty_list_in_json():
    out = output()
    out.table([], COLUMNS, empty="nothing here")
    assert (out.stdout.getvalue(), out.stderr.getvalue()) == ("", "nothing here\n")
    out = output("json")
    out.table([], COLUMNS, empty="nothing here")
    assert (out.stdout.getvalue(), out.stderr.getvalue()) == ("[]\n", "")


def test_a_terminal_gets_colours_unless_no_color():
    coloured = (Column("Session", "name", style=lambda row: "red"),)
    for environ, expected in (({}, True), ({"NO_COLOR": "1"}, False)):
        out = output(terminal=True, **environ)
        out.table([{"name": "SC038"}], coloured)
        out.warn("careful")
        assert ("\x1b[31m" in out.stdout.getvalue()) == expected
        assert ("\x1b[" in out.stderr.getvalue()) == expected
        assert "SC038" in out.stdout.getvalue()


def test_a_dumb_terminal_gets_plain_lines():
    out = output(terminal=True, TERM="dumb")
    out.table(ROWS, COLUMNS)
    assert out.stdout.getvalue() == plain_table(ROWS, COLUMNS)


@pytest.mark.parametrize("terminal", [False, True])
def test_names_from_outside_do_not_steer_the_terminal(terminal):
    evil = "\x1b[2Jx\r\n[red]y[/red]\u202ez\x9b\udc80"
    out = output(terminal=terminal, NO_COLOR="1")
    out.table([{"name": evil}], (Column("Name", "name"),), title="t")
    out.say(evil.replace("\n", ""))
    for text in (out.stdout.getvalue(), out.stderr.getvalue()):
        assert "\\x1b[2Jx\\x0d" in text
        assert "[red]y[/red]\\u202ez\\x9b\\udc80" in text
        assert not {"\x1b", "\r", "\u202e", "\x9b"} & set(text)


def test_quiet_silences_talk_but_not_warnings():
    out = output(quiet=True)
    out.say("hello")
    out.warn("careful")
    out.error("broken", "mend it")
    assert out.stderr.getvalue() == "Warning: careful\nError: broken\nRemedy: mend it\n"


@dataclass
class Pair:
    left: int
    right: Secret


def test_json_takes_what_the_library_gives():
    value = {
        uuid.UUID(int=1): datetime(2021, 1, 1, 12),  # noqa: DTZ001 - the database's naive UTC
        "day": date(2021, 1, 1),
        "path": PurePosixPath("a/b"),
        "number": Decimal("1.5"),
        "set": {3, 1},
        "nan": float("nan"),
        "bytes": b"\x00\xff",
        "pair": Pair(1, Secret("hush")),
    }
    assert json.loads(to_json(value)) == {
        "00000000-0000-0000-0000-000000000001": "2021-01-01T12:00:00",
        "day": "2021-01-01",
        "path": "a/b",
        "number": "1.5",
        "set": [1, 3],
        "nan": "nan",
        "bytes": "00ff",
        "pair": {"left": 1, "right": "********"},
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON, st.booleans())
def test_any_value_is_one_json_document(value, ascii_only):
    json.loads(to_json(value, ascii_only=ascii_only), parse_constant=pytest.fail)


@given(st.lists(st.fixed_dictionaries({"name": st.text(), "size": st.integers(0, 10**18)}), max_size=5))
def test_any_rows_give_one_line_each(rows):
    assert len(plain_table(rows, COLUMNS).split("\n")) == len(rows) + 2


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"), (76 * 10**9, "76.0 GB")],
)
def test_sizes(size, text):
    assert human_bytes(size) == text


def test_widths():
    assert [width(text) for text in ("abc", "é", "e\u0301", "漢")] == [3, 1, 1, 2]


# --- progress -------------------------------------------------------------------------------------------------------


def test_lines_are_rare_and_say_rate_and_time_left():
    now = [0.0]
    out = output()
    progress = LineProgress(out, clock=lambda: now[0])
    with progress:
        progress.task("a", "SC038 session 1", 1000)
        for second in range(1, 26):
            now[0] = float(second)
            progress.update("a", second * 10, "sending")
        progress.update("unknown", 5)
        progress.done("a", "archived")
        progress.done("a")
    assert out.stderr.getvalue().splitlines() == [
        "SC038 session 1: 100 B of 1.0 kB (10 %), 10 B/s, 1 min 30 s left, sending",
        "SC038 session 1: 200 B of 1.0 kB (20 %), 10 B/s, 1 min 20 s left, sending",
        "SC038 session 1: 1.0 kB, archived",
    ]


def test_work_of_unknown_size():
    assert describe("x", 0, None, 0.0, "") == "x: 0 B"
    assert describe("x", 2000, None, 2.0, "reading") == "x: 2.0 kB, 1.0 kB/s, reading"


def test_the_display_suits_the_stream():
    assert isinstance(output().progress(), LineProgress)
    assert isinstance(output(quiet=True).progress(), SilentProgress)
    assert isinstance(output("json").progress(), SilentProgress)
    assert isinstance(output(terminal=True).progress(), BarProgress)


def test_bars_vanish_and_let_talk_through():
    out = output(terminal=True, NO_COLOR="1")
    with out.progress() as progress:
        progress.task("a", "SC038", 10)
        progress.task("a", "SC038 session 1", 20)
        progress.update("a", 5, "sending")
        progress.say("a note")
        progress.done("a", "archived")
    out.say("afterwards")
    text = out.stderr.getvalue()
    assert "a note\n" in text
    assert "archived" not in text
    assert text.endswith("afterwards\n")
    assert out.stdout.getvalue() == ""


def test_silence():
    with SilentProgress() as progress:
        progress.task("a", "x", 1)
        progress.update("a", 1)
        progress.done("a")
        progress.say("x")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (3600, "1 h 00 min"), (5400, "1 h 30 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
