"""Files that the archive holds already are read back there, and compared with this computer's, byte for byte.

Read only where it can be of use: nothing is read back for a session that is refused anyway.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.archive.adoption.remembered import Seen
from pipeline.archive.haul import Patient
from pipeline.archive.manifest import FileEntry
from pipeline.archive.readback import Item, Moved, by_transfers, means, over_https
from pipeline.archive.scan import Defect
from pipeline.archive.submit import Proof
from pipeline.errors import (
    CollectionNotFound,
    CollectionOffline,
    GlobusError,
    GlobusUnavailable,
    LoginNeeded,
    MapshellError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.archive.readback import Checked
    from pipeline.archive.round import Round
    from pipeline.archive.session import LocalFile
    from pipeline.archive.submit import Prepared

_AWAY = (CollectionOffline, CollectionNotFound, GlobusUnavailable)
"""After these nothing can be read at this archive: its server may be away, while transfers go on."""

_IN_VAIN = 20
"""After so many errors one after the other, the rest is not tried."""


@dataclass(slots=True)
class _Findings:
    """What is known of the files so far: those that are the same, and why others are not adopted."""

    proofs: dict[str, Proof] = field(default_factory=dict)
    unlike: list[Defect] = field(default_factory=list)

    def add(self, prepared: Prepared, subpath: str, here: str, seen: Seen) -> None:
        if seen.sha1 == here:
            self.proofs[subpath] = Proof(here, seen.at, seen.how, prepared.there[subpath].mtime)
        else:
            said = f"the archive holds other bytes of this name and size: SHA1 {seen.sha1} there, {here} here"
            self.unlike.append(Defect("conflict", subpath, said, _DIFFERENT))


def read_here(round_: Round, prepared: Prepared) -> dict[str, str]:
    """Return the SHA1 of this computer's files, by subpath; each is read at most once.

    Raises
    ------
    MapshellError
        One cannot be read, or changed meanwhile.
    """
    found: dict[str, str] = {}
    unread = round_.hasher.start(*prepared.candidates)
    key, read = f"here-{round_.location.alias}-{prepared.session.ref.key}", 0
    if unread:
        size = sum(file.size for file in prepared.candidates)
        round_.progress.task(key, f"{_named(prepared)}: reading what is here", size)
    for file in prepared.candidates:
        found[file.subpath] = round_.hasher.finish(file)
        read += file.size
        if unread:
            round_.progress.update(key, read)
    if unread:
        round_.progress.done(key, "read")
    return found


def remembered(round_: Round, prepared: Prepared, here: Mapping[str, str]) -> tuple[Prepared, tuple[LocalFile, ...]]:
    """Judge what was read back before; return the session, and the files that must be read back.

    ``here`` are SHA1 of this computer's files, of those that are known.  What differed is read again when a person asks
    to adopt: whoever put the right file there may have given it its old time.
    """
    findings = _Findings()
    left = []
    for file in prepared.candidates:
        there = prepared.there[file.subpath]
        sha1, seen = here.get(file.subpath), round_.remembered.get(round_.location, file.subpath, there)
        if sha1 is None or seen is None or (seen.sha1 != sha1 and round_.adopt):
            left.append(file)
        else:
            findings.add(prepared, file.subpath, sha1, seen)
    found = replace(prepared, proofs=findings.proofs, unlike=tuple(findings.unlike))
    return found, () if found.hopeless else tuple(left)


def read_back(round_: Round, prepared: Prepared, files: Sequence[LocalFile], here: Mapping[str, str]) -> Prepared:
    """Read files back; return the session with what that told.

    Raises
    ------
    MapshellError
        The archive cannot be reached, the login ended, or something is recorded on the disk.  What was read so far is
        remembered.
    """
    if round_.unreadable is not None:
        raise round_.unreadable
    findings = _Findings(dict(prepared.proofs), list(prepared.unlike))
    ref, store = prepared.session.ref, round_.store()
    try:
        by = means(store, round_.location, round_.scratch)
    except GlobusError as error:
        if isinstance(error, (*_AWAY, LoginNeeded)):
            raise
        findings.unlike.extend(_unread(file, error) for file in files)
        return replace(prepared, unlike=tuple(findings.unlike))
    key, count = f"adopt-{round_.location.alias}-{ref.key}", len(files)
    what = f"{_named(prepared)}: comparing what {round_.location.alias} has"
    round_.progress.task(key, what, sum(file.size for file in files))
    items = _items(round_, files, here)
    if by == "https" or round_.scratch is None:
        results = over_https(store, round_.location, items, moved=Moved(round_.progress, key))
    else:
        patient = Patient(round_.clock, round_.progress, round_.poll_seconds, round_.stall_seconds)
        results = by_transfers(
            store, round_.location, items, round_.scratch, patient, staging=round_.staging, purpose="adopt"
        )
    in_vain = 0
    try:
        with closing(results):  # type: ignore[type-var]  # both are generators
            for checked in results:
                in_vain = 0 if checked.error is None else in_vain + 1
                _stop(round_, checked.error, in_vain)
                _take(round_, prepared, findings, files[checked.item.tag], here, checked)
    finally:
        round_.progress.done(key, f"{len(findings.proofs)} of {count} files are the same")
    return replace(prepared, proofs=findings.proofs, unlike=tuple(findings.unlike))


def _named(prepared: Prepared) -> str:
    ref = prepared.session.ref
    return f"{ref.h2o} {ref.session_date:%Y-%m-%d} session {ref.session}"


def _stop(round_: Round, error: MapshellError | None, in_vain: int) -> None:
    """Raise an error after which nothing more can be read; one of the archive's alone does not end the round."""
    if isinstance(error, LoginNeeded):
        raise error
    if error is None:
        return
    if isinstance(error, _AWAY) or in_vain >= _IN_VAIN:
        said = GlobusError(
            f"What the archive holds already could not be compared: {error.message}", remedy=error.remedy
        )
        round_.unreadable = said
        raise said from error


def _items(round_: Round, files: Sequence[LocalFile], here: Mapping[str, str]) -> Iterator[Item]:
    for tag, file in enumerate(files):
        round_.rest([file])  # a copy in the scratch folder, too, is written to a disk
        yield Item(tag, FileEntry(file.subpath, file.size, file.mtime, "", here[file.subpath]))


def _take(
    round_: Round,
    prepared: Prepared,
    findings: _Findings,
    file: LocalFile,
    here: Mapping[str, str],
    checked: Checked,
) -> None:
    if checked.error is not None:
        findings.unlike.append(_unread(file, checked.error))
    elif checked.verdict == "missing":
        findings.unlike.append(Defect("conflict", file.subpath, "it vanished from the archive meanwhile", _AGAIN))
    elif checked.size is not None:
        said = f"the archive gave {checked.size} bytes of it, but listed {file.size}"
        findings.unlike.append(Defect("conflict", file.subpath, said, _AGAIN))
    elif checked.sha1 is None:
        said = "the archive holds other bytes of this name and size"
        findings.unlike.append(Defect("conflict", file.subpath, said, _DIFFERENT))
    else:
        seen = Seen(checked.sha1, round_.clock.now().replace(microsecond=0), checked.how)
        there = prepared.there[file.subpath]
        round_.remembered.put(round_.location, file.subpath, there, seen, now=round_.epoch())
        findings.add(prepared, file.subpath, here[file.subpath], seen)


def _unread(file: LocalFile, error: MapshellError) -> Defect:
    said = (
        f"the archive holds a file of this name and size, which could not be read back to compare it: {error.message}"
    )
    return Defect("conflict", file.subpath, said, error.remedy or _AGAIN)


_DIFFERENT = (
    "compare the two files; keep one name for one content (nothing was overwritten). A file that was put right at the "
    "archive is read again with --adopt. If this computer's is right, and the index has the other, `mapshell "
    "publication-verify --checksum all` and then --supersede move the other aside; what the index does not have, "
    "`mapshell mv` does."
)
_AGAIN = "publish again."
