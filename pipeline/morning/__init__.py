"""The morning report: what needs a person first, then what was done; told to a program that passes it on.

>>> from pipeline import morning
>>> report = morning.make(settings, "yesterday")    # doctest: +SKIP
>>> morning.tell(settings, report)                  # doctest: +SKIP
"""

from __future__ import annotations

from pipeline.morning.making import make, unreachable
from pipeline.morning.notifying import NotifyError, tell
from pipeline.morning.report import MorningReport, Need

__all__ = ["MorningReport", "Need", "NotifyError", "make", "tell", "unreachable"]
