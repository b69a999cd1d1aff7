"""Which state a session is in, from what the tables say of it and what lies here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.board.changes import changes
from pipeline.states import LOST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.checksums import ChecksumCache
    from pipeline.archive.find import Found, LocalSession
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import SessionKey

SETTLED = frozenset({"archived", "present", "reclaimed", "withdrawn", "without session", "not here"})
"""States of sessions of which nothing waits to be archived."""


def decide(
    key: SessionKey,
    found: Found,
    archived: Mapping[SessionKey, Any],
    said: Sequence[Mapping[str, Any]],
    under_way: Mapping[SessionKey, str],
    computer: str,
    cache: ChecksumCache,
) -> tuple[str, dict[str, Any]]:
    """Decide the state of one session; facts are what the state brings along.

    ``said`` is what computers told of it, the newest first; ``under_way`` is true now, and wins.
    """
    here = found.sessions.get(key)
    if here is not None and not (here.files or here.defects) and here.tombstones:
        here = None  # what was here was deleted after it had been proved at the archive
    size = {"folders": here.folders, "files": len(here.files), "size": sum(f.size for f in here.files)} if here else {}
    lost = [row for row in said if row["state"] == LOST]
    said = [row for row in said if row["state"] != LOST]
    newest = said[0] if said else None
    if key in under_way:
        theirs = next((row for row in said if row["computer"] == under_way[key]), None)
        facts = {"reason": theirs["reason"] if theirs else "", "computer": under_way[key]}
        return "in flight", facts if key in archived else {**_told_size(theirs or newest), **size, **facts}
    if key in archived:
        differing = [row for row in said if row["reason"] or row["state"] != "queued"]
        if differing:
            return "archived with changes", {"reason": differing[0]["reason"], "computer": differing[0]["computer"]}
        reason = changes(here, found.indexed.get(key), cache)
        return ("archived with changes", {"reason": reason, "computer": computer}) if reason else ("archived", {})
    if newest is not None:
        told_facts = {"reason": newest["reason"], "computer": newest["computer"]}
        return newest["state"], {**_told_size(newest), **size, **told_facts}
    if here is not None and here.defects:
        first = here.defects[0]
        return "refused", {**size, "reason": f"{first.subpath}: {first.message}", "computer": computer}
    if here is not None:
        return "queued", {**size, "reason": "not published yet", "computer": computer}
    for stray in found.strays:
        if key in stray.candidates:
            folders = (stray.folder,)
            return "refused", {"folders": folders, "reason": f"{stray.folder}: {stray.reason}", "computer": computer}
    if lost:
        return LOST, {"reason": lost[0]["reason"], "computer": lost[0]["computer"]}
    return "not here", {}


def as_verified(state: str, reason: str, differs: str) -> tuple[str, str]:
    """Return state and reason of a session in the index; what the archive has lost is never called archived."""
    if not differs or not state.startswith("archived"):
        return state, reason
    return "archived with changes", "; ".join(filter(None, (differs, reason)))


def as_known(state: str, reason: str, listed: str) -> tuple[str, str]:
    """Return state and reason of a session in the index; what was only ever listed is never called archived."""
    if not listed or not state.startswith("archived"):
        return state, reason
    return "present", "; ".join(filter(None, (listed, reason)))


def as_accepted(rules: Sequence[str]) -> str:
    """Say that a session was archived although something is wrong with it; empty when nothing is."""
    return f"archived with accepted defects: {', '.join(rules)}" if rules else ""


def unarchived(state: str, here: LocalSession | None, known: Manifest | None, facts: Mapping[str, Any]) -> int:
    """Return how many bytes of a session are known not to be archived yet."""
    if state in SETTLED:
        return 0
    if here is not None:
        have = {entry.subpath for entry in known.files} if known is not None else set()
        return sum(file.size for file in here.files if file.subpath not in have)
    return 0 if known is not None or "archived_at" in facts else facts.get("size") or 0


def _told_size(told: Mapping[str, Any] | None) -> dict[str, Any]:
    if told is None:
        return {}
    folders = tuple(filter(None, told["folders"].split("\n")))
    return {"folders": folders, "files": told["files"], "size": told["bytes"]}
