"""Why a session is not archived: every decision of publish, with its evidence and the command that mends it."""

from __future__ import annotations

from pipeline.why.explaining import explain
from pipeline.why.explanation import Decision, Explanation, Place, Subject

__all__ = ["Decision", "Explanation", "Place", "Subject", "explain"]
