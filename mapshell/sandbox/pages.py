"""The few web pages of the sandbox: login and consent, the code to copy by hand, a problem."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.sandbox.accounts import Identity

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.4rem; } small { color: #666; }
code.copy { display: block; font-size: 1.2rem; padding: 1rem; background: #f2f2f2; word-break: break-all; }
button { font: inherit; padding: .5rem 1.5rem; margin: 1rem .5rem 0 0; cursor: pointer; }
"""


def _page(title: str, body: str) -> str:
    return (
        f"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>\n{body}\n"
        "<p><small>This is the sandbox on your own computer, not Globus. No password is needed or kept.</small></p>"
        "</body></html>\n"
    )


@dataclass(frozen=True)
class Problem:
    """Why there is nothing to log in to, as Auth's own page names it."""

    title: str
    detail: str
    code: str


def consent(query: Mapping[str, str], people: Sequence[Identity]) -> str:
    """Ask whether an application may act for a person; ``people`` may log in, the first is preselected."""
    hidden = "\n".join(
        f"<input type='hidden' name='{escape(name)}' value='{escape(value)}'>"
        for name, value in query.items()
        if name not in {"identity", "decision"}
    )
    scopes = "".join(f"<li><code>{escape(scope)}</code></li>" for scope in query.get("scope", "").split())
    choices = "<br>".join(
        f"<label><input type='radio' name='identity' value='{escape(person.username)}'"
        f"{' checked' if number == 0 else ''}> {escape(person.username)}</label>"
        for number, person in enumerate(people)
    )
    label = query.get("prefill_named_grant") or query.get("client_id", "")
    message = query.get("session_message")
    return _page(
        "Sandbox login",
        f"{f'<p>{escape(message)}</p>' if message else ''}"
        f"<p><b>{escape(label)}</b> would like to:</p><ul>{scopes}</ul>"
        f"<form method='post'>{hidden}<p>as</p>{choices}<br>"
        "<button name='decision' value='allow'>Allow</button>"
        "<button name='decision' value='deny'>Deny</button></form>",
    )


def code(value: str | None, error: str | None) -> str:
    """Show the code that is to be copied by hand."""
    if not value:
        return _page("Login refused", f"<p>{escape(error or 'No code was given.')}</p>")
    return _page(
        "Authorization code",
        f"<p>Copy this code into the program that asked for it:</p><code class='copy' id='code'>{escape(value)}</code>",
    )


def logged_out() -> str:
    """Tell that the browser is logged out."""
    return _page("Logged out", "<p>The next login asks again who you are.</p>")


def problem(what: Problem) -> str:
    """Tell why there is nothing to log in to."""
    now = dt.datetime.now(dt.UTC).isoformat()
    return _page(
        what.title,
        f"<p>{escape(what.detail)} ({escape(what.code)})</p>\n"
        f"<dl><dt>Occurred at time:</dt><dd>{now}</dd><dt>Error ID:</dt><dd>{uuid.uuid4()}</dd>"
        f"<dt>Error code:</dt><dd>{escape(what.code)}</dd></dl>",
    )
