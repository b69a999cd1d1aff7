"""Differences between the index and the archive, in words, each with the command that would mend it.

Nothing here is ever carried out by this program.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.archive.manifest import from_json
from pipeline.archive.paths import printable, steers, visible
from pipeline.archive.session import file_id, join_remote
from pipeline.errors import IntegrityError

if TYPE_CHECKING:
    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.session import Location, Root, SessionRef

Kind = Literal["missing", "size", "bytes", "extra", "manifest", "newer", "name"]
"""``missing``: row without file.  ``size``: another size.  ``bytes``: the size, but another checksum.  ``extra``: file
without row.  ``manifest``: the newest manifest is missing or says something else.  ``newer``: a manifest that the index
does not know.  ``name``: a listed name that cannot be followed."""

GOOD_COPY = "COLLECTION:/PATH-OF-A-GOOD-COPY"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: the file (or folder), what is wrong, and the command that would mend it."""

    kind: Kind
    subpath: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a good copy of a file may be taken from: a local root that holds a file of this name and size."""

    root: Root

    def address(self, subpath: str) -> str:
        """Return collection and path, as Globus' own command line takes them."""
        return f"{self.root.endpoint}:{join_remote(self.root.globus_path, subpath)}"


def quoted(word: str, *, windows: bool | None = None) -> str:
    """Return a word of a command line as the shell of this computer takes it; ``windows`` says otherwise."""
    if os.name == "nt" if windows is None else windows:
        return subprocess.list2cmdline([visible(word)])  # its shells have no way to write these characters
    if any(map(steers, word)):
        return f"$'{''.join(map(_in_dollar_quotes, word))}'"
    return shlex.quote(word)


def _in_dollar_quotes(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character in _SHORT or not steers(character):
        return _SHORT.get(character, character)
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass"))


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def missing(location: Location, entry: FileEntry, source: Source | None) -> Drift:
    """Name a row without file."""
    return Drift("missing", entry.subpath, "the archive does not hold it", _send_again(location, entry, source))


def other_size(location: Location, entry: FileEntry, size: int | None, source: Source | None) -> Drift:
    """Name a file of another size (bytes; None: unknown) than the index says."""
    said = f"it has {'another size' if size is None else f'{size} bytes'} at the archive, {entry.size} in the index"
    return Drift("size", entry.subpath, said, _replace(location, entry, source))


def other_bytes(location: Location, entry: FileEntry, sha1: str, source: Source | None, when: str = "") -> Drift:
    """Name a file whose bytes have another SHA1 than the index says; ``when`` they were read, if not now."""
    said = f"its bytes at the archive have the SHA1 {sha1}, the index says {entry.sha1}{when}"
    return Drift("bytes", entry.subpath, said, _replace(location, entry, source))


def foreign(location: Location, session: SessionRef, subpath: str, size: int) -> Drift:
    """Name a file that the index does not know."""
    there = f"{location.endpoint}:{join_remote(location.path, subpath)}"
    return Drift(
        "extra",
        subpath,
        f"the archive holds it ({size} bytes), the index does not",
        f"a newer manifest may know it: `{discover(session.h2o)} --dry-run`; a foreign file goes by "
        f"`globus rm {quoted(there)}`.",
    )


def no_manifest(session: SessionRef, subpath: str) -> Drift:
    """Name a manifest that is not there."""
    return Drift(
        "manifest",
        subpath,
        "the archive does not hold the session's newest manifest, so the index could not be rebuilt from it",
        "add a file to the session's folder on the rig (a note, say) and send it: "
        f"{_publish(session)} brings a new manifest, which lists all files, old and new.",
    )


def other_manifest(session: SessionRef, subpath: str, why: str) -> Drift:
    """Name a manifest that does not say what the index says."""
    return Drift(
        "manifest",
        subpath,
        why,
        f"`{discover(session.h2o)} --dry-run` says what it makes of it; where the index is right, add a file to the "
        f"session's folder on the rig (a note, say) and send it: {_publish(session)} brings a new manifest.",
    )


def newer_manifest(session: SessionRef, subpath: str) -> Drift:
    """Name a manifest of a later generation than the index has."""
    return Drift(
        "newer",
        subpath,
        "the archive holds a manifest that is newer than the index",
        f"bring the index forward: `{discover(session.h2o)}`.",
    )


def discover(h2o: str) -> str:
    """Return the command that looks at an animal's folder of the archive."""
    return f"mapshell publication-discover --subject {quoted(h2o)}"


def _publish(session: SessionRef) -> str:
    return f"`mapshell publication-publish --subject {quoted(session.h2o)} --session {session.session}`"


def _send_again(location: Location, entry: FileEntry, source: Source | None) -> str:
    return f"send a good copy: {_transfer(location, entry, source)}; then verify again."


def _replace(location: Location, entry: FileEntry, source: Source | None) -> str:
    """Say how a wrong file is renamed aside, and a good one sent: nothing is overwritten."""
    there = join_remote(location.path, entry.subpath)
    aside = f"{there}.quarantined-{file_id(entry.subpath).hex[:8]}"
    rename = f"`globus rename {location.endpoint} {quoted(there)} {quoted(aside)}`"
    return f"put it aside: {rename}; send a good copy: {_transfer(location, entry, source)}; then verify again."


def _transfer(location: Location, entry: FileEntry, source: Source | None) -> str:
    good = GOOD_COPY if source is None else quoted(source.address(entry.subpath))
    there = quoted(f"{location.endpoint}:{join_remote(location.path, entry.subpath)}")
    check = f" --external-checksum {entry.sha1} --checksum-algorithm SHA1" if entry.sha1 else ""
    return f"`globus transfer --preserve-timestamp{check} {good} {there}`"


def contradiction(raw: bytes, name: str, manifest: Manifest) -> str:
    """Say how a manifest that was read at the archive contradicts the index; empty when it does not.

    Parameters
    ----------
    raw
        Its bytes, which may say anything.
    name
        What to call it.
    manifest
        What the index says.
    """
    try:
        said = from_json(raw, name=name)
    except IntegrityError as error:
        return error.message
    if (said.name, said.alias, said.generation) != (manifest.name, manifest.alias, manifest.generation):
        return f"it describes {said.name}, generation {said.generation}, of {said.alias}"
    there, here = ({(e.subpath, e.size, e.sha1) for e in each.files} for each in (said, manifest))
    if there == here:
        return ""
    example = printable(min(there ^ here, key=lambda each: each[0])[0])
    return (
        f"it says something else than the index of {len({each[0] for each in there ^ here})} files, such as {example}"
    )
