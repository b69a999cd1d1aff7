"""Tasks of Windows: made and removed by ``schtasks``."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ServiceError
from pipeline.schedule import windows
from pipeline.schedule.system import SUFFIXES, Installed, user

if TYPE_CHECKING:
    import subprocess

    from pipeline.schedule.plan import Plan
    from pipeline.schedule.system import Run


def install(plan: Plan, *, dry_run: bool, run: Run) -> Installed:
    """Install the jobs of a plan, and remove those that it no longer has.

    Raises
    ------
    ServiceError
        Windows refuses.
    """
    done = Installed(texts={windows.task_name(plan, job): windows.task(plan, job, user()) for job in plan.jobs})
    for suffix in SUFFIXES:
        name = f"\\{windows.FOLDER}\\{plan.name}{suffix}"
        there = run(["schtasks", "/Query", "/TN", name]).returncode == 0
        if name in done.texts:
            done.files[name] = "changed" if there else "new"
        elif there:
            done.files[name] = "removed"
    if dry_run:
        return done
    for name, what in done.files.items():
        if what == "removed":
            _must(run(["schtasks", "/Delete", "/TN", name, "/F"]))
            continue
        handle, place = tempfile.mkstemp(suffix=".xml")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(done.texts[name].encode("utf-16"))
            _must(run(["schtasks", "/Create", "/TN", name, "/XML", place, "/F"]))
        finally:
            with suppress(OSError):
                Path(place).unlink()
    return done


def _must(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())[:300]
        raise ServiceError(f"Windows refused: {said}", remedy="see the Task Scheduler, folder mapshell, for its tasks.")


def remove(name: str, *, dry_run: bool, run: Run) -> Installed:
    """Remove the jobs of a configuration.

    Raises
    ------
    ServiceError
        Windows refuses.
    """
    done = Installed()
    for suffix in SUFFIXES:
        task = f"\\{windows.FOLDER}\\{name}{suffix}"
        if run(["schtasks", "/Query", "/TN", task]).returncode == 0:
            done.files[task] = "removed"
            if not dry_run:
                _must(run(["schtasks", "/Delete", "/TN", task, "/F"]))
    return done
