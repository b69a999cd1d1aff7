"""What must be proved before local files of an archived session are deleted: one rule for each proof, in their order.

A rule gets plain data and returns what is missing, or None.  Nothing is looked up here, and nothing is believed that
was not looked at for this very decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pipeline.archive.aside import in_force
from pipeline.archive.paths import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.ports import RemoteEntry
    from pipeline.archive.scan import Defect
    from pipeline.archive.session import LocalFile, Location, SessionRef

PROOFS: Final[Mapping[str, str]] = {
    "known": "the index has it as archived, each file with the SHA1 of the recording's own bytes, and nothing as lost",
    "nothing open": "no transfer of it is under way, and nobody works on it",
    "quiet": "nothing of it changes now, and the clock is not behind its files",
    "old enough": "it was archived, last changed and last fetched back longer ago than --older-than",
    "whole folder": "every file that would be deleted is in the index, and none is new or changed",
    "listed": "the archive, asked now, lists every file, of its size and not written since, and the newest manifest",
    "same bytes": "each file, read now, has the size and the SHA1 that the index has of the archive's",
    "enough copies": "as many places as asked hold it",
}
"""The proofs, in the order in which they are asked for, and what each says."""

CLOCKS = timedelta(minutes=10)
"""How far the clocks of archive and database may be apart."""

_ORDER = list(PROOFS)
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Missing:
    """A proof that is missing: its name, the evidence, and what mends it."""

    proof: str
    reason: str
    remedy: str

    @property
    def order(self) -> int:
        """Its place among the proofs."""
        return _ORDER.index(self.proof)


@dataclass(frozen=True, slots=True)
class Place:
    """What the database says of one session at a storage location that counts as a copy.

    ``manifest`` is None when the index has nothing of it; its ``archived_at`` is None without an archived row.
    ``described`` is the subpath of the newest manifest, empty for what was only listed; ``lost`` tells in words what
    the newest look at the archive found lost; ``withdrawn`` whether the archived row was deleted on purpose.
    """

    location: Location
    manifest: Manifest | None
    described: str = ""
    lost: str = ""
    withdrawn: bool = False

    @property
    def alias(self) -> str:
        """The place's name."""
        return self.location.alias

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the session was ever archived there."""
        return not self.withdrawn and (self.manifest is None or self.manifest.archived_at is None)

    @property
    def entries(self) -> Mapping[str, FileEntry]:
        """The files of the index, by subpath."""
        return {} if self.manifest is None else {entry.subpath: entry for entry in self.manifest.files}


def options(ref: SessionRef, dataset_type: str) -> str:
    """Return the options that choose a session and a type of data in every command."""
    name = f'"{ref.h2o}"' if " " in ref.h2o else ref.h2o
    return f"--subject {name} --session {ref.session} --type {dataset_type}"


def bring_back(ref: SessionRef, dataset_type: str) -> str:
    """Return the command that brings the files of a session back."""
    return f"mapshell publication-retrieve {options(ref, dataset_type)}"


def known(place: Place, ref: SessionRef) -> Missing | None:
    """Say what is missing for the archive to be known to hold a session, as of the index."""
    manifest, which = place.manifest, options(ref, place.location.dataset_type)
    if place.withdrawn:
        why, remedy = "its archived row was deleted on purpose", f"mapshell publication-discover --restore {which}"
    elif place.is_empty or manifest is None:
        why, remedy = f"it is not archived at {place.alias}", f"mapshell publication-publish {which}"
    elif not place.described:
        why = f"it is present at {place.alias}, listed alone, never proved"
        remedy = f"mapshell publication-publish --adopt {which}"
    elif unproved := [
        entry for entry in in_force(manifest.files, manifest.files) if not (entry.proved and entry.sized)
    ]:
        why = f"of {some(entry.subpath for entry in unproved)} no SHA1 of the recording's own bytes is known"
        remedy = f"mapshell publication-publish --adopt {which}"
    elif place.lost:
        why, remedy = place.lost, f"mapshell publication-verify {which}"
    else:
        return None
    return Missing("known", f"{place.alias}: {why}" if place.alias not in why else why, f"`{remedy}`")


def changes(files: Sequence[LocalFile], archived: Iterable[datetime], now: datetime, quiet_s: float) -> Missing | None:
    """Say what changes now; files, or an archive, from the future say that the clock is behind."""
    seconds = _epoch(now)
    newest = max(files, key=lambda file: file.mtime_ns, default=None)
    later = [moment for moment in archived if moment > now]
    if (newest is not None and newest.mtime > seconds) or later:
        what = (
            f"{printable(newest.subpath)} was last changed later than now"
            if newest is not None and newest.mtime > seconds
            else "it was archived later than now"
        )
        return Missing(
            "quiet",
            f"{what} ({now:%Y-%m-%d %H:%M} UTC): this computer's clock is behind",
            "set the clock; `mapshell doctor` compares it with the service's.",
        )
    if newest is not None and newest.mtime > seconds - quiet_s:
        return Missing("quiet", f"{printable(newest.subpath)} was changed just now", "run it again when it rests.")
    return None


def old_enough(
    places: Sequence[Place],
    files: Sequence[LocalFile],
    fetched: datetime | None,
    now: datetime,
    least: timedelta,
) -> Missing | None:
    """Say what is too young.  ``fetched``: when files of it were last fetched back to this computer (UTC)."""
    since = {
        f"it was archived at {place.alias}": place.manifest.archived_at
        for place in places
        if place.manifest is not None and place.manifest.archived_at is not None
    }
    if fetched is not None:
        since["it was fetched back"] = fetched
    young = sorted((moment, what) for what, moment in since.items() if moment > now - least)
    newest = max(files, key=lambda file: file.mtime_ns, default=None)
    if not young and newest is not None and newest.mtime > _epoch(now - least):
        young = [(_instant(newest.mtime), f"{printable(newest.subpath)} was changed")]
    if not young:
        return None
    moment, what = young[-1]
    return Missing(
        "old enough",
        f"{what} on {moment:%Y-%m-%d %H:%M} UTC, less than {in_words(least)} ago",
        f"wait until {moment + least:%Y-%m-%d}, or say a shorter time: `--older-than 0d` asks for none.",
    )


def whole_folder(
    files: Sequence[LocalFile], defects: Sequence[Defect], place: Place, ref: SessionRef
) -> Missing | None:
    """Say which of the files here a place does not have; ``defects`` are what the walk could not take for files."""
    which = options(ref, place.location.dataset_type)
    if defects:
        first = defects[0]
        more = f", and {len(defects) - 1:,} more" if len(defects) > 1 else ""
        return Missing("whole folder", f"{first.subpath}: {first.message}{more}", first.remedy)
    entries = place.entries
    new = [file.subpath for file in files if file.subpath not in entries]
    if new:
        said = f"{some(new)} {'is' if len(new) == 1 else 'are'} not archived at {place.alias}"
        return Missing("whole folder", said, f"`mapshell publication-publish {which}`")
    other = [file.subpath for file in files if entries[file.subpath].size != file.size]
    if other:
        said = f"{some(other)} {'has' if len(other) == 1 else 'have'} another size than at {place.alias}"
        return Missing("whole folder", said, _CHANGED.format(which=which))
    return None


_CHANGED = (
    "look which is right; `mapshell publication-publish {which} --supersede --because TEXT` archives what is here now."
)


def listed(
    place: Place,
    listing: Mapping[str, RemoteEntry],
    folders: Iterable[str],
    links: Iterable[str],
    newer: Iterable[str],
    ref: SessionRef,
) -> Missing | None:
    """Compare what the archive lists now with the index.

    Parameters
    ----------
    place
        The place.
    listing
        What is listed under the subpaths of the index and of the newest manifest.
    folders
        Folders that are not there.
    links
        Folders on the way that are links: where they lead is not known.
    newer
        Manifests of generations that the index does not know.
    ref
        The session.
    """
    wrong: list[str] = []
    later: list[str] = []
    absent, newer = set(folders), sorted(newer)
    for subpath, entry in place.entries.items():
        there = listing.get(subpath)
        if there is None or there.kind != "file":
            wrong.append(f"{printable(subpath)} is not there")
        elif there.link:
            wrong.append(f"{printable(subpath)} is a link there")
        elif there.size != entry.size:
            wrong.append(f"{printable(subpath)} has {there.size:,} bytes there, not {entry.size:,}")
        elif _changed_since(entry, there):
            later.append(subpath)
    described = listing.get(place.described)
    if described is None or described.kind != "file" or described.link or not described.size:
        wrong.append(f"its newest manifest {printable(place.described)} is not there")
    wrong += [f"the folder {printable(folder)} is a link there" for folder in sorted(links)]
    wrong += [f"the index does not know its manifest {printable(subpath)}" for subpath in sorted(newer)]
    which = options(ref, place.location.dataset_type)
    if later and not wrong and not absent:
        said = f"{place.alias}: {some(later)} changed there after the bytes were last compared"
        return Missing("listed", said, f"`mapshell publication-verify --checksum all {which}`")
    if not wrong and not absent:
        return None
    first = wrong[0] if wrong else f"the folder {printable(min(absent))} is not there"
    more = f", and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
    verb = "discover" if any(newer) and len(wrong) == 1 else "verify"
    return Missing("listed", f"{place.alias}: {first}{more}", f"`mapshell publication-{verb} {which}`")


def _changed_since(entry: FileEntry, there: RemoteEntry) -> bool:
    """Say whether a file was written after its bytes were compared: it has the recording's time, or of its arrival."""
    if there.mtime is None or there.mtime == entry.mtime or entry.verified_at is None:
        return False
    return there.mtime > _epoch(entry.verified_at + CLOCKS)


def same_bytes(files: Sequence[tuple[LocalFile, str]], place: Place, ref: SessionRef) -> Missing | None:
    """Compare the SHA1 of the bytes here, read now, with those that were compared at a place."""
    entries, which = place.entries, options(ref, place.location.dataset_type)
    for file, sha1 in files:
        entry = entries.get(file.subpath)
        name = printable(file.subpath)
        if entry is None or not entry.sized or entry.size != file.size or not entry.proved or entry.sha1 != sha1:
            said = f"{name} has other bytes here than at {place.alias}"
            return Missing("same bytes", said, _CHANGED.format(which=which))
        if entry.verified_at is None:
            said = f"the SHA1 of {name} was never compared at {place.alias}"
            return Missing("same bytes", said, f"`mapshell publication-verify --checksum all {which}`")
    return None


def first_missing(of_places: Iterable[Missing]) -> Missing | None:
    """Return the proof to be named of those that several places lack: the first in order."""
    return min(of_places, key=lambda missing: missing.order, default=None)


def in_words(span: timedelta) -> str:
    """Return a span of time in words."""
    seconds = int(span.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds / length
            shown = f"{count:.0f}" if count == int(count) else f"{count:.1f}"
            return f"{shown} {unit}{'' if shown == '1' else 's'}"
    return f"{seconds} s"


def some(subpaths: Iterable[str]) -> str:
    """Return names of files in words, the first few of them."""
    names = [printable(subpath) for subpath in subpaths]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _epoch(moment: datetime) -> float:
    from datetime import UTC

    return moment.replace(tzinfo=UTC).timestamp()


def _instant(seconds: float) -> datetime:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
