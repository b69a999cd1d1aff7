"""The rigs of the integration tests, for those who attack them."""

from tests.integration.conftest import *  # noqa: F403 - every fixture, with what it needs
