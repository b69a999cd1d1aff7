"""A rig whose lab has a running map-ephys database."""

from __future__ import annotations

import pytest

from pipeline import database
from tests.integration.rig import make_rig


@pytest.fixture(params=["reader", "writer"])
def old_rig(request, old_lab, pristine_lab, tmp_path, monkeypatch):
    """A rig whose account may only read the lab's tables, or could write them as well."""
    settings = old_lab.settings(getattr(old_lab, request.param))
    yield from make_rig(settings, pristine_lab, tmp_path, monkeypatch, entering=old_lab.enter)
    database.unbind()


@pytest.fixture
def reading_rig(old_lab, pristine_lab, tmp_path, monkeypatch):
    """A rig whose account may only read the lab's tables."""
    yield from make_rig(old_lab.settings(), pristine_lab, tmp_path, monkeypatch, entering=old_lab.enter)
    database.unbind()
