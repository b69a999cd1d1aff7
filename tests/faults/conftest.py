"""The rigs of the other tests with real parts, for the faults that they are put through here."""

from __future__ import annotations

from tests.integration.browse.conftest import shelf
from tests.integration.conftest import bare_lab, bench, each_bench, old_lab, pg_rig, pristine_lab, rig
from tests.integration.globus.conftest import sandbox, world
from tests.integration.retrieve.conftest import each_home, home
from tests.integration.verify.conftest import archive, each_archive, flip

__all__ = [
    "archive",
    "bare_lab",
    "bench",
    "each_archive",
    "each_bench",
    "each_home",
    "flip",
    "home",
    "old_lab",
    "pg_rig",
    "pristine_lab",
    "rig",
    "sandbox",
    "shelf",
    "world",
]
