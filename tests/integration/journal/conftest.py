"""Long runs: ``pytest --hypothesis-profile=long tests/integration/journal`` (see ``tests/unit/conftest.py``)."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("short", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", deadline=None, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow])
