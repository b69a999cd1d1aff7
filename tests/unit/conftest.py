"""How the property tests run: no time limit for one example (machines are shared), and a long form.

``pytest --hypothesis-profile=long tests/unit`` tries 20,000 examples of every pure rule.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("short", deadline=None)
settings.register_profile("long", deadline=None, max_examples=20_000)
settings.load_profile("short")
