"""How the property tests run: no time limit for examples (machines are shared), and a long form.

``pytest --hypothesis-profile=long tests/unit`` tries 20,000 examples of every pure rule.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

BUSY = [HealthCheck.too_slow]

settings.register_profile("short", derandomize=True, deadline=None, suppress_health_check=BUSY)
settings.register_profile("long", deadline=None, max_examples=20_000, suppress_health_check=BUSY)
settings.load_profile("short")
