"""Rigs for publishing, discovering, fetching and verifying: what they are made of is in ``rig.py`` and ``bench.py``."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mapshell.demo.days import SUBJECTS
from mapshell.demo.lab import Lab, make_lab

from .made_before import lend_tables
from .map_ephys.old_lab import old_lab as make_old_lab
from .publish.bench import Bench
from .rig import make_rig


@pytest.fixture(scope="session")
def pristine_lab(tmp_path_factory):
    """The synthetic lab, made once; tests work on copies."""
    return make_lab(tmp_path_factory.mktemp("lab"), now=datetime.now(UTC), timezone="America/New_York")


@pytest.fixture
def each_tables(lab_server):
    """Settings of a database with tables and no rows, on each server in turn."""
    yield from lend_tables(lab_server)


@pytest.fixture
def pg_tables(postgresql_server):
    """The same, on PostgreSQL alone."""
    yield from lend_tables(postgresql_server)


@pytest.fixture
def rig(each_tables, pristine_lab, tmp_path, monkeypatch):
    """A rig whose sessions are entered, logged in, with nothing published, on each database."""
    yield from make_rig(each_tables, pristine_lab, tmp_path, monkeypatch)


@pytest.fixture
def pg_rig(pg_tables, pristine_lab, tmp_path, monkeypatch):
    """The same, on PostgreSQL alone, where the database does not matter."""
    yield from make_rig(pg_tables, pristine_lab, tmp_path, monkeypatch)


@pytest.fixture
def bench(pg_tables, bare_lab, tmp_path, monkeypatch):
    """A rig without recordings, on PostgreSQL alone: a test puts its own there."""
    for rig in make_rig(pg_tables, bare_lab, tmp_path, monkeypatch):
        yield Bench(rig)


@pytest.fixture
def each_bench(each_tables, bare_lab, tmp_path, monkeypatch):
    """The same, on each database."""
    for rig in make_rig(each_tables, bare_lab, tmp_path, monkeypatch):
        yield Bench(rig)


@pytest.fixture(scope="session")
def bare_lab(tmp_path_factory):
    """The animals of the synthetic lab, and no recording."""
    root = tmp_path_factory.mktemp("bare")
    for kind in ("ephys", "video"):
        (root / kind).mkdir()
    return Lab(root, SUBJECTS, (), "America/New_York")


@pytest.fixture
def old_lab(mariadb_server):
    """A lab's running map-ephys database, with schemas and accounts of its own."""
    with make_old_lab(mariadb_server.settings) as lab:
        yield lab
