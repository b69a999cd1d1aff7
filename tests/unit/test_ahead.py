"""Work that is done ahead of need: in order, one piece at the most, its errors told."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.discovery.ahead import ahead


@given(st.lists(st.integers()))
def test_it_gives_what_it_is_given(pieces):
    assert list(ahead(pieces)) == pieces


@given(st.integers(0, 5))
def test_an_error_comes_after_what_was_made_before_it(many):
    def pieces():
        yield from range(many)
        raise OSError("gone")

    found = []
    with pytest.raises(OSError, match="gone"):
        found.extend(_kept(found, ahead(pieces())))
    assert found == list(range(many))


def _kept(found, pieces):
    for piece in pieces:
        found.append(piece)
    return []


def test_only_the_next_piece_is_made_while_one_is_used():
    made, second = [], threading.Event()

    def pieces():
        for number in range(5):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    work = ahead(pieces())
    assert next(work) == 0
    assert second.wait(10)
    work.close()
    assert len(made) <= 3  # the one in use, the next, and one that was begun before the end was told
