"""What a session in the index is called: *archived* only when every file's checksum is known, else *present*."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.session import State

LISTED = "listed at the archive with its size, without a manifest; never verified"


def only_listed(files: Collection[FileEntry]) -> int:
    """Return how many files are known from a listing alone: nobody ever knew a checksum of them."""
    return sum(entry.sha1 is None for entry in files)


def in_words(files: int, listed: int) -> str:
    """Say of how many files of a session nobody ever knew a checksum; empty when of none."""
    if not listed:
        return ""
    return LISTED if listed >= files else f"{listed} of {files} files were only {LISTED}"


def settled(known: Manifest | None) -> tuple[State, str]:
    """Return state and reason of a session of which nothing new is here."""
    said = "" if known is None else in_words(len(known.files), only_listed(known.files))
    return ("present", said) if said else ("archived", "")


def differing(known: Manifest | None, otherwise: State) -> State:
    """Return the state of a session of which something here differs; ``otherwise`` when the index does not know it."""
    if known is None:
        return otherwise
    return "present" if only_listed(known.files) else "archived with changes"
