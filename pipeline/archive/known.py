"""What a session in the index is called: *archived* only when every file's checksum is known, else *present*."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.aside import in_force
from pipeline.archive.scan import Defect

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.plan import Plan
    from pipeline.archive.session import State

LISTED = "listed at the archive with its size, without a manifest; never verified"
UNSEEN = "named by an older database; nobody has looked at the archive, never verified"


def only_listed(files: Collection[FileEntry]) -> int:
    """Return how many files are known from the archive alone: nobody ever knew a checksum of the recording's bytes.

    Bytes whose place others have taken do not count.
    """
    unproved = [entry for entry in files if not entry.proved]
    return len(in_force(unproved, files)) if unproved else 0


def in_words(files: int, listed: int, said: str = LISTED) -> str:
    """Say of how many files of a session nobody ever knew a checksum, and what is known; empty when of none."""
    if not listed:
        return ""
    return said if listed >= files else f"{listed} of {files} files were only {said}"


def settled(known: Manifest | None) -> tuple[State, str]:
    """Return state and reason of a session of which nothing new is here."""
    if known is None:
        return ("archived", "")
    seen = all(entry.sized for entry in known.files)
    said = in_words(len(known.files), only_listed(known.files), LISTED if seen else UNSEEN)
    return ("present", said) if said else ("archived", "")


def differing(known: Manifest | None, otherwise: State) -> State:
    """Return the state of a session of which something here differs; ``otherwise`` when the index does not know it."""
    if known is None:
        return otherwise
    return "present" if only_listed(known.files) else "archived with changes"


def unlooked(known: Manifest | None, plan: Plan) -> Defect | None:
    """Refuse to add to a session of which the index has files that nobody has looked at: no manifest could list them.

    Those that are to be read back now are looked at in time.
    """
    adding = plan.only("send") or plan.only("adopt") or plan.only("supersede")
    if known is None or not adding:
        return None
    in_time = {item.subpath for item in plan.only("adopt")}
    left = sorted(entry.subpath for entry in known.files if not entry.sized and entry.subpath not in in_time)
    if not left:
        return None
    more = f" (and {len(left) - 1} more of its files)" if len(left) > 1 else ""
    return Defect(
        "unseen",
        left[0],
        f"it came from an older database{more}, and nobody has looked at its size at the archive yet",
        f"let it be looked at first: `mapshell publication-verify --subject {known.session.h2o}`; nothing was sent.",
    )
