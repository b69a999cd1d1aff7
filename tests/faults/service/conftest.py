"""A server that answers as a test says."""

from __future__ import annotations

from tests.integration.globus.answering import manager, service, settings

__all__ = ["manager", "service", "settings"]
