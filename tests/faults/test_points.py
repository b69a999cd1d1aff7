"""Every fault point has a test in this folder, and every test here says which fault point it shows."""

from __future__ import annotations

import ast

import pytest

from tests.faults.marks import FOLDER, shown
from tests.faults.points import POINTS

# About all points at once, not about one of them.
OF_ALL = {"test_points.py", "test_campaign.py"}


def test_the_points_are_numbered_as_the_documents_name_them():
    assert list(POINTS) == [point.number for point in POINTS.values()] == list(range(1, 45))


@pytest.mark.parametrize("number", list(POINTS))
def test_every_point_has_a_test(number):
    assert [each for each in shown() if number in each.points], POINTS[number]


def test_every_test_names_points_that_there_are():
    for each in shown():
        if each.file not in OF_ALL:
            assert each.points, f"{each.file}: {each.test} says of no fault point that it shows it"
            assert set(each.points) <= set(POINTS), each


def test_marks_lie_only_where_they_are_read():
    """On test functions or whole files of this folder; not on classes or cases."""
    for file in sorted(FOLDER.parent.rglob("*.py")):
        if FOLDER not in file.parents:
            assert "mark.fault" not in file.read_text(encoding="utf-8"), f"{file} lies outside of {FOLDER.name}"
            continue
        module = ast.parse(file.read_text(encoding="utf-8"))
        read = [node.value for node in module.body if isinstance(node, ast.Assign)]
        read += [each for node in module.body for each in getattr(node, "decorator_list", ()) if _is_test(node)]
        assert _marks(module) == {mark for each in read for mark in _marks(each)}, file


def _is_test(node):
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test_")


def _marks(node):
    attributes = [each for each in ast.walk(node) if isinstance(each, ast.Attribute)]
    return {each.lineno for each in attributes if ast.unparse(each) == "pytest.mark.fault"}
