"""``mapshell doctor``: what is wrong with this computer's set-up, and what mends it.

>>> from pipeline.doctor import SECTIONS
>>> list(SECTIONS)[0]
'configuration'
"""

from __future__ import annotations

from pipeline.doctor.findings import SECTIONS, Finding, Line, Report, Section, document
from pipeline.doctor.world import World

__all__ = ["SECTIONS", "Finding", "Line", "Report", "Section", "World", "document"]
