"""What an archive lacks of a session that another one has, and where the two contradict each other.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline.archive.aside import is_superseded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.session import LocalFile, Location, SessionKey


@dataclass(frozen=True, slots=True)
class Original:
    """A session as the index has it at another storage location: every file with a proved SHA1, nothing known lost.

    ``forbidden`` says why nothing of it may be copied, empty when nothing speaks against it.
    """

    location: Location
    manifest: Manifest
    forbidden: str = ""


class Originals(Protocol):
    """Tells which other archives have a session, the one to be asked first in front."""

    def of(self, key: SessionKey) -> Sequence[Original]:
        """Return them as they were when the round began."""

    def now(self, key: SessionKey) -> Sequence[Original]:
        """Return them as the index has them now."""

    def lost(self, key: SessionKey) -> str:
        """Say of a session that should come from another archive why none can give it; empty when none should."""


class Nowhere:
    """No other archive is known."""

    def of(self, key: SessionKey) -> Sequence[Original]:
        """Return none."""
        del key
        return ()

    now = of

    def lost(self, key: SessionKey) -> str:
        """Return nothing."""
        del key
        return ""


def lacking(original: Manifest, known: Manifest | None) -> tuple[FileEntry, ...]:
    """Return the files that ``known`` lacks; bytes that others superseded may have another name there."""
    there = {entry.subpath for entry in known.files} if known else set()
    aside = {(_base(e.subpath), e.sha1) for e in known.files if is_superseded(e.subpath)} if known else set()
    return tuple(
        entry
        for entry in original.files
        if entry.subpath not in there
        and not (is_superseded(entry.subpath) and (_base(entry.subpath), entry.sha1) in aside)
    )


def differing_files(original: Manifest, known: Manifest | None) -> tuple[str, ...]:
    """Return the names under which the two have other bytes."""
    there = {entry.subpath: entry for entry in known.files} if known else {}
    return tuple(
        entry.subpath
        for entry in original.files
        if (other := there.get(entry.subpath)) is not None
        and ((other.sized and other.size != entry.size) or (other.proved and other.sha1 != entry.sha1))
    )


def as_archived(files: Sequence[LocalFile], original: Manifest) -> bool:
    """Say whether a computer has everything that is archived, as it was: then it is sent from there."""
    here = {file.subpath: (file.size, file.mtime) for file in files}
    return all(
        here.get(entry.subpath) == (entry.size, entry.mtime)
        for entry in original.files
        if not is_superseded(entry.subpath)
    )


def _base(subpath: str) -> str:
    return subpath.rpartition(".superseded-")[0]
