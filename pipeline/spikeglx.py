"""SpikeGLX ``.meta`` files: what they say of a recording, and whether its binary file agrees.

A meta is ``key=value`` lines.  Its size, duration and SHA1 are written when the recording ends.  CatGT rewrites them
for its output: the SHA1 becomes ``0`` (not known), ``fileCreateTime`` the time of processing, and
``fileCreateTime_original`` what stood there before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from pipeline.archive.filenames import parse_file
from pipeline.spikeglx_text import COUNT_KEYS, NUMBER, RATE_KEYS, Band, MetaError, MetaText, Stream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


SAMPLE_BYTES: Final = 2
"""Samples are int16."""

_CLAIMS = ("fileSizeBytes", "fileTimeSecs", "fileSHA1")
_ESSENTIAL = frozenset({*_CLAIMS, *RATE_KEYS.values(), "nSavedChans", "typeThis"})
# A rate that was calibrated after the recording leaves the duration as it was.
_DURATION_TOLERANCE = 1e-4
_FRAMES_TOLERANCE = 2


@dataclass(frozen=True, slots=True)
class Meta:
    """What a meta says.

    Parameters
    ----------
    raw
        All keys (lists with their ``~``) and values as written; of a key that stands twice the last value.
    size
        Bytes of the binary file; None while the recording runs.
    duration
        Length of the recording in s; None while it runs.
    sha1
        SHA1 of the binary file in lower-case hex; None when not known.
    complete
        Whether size, duration and SHA1 were written, as they are when the recording ends.
    sample_rate
        Samples per s.
    n_channels
        Saved channels, the sync and digital words among them.
    channels
        Saved channels by kind (``AP``, ``LF``, ``SY``; ``MN``, ``MA``, ``XA``, ``DW``); empty when not told.
    probe_type
        SpikeGLX's number of the type (``"0"``, ``"24"``, ``"1110"``); ``"3A-3"`` for phase 3A with its option.
    probe_part
        The manufacturer's part number (``NP1015``).
    created
        When the recording began, naive local time of the acquisition computer; None when the meta does not tell.
    written
        ``fileCreateTime`` as it stands: for CatGT's output the time of processing.
    first_sample
        Index of the first sample within the run.
    file_name
        Path of the binary file on the acquisition computer, as written.
    catgt
        ``"cat"`` for CatGT's output, ``"supercat"`` for several runs joined, else None.
    repeated
        Essential keys that stand more than once with different values.
    """

    name: str
    raw: Mapping[str, str]
    stream: Stream
    band: Band | None
    sample_rate: float
    n_channels: int
    channels: Mapping[str, int]
    size: int | None
    duration: float | None
    sha1: str | None
    complete: bool
    probe_type: str | None
    probe_serial: str | None
    probe_part: str | None
    created: datetime | None
    written: datetime | None
    first_sample: int | None
    file_name: str | None
    catgt: Literal["cat", "supercat"] | None
    repeated: tuple[str, ...]

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all saved channels."""
        return SAMPLE_BYTES * self.n_channels


@dataclass(frozen=True, slots=True)
class Defect:
    """Why a binary file and its meta do not belong together: the rule's code, the cause and the remedy."""

    rule: str
    message: str
    remedy: str


def parse_meta(raw: bytes, *, name: str) -> Meta:
    """Read a meta.

    Parameters
    ----------
    raw
        Content of the file: LF or CRLF, UTF-8 (with or without BOM) or Latin-1.
    name
        Name or path of the file, for messages, and for the band when the channels do not tell it.

    Raises
    ------
    MetaError
        It is not a meta, or a number in it makes no sense.
    """
    reader = MetaText(raw, name)
    stream = reader.stream()
    counts = reader.counts(stream)
    saved = reader.integer("nSavedChans")
    if saved is None and counts:
        saved = sum(counts.values())
    if not saved:
        raise reader.error("it does not say how many channels were saved (nSavedChans)")
    if counts and sum(counts.values()) != saved:
        raise reader.error(f"nSavedChans={saved}, but {COUNT_KEYS[stream][0]} adds up to {sum(counts.values())}")
    rate = reader.number(RATE_KEYS[stream])
    if not rate:
        raise reader.error(f"it does not say the sample rate ({RATE_KEYS[stream]})")
    catgt = reader.catgt()
    return Meta(
        name=name,
        raw=MappingProxyType(reader.values),
        stream=stream,
        band=_band(counts, name, reader.values.get("fileName")) if stream == "imec" else None,
        sample_rate=rate,
        n_channels=saved,
        channels=MappingProxyType(counts),
        size=reader.integer("fileSizeBytes"),
        duration=reader.number("fileTimeSecs"),
        sha1=reader.sha1(),
        complete=all(key in reader.values for key in _CLAIMS),
        probe_type=reader.probe_type() if stream == "imec" else None,
        probe_serial=reader.first("imDatPrb_sn", "imProbeSN") if stream == "imec" else None,
        probe_part=reader.first("imDatPrb_pn") if stream == "imec" else None,
        created=reader.created(catgt),
        written=reader.instant("fileCreateTime"),
        first_sample=reader.integer("firstSample"),
        file_name=reader.first("fileName"),
        catgt=catgt,
        repeated=tuple(sorted(reader.repeated & _ESSENTIAL)),
    )


def _band(counts: Mapping[str, int], name: str, original: str | None) -> Band | None:
    """Tell the band from the channels; from the names where both bands or none was saved."""
    if counts.get("AP") and not counts.get("LF"):
        return "ap"
    if counts.get("LF") and not counts.get("AP"):
        return "lf"
    for path in (name, original or ""):
        file = parse_file(re.split(r"[/\\]", path)[-1])
        if file is not None and file.band is not None:
            return file.band
    return None


def write_meta(fields: Mapping[str, object], *, newline: Literal["\r\n", "\n"] = "\r\n") -> bytes:
    """Return a meta with these fields in their order, as SpikeGLX on Windows writes it.

    Raises
    ------
    MetaError
        A key or value cannot stand on a line.
    """
    lines = []
    for key, value in fields.items():
        line = f"{key}={value}"
        if re.search(r"[\r\n\0]", line) or not key or key != key.strip() or "=" in key:
            raise MetaError(f"The field {line[:80]!r} cannot stand in a meta.", remedy="give it on one line.")
        lines.append(line + newline)
    return "".join(lines).encode()


def bin_name(meta: str) -> str:
    """Return the name (or path) of the binary file that belongs to a meta."""
    return meta.removesuffix(".meta") + ".bin"


def meta_name(binary: str) -> str:
    """Return the name (or path) of the meta that belongs to a binary file, compressed or not."""
    return binary.removesuffix(".cbin").removesuffix(".bin") + ".meta"


def defects(meta: Meta, bin_size: int) -> list[Defect]:
    """Compare a binary file's size with what its meta says.

    Parameters
    ----------
    meta
        The meta beside the file.
    bin_size
        Bytes of the file (uncompressed).

    Returns
    -------
    list of Defect
        Everything that contradicts, in order of rule: ``still-recording``, ``repeated-key``, ``empty``, ``frames``,
        ``size``, ``duration``.
    """
    found: list[Defect] = []

    def add(rule: str, message: str, remedy: str) -> None:
        found.append(Defect(rule, message, remedy))

    copy_again = "copy file and meta again from the acquisition computer, then publish again."
    if not meta.complete:
        missing = ", ".join(key for key in _CLAIMS if key not in meta.raw)
        add(
            "still-recording",
            f"its meta has no {missing}: the recording has not ended",
            "stop the acquisition and let SpikeGLX close its files, then publish again.",
        )
    if meta.repeated:
        add("repeated-key", f"its meta says {', '.join(meta.repeated)} twice, differently", copy_again)
    if bin_size == 0:
        add("empty", "it is empty", "move the empty file and its meta out of the session's folder, then publish again.")
    if bin_size % meta.frame_bytes:
        add(
            "frames",
            f"its {bin_size:,} bytes are not whole frames of {meta.frame_bytes} bytes ({meta.n_channels} channels)",
            copy_again,
        )
    if meta.size is not None and meta.size != bin_size:
        add("size", f"it has {bin_size:,} bytes, but its meta says {meta.size:,}", copy_again)
    if meta.size is not None and meta.duration is not None:
        expected = meta.size / meta.frame_bytes / meta.sample_rate
        if abs(expected - meta.duration) > _tolerance(meta, expected):
            add(
                "duration",
                f"its meta says {meta.duration:g} s, but {meta.size:,} bytes last {expected:g} s",
                "correct the meta (fileSizeBytes, fileTimeSecs or the sample rate), or copy it again.",
            )
    return found


def _tolerance(meta: Meta, expected: float) -> float:
    """Return how far (s) the duration may be off: two frames, what its decimals can tell, a calibrated rate."""
    text = NUMBER.fullmatch(meta.raw.get("fileTimeSecs", ""))
    rounding = 10.0 ** -len(text["decimals"] or "") if text and not text["power"] else 0.0
    return max(_FRAMES_TOLERANCE / meta.sample_rate, rounding, _DURATION_TOLERANCE * expected)
