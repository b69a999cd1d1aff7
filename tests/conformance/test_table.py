"""The command-line client ``globus`` finds in the sandbox what it finds at Globus: the whole table."""

from __future__ import annotations

import pytest

from .conftest import TRAITS
from .runner import Globus, Played, Player
from .table import CHAPTERS

ROWS = [
    pytest.param(who, chapter, row, id=f"{who}: {chapter.name}: {row.name}")
    for who, traits in TRAITS.items()
    for chapter in CHAPTERS
    for row in chapter.rows
    if not row.needs or row.needs in traits
]


@pytest.fixture(scope="module")
def play(request):
    """Return a function that tells how a row came out; a chapter is played when its first row is asked for."""
    played: dict[tuple[str, str], dict[str, Played]] = {}
    clients: dict[str, Globus] = {}

    def outcome(who, chapter, row):
        world = request.getfixturevalue(f"{who}_world")
        if who not in clients:
            clients[who] = Globus(world.environment, world.source)
        if (who, chapter.name) not in played:
            rows = {each.row.name: each for each in Player(world, clients[who]).play(chapter)}
            played[who, chapter.name] = rows
        return played[who, chapter.name][row.name]

    yield outcome
    for each in clients.values():
        each.close()


@pytest.mark.parametrize(("who", "chapter", "row"), ROWS)
def test_row(play, who, chapter, row):
    outcome = play(who, chapter, row)
    assert not outcome.faults, str(outcome)


def test_names_are_unique():
    names = [f"{chapter.name}: {row.name}" for chapter in CHAPTERS for row in chapter.rows]
    assert len(set(names)) == len(names)
