"""Where a login can ask, and where it must not."""

from __future__ import annotations

import webbrowser

import pytest

from pipeline.globus import flows as globus_flows
from pipeline.globus.flows import browser_likely, interactive_python


@pytest.mark.parametrize(
    ("environ", "platform", "likely"),
    [
        ({}, "win32", True),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "10.0.0.1 22"}, "darwin", False),
        ({"SSH_TTY": "/dev/pts/0", "DISPLAY": ":0"}, "linux", False),
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
    ],
)
def test_a_browser_is_likely_where_somebody_sits(monkeypatch, environ, platform, likely):
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("firefox"))
    assert browser_likely(environ, platform) is likely


def test_browsers_that_take_the_terminal_do_not_count(monkeypatch):
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("lynx"))
    assert not browser_likely({"DISPLAY": ":0"}, "linux")

    def none():
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "get", none)
    assert not browser_likely({"DISPLAY": ":0"}, "linux")


def test_a_program_is_no_prompt(monkeypatch):
    monkeypatch.delattr(globus_flows.sys, "ps1", raising=False)
    assert not interactive_python()
    monkeypatch.setattr(globus_flows.sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(globus_flows.sys, "stdin", None)
    assert not interactive_python()
