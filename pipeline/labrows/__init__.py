"""A session's rows of the lab's tables: into manifests, and from manifests back into tables that have lost them."""

from __future__ import annotations

from pipeline.labrows.collecting import collect
from pipeline.labrows.entering import Entered, check, enter
from pipeline.labrows.together import Unfit, doubted, enter_all

__all__ = ["Entered", "Unfit", "check", "collect", "doubted", "enter", "enter_all"]
