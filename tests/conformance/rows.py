"""What the table is made of: a row is one command line of ``globus`` and what must come of it; a chapter tells a story.

Texts may hold values in braces (``{dst}``, ``{task}``) and marks for what differs from run to run: ``<uuid>``,
``<time>``, ``<n>`` (a number), ``<word>``, ``<any>`` (within a line) and ``<lines>``. White space at the ends of lines
does not matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_MARKS = {
    "<uuid>": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "<time>": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:Z|\+00:00)?",
    "<n>": r"\d+",
    "<word>": r"\S+",
    "<any>": r"[^\n]*",
    "<lines>": r"(?s:.*)",
}
_UUID = re.compile(_MARKS["<uuid>"])
NOTHING = object()  # the row says nothing about its JSON output


@dataclass(frozen=True)
class Row:
    """One command line and what must come of it.

    Parameters
    ----------
    name
        What the row shows; unique in its chapter.
    line
        The command line behind ``globus``, with placeholders.
    code
        Exit status.
    out, err
        What is printed, exactly; None: not looked at.
    data
        What is printed as JSON (``-F json``), exactly, marks in strings allowed.
    stdin
        What is typed into it (``--batch -``).
    files
        Files that are written below the source's folder before: path and content.
    task
        Name for the task id that is printed first; the task is waited for, unless ``ends`` is None.
    keep
        Name for the first UUID that is printed, when it is no task to wait for.
    ends
        Status in which that task must end.
    there, gone
        Files that must be below the destination's folder afterwards, with their content; what must not be there.
    patient
        The row is repeated until it comes out as expected, for some seconds: a task needs time to meet an error.
    needs
        Trait of the world without which the row is left out: ``mapped``, ``guest``, ``personal``, ``owner``, ``other``.
    real
        Whether the row makes sense at the real service.
    shape
        The fields of the document must be the same, and of the same types, at sandbox and real service.
    """

    name: str
    line: str
    code: int = 0
    out: str | None = None
    err: str | None = None
    data: Any = NOTHING
    stdin: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    task: str = ""
    keep: str = ""
    ends: str | None = "SUCCEEDED"
    there: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    patient: bool = False
    needs: str = ""
    real: bool = True
    shape: bool = False


@dataclass(frozen=True)
class Chapter:
    """Rows that follow each other, with folders of their own at source and destination."""

    name: str
    rows: tuple[Row, ...]
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """How a command line ended, and what it printed."""

    code: int
    out: str
    err: str


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of ``{name}``; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def matches(expected: str, seen: str) -> bool:
    """Tell whether a text is as expected."""
    pattern = re.escape(_trimmed(expected))
    for mark, meaning in _MARKS.items():
        pattern = pattern.replace(re.escape(mark), meaning)
    return re.fullmatch(pattern, _trimmed(seen)) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()).rstrip()


def data_matches(expected: Any, seen: Any) -> bool:
    """Tell whether data are as expected, with marks in strings."""
    if isinstance(expected, str):
        return isinstance(seen, str) and matches(expected, seen)
    if isinstance(expected, Mapping):
        return (
            isinstance(seen, Mapping)
            and expected.keys() == seen.keys()
            and all(data_matches(value, seen[name]) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(seen, list)
            and len(expected) == len(seen)
            and all(data_matches(*pair) for pair in zip(expected, seen, strict=True))
        )
    return type(expected) is type(seen) and bool(expected == seen)


def filled_data(data: Any, values: Mapping[str, str]) -> Any:
    """Put values in the place of ``{name}`` in every string."""
    if isinstance(data, str):
        return filled(data, values)
    if isinstance(data, Mapping):
        return {name: filled_data(value, values) for name, value in data.items()}
    return [filled_data(each, values) for each in data] if isinstance(data, list) else data


def printed_id(text: str) -> str | None:
    """Return the id that a command printed: of its JSON the task's, of its words the first UUID."""
    try:
        return str(json.loads(text)["task_id"])
    except (ValueError, KeyError, TypeError):
        found = _UUID.search(text)
        return None if found is None else found[0]


def faults(row: Row, seen: Seen, values: Mapping[str, str]) -> list[str]:
    """Say in what ways a row did not come out as expected."""
    found = []
    if seen.code != row.code:
        found.append(f"exit status {seen.code}, expected {row.code}")
    if "Traceback" in seen.err:
        found.append("a traceback")
    for name, expected, text in (("stdout", row.out, seen.out), ("stderr", row.err, seen.err)):
        if expected is not None and not matches(filled(expected, values), text):
            found.append(f"{name} differs; expected:\n{filled(expected, values)}")
    if row.data is not NOTHING:
        expected_data = filled_data(row.data, values)
        try:
            same = data_matches(expected_data, json.loads(seen.out))
        except ValueError:
            same = False
        if not same:
            found.append(f"JSON differs; expected:\n{json.dumps(expected_data, indent=1)}")
    return found


def shape(data: Any) -> Any:
    """Reduce a document to its fields and their types; of a list the first item stands for all."""
    if isinstance(data, Mapping):
        return {name: shape(value) for name, value in sorted(data.items())}
    if isinstance(data, list):
        return [shape(data[0])] if data else []
    return "null" if data is None else type(data).__name__


def shape_faults(ours: Any, real: Any, path: str = "") -> list[str]:
    """Say where two documents differ in their fields or types; null fits every type."""
    here = path or "the document"
    if isinstance(ours, Mapping) and isinstance(real, Mapping):
        found = [f"{path}.{name}: the sandbox has no such field" for name in sorted(set(real) - set(ours))]
        found += [f"{path}.{name}: only the sandbox has this field" for name in sorted(set(ours) - set(real))]
        for name in sorted(set(ours) & set(real)):
            found += shape_faults(ours[name], real[name], f"{path}.{name}")
        return found
    if isinstance(ours, list) and isinstance(real, list):
        return shape_faults(ours[0], real[0], f"{path}[]") if ours and real else []
    if ours is None or real is None or type(ours) is type(real):
        return []
    return [f"{here}: {type(ours).__name__} in the sandbox, {type(real).__name__} in reality"]
