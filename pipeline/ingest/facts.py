"""What the recordings in a folder are: probe, rate, channels, length, start.

Rate, channels and length come from neo, which reads the recording itself; where neo cannot (some probe types,
compressed files, a missing binary file), from our own reading of the meta.
"""

from __future__ import annotations

import uuid
import warnings
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pipeline import spikeglx
from pipeline.archive.integrity import MAX_META_BYTES
from pipeline.archive.naming import FileName, FolderName, parse_file, parse_probe
from pipeline.errors import MapshellError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.archive.scan import Defect
    from pipeline.archive.session import LocalFile

# Never change: recordings that were entered once are found again by it.
_RECORDING_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://mapshell/recording")


@dataclass(frozen=True, slots=True)
class Recording:
    """One stream of a probe, by its meta file.

    ``subpath`` of the meta, POSIX, relative to the local root; ``sample_rate`` in Hz; ``n_channels`` all saved
    channels; ``duration`` in s and ``size`` in bytes of the binary file, None while the recording runs; ``started``
    local wall time; ``reader`` who read rate, channels and length.
    """

    subpath: str
    insertion_number: int
    band: str
    gate: int | None
    trigger: str | None
    sample_rate: float
    n_channels: int
    duration: float | None
    size: int | None
    started: datetime | None
    probe: str | None
    probe_type: str | None
    reader: Literal["neo", "meta"]

    @property
    def recording_id(self) -> uuid.UUID:
        """Key of the row: from the exact subpath of the meta."""
        return uuid.uuid5(_RECORDING_NAMESPACE, self.subpath)

    @property
    def row(self) -> dict[str, Any]:
        """The row of ``ephys.ProbeInsertion.Recording``, without the session's key."""
        return {
            "insertion_number": self.insertion_number,
            "recording_id": self.recording_id,
            "recording_subpath": self.subpath,
            "recording_band": self.band,
            "recording_gate": self.gate,
            "recording_trigger": self.trigger,
            "sample_rate": self.sample_rate,
            "n_channels": self.n_channels,
            "duration": self.duration,
            "file_size": self.size,
            "recording_start": self.started,
        }


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """The recordings of a session folder; ``started`` the earliest start, of the NI board's file too.

    ``running`` says that a meta has no end yet; ``problems`` names metas that could not be read.
    """

    recordings: tuple[Recording, ...] = ()
    started: datetime | None = None
    running: bool = False
    problems: tuple[str, ...] = ()


def read_facts(
    name: FolderName,
    files: Sequence[LocalFile],
    entered: Collection[uuid.UUID] = frozenset(),
    unread: Sequence[Defect] = (),
) -> FolderFacts:
    """Read the metas of a session folder, and with neo the recordings beside them.

    Parameters
    ----------
    name
        What the folder's name says; older layouts tell the insertion by it.
    files
        All files of the folder.
    entered
        Recordings whose facts the database has: neo need not read them again.
    unread
        What stood in the way of the walk: a meta among it is told, and what may not be read.
    """
    sizes = {file.subpath: file.size for file in files}
    found: list[Recording] = []
    starts: list[datetime] = []
    problems = [f"{each.subpath}: {each.message}" for each in unread if _hides_something(each)]
    running = False
    folders: dict[str, Path] = {}
    for file in files:
        leaf = file.subpath.rsplit("/", 1)[-1]
        if not leaf.endswith(".meta"):
            continue
        try:
            if file.size > MAX_META_BYTES:
                problems.append(f"{file.subpath} is far too large for a meta file")
                continue
            meta = spikeglx.parse_meta(file.path.read_bytes(), name=leaf)
        except OSError as error:
            problems.append(f"{file.subpath} cannot be read: {error.strerror}")
            continue
        except MapshellError as error:
            problems.append(error.message)
            continue
        running |= not meta.complete
        if meta.created is not None:
            starts.append(meta.created)
        if meta.stream == "imec":
            found.append(_recording(name, file.subpath, leaf, meta, sizes))
            if spikeglx.bin_name(file.subpath) in sizes and found[-1].recording_id not in entered:
                folders[file.subpath.rsplit("/", 1)[0]] = file.path.parent
    return FolderFacts(
        tuple(_improve(found, folders)), min(starts, default=None), running=running, problems=tuple(problems)
    )


def _hides_something(defect: Defect) -> bool:
    return defect.rule == "unreadable" or defect.subpath.endswith(".meta")


def _recording(folder: FolderName, subpath: str, leaf: str, meta: spikeglx.Meta, sizes: Mapping[str, int]) -> Recording:
    name = parse_file(leaf)
    size = sizes.get(spikeglx.bin_name(subpath), meta.size)
    return Recording(
        subpath=subpath,
        insertion_number=_insertion(folder, name, subpath),
        band=meta.band or "",
        gate=name.gate if name else None,
        trigger=name.trigger if name else None,
        sample_rate=meta.sample_rate,
        n_channels=meta.n_channels,
        duration=meta.duration,
        size=size if meta.complete else None,
        started=meta.created,
        probe=_serial(meta.probe_serial),
        probe_type=meta.probe_type,
        reader="meta",
    )


def _insertion(folder: FolderName, name: FileName | None, subpath: str) -> int:
    """Return the insertion: the file's own number, else that of the folder (phase 3A has no number in its files)."""
    if name is not None and name.probe is not None and name.insertion_number is not None:
        return name.insertion_number
    parts = subpath.split("/")
    probe = parse_probe(parts[-2]) if len(parts) > 1 else None
    if probe is not None:
        return probe.insertion_number
    return max(1, int(folder.number)) if folder.number is not None else 1


def _serial(text: str | None) -> str | None:
    serial = (text or "").strip()
    return serial[:32] if serial.strip("0") else None


def _improve(recordings: Iterable[Recording], folders: Mapping[str, Path]) -> Iterable[Recording]:
    by_folder: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        by_folder[recording.subpath.rsplit("/", 1)[0]].append(recording)
    for subpath, inside in by_folder.items():
        read = _read_with_neo(folders[subpath]) if subpath in folders else {}
        for recording in inside:
            info = read.get(recording.subpath.rsplit("/", 1)[-1])
            if info is None:
                yield recording
                continue
            rate = float(info["sampling_rate"])
            yield replace(
                recording,
                sample_rate=rate,
                n_channels=int(info["num_chan"]),
                duration=None if recording.size is None else int(info["sample_length"]) / rate,
                reader="neo",
            )


def _read_with_neo(folder: Path) -> dict[str, Any]:
    """Return what neo says of the recordings directly in a folder, by the name of the meta; empty where it cannot."""
    from neo.rawio import SpikeGLXRawIO

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reader = SpikeGLXRawIO(dirname=str(folder))
            reader.parse_header()
        except Exception:  # noqa: BLE001 - neo fails in many ways on what it does not know; then the meta speaks
            return {}
    read = {}
    for info in reader.signals_info_list:
        place, _, leaf = str(info["meta_file"]).replace("\\", "/").rpartition("/")
        if place == str(folder).replace("\\", "/"):
            read[leaf] = info
    return read
