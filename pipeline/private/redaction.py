"""Secrets in texts that others wrote, such as a driver's error: replaced before anything is shown or kept."""

from __future__ import annotations

import re

_SECRETS = (
    # A token's or password's name, then its value, in a URL, a header, JSON, JSON within a text, or a Python repr.
    # A quoted value ends at the same quote again; one that was cut off ends with its line.
    re.compile(
        r"(?i)((?:access_|refresh_|id_)?token|client_secret|password|passwd|secret|code_verifier|\bcode"
        r"|MAPSHELL_GLOBUS_CLIENT_SECRET|DJ_PASS)"
        r"(\\*['\"]?\s*\]?\s*[=:]\s*)"
        r"""(?:(\\+['"])(?:(?!(?<!\\)\3).)*|(["])(?:\\.|[^"\\\n])*|(['])(?:\\.|[^'\\\n])*|[^\s'"&]+)"""
    ),
    re.compile(r"(?i)(\b(?:bearer|basic))(\s+)[A-Za-z0-9._~+/=-]{6,}()()()"),
    re.compile(r"(://[^\s:/@]*)(:)[^\s/]+(?=@)()()()"),
)


def redact(text: str) -> str:
    """Return a text with the values of tokens, passwords and codes replaced by asterisks."""
    for pattern in _SECRETS:
        text = pattern.sub(r"\1\2\3\4\5********", text)
    return text
