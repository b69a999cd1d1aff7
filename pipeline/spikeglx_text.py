"""The text of a SpikeGLX ``.meta``: keys and values, read defensively.  What they add up to is in ``spikeglx.py``."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Final, Literal

from pipeline.archive.paths import printable
from pipeline.errors import MapshellError

Stream = Literal["imec", "nidq", "obx"]
Band = Literal["ap", "lf"]

MAX_BYTES: Final = 64 * 1024 * 1024
"""A larger file is no meta."""

NUMBER = re.compile(r"[0-9]{1,18}(?:\.(?P<decimals>[0-9]{0,40}))?(?P<power>[eE][+-]?[0-9]{1,3})?")
_INTEGER = re.compile(r"[0-9]{1,18}")
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
_COUNTS = re.compile(r"[0-9]{1,6}(?:,[0-9]{1,6}){0,7}")
RATE_KEYS: Final[dict[Stream, str]] = {"imec": "imSampRate", "nidq": "niSampRate", "obx": "obSampRate"}
COUNT_KEYS: Final[dict[Stream, tuple[str, tuple[str, ...]]]] = {
    "imec": ("snsApLfSy", ("AP", "LF", "SY")),
    "nidq": ("snsMnMaXaDw", ("MN", "MA", "XA", "DW")),
    "obx": ("snsXaDwSy", ("XA", "DW", "SY")),
}
_LOOK = "look at the file; copy it again from the acquisition computer if it was damaged on its way."


class MetaError(MapshellError):
    """A ``.meta`` file that cannot be read as one."""


class MetaText:
    """The keys and values of a meta, and their meaning; every method may raise :class:`MetaError`."""

    def __init__(self, raw: bytes, name: str) -> None:
        self.name = name
        self.values: dict[str, str] = {}
        self.repeated: set[str] = set()
        if len(raw) > MAX_BYTES:
            raise self.error(f"it has {len(raw)} bytes, far more than a meta")
        if b"\0" in raw:
            raise self.error("it holds NUL bytes: it is damaged, or no text file")
        for line in re.split(r"\r\n|\n|\r", _decode(raw)):
            key, equals, value = line.partition("=")
            key, value = key.strip(), value.strip()
            if not equals or not key:
                continue
            if self.values.get(key, value) != value:
                self.repeated.add(key)
            self.values[key] = value
        if not self.values:
            raise self.error("it is empty" if not raw.strip() else "it has no line of the form key=value")

    def error(self, why: str) -> MetaError:
        """Return the error that names the file and the cause."""
        return MetaError(f"{printable(self.name)} cannot be read as a SpikeGLX meta: {why}.", remedy=_LOOK)

    def first(self, *keys: str) -> str | None:
        """Return the first of these keys' values that is not empty."""
        return next((self.values[key] for key in keys if self.values.get(key)), None)

    def integer(self, key: str) -> int | None:
        """Return a whole number, None when it is absent or empty."""
        text = self.first(key)
        if text is None:
            return None
        if _INTEGER.fullmatch(text) is None:
            raise self.error(f"{key}={printable(text, 40)} is not a whole number")
        return int(text)

    def number(self, key: str) -> float | None:
        """Return a finite number that is not negative, None when it is absent or empty."""
        text = self.first(key)
        if text is None:
            return None
        value = float(text) if NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(value):
            raise self.error(f"{key}={printable(text, 40)} is not a number")
        return value

    def stream(self) -> Stream:
        """Return what was recorded: a probe, NI channels, or a OneBox."""
        said = self.values.get("typeThis", "").lower()
        for stream, rate in RATE_KEYS.items():
            if said == stream or (not said and rate in self.values):
                return stream
        raise self.error(f"its kind of recording (typeThis={printable(said, 40)!r}) is not known")

    def counts(self, stream: Stream) -> dict[str, int]:
        """Return the saved channels by kind; empty when it does not tell."""
        key, kinds = COUNT_KEYS[stream]
        text = self.first(key)
        if text is None:
            return {}
        if _COUNTS.fullmatch(text) is None or text.count(",") != len(kinds) - 1:
            raise self.error(f"{key}={printable(text, 40)} is not {len(kinds)} numbers")
        return dict(zip(kinds, map(int, text.split(",")), strict=True))

    def sha1(self) -> str | None:
        """Return the SHA1 of the binary file in lower-case hex; None when it is not known (CatGT writes ``0``)."""
        text = self.first("fileSHA1")
        if text is None or text == "0":
            return None
        if _SHA1.fullmatch(text) is None:
            raise self.error(f"fileSHA1={printable(text, 60)} is not 40 hexadecimal digits")
        return text.lower()

    def probe_type(self) -> str | None:
        """Return SpikeGLX's number of the probe's type, ``3A-<option>`` for the oldest probes."""
        known = self.first("imDatPrb_type")
        if known is None and "imProbeOpt" in self.values:
            return f"3A-{self.values['imProbeOpt']}"[:32]
        if known is None and "imDatPrb_sn" in self.values:
            return "0"  # the first probes with a serial number had no other type yet
        return None if known is None else known[:32]

    def instant(self, key: str) -> datetime | None:
        """Return a naive local time, None when it is absent or makes no sense."""
        try:
            return datetime.fromisoformat(self.values.get(key, "")).replace(tzinfo=None)
        except ValueError:
            return None

    def catgt(self) -> Literal["cat", "supercat"] | None:
        """Say whether CatGT wrote the meta."""
        if "catNRuns" in self.values:
            return "supercat"
        made = any(key.startswith(("catGT", "catNFiles", "catGVals", "fileCreateTime_original")) for key in self.values)
        return "cat" if made else None

    def created(self, catgt: Literal["cat", "supercat"] | None) -> datetime | None:
        """Return when the recording began, if that can be known."""
        if catgt is None:
            return self.instant("fileCreateTime")
        # In several runs joined, the original is the time when CatGT wrote the first of its inputs.
        return self.instant("fileCreateTime_original") if catgt == "cat" else None


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
