"""A rig with one archived session, for the archive's folders by hand."""

import json

import pytest


@pytest.fixture
def shelf(rig):
    """A rig whose session of 2019-11-19 is archived; ``shelf.json(...)`` runs a command line and reads its document."""
    rig.publish({"session_date": "2019-11-19"}, types=("ephys",))
    rig.json = lambda *args: json.loads(rig.run(*args, "--format", "json").stdout or "null")
    return rig
