"""A load in small: each command ends well, and what came of it is judged from outside."""

from __future__ import annotations

import uuid

import pytest

from pipeline import database
from pipeline.database import binding, migrations
from pipeline.database.lab_connection import LabConnection

from .loads import MOST_MEMORY, MOST_OPEN, small
from .place import place


@pytest.fixture
def at(postgresql_server, tmp_path):
    """A place whose database is on the server of the tests."""
    prefix = f"l{uuid.uuid4().hex[:10]}_"
    with place(tmp_path / "load", postgresql_server.settings, lambda _: None, prefix) as there:
        yield there
    connection = LabConnection(lambda: database._target(postgresql_server.settings))
    for each in (prefix, f"{prefix}again_"):
        migrations.drop_everything(binding.Binding(connection, each))
    connection.close()


@pytest.mark.slow
def test_a_small_load_is_carried(at):
    small(at)
    assert all(each.memory <= MOST_MEMORY and each.open_files <= MOST_OPEN for each in at.figures)
