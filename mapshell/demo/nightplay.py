"""``mapshell demo --faults``: makes a lab, plays the acts of the night, and checks every byte at the end."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from mapshell.demo import run as demo
from mapshell.demo.night import NIGHT
from mapshell.demo.proof import Proof, prove
from mapshell.demo.stage import Stage
from pipeline.errors import UsageError
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mapshell.context import Context
    from mapshell.demo.lab import Lab
    from mapshell.output import Output

MARK = ".mapshell/night"
#: Nobody waits for minutes in a demo: what takes longer than these seconds is told as it stands.
_SETTINGS = {"archive.poll_seconds": 0.2, "archive.stall_seconds": 1, "globus.patience_seconds": 10}


def run(context: Context, folder: Path) -> bool:
    """Play the night in ``folder``; tell whether all came as it must, and every byte is where it must be."""
    folder, out, began = folder.expanduser().absolute(), context.output, time.monotonic()
    clear(folder, out)
    demo.prepare(folder, _SETTINGS)
    (folder / MARK).touch()
    out.say()
    lab = demo.step(out, "Recording days", lambda: _lab(folder), lambda lab: f"{len(lab.good)} sessions to archive")
    inside = demo.context_inside(context, folder)
    demo.step(out, "Database", inside.database, lambda _: "PostgreSQL, on this computer alone")
    demo.step(out, "Globus", lambda: demo.start_globus(folder), lambda _: "a sandbox that is told to misbehave")
    demo.step(out, "Login", lambda: demo.log_in(inside), str)
    demo.step(out, "Ingest", lambda: demo.ingest(inside, lab.sheet), str)
    stage = Stage(inside, folder, lab)
    acts = []
    for number, act in enumerate(NIGHT, start=1):
        acts.append(stage.play(act, number))
    rest = stage.rest()
    proof = prove(lab, folder / "archive", _rows())
    good = proof.whole and all(act.as_expected for act in acts)
    seconds = round(time.monotonic() - began, 1)
    if out.for_programs:
        out.data(
            {
                "acts": acts,
                "rest": rest,
                "proof": {**asdict(proof), "whole": proof.whole},
                "as_expected": good,
                "seconds": seconds,
            }
        )
    else:
        _conclude(out, folder, proof, seconds, good=good)
    return good


def clear(folder: Path, out: Output) -> None:
    """Clear an earlier night away.

    Raises
    ------
    UsageError
        The folder holds something else.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / MARK).is_file():
        raise UsageError(
            f"{folder} holds something else than an earlier `mapshell demo --faults`; nothing was touched.",
            remedy="choose another one: `mapshell demo --faults --dir DIR`.",
        )
    out.say(f"An earlier night in {demo.short(folder)} is cleared away.")
    demo.end_services(folder)
    for name in ("rig", "archive", ".mapshell"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / demo.CONFIGURATION).unlink(missing_ok=True)


def _lab(folder: Path) -> Lab:
    from datetime import UTC, datetime

    from mapshell.demo.lab import make_lab

    for kind in ("ephys", "video"):  # made empty with the folder
        (folder / "rig" / kind).rmdir()
    return make_lab(folder / "rig", now=datetime.now(UTC), timezone=demo.TIMEZONE)


def _rows() -> Iterator[tuple[str, str, str, int]]:
    """Yield the index, file by file: location, dataset, subpath, size (bytes)."""
    from pipeline import publication

    for row in publication.DataSet.PhysicalFile.to_dicts():
        yield row["globus_alias"], row["dataset_name"], row["file_subpath"], int(row["file_size"])


def _conclude(out: Output, folder: Path, proof: Proof, seconds: float, *, good: bool) -> None:
    lines = [
        f"{proof.same} files ({human_bytes(proof.bytes)}) in {proof.datasets} archived sessions and kinds of data:",
        "each row's file is at the archive, byte for byte as on the rig." if not proof.different else "",
        *(f"NOT AS ON THE RIG: {name}" for name in proof.different),
        *(f"TWICE IN THE INDEX: {name}" for name in proof.twice),
        *(f"LOST: {name}" for name in proof.lost),
        *(f"NOBODY'S: {name}" for name in proof.strange),
        f"Lost: {len(proof.lost)}. Twice: {len(proof.twice)}. Nobody's: {len(proof.strange)}.",
        f"Beside them {proof.manifests} manifests, and {proof.set_aside} leftovers of failed transfers, renamed.",
    ]
    out.say()
    out.say("The check: every row of the index against the bytes on both disks", style="bold")
    for text in filter(None, lines):
        out.data(f"   {text}")
    out.say()
    verdict = "All as it must be" if good else "NOT as it must be"
    out.say(f"{verdict}, after {seconds:.0f} s. Look around: {demo.short(folder)}", style="bold")
    out.say(f"   {demo.program()} sandbox log   (there) what the service saw")
    out.say(f"   {demo.program()} demo --stop --dir {demo.short(folder)}")
