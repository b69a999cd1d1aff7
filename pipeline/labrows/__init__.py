"""A session's rows of the lab's tables: into manifests, and from manifests back into tables that have lost them."""

from __future__ import annotations

from pipeline.labrows.collecting import collect
from pipeline.labrows.entering import Entered, check, enter

__all__ = ["Entered", "check", "collect", "enter"]
