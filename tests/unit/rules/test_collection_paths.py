"""Paths of a collection: what was resolved before changes nothing of what a path means, or of what is refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.paths import Folder
from mapshell.sandbox.spec import CollectionSpec

PART = st.sampled_from(
    ["a", "b", "a.bin", "", ".", "..", "~", "...", "x\0", "x\r", "\nx", "x\r\ny", "\ufffd\xff", "\ufffdx"]
)
PATH = st.builds(str.__add__, st.sampled_from(["", "/", "/~/", "~/"]), st.lists(PART, max_size=4).map("/".join))
RULES = st.sampled_from([{}, {"deny": ("/a*",)}, {"home": "/b"}])


@pytest.fixture(scope="module")
def top():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a").mkdir()
        yield Path(folder)


def located(folder: Folder, path: str) -> tuple[str, str] | str:
    try:
        return folder.locate(path)
    except (ApiError, ValueError) as error:
        return repr(error)


@given(st.lists(PATH, max_size=12), RULES)
def test_a_path_is_where_it_would_be_had_none_been_asked_for_before(top, paths, rules):
    spec = CollectionSpec(top, **rules)
    kept = Folder("one", spec)
    for path in paths:
        assert located(kept, path) == located(Folder("one", spec), path)
