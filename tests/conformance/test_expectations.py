"""The table would notice: texts and data that differ do not pass, and no connection leaves this computer."""

from __future__ import annotations

import os

import pytest

from . import driver
from .rows import Row, Seen, data_matches, faults, filled, matches, printed_id
from .runner import Globus

ID = "5ab0d0de-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("expected", "seen", "same"),
    [
        ("a\nb", "a  \nb\n", True),
        ("a\nb", "a\nc\n", False),
        ("a", "a\nb", False),
        ("<uuid> is", f"{ID} is", True),
        ("<uuid> is", "5ab0 is", False),
        ("<time>", "2026-11-21 09:31:28+00:00", True),
        ("<time>", "2026-11-21", False),
        ("a <n> b", "a 12 b", True),
        ("a <n> b", "a x b", False),
        ("a<any>b", "a, then b", True),
        ("a<any>b", "a\nb", False),
        ("a<lines>b", "a\nx\nb", True),
        ("(a.c)*", "abc", False),
    ],
)
def test_texts(expected, seen, same):
    assert matches(expected, seen) is same


@pytest.mark.parametrize(
    ("expected", "seen", "same"),
    [
        ({"a": "<n>"}, {"a": "7"}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, None], [1, None], True),
        ([1], [1, 2], False),
        ([1], [True], False),
        (0, False, False),
        (None, "", False),
    ],
)
def test_data(expected, seen, same):
    assert data_matches(expected, seen) is same


def test_a_row_says_all_that_is_wrong():
    row = Row("r", "ls", 0, out="{who}", err="", data={"a": 1})
    assert len(faults(row, Seen(1, "you", "Traceback (most recent call last)"), {"who": "me"})) == 5
    assert faults(Row("r", "ls", 3, out="{who}"), Seen(3, "me\n", "anything"), {"who": "me"}) == []
    assert faults(Row("r", "ls", data=[1]), Seen(0, "no JSON", ""), {})[0].startswith("JSON differs")


def test_values_are_put_in_and_ids_found():
    assert filled("{a} {b} DATA[].{x: y}", {"a": "1"}) == "1 {b} DATA[].{x: y}"
    assert printed_id(f'{{"submission_id": "no", "task_id": "{ID}"}}') == ID
    assert printed_id(f"Task ID: {ID}\n") == ID
    assert printed_id("none") is None


@pytest.mark.parametrize(
    ("event", "args"),
    [
        ("socket.connect", (None, ("192.0.2.1", 443))),
        ("socket.connect", (None, ("2001:db8::1", 443, 0, 0))),
        ("socket.getaddrinfo", ("transfer.api.globus.org", 443, 0, 0, 0)),
        ("socket.getaddrinfo", (b"auth.globus.org", 443, 0, 0, 0)),
        ("socket.sendto", (None, ("192.0.2.53", 53))),
    ],
)
def test_the_guard_refuses_what_leads_away(event, args):
    guard = driver.Guard()
    with pytest.raises(ConnectionRefusedError):
        guard(event, args)
    assert len(guard.seen) == 1


def test_the_guard_lets_this_computer_through():
    guard = driver.Guard()
    for host in ("127.0.0.1", "::1", "localhost", b"127.0.0.1", None):
        guard("socket.getaddrinfo", (host, 1, 0, 0, 0))
    guard("socket.connect", (None, "/run/socket"))
    guard("socket.connect", (None, ("127.0.0.1", 1)))
    guard("open", ("file",))
    assert guard.seen == []


def test_a_command_line_that_would_leave_is_told(tmp_path):
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environment = {**kept, **dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(tmp_path))}
    with Globus(environment, tmp_path) as globus:
        assert globus("list-commands").code == 0
        assert globus.outside == []
        globus("version")  # it looks for a newer version of itself
        assert globus.outside == ["pypi.python.org"]
