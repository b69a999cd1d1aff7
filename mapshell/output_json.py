"""JSON with indents, as the standard library writes it; its fast encoder writes only JSON without."""

from __future__ import annotations

import json
from typing import Any


def indented(value: Any, *, ascii_only: bool) -> str:
    """Return plain data, whose keys are texts, as ``json.dumps`` does with ``indent=2``."""
    encode = json.JSONEncoder(ensure_ascii=ascii_only).encode

    def text(value: Any, line: str) -> str:
        if isinstance(value, str):
            return encode(value)
        if type(value) is int:
            return repr(value)
        if isinstance(value, dict) and value:
            deeper = f"{line}  "
            return (
                f"{{{deeper}{f',{deeper}'.join([f'{encode(k)}: {text(v, deeper)}' for k, v in value.items()])}{line}}}"
            )
        if isinstance(value, list) and value:
            deeper = f"{line}  "
            return f"[{deeper}{f',{deeper}'.join([text(each, deeper) for each in value])}{line}]"
        return encode(value)

    return text(value, "\n")
