"""What SpikeGLX and CatGT write into ``.meta`` files, for recordings of our own making.

A meta is a dictionary of texts here; ``finish`` adds the three lines that SpikeGLX writes when it closes a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

Generation = Literal["NP1.0", "NP2.0"]
Band = Literal["ap", "lf"]

ELECTRODE_CHANNELS = 384
AP_GAIN, LF_GAIN = 500, 250
AP_PER_LF = 12
"""Frames of the ap band for each frame of the lf band."""
NIDQ_ANALOG = 4
DATA_FOLDER = "D:/SpikeGLX_Data"
"""Where the recordings lay on the acquisition computer, as their metas say."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe as it is plugged in: its number in names (``imecN``), generation and serial number."""

    number: int
    generation: Generation = "NP1.0"
    serial: str = "18005116811"
    slot: int = 2
    sample_rate: float = 30000.0

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands that the probe records: the second generation has one."""
        return ("ap", "lf") if self.generation == "NP1.0" else ("ap",)

    def rate(self, band: Band) -> float:
        """Sample rate of a band in Hz."""
        return self.sample_rate if band == "ap" else self.sample_rate / AP_PER_LF


def probe_fields(
    probe: Probe, band: Band, *, channels: int, original: str, created: datetime, first_sample: int, probes: int
) -> dict[str, str]:
    """Return the lines of a probe's meta while it records.

    Parameters
    ----------
    channels
        Electrode channels that are saved, at most 384; the sync channel comes on top.
    original
        Path of the binary file on the acquisition computer.
    created
        Local wall time at which the file was opened.
    first_sample
        Number of the file's first sample since the acquisition began.
    probes
        How many probes record at the same time.
    """
    first = 0 if band == "ap" else ELECTRODE_CHANNELS
    sync = 2 * ELECTRODE_CHANNELS if probe.generation == "NP1.0" else ELECTRODE_CHANNELS
    last = first + channels - 1
    chosen = f"{first}:{sync}" if last + 1 == sync else f"{first}:{last},{sync}"
    counts = f"{channels},0,1" if band == "ap" else f"0,{channels},1"
    fields = {
        **_common(original, created, first_sample),
        "imCalibrated": "true",
        "imDatBsc_hw": "2.1",
        "imDatBsc_pn": "NP2_QBSC_00",
        "imDatBsc_sn": str(400 + probe.slot),
        "imDatPrb_port": str(probe.number % 4 + 1),
        "imDatPrb_slot": str(probe.slot),
        "imDatPrb_sn": probe.serial,
        "imLEDEnable": "false",
        "imRoFile": "",
        "imSampRate": f"{probe.rate(band):.15g}",
        "imStdby": "",
        "imTrgRising": "true",
        "imTrgSource": "0",
        "nSavedChans": str(channels + 1),
        "snsApLfSy": counts,
        "snsSaveChanSubset": chosen,
        "syncImInputSlot": str(probe.slot),
        "typeImEnabled": str(probes),
        "typeThis": "imec",
        "~snsChanMap": _channel_map(probe, band, channels, first, sync),
        "~snsShankMap": _shank_map(probe, channels),
    }
    return fields | (_first_generation() if probe.generation == "NP1.0" else _second_generation())


def nidq_fields(
    *, sample_rate: float, original: str, created: datetime, first_sample: int, probes: int
) -> dict[str, str]:
    """Return the lines of the meta of a NI board: four analogue channels (V) and a word of eight digital lines."""
    names = [f"(XA{i};{i}:{i})" for i in range(NIDQ_ANALOG)] + [f"(XD0;{NIDQ_ANALOG}:{NIDQ_ANALOG})"]
    counts = f"0,0,{NIDQ_ANALOG},1"
    return {
        **_common(original, created, first_sample),
        "acqMnMaXaDw": counts,
        "nSavedChans": str(NIDQ_ANALOG + 1),
        "niAiRangeMax": "5",
        "niAiRangeMin": "-5",
        "niAiTermination": "Default",
        "niClockLine1": "Internal",
        "niClockSource": f"PXI1Slot6_Internal : {sample_rate:.6f}",
        "niDev1": "PXI1Slot6",
        "niDev1ProductName": "PXI-6133",
        "niMAChans1": "",
        "niMAGain": "1",
        "niMNChans1": "",
        "niMNGain": "200",
        "niMuxFactor": "1",
        "niSampRate": f"{sample_rate:.15g}",
        "niStartEnable": "false",
        "niStartLine": "PXI1Slot6/port0/line0",
        "niXAChans1": f"0:{NIDQ_ANALOG - 1}",
        "niXDBytes1": "1",
        "niXDChans1": "0:7",
        "snsMnMaXaDw": counts,
        "snsSaveChanSubset": "all",
        "syncNiChan": "0",
        "syncNiChanType": "0",
        "syncNiThresh": "1.1",
        "typeImEnabled": str(probes),
        "typeThis": "nidq",
        "~snsChanMap": f"(0,0,1,{NIDQ_ANALOG},1)" + "".join(names),
        "~snsShankMap": "(1,2,0)",
    }


def finish(fields: dict[str, str], *, size: int, seconds: float, sha1: str) -> dict[str, str]:
    """Return a meta with what is written when the file is closed: size (bytes), duration (s), SHA1."""
    return fields | {"fileSizeBytes": str(size), "fileTimeSecs": f"{seconds:.17g}", "fileSHA1": sha1}


def concatenated(fields: dict[str, str], *, processed: datetime, command: str) -> dict[str, str]:
    """Return the meta that CatGT makes of a recording's: its own time, the original one, no checksum."""
    return fields | {
        "catGTCmdline": f"<CatGT {command}>",
        "catNFiles": "1",
        "fileCreateTime": f"{processed:%Y-%m-%dT%H:%M:%S}",
        "fileCreateTime_original": fields["fileCreateTime"],
        "fileSHA1": "0",
    }


def _common(original: str, created: datetime, first_sample: int) -> dict[str, str]:
    return {
        "appVersion": "20190327" if created.year < 2020 else "20201103",
        "fileCreateTime": f"{created:%Y-%m-%dT%H:%M:%S}",
        "fileName": original,
        "firstSample": str(first_sample),
        "gateMode": "Immediate",
        "nDataDirs": "1",
        "syncSourceIdx": "3",
        "syncSourcePeriod": "1",
        "trigMode": "Immediate",
        "typeNiEnabled": "1",
        "userNotes": "",
    }


def _first_generation() -> dict[str, str]:
    table = "".join(f"({i} 0 0 {AP_GAIN} {LF_GAIN} 1)" for i in range(ELECTRODE_CHANNELS))
    return {
        "acqApLfSy": f"{ELECTRODE_CHANNELS},{ELECTRODE_CHANNELS},1",
        "imAiRangeMax": "0.6",
        "imAiRangeMin": "-0.6",
        "imDatApi": "1.15",
        "imDatBs_fw": "1.1.128",
        "imDatBsc_fw": "1.0.151",
        "imDatFx_hw": "1.2",
        "imDatFx_pn": "NP2_FLEX_0",
        "imDatHs_fw": "5.1",
        "imDatHs_pn": "NP2_HS_30",
        "imDatHs_sn": "1116",
        "imDatPrb_pn": "PRB_1_4_0480_1",
        "imDatPrb_type": "0",
        "~imroTbl": f"(0,{ELECTRODE_CHANNELS}){table}",
    }


def _second_generation() -> dict[str, str]:
    # Four shanks of 96 channels each, their lowest electrodes, external reference.
    per_shank = ELECTRODE_CHANNELS // 4
    table = "".join(f"({i} {i // per_shank} 0 0 {i % per_shank})" for i in range(ELECTRODE_CHANNELS))
    return {
        "acqApLfSy": f"{ELECTRODE_CHANNELS},0,1",
        "imAiRangeMax": "0.5",
        "imAiRangeMin": "-0.5",
        "imDatApi": "3.31",
        "imDatBs_fw": "2.0.137",
        "imDatBsc_fw": "3.2.176",
        "imDatFx_hw": "1.8",
        "imDatFx_pn": "NPM_FLEX_0",
        "imDatHs_fw": "2.9",
        "imDatHs_pn": "NPM_HS_30",
        "imDatHs_sn": "20431569",
        "imDatPrb_dock": "1",
        "imDatPrb_pn": "NP2010",
        "imDatPrb_type": "24",
        "imMaxInt": "8192",
        "~imroTbl": f"(24,{ELECTRODE_CHANNELS}){table}",
    }


def _channel_map(probe: Probe, band: Band, channels: int, first: int, sync: int) -> str:
    lf = ELECTRODE_CHANNELS if probe.generation == "NP1.0" else 0
    entries = "".join(f"({band.upper()}{i};{first + i}:{first + i})" for i in range(channels))
    return f"({ELECTRODE_CHANNELS},{lf},1){entries}(SY0;{sync}:{sync})"


def _shank_map(probe: Probe, channels: int) -> str:
    if probe.generation == "NP1.0":
        return "(1,2,480)" + "".join(f"(0:{i % 2}:{i // 2}:1)" for i in range(channels))
    per_shank = ELECTRODE_CHANNELS // 4
    return "(4,2,640)" + "".join(f"({i // per_shank}:{i % 2}:{i % per_shank // 2}:1)" for i in range(channels))
