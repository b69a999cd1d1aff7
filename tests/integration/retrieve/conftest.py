"""A computer that fetches, on both databases and on PostgreSQL alone."""

from __future__ import annotations

import pytest

from .home import make_home


@pytest.fixture
def home(bench):
    """Two archived sessions and an empty root, on PostgreSQL alone."""
    return make_home(bench)


@pytest.fixture
def each_home(each_bench):
    """The same, on each database."""
    return make_home(each_bench)
