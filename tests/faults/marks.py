"""Which tests of this folder show what comes of which fault point: read from the code, none need be collected."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.points import POINTS

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Shown:
    """A test, and the fault points that it names."""

    file: str
    test: str
    points: tuple[int, ...]


def shown() -> list[Shown]:
    """Return every test of this folder with its fault points, in the order of files and lines."""
    found = []
    for file in sorted(FOLDER.rglob("test_*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        everywhere = [
            node.value
            for node in module.body
            if isinstance(node, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in node.targets)
        ]
        common = [number for value in everywhere for number in _numbers(_each(value))]
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                numbers = {*common, *_numbers(node.decorator_list)}
                found.append(Shown(file.relative_to(FOLDER).as_posix(), node.name, tuple(sorted(numbers))))
    return found


def _each(value: ast.expr) -> Iterable[ast.expr]:
    return value.elts if isinstance(value, ast.List | ast.Tuple) else [value]


def _numbers(decorators: Iterable[ast.expr]) -> list[int]:
    numbers = []
    for each in decorators:
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.fault":
            numbers += [ast.literal_eval(argument) for argument in each.args]
    return numbers


def table() -> list[tuple[str, ...]]:
    """Return the fault points as rows: number, what happens, what comes of it, and the tests that show it."""
    tests = shown()
    rows, group = [], ""
    for point in POINTS.values():
        if point.group != group:
            group = point.group
            rows.append(("", f"**{group} ...**", "", ""))
        rows.append((str(point.number), point.happens, point.comes, _links(point.number, tests)))
    return rows


def _links(number: int, tests: Iterable[Shown]) -> str:
    by_file: dict[str, list[str]] = {}
    for each in tests:
        if number in each.points:
            by_file.setdefault(each.file, []).append(f"`{each.test.removeprefix('test_')}`")
    return "; ".join(
        f"[{file.replace('test_', '').removesuffix('.py')}](../tests/faults/{file}): {', '.join(names)}"
        for file, names in by_file.items()
    )
