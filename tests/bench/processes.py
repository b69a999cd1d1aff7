"""Programs, run and timed; one that does not end well ends the benchmark, with its words."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.load.watch import Command


@dataclass(frozen=True)
class Ran:
    """A program that ended well."""

    seconds: float
    out: str


def timed(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    stdin: str = "",
    codes: tuple[int, ...] = (0,),
) -> Ran:
    """Run a program to its end.

    Raises
    ------
    SystemExit
        It did not end as it should.
    """
    began = time.perf_counter()
    done = subprocess.run(
        list(command),
        cwd=folder,
        env=None if environ is None else dict(environ),
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode not in codes or "Traceback" in done.stderr:
        line = " ".join(command)[:300]
        raise SystemExit(f"{line}: exit {done.returncode}\n{done.stderr[-4000:]}\n{done.stdout[-2000:]}")
    return Ran(seconds, done.stdout)


def mapshell(command: Command) -> Ran:
    """Run a command line of a computer."""
    line = [sys.executable, "-m", "mapshell", "--no-input", *command.args]
    return timed(line, folder=command.folder, environ=command.environ)
