"""The gate: what must not be archived is refused, all defects of a session named at once.

This is the cheap part, from names, sizes, times and the recording's own metas.  Checksums follow while bytes move
(``checksums.py``); the commit waits for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline import spikeglx
from pipeline.archive.naming import parse_file
from pipeline.archive.scan import Defect
from pipeline.errors import MapshellError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.session import LocalFile

MAX_META_BYTES = 16 * 1024 * 1024

_SAME_BYTES = frozenset({"duration"})
"""Rules that say nothing against the SHA1 of a meta: it is compared all the same, should a person accept the rest."""

RECORDING_RULES = frozenset({"still-recording", "still-written"})
"""Rules whose refusal means "not yet": the session is *recording*, everything else makes it *refused*."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate found.

    ``claims`` holds the SHA1 (lower-case hex) that metas claim for their binary files, by subpath;
    ``started`` the earliest start of the recordings (naive local time), None when no meta tells; ``accepted`` what a
    person has accepted of the defects and warnings, and ``contradicted`` the SHA1 of metas among them that are not
    those of the files, by subpath; ``unread`` the files that are to be compared with their metas before they are sent.
    """

    defects: tuple[Defect, ...]
    warnings: tuple[Defect, ...]
    claims: Mapping[str, str]
    started: datetime | None
    accepted: tuple[Defect, ...] = ()
    contradicted: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def recording(self) -> bool:
        """Whether all that is wrong is that the recording has not ended."""
        return bool(self.defects) and all(defect.rule in RECORDING_RULES for defect in self.defects)


def inspect(
    files: Sequence[LocalFile],
    *,
    now: float,
    quiet_seconds: int,
    settled: Collection[str] = (),
    accepted: Collection[str] = (),
) -> Verdict:
    """Judge the files of one session.

    Parameters
    ----------
    files
        All files of the session on this computer.
    now
        This instant, in UTC seconds since 1970.
    quiet_seconds
        A file that was modified less than this ago is still being written.
    settled
        Subpaths that were judged before, and archived: they may be partners of others, but are not judged again.
    accepted
        Rules that a person accepts: what they hide is judged too.  All defects stay in the verdict.
    """
    by_path = {file.subpath: file for file in files}
    defects: list[Defect] = []
    warnings: list[Defect] = []
    claims: dict[str, str] = {}
    starts: list[datetime] = []
    for file in files:
        name = file.subpath.rsplit("/", 1)[-1]
        if name.endswith(".meta"):
            meta = _read_meta(file, defects)
            if meta is not None:
                if meta.created is not None:
                    starts.append(meta.created)
                _judge_meta(file, meta, by_path, defects, warnings, claims, accepted)
        elif name.endswith((".bin", ".cbin")) and parse_file(name) is not None:
            _judge_binary(file, by_path, defects)
    newest = max((file for file in files if file.subpath not in settled), key=lambda file: file.mtime_ns, default=None)
    if newest is not None and now - newest.mtime_ns / 1e9 < quiet_seconds:
        defects.append(_still_written(newest, now - newest.mtime_ns / 1e9, quiet_seconds))
    once: dict[tuple[str, str], Defect] = {}
    for defect in defects:
        if defect.subpath not in settled:
            once.setdefault((defect.rule, defect.subpath), defect)
    judged = tuple(once.values())
    noted = tuple(defect for defect in warnings if defect.subpath not in settled)
    return Verdict(judged, noted, claims, min(starts, default=None))


def earliest_start(files: Sequence[LocalFile]) -> datetime | None:
    """Return when the recordings began (naive local time), from their metas; None when no meta tells."""
    starts = []
    for file in files:
        if file.subpath.endswith(".meta"):
            meta = _read_meta(file, [])
            if meta is not None and meta.created is not None:
                starts.append(meta.created)
    return min(starts, default=None)


def _still_written(file: LocalFile, age: float, quiet_seconds: int) -> Defect:
    said = f"{age:.0f} s ago" if age >= 0 else f"{-age:.0f} s in the future: is this computer's clock right?"
    return Defect(
        "still-written",
        file.subpath,
        f"it was modified {said}",
        f"publish again when nothing has written to it for {quiet_seconds} s.",
    )


def _read_meta(file: LocalFile, defects: list[Defect]) -> spikeglx.Meta | None:
    try:
        if file.size > MAX_META_BYTES:
            defects.append(Defect("meta", file.subpath, "it is far too large for a meta file", _LOOK))
            return None
        return spikeglx.parse_meta(file.path.read_bytes(), name=file.subpath)
    except OSError as error:
        defects.append(Defect("unreadable", file.subpath, f"it cannot be read: {error.strerror}", _RIGHTS))
    except MapshellError as error:
        defects.append(Defect("meta", file.subpath, error.message, error.remedy))
    return None


def _judge_meta(
    file: LocalFile,
    meta: spikeglx.Meta,
    by_path: Mapping[str, LocalFile],
    defects: list[Defect],
    warnings: list[Defect],
    claims: dict[str, str],
    accepted: Collection[str],
) -> None:
    binary = by_path.get(spikeglx.bin_name(file.subpath))
    compressed = by_path.get(spikeglx.bin_name(file.subpath).removesuffix(".bin") + ".cbin")
    if not meta.complete:
        defects.append(
            Defect(
                "still-recording",
                file.subpath,
                "it has no file size and checksum yet: the recording has not ended",
                "stop the acquisition and let SpikeGLX close its files, then publish again.",
            )
        )
        if "still-recording" in accepted and binary is not None:  # while it runs, nobody can know these
            more = [d for d in spikeglx.defects(meta, binary.size) if d.rule != "still-recording"]
            defects.extend(Defect(d.rule, binary.subpath, d.message, d.remedy) for d in more)
    elif binary is not None:
        found = spikeglx.defects(meta, binary.size)
        defects.extend(Defect(d.rule, binary.subpath, d.message, d.remedy) for d in found)
        if meta.sha1 is not None and all(d.rule in _SAME_BYTES for d in found):
            claims[binary.subpath] = meta.sha1
    elif compressed is None:
        warnings.append(
            Defect(
                "meta-without-bin",
                file.subpath,
                "it has no binary file beside it (usual for the parent of split shanks)",
                "if a binary file is missing, put it back and publish again: it will be added.",
            )
        )


def _judge_binary(file: LocalFile, by_path: Mapping[str, LocalFile], defects: list[Defect]) -> None:
    stem = file.subpath.removesuffix(".cbin").removesuffix(".bin")
    if file.size == 0:
        defects.append(Defect("empty", file.subpath, "it is empty", _LOOK))
    if stem + ".meta" not in by_path:
        defects.append(
            Defect(
                "bin-without-meta",
                file.subpath,
                "it has no .meta file beside it, so nobody can say what it holds or whether it is whole",
                "copy its .meta from the acquisition computer, then publish again.",
            )
        )
    if file.subpath.endswith(".cbin") and stem + ".ch" not in by_path:
        defects.append(
            Defect(
                "cbin-without-ch",
                file.subpath,
                "it has no .ch file beside it, so it cannot be decompressed",
                "put the .ch file back, then publish again.",
            )
        )


_LOOK = "look at the file; move it out of the session's folder if it is of no use, then publish again."
_RIGHTS = "give the account that runs mapshell the right to read it, or check the disk."
