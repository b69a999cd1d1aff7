"""SpikeGLX runs and CatGT outputs of our own making, in the folders and under the names that those programs use."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from mapshell.demo.metas import (
    AP_PER_LF,
    DATA_FOLDER,
    NIDQ_ANALOG,
    Band,
    Probe,
    concatenated,
    finish,
    nidq_fields,
    probe_fields,
)
from mapshell.demo.signals import write_samples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NIDQ_RATE = 25000.0
Trigger = int | Literal["cat"]


@dataclass(frozen=True, slots=True)
class Run:
    """How a run was recorded, or concatenated.

    ``start`` is local wall time; ``seconds`` the length of the recording in s; ``channels`` the saved electrode
    channels of each probe (at most 384); ``trigger`` "cat" makes CatGT's output of it, processed at ``processed``.
    ``finished`` False leaves the metas as they are while a recording runs.
    """

    name: str
    start: datetime
    gate: int = 0
    probes: tuple[Probe, ...] = (Probe(0),)
    nidq: bool = True
    seconds: float = 0.5
    channels: int = 32
    trigger: Trigger = 0
    processed: datetime | None = None
    finished: bool = True
    seed: int = 1


def write_recording(
    folder: Path,
    run: str,
    gate: int = 0,
    probes: Sequence[Probe] = (Probe(0),),
    *,
    start: datetime,
    seconds: float = 0.5,
    channels: int = 32,
    nidq: bool = True,
    trigger: Trigger = 0,
    processed: datetime | None = None,
    finished: bool = True,
    seed: int = 1,
    timezone: str = "UTC",
) -> list[Path]:
    """Write a run into a session folder and return its files.

    Parameters
    ----------
    folder
        The session folder, such as ``SC038/SC038_111919_115124_g0``; made when missing.
    run, gate
        What the probe folders and files are named by: ``<run>_g<gate>_imec0/<run>_g<gate>_t0.imec0.ap.bin``.
    probes
        The probes; an empty sequence records the NI board alone.
    start
        Local wall time of the start, in ``timezone``.
    seconds
        Length in s.
    channels
        Saved electrode channels of each probe, 1 to 384.
    trigger
        Number of the trigger, or "cat" for CatGT's output with its side files and ``fileSHA1=0``.
    processed
        When CatGT ran (local wall time); ten hours after the start by default.
    finished
        False: the metas of a recording that still runs.
    timezone
        IANA zone in which the wall times are meant; the files' times follow from it.

    Raises
    ------
    FileExistsError
        A file is there already: nothing is ever overwritten.
    """
    done = processed or start + timedelta(hours=10)
    plan = Run(
        run,
        start,
        gate,
        tuple(probes),
        nidq,
        seconds,
        channels,
        trigger,
        done if trigger == "cat" else None,
        finished,
        seed,
    )
    files: list[Path] = []
    for probe in plan.probes:
        inner = folder / f"{run}_g{gate}_imec{probe.number}"
        inner.mkdir(parents=True, exist_ok=True)
        for band in probe.bands:
            files += write_probe_band(inner, plan, probe, band)
    if nidq:
        folder.mkdir(parents=True, exist_ok=True)
        files += _write_nidq(folder, plan)
    if trigger == "cat":
        files += _write_side_files(folder, plan)
    closed = done if trigger == "cat" else start + timedelta(seconds=seconds)
    set_times(files, closed, timezone)
    return files


def write_probe_band(folder: Path, run: Run, probe: Probe, band: Band) -> list[Path]:
    """Write the binary file and the meta of one band of one probe into a probe folder; return both."""
    stem = f"{_stem(run)}.imec{probe.number}.{band}"
    fields = probe_fields(
        probe,
        band,
        channels=run.channels,
        original=_original(folder, 2, f"{stem}.bin"),
        created=run.start,
        first_sample=_first_sample(run, probe.rate(band)),
        probes=len(run.probes),
    )
    frames = round(run.seconds * probe.rate("ap") / AP_PER_LF) * (AP_PER_LF if band == "ap" else 1)
    return _write_pair(folder / stem, run, fields, run.channels + 1, frames, probe.rate(band), band)


def set_times(files: Sequence[Path], instant: datetime, timezone: str) -> None:
    """Give files the modification time ``instant``, a wall time in ``timezone``."""
    seconds = int(instant.replace(tzinfo=ZoneInfo(timezone)).timestamp())
    for file in files:
        os.utime(file, ns=(seconds * 10**9, seconds * 10**9))


def _write_nidq(folder: Path, run: Run) -> list[Path]:
    stem = f"{_stem(run)}.nidq"
    fields = nidq_fields(
        sample_rate=NIDQ_RATE,
        original=_original(folder, 1, f"{stem}.bin"),
        created=run.start,
        first_sample=_first_sample(run, NIDQ_RATE),
        probes=len(run.probes),
    )
    return _write_pair(folder / stem, run, fields, NIDQ_ANALOG + 1, round(run.seconds * NIDQ_RATE), NIDQ_RATE, "nidq")


def _write_pair(
    stem: Path,
    run: Run,
    fields: dict[str, str],
    channels: int,
    frames: int,
    rate: float,
    kind: Literal["ap", "lf", "nidq"],
) -> list[Path]:
    from pipeline.spikeglx import write_meta

    # Not with_suffix: the names are full of dots.
    binary, meta = stem.with_name(stem.name + ".bin"), stem.with_name(stem.name + ".meta")
    seed = run.seed * 2**32 + zlib.crc32(stem.name.encode())
    written = write_samples(binary, kind, channels=channels, frames=frames, sample_rate=rate, seed=seed)
    if run.finished:
        fields = finish(fields, size=written.size, seconds=written.seconds, sha1=written.sha1)
    if run.processed is not None:
        command = f"-run={run.name} -g={run.gate} -t=0 -ap -lf -ni -prb_fld -out_prb_fld"
        fields = concatenated(fields, processed=run.processed, command=command)
    with meta.open("xb") as file:
        file.write(write_meta(dict(sorted(fields.items()))))
    return [binary, meta]


def _write_side_files(folder: Path, run: Run) -> list[Path]:
    """Write CatGT's texts: offsets, what it did, and the times (s) of sync and digital edges, one a line."""
    texts = {f"{run.name}_g{run.gate}_ct_offsets.txt": "sec_nidq:\t0\n", f"{run.name}_g{run.gate}_fyi.txt": ""}
    edges = "".join(f"{0.5 + i:.6f}\n" for i in range(max(1, int(run.seconds))))
    if run.nidq:
        texts[f"{_stem(run)}.nidq.XD_{NIDQ_ANALOG}_2_0.txt"] = edges
        texts[f"{_stem(run)}.nidq.iXA_{NIDQ_ANALOG - 1}_3.txt"] = edges
    for probe in run.probes:
        inner = f"{run.name}_g{run.gate}_imec{probe.number}"
        sync = 768 if probe.generation == "NP1.0" else 384
        texts[f"{inner}/{_stem(run)}.imec{probe.number}.SY_{sync}_6_500.txt"] = edges
        texts[f"{run.name}_g{run.gate}_ct_offsets.txt"] += f"sec_imap{probe.number}:\t0\n"
    texts[f"{run.name}_g{run.gate}_fyi.txt"] = f"supercat_element={{{_original(folder, 1, '').rstrip('/')}}}\n"
    files = []
    for name, text in texts.items():
        path = folder.joinpath(*name.split("/"))
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
        files.append(path)
    return files


def _stem(run: Run) -> str:
    return f"{run.name}_g{run.gate}_t{run.trigger}"


def _original(folder: Path, depth: int, name: str) -> str:
    """Return the path of a file on the acquisition computer: its last ``depth`` folders below the data folder."""
    return "/".join([DATA_FOLDER, *folder.parts[-depth:], name])


def _first_sample(run: Run, rate: float) -> int:
    return round((5 + run.gate * 30) * rate)
