"""What the evidence of a session's row and manifest tells of it for good: every later generation carries it along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LASTING = ("accepted", "aliases", "superseded")
"""What a person accepted; names under which the session was archived before; files that others took the place of."""


def lasting(evidence: Mapping[str, Any] | None) -> dict[str, list[dict[str, Any]]]:
    """Return the records that must not get lost; those that are empty are left out.

    A manifest may come from anywhere: what is no list of records counts as none.
    """
    found = {name: records(evidence, name) for name in LASTING}
    return {name: those for name, those in found.items() if those}


def records(evidence: Mapping[str, Any] | None, name: str) -> list[dict[str, Any]]:
    """Return the records of one kind."""
    those = evidence.get(name) if isinstance(evidence, dict) else None
    return [record for record in those if isinstance(record, dict)] if isinstance(those, list) else []
