"""The state of every session: see :mod:`pipeline.board.status`."""

from __future__ import annotations

from pipeline.board.status import SessionStatus, status

__all__ = ["SessionStatus", "status"]
