"""Bytes made from other bytes: some of them blindly, some of them with an eye for JSON and for lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

LARGEST = 256 * 1024
_MOST_VALUES = 3000
"""In one document: a list of copies of lists of copies grows beyond all bounds."""

WORDS = (
    b"..",
    b"../",
    b"/",
    b"\\",
    b"//",
    b"./",
    b"C:",
    b"C:\\x",
    b"/etc/passwd",
    b"~",
    b"~root",
    b"CON",
    b"a:b",
    b".",
    b"\0",
    b"\n",
    b"\r\n",
    b"\r",
    b"\t",
    b" ",
    b"\x1b[2J",
    b"\x7f",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    b"\\u202e",
    "\u202e".encode(),
    "\u2028".encode(),
    "e\u0301".encode(),
    "\u0661".encode(),
    b"null",
    b"true",
    b"false",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"{}",
    b"[]",
    b'""',
    b'"',
    b"'",
    b",",
    b":",
    b"=",
    b"{",
    b"}",
    b"[",
    b"]",
    b"//",
    b"#",
    b"0",
    b"-1",
    b"-0",
    b"1e309",
    b"1e-320",
    b"0.1",
    b"9" * 19,
    b"9" * 400,
    b"9" * 5000,
    b"9223372036854775808",
    b"18446744073709551616",
    b"2147483648",
    b"32768",
    b"-9223372036854775809",
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-14:00",
    b"0001-01-01",
    b"9999-12-31",
    b"2019-11-19T25:00:00",
    b"%s",
    b"%00",
    b"{0}",
    b"a" * 1025,
    b"(" * 300,
    b"a/" * 600,
    b"[" * 5000,
    b'{"a":' * 3000,
    b"x" * 70_000,
)

VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2**15,
    2**31,
    2**63,
    -(2**63) - 1,
    10**400,
    0.5,
    1e308,
    float("inf"),
    float("nan"),
    "",
    ".",
    "..",
    "../x",
    "a/../../x",
    "/x",
    "//x",
    "a//b",
    "C:/x",
    "C:x",
    "a\\b",
    "a\0b",
    "a\nb",
    "\x1b[2J",
    "\ud800",
    "\u202eb",
    "e\u0301",
    "\u00e9",
    "CON",
    "a:b",
    "a ",
    "a.",
    "~",
    "~/x",
    "~nobody/x",
    "x" * 1025,
    "d/" * 600,
    "9" * 30,
    "True",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2020-01-01",
    "2020-01-01T00:00:00",
    "*",
    "%s",
    "{0}",
    [],
    {},
    [[]],
    [{}],
    [None],
    {"": None},
    {"a": {"b": {}}},
    ["a", "a"],
)


def mutated(rng: random.Random, corpus: Sequence[bytes], words: Sequence[bytes] = ()) -> bytes:
    """Return new bytes made from one or two of the corpus."""
    data = rng.choice(corpus)
    if rng.random() < 0.5 and (changed := _reworded(rng, data)) is not None:
        data = changed
        if rng.random() < 0.8:
            return data[:LARGEST]
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        data = rng.choice(_BLIND)(rng, data, corpus, words)
    return data[:LARGEST]


# ---- blindly


def _flip(rng: random.Random, data: bytes, *_: Any) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes((rng.randrange(256),)) + data[at + 1 :]


def _remove(rng: random.Random, data: bytes, *_: Any) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.choice((1, 2, 8, 64, 1024)) :]


def _repeat(rng: random.Random, data: bytes, *_: Any) -> bytes:
    at = rng.randrange(len(data) + 1)
    piece = data[at : at + rng.choice((1, 4, 32, 256))]
    return data[:at] + piece * rng.choice((2, 3, 50)) + data[at:]


def _insert(rng: random.Random, data: bytes, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    del corpus
    at = rng.randrange(len(data) + 1)
    word = rng.choice(words) if words and rng.random() < 0.5 else rng.choice(WORDS)
    return data[:at] + word + data[at + rng.choice((0, 0, len(word))) :]


def _splice(rng: random.Random, data: bytes, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    del words
    other = rng.choice(corpus)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _line(rng: random.Random, data: bytes, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Give one line of the form ``key=value`` another value."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    key, equals, _ = lines[at].partition(b"=")
    if not equals:
        return _insert(rng, data, corpus, words)
    lines[at] = key + b"=" + rng.choice(WORDS)
    if rng.random() < 0.2:
        lines.insert(at, lines[rng.randrange(len(lines))])
    return b"\n".join(lines)


_BLIND: tuple[Callable[..., bytes], ...] = (_flip, _remove, _repeat, _insert, _insert, _splice, _line, _line)


# ---- with an eye for JSON


def _reworded(rng: random.Random, data: bytes) -> bytes | None:
    """Change values of a document, or of one line that is a document; None: neither is."""
    lines, at = [data], 0
    if _document(data) is None:
        lines = data.split(b"\n")
        at = rng.randrange(len(lines))
    document = _document(lines[at])
    if document is None:
        return None
    try:
        for _ in range(rng.choice((1, 1, 2, 4))):
            document = _changed(rng, document)
        lines[at] = _written(rng, document, lines=len(lines) == 1)
    except RecursionError:  # it is nested too deep for us as well
        return None
    return b"\n".join(lines)


def _document(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _written(rng: random.Random, document: Any, *, lines: bool) -> bytes:
    indent = rng.choice((None, None, 1)) if lines else None
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5, indent=indent)
    return text.encode("utf-8", "surrogatepass")


def _copy(value: Any) -> Any:
    """Return a value of its own: what is shared would be changed at several places, or hold itself."""
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _changed(rng: random.Random, document: Any) -> Any:
    """Change one value of a document, or leave it out, or say it twice."""
    places: list[tuple[Any, Any]] = []
    todo: list[Any] = [document]
    while todo:
        value = todo.pop()
        keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for key in keys:
            places.append((value, key))
            todo.append(value[key])
    if not places or len(places) > _MOST_VALUES or rng.random() < 0.03:
        return _copy(rng.choice(VALUES))
    holder, key = rng.choice(places)
    how = rng.random()
    if how < 0.15:
        del holder[key]
    elif how < 0.25:
        other, its = rng.choice(places)
        holder[key] = _copy(other[its])
    elif how < 0.35 and isinstance(holder, list):
        holder.extend(_copy(holder[key]) for _ in range(rng.choice((1, 2, 40))))
    elif how < 0.45 and isinstance(holder, dict):
        holder[str(rng.choice(VALUES))] = _copy(holder[key])
    elif how < 0.6 and isinstance(holder[key], str):
        at = rng.randrange(len(holder[key]) + 1)
        piece = rng.choice([value for value in VALUES if isinstance(value, str)])
        holder[key] = holder[key][:at] + piece + holder[key][at:]
    elif how < 0.65:
        nested: Any = holder[key]
        for _ in range(rng.choice((2, 30, 400))):
            nested = [nested] if rng.random() < 0.5 else {"a": nested}
        holder[key] = nested
    else:
        holder[key] = _copy(rng.choice(VALUES))
    return document
