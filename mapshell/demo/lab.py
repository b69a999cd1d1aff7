"""A small lab's recording days, made of realistic files: what the demo archives and many tests start from."""

from __future__ import annotations

import csv
import io
import math
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from mapshell.demo.days import SUBJECTS, Day, LabSubject, days
from mapshell.demo.metas import AP_PER_LF, ELECTRODE_CHANNELS, NIDQ_ANALOG, Probe
from mapshell.demo.recordings import NIDQ_RATE, set_times, write_recording
from mapshell.demo.sorting import write_kilosort
from mapshell.demo.videos import write_videos
from pipeline.errors import LocalDiskError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["ephys", "video"]

SMALL_CHANNELS, SMALL_SECONDS = 32, 0.6


@dataclass(frozen=True, slots=True)
class LabFolder:
    """A session folder: ``subpath`` is POSIX, relative to the ephys or video root."""

    kind: Kind
    subpath: str


@dataclass(frozen=True, slots=True)
class LabFile:
    """A file: ``subpath`` is POSIX, relative to the ephys or video root; size in bytes."""

    kind: Kind
    subpath: str
    size: int


@dataclass(frozen=True, slots=True)
class LabSession:
    """One visit to the rig.

    ``start`` is local wall time; ``ident`` what the folder names carry beside the date; ``recording`` marks the session
    that must be refused because its recording has not ended.
    """

    subject_id: int
    h2o: str
    start: datetime
    ident: str | None
    folders: tuple[LabFolder, ...]
    files: tuple[LabFile, ...]
    recording: bool = False

    def of_kind(self, kind: Kind) -> tuple[LabFile, ...]:
        """Return the files of one kind."""
        return tuple(file for file in self.files if file.kind == kind)


@dataclass(frozen=True, slots=True)
class Lab:
    """What was made: two local roots, a sheet of subjects, sessions in the order of their starts."""

    root: Path
    subjects: tuple[LabSubject, ...]
    sessions: tuple[LabSession, ...]
    timezone: str

    @property
    def sheet(self) -> Path:
        """The sheet of the subjects (CSV)."""
        return self.root / "subjects.csv"

    def kind_root(self, kind: Kind) -> Path:
        """Return the local root of a kind."""
        return self.root / kind

    def path(self, file: LabFile) -> Path:
        """Return where a file lies."""
        return self.kind_root(file.kind).joinpath(*file.subpath.split("/"))

    @property
    def good(self) -> tuple[LabSession, ...]:
        """The sessions that can be archived."""
        return tuple(session for session in self.sessions if not session.recording)

    @property
    def refused(self) -> LabSession:
        """The session that must be refused: it is still recording."""
        return next(session for session in self.sessions if session.recording)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for session in self.sessions for file in session.files)


def make_lab(root: Path, *, gigabytes: float | None = None, seed: int = 1, now: datetime, timezone: str = "UTC") -> Lab:
    """Write a lab's recording days under ``root`` and return what was made.

    Two subjects, six sessions: ``root/ephys`` and ``root/video`` are local roots, ``root/subjects.csv`` is the sheet of
    the subjects.  The same arguments give the same bytes.  Files are as old as their recordings, but for the
    last session, which still records.

    Parameters
    ----------
    root
        Folder to write into; made when missing, it must not hold a lab yet.
    gigabytes
        Size of all recordings in GB (10**9 bytes), with all 384 channels saved; about 0.02, few channels, by default.
    seed
        Of the noise.
    now
        This instant, in UTC when it has no zone.
    timezone
        IANA name of the lab's zone, in which the recordings' wall times are meant.

    Raises
    ------
    pipeline.errors.UsageError
        There are recordings under ``root`` already, or ``gigabytes`` makes no sense.
    pipeline.errors.LocalDiskError
        The disk has not enough room, or cannot be written.
    """
    if gigabytes is not None and not (math.isfinite(gigabytes) and gigabytes > 0):
        raise UsageError(f"{gigabytes} GB is no size of a lab.", remedy="give a positive number of gigabytes.")
    for name in ("ephys", "video", "subjects.csv"):
        if (root / name).exists():
            raise UsageError(
                f"{root / name} exists already.", remedy="choose an empty folder, or delete that one first."
            )
    instant = (now if now.tzinfo else now.replace(tzinfo=UTC)).astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    planned = days((instant - timedelta(minutes=25)).replace(microsecond=0))
    size = _Size.small() if gigabytes is None else _Size.of(gigabytes, planned)
    try:
        _check_room(root, gigabytes)
        sessions = tuple(_write_day(root, day, size, seed, instant, timezone) for day in planned)
        lab = Lab(root, SUBJECTS, sessions, timezone)
        lab.sheet.write_bytes(subject_sheet(SUBJECTS).encode())
    except OSError as error:
        raise LocalDiskError(
            f"The synthetic lab could not be written into {root}: {error.strerror or error}.",
            remedy="choose a folder on a disk with enough room that you may write to, and delete what was begun.",
        ) from error
    return lab


def subject_sheet(subjects: tuple[LabSubject, ...]) -> str:
    """Return a sheet of subjects as ``mapshell ingest-subjects`` reads it (CSV)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["subject_id", "water_restriction_number", "sex", "date_of_birth", "description"])
    for animal in subjects:
        writer.writerow(
            [animal.subject_id, animal.h2o, animal.sex, animal.date_of_birth.isoformat(), animal.description]
        )
    return text.getvalue()


@dataclass(frozen=True, slots=True)
class _Size:
    channels: int
    seconds: float

    @staticmethod
    def small() -> _Size:
        return _Size(SMALL_CHANNELS, SMALL_SECONDS)

    @staticmethod
    def of(gigabytes: float, planned: tuple[Day, ...]) -> _Size:
        """Return all channels, and the length that makes the finished recordings this large together."""
        a_second = sum(
            len(day.ephys) * _bytes_a_second(day.probes, ELECTRODE_CHANNELS) for day in planned if not day.recording
        )
        return _Size(ELECTRODE_CHANNELS, max(0.01, gigabytes * 1e9 / a_second))


def _bytes_a_second(probes: tuple[Probe, ...], channels: int) -> float:
    frames = sum(probe.sample_rate * (1 + (len(probe.bands) - 1) / AP_PER_LF) for probe in probes)
    return 2 * (frames * (channels + 1) + NIDQ_RATE * (NIDQ_ANALOG + 1))


def _check_room(root: Path, gigabytes: float | None) -> None:
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    wanted = (gigabytes or 0.05) * 1e9
    if free < wanted * 1.02:
        raise LocalDiskError(
            f"The disk of {root} has {free / 1e9:.1f} GB free; the lab needs {wanted / 1e9:.1f} GB.",
            remedy="choose a folder on another disk, or fewer gigabytes.",
        )


def _write_day(root: Path, day: Day, size: _Size, seed: int, now: datetime, timezone: str) -> LabSession:
    seconds = min(size.seconds, SMALL_SECONDS) if day.recording else size.seconds
    made = _Made(root)
    for part in day.ephys:
        folder = made.folder("ephys", part.folder)
        files = write_recording(
            folder,
            part.run,
            0,
            day.probes,
            start=day.start,
            seconds=seconds,
            channels=size.channels,
            trigger=part.trigger,
            finished=not day.recording,
            seed=seed,
            timezone=timezone,
        )
        if day.recording:
            set_times(files, now, timezone)
        made.add("ephys", files)
        if part.sorted:
            probe_folder = folder / f"{part.run}_g0_imec{day.probes[0].number}"
            stem = f"{part.run}_g0_tcat.imec{day.probes[0].number}.ap.bin"
            sorting = write_kilosort(
                probe_folder / f"imec{day.probes[0].number}_ks2",
                f"../{stem}",
                channels=size.channels,
                seconds=seconds,
                when=day.start + timedelta(hours=14),
                timezone=timezone,
                seed=seed,
            )
            made.add("ephys", sorting)
    if day.video is not None:
        folder = made.folder("video", day.video) / "video"
        start = day.start + timedelta(minutes=2)
        made.add(
            "video", write_videos(folder, day.subject.h2o, day.start.date(), start=start, timezone=timezone, seed=seed)
        )
    subject = day.subject
    return LabSession(
        subject.subject_id,
        subject.h2o,
        day.start,
        day.ident,
        tuple(made.folders),
        tuple(sorted(made.files, key=lambda file: (file.kind, file.subpath))),
        day.recording,
    )


@dataclass(slots=True)
class _Made:
    root: Path
    folders: list[LabFolder] = field(default_factory=list)
    files: list[LabFile] = field(default_factory=list)

    def folder(self, kind: Kind, subpath: str) -> Path:
        self.folders.append(LabFolder(kind, subpath))
        return (self.root / kind).joinpath(*subpath.split("/"))

    def add(self, kind: Kind, paths: list[Path]) -> None:
        base = self.root / kind
        self.files += [LabFile(kind, path.relative_to(base).as_posix(), path.stat().st_size) for path in paths]
