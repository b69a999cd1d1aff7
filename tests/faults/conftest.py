"""The rigs of the other tests with real parts, for the faults that they are put through here."""

from __future__ import annotations

from tests.integration.browse.conftest import shelf  # noqa: F401 - a fixture
from tests.integration.conftest import *  # noqa: F403 - all fixtures, whatever they are made of
from tests.integration.globus.conftest import sandbox, world  # noqa: F401 - fixtures
from tests.integration.retrieve.conftest import each_home, home  # noqa: F401 - fixtures
from tests.integration.verify.conftest import archive, each_archive, flip  # noqa: F401 - fixtures
