"""JSON with indents, as the standard library writes it; its fast encoder writes only JSON without."""

from __future__ import annotations

import json
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FEW = 3
"""Rows for which no template is worth while."""


def indented(value: Any, *, ascii_only: bool) -> str:
    """Return plain data, whose keys are texts, as ``json.dumps`` does with ``indent=2``."""
    quoted = encode_basestring_ascii if ascii_only else encode_basestring

    def text(value: Any, line: str) -> str:
        if isinstance(value, str):
            return quoted(value)
        if type(value) is int:
            return repr(value)
        if isinstance(value, dict) and value:
            deeper = f"{line}  "
            return (
                f"{{{deeper}{f',{deeper}'.join([f'{quoted(k)}: {text(v, deeper)}' for k, v in value.items()])}{line}}}"
            )
        if isinstance(value, list):
            if not value:
                return "[]"
            deeper = f"{line}  "
            each = rows(value, deeper) if _are_alike(value) else [text(each, deeper) for each in value]
            return f"[{deeper}{f',{deeper}'.join(each)}{line}]"
        return json.dumps(value)

    def rows(value: Sequence[dict[str, Any]], line: str) -> list[str]:
        """Write rows that have the same keys in the same order: column by column, as most columns are of one type."""
        deeper = f"{line}  "
        inner = f",{deeper}".join([f"{quoted(key).replace('%', '%%')}: %s" for key in value[0]])
        template = f"{{{deeper}{inner}{line}}}"
        columns = [column(each, deeper) for each in zip(*[row.values() for row in value], strict=True)]
        return [template % each for each in zip(*columns, strict=True)]

    def column(values: Sequence[Any], line: str) -> Iterable[str]:
        kinds = {*map(type, values)}
        if kinds == {str}:
            return map(quoted, values)
        return map(repr, values) if kinds == {int} else [text(each, line) for each in values]

    return text(value, "\n")


def _are_alike(values: Sequence[Any]) -> bool:
    if len(values) < _FEW or type(values[0]) is not dict or not values[0]:
        return False
    keys = [*values[0]]
    return all(type(each) is dict and [*each] == keys for each in values)
