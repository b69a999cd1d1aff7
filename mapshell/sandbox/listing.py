"""Filters and orders of listings, as query texts: ``name:~*.bin/type:file`` and ``type,size DESC``."""

from __future__ import annotations

import datetime as dt
import fnmatch
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mapshell.sandbox.errors import ApiError

    Entry = Mapping[str, Any]
    Test = Callable[[Entry], bool]

# The first and the last second of the calendar.
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799
# What a database can count.
_MOST = 2**62


def timestamp(seconds: float, *, separator: str = " ") -> str:
    """Spell an instant (seconds since 1970) as the service does: UTC, whole seconds."""
    return dt.datetime.fromtimestamp(writable(seconds), dt.UTC).isoformat(sep=separator)


def writable(seconds: float) -> int:
    """Return the nearest instant that can be written: files may bear years before 1 and after 9999."""
    return int(min(max(seconds, _FIRST_S), _LAST_S))


def _bad(text: str) -> ApiError:
    return bad_request(f"Invalid filter or order: {text!r}")


def only_fields(document: dict[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    """Leave of a document what the query parameter ``fields`` names; without it, everything."""
    fields = [name.strip() for name in query.get("fields", "").split(",") if name.strip()]
    return {name: document[name] for name in fields if name in document} if fields else document


def file_filter(texts: Sequence[str]) -> Test:
    """Build the test of a directory listing; an entry passes if any of the filters passes it.

    Raises
    ------
    ApiError
        A filter cannot be read.
    """
    tests = [_all(_file_clause(clause) for clause in text.split("/") if clause) for text in texts if text]
    if not tests:
        return lambda _entry: True
    return lambda entry: any(test(entry) for test in tests)


def _all(tests: Iterable[Test]) -> Test:
    held = list(tests)
    return lambda entry: all(test(entry) for test in held)


def _file_clause(clause: str) -> Test:
    name, separator, value = clause.partition(":")
    if not separator or name not in {"name", "type", "size", "last_modified", "user", "group", "permissions"}:
        raise _bad(clause)
    if name == "last_modified":
        return _between("last_modified", value)
    if name == "size":
        return _compare(value)
    return strings(name, value)


def strings(field: str, value: str) -> Test:
    """Build the test of a text field: ``a``, ``=a``, ``~pat*``, ``!a``, ``!~pat*``, several joined by commas."""
    tests = [_string(field, item) for item in value.split(",")]
    positive = [test for test, item in zip(tests, value.split(","), strict=True) if not item.startswith("!")]
    negative = [test for test in tests if test not in positive]
    # Positive items are alternatives; "!a" excludes, whatever stands beside it.
    return lambda entry: (
        (not positive or any(test(entry) for test in positive)) and all(test(entry) for test in negative)
    )


def _string(field: str, text: str) -> Test:
    negative = text.startswith("!")
    text = text[1:] if negative else text
    pattern = text.startswith("~")
    wanted = text[1:] if text[:1] in {"~", "="} else text
    if pattern:
        return lambda entry: fnmatch.fnmatchcase(str(entry[field]).lower(), wanted.lower()) != negative
    return lambda entry: (entry[field] == wanted) != negative


def _compare(value: str) -> Test:
    for sign in (">=", "<=", ">", "<", "="):
        if value.startswith(sign):
            value = value[len(sign) :]
            break
    else:
        sign = "="
    if not (value.isascii() and value.isdigit()):
        raise _bad(value)
    number = int(value)
    signs: dict[str, Callable[[int], bool]] = {
        ">=": lambda size: size >= number,
        "<=": lambda size: size <= number,
        ">": lambda size: size > number,
        "<": lambda size: size < number,
        "=": lambda size: size == number,
    }
    return lambda entry: signs[sign](entry["size"])


def _between(field: str, value: str) -> Test:
    start, _, end = value.partition(",")
    low, high = parse_time(start), parse_time(end)

    def test(entry: Entry) -> bool:
        instant = parse_time(str(entry[field]))
        return instant is not None and (low is None or instant >= low) and (high is None or instant <= high)

    return test


def parse_time(text: str) -> float | None:
    """Read a date or time as clients write it (UTC unless it says otherwise); empty: None.

    Raises
    ------
    ApiError
        It is no time.
    """
    if not text.strip():
        return None
    try:
        instant = dt.datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise _bad(text) from error
    return (instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)).timestamp()


def ordered(entries: list[dict[str, Any]], orderby: str, allowed: frozenset[str]) -> list[dict[str, Any]]:
    """Sort entries by ``field [ASC|DESC][,field ...]``.

    Raises
    ------
    ApiError
        A field cannot be sorted by.
    """
    for item in reversed([item.strip() for item in orderby.split(",") if item.strip()]):
        field, _, direction = item.partition(" ")
        if field not in allowed or direction.strip().upper() not in {"", "ASC", "DESC"}:
            raise _bad(item)
        descending = direction.strip().upper() == "DESC"
        entries.sort(key=lambda entry, field=field: (entry[field] is None, entry[field]), reverse=descending)  # type: ignore[misc]
    return entries


def number(query: Mapping[str, str], name: str, default: int, *, highest: int | None = None) -> int:
    """Read a count from the query.

    Raises
    ------
    ApiError
        It is no number or is negative.
    """
    text = query.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"Invalid value for '{name}': {text!r}")
    # More than a database can count is no place in any list.
    return min(int(text[:40]), _MOST if highest is None else highest)
