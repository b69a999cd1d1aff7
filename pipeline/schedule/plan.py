"""What the system is to start and when, made from a person's wishes and this computer's settings."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.amounts import age
from pipeline.errors import ConfigError, UsageError
from pipeline.nights.rhythm import MORNING, NEVER, read_every, read_report_at
from pipeline.nights.window import read_window, time_of_day
from pipeline.private.redaction import redact
from pipeline.settings.keys import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import time

    from pipeline.settings import Settings

EVENING = "22:00"
_BEFORE_REPORT = timedelta(hours=1)
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Job:
    """One command: what it is for, its arguments, and when it begins each day (None: it lasts)."""

    suffix: str
    what: str
    args: tuple[str, ...]
    at: time | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is to be installed for one configuration.

    ``program`` is how mapshell is called; ``environment`` what it needs of it, without secrets; ``zone`` is that of the
    times where it is not the computer's own; ``lacking`` names variables whose values are secret, and not written.
    """

    name: str
    settings_file: str
    program: tuple[str, ...]
    jobs: tuple[Job, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    lacking: tuple[str, ...] = ()

    def command(self, job: Job) -> list[str]:
        """Return program and arguments of a job."""
        return [*self.program, "--config", self.settings_file, "--no-input", *job.args]


def plan(
    settings: Settings,
    environ: Mapping[str, str],
    program: Sequence[str],
    *,
    at: str = "",
    every: str = "",
    report_at: str = "",
    reclaim: str = "",
) -> Plan:
    """Return what is to be installed.

    Parameters
    ----------
    settings
        This computer's settings, from a file.
    environ
        Environment variables.
    program
        How mapshell is called: an absolute path, and arguments.
    at
        When the round of the night begins; with ``every``, the window.
    every
        How often rounds follow each other; empty for one each night.
    report_at
        When the report is due, or ``never``.
    reclaim
        Age of what is reclaimed, empty when nothing ever is.

    Raises
    ------
    UsageError
        A time makes no sense.
    ConfigError
        The settings do not come from a file.
    """
    jobs = _jobs(at, every, report_at, reclaim)
    if settings.file is None:
        raise ConfigError(
            "There is no settings file that a scheduled round could be given.",
            remedy="write one with `mapshell config init`, or name it: --config FILE.",
        )
    environment, lacking = _environment(settings, environ)
    file = place_of(settings.file)
    zone = settings.archive.timezone_name or ""
    return Plan(name_of(file), file, tuple(program), jobs, environment, zone, lacking)


def place_of(file: Path) -> str:
    """Return where a settings file lies, the same however somebody spells it: a schedule is found again by it."""
    tidy = Path(os.path.abspath(file))  # noqa: PTH100 - a Path keeps the ".."
    try:
        return str(tidy if tidy.samefile(file) else file.absolute())
    except OSError:
        return str(file.absolute())


def name_of(file: str) -> str:
    """Return the name under which a configuration is scheduled."""
    parts = file.replace("\\", "/").split("/")
    slug = _SLUG.sub("-", parts[-2].lower() if len(parts) > 1 else "").strip("-")[:24] or "rounds"
    return f"mapshell-{slug}-{hashlib.sha256(file.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _jobs(at: str, every: str, report_at: str, reclaim: str) -> tuple[Job, ...]:
    if every:
        read_every(every)
        window = read_window(at, ZoneInfo("UTC")) if at else None
        report = read_report_at(report_at, window)
        args = ["publication-publish", "--every", every, *(("--at", str(window)) if window else ())]
        args += ["--report-at", NEVER if report is None else f"{report:%H:%M}"]
        jobs = [Job("", "rounds of publishing", tuple(args))]
    else:
        if "-" in at:
            raise UsageError(
                f"--at {at} is a window of time, in which rounds follow each other.",
                remedy=f"say how often: --every 15m --at {at}; or give one time: --at {at.partition('-')[0]}.",
            )
        report = read_report_at(report_at, None)
        jobs = [Job("", "the round of the night", ("publication-publish",), time_of_day(at or EVENING))]
        if report is not None:
            jobs.append(Job("-report", "the morning report", ("publication-report",), report))
    if reclaim:
        if age(reclaim) < timedelta(days=1):
            raise UsageError(
                f"--reclaim {reclaim} would free what was archived a moment ago, with nobody looking.",
                remedy="give it a day at least, such as --reclaim 30d; by hand: `mapshell publication-reclaim`.",
            )
        when = datetime.combine(date(2000, 1, 2), report or MORNING) - _BEFORE_REPORT
        args = ["publication-reclaim", "--older-than", reclaim, "--yes"]
        jobs.append(Job("-reclaim", "freeing the disk", tuple(args), when.time()))
    return tuple(jobs)


def _environment(settings: Settings, environ: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the variables that the settings come from, and the names of those that must not be written down."""
    secret = {key.name for key in KEYS if key.secret}
    found = {name: environ[name] for name in ("MAPSHELL_HOME",) if environ.get(name)}
    lacking = []
    for key, origin in sorted(settings.origins.items()):
        kind, _, name = origin.partition(" ")
        if kind != "environment" or name not in environ:
            continue
        if key in secret or _tells_a_secret(key, environ[name]):
            lacking.append(name)
        else:
            found[name] = environ[name]
    return found, tuple(lacking)


def _tells_a_secret(key: str, value: str) -> bool:
    """Say whether a value may hold a secret: a password in an address, a token, whatever a command is given."""
    return key == "notify.command" or redact(value) != value
