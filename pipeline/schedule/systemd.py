"""Units of systemd, as texts.  Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.archive.paths import printable
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.schedule.plan import Job, Plan

MARKER = "# Written by `mapshell schedule install`; `mapshell schedule remove` takes it away."
_FACTS = "# mapshell-schedule: "

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "%": "%%"}


@dataclass(frozen=True, slots=True)
class Written:
    """What a unit of ours says about itself."""

    name: str
    settings_file: str
    command: tuple[str, ...]
    at: str | None
    what: str


def units(plan: Plan) -> dict[str, str]:
    """Return every file of a plan, by its name.

    Raises
    ------
    ConfigError
        The program's path cannot be written in a unit.
    """
    if set(plan.program[0]) & set("$\"'\\") or not plan.program[0].isprintable():
        raise ConfigError(
            f"systemd cannot start {printable(plan.program[0])}: its path has a sign that units cannot have.",
            remedy="install mapshell in a folder with a plainer name.",
        )
    found: dict[str, str] = {}
    for job in plan.jobs:
        name = plan.name + job.suffix
        found[f"{name}.service"] = _service(plan, job)
        if job.at is not None:
            found[f"{name}.timer"] = _timer(plan, job)
    return found


def enabled(plan: Plan) -> list[str]:
    """Return the units of a plan that the system starts by itself."""
    return [f"{plan.name}{job.suffix}.{'service' if job.at is None else 'timer'}" for job in plan.jobs]


def _service(plan: Plan, job: Job) -> str:
    lines = [
        *_head(plan, job),
        "",
        "[Service]",
        f"Type={'notify' if job.at is None else 'oneshot'}",
        *(f"Environment={quoted(f'{name}={value}')}" for name, value in sorted(plan.environment.items())),
        f"ExecStart={command_line(plan.command(job))}",
        "# Partly done: what needs a person is in the report.",
        "SuccessExitStatus=3",
        "# A database that mapshell has started serves others, too.",
        "KillMode=process",
    ]
    if job.at is None:
        lines += [
            "# A database that is away is waited for.",
            "TimeoutStartSec=600",
            "TimeoutStopSec=90",
            "Restart=on-failure",
            "RestartSec=60",
            "# Wrong use, login, configuration: starting again mends none of them.",
            "RestartPreventExitStatus=2 4 5",
            "",
            "[Install]",
            "WantedBy=default.target",
        ]
    return "\n".join(lines) + "\n"


def _timer(plan: Plan, job: Job) -> str:
    zone = f" {plan.zone}" if plan.zone else ""
    lines = [
        *_head(plan, job),
        "",
        "[Timer]",
        f"OnCalendar=*-*-* {job.at:%H:%M}:00{zone}",
        "# A computer that was off makes up for it.",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def _head(plan: Plan, job: Job) -> list[str]:
    facts = {
        "settings": plan.settings_file,
        "command": plan.command(job),
        "at": None if job.at is None else f"{job.at:%H:%M}" + (f" {plan.zone}" if plan.zone else ""),
        "what": job.what,
    }
    about = printable(plan.settings_file).replace("%", "%%").rstrip("\\")
    return [MARKER, _FACTS + json.dumps(facts), "[Unit]", f"Description=mapshell: {job.what} ({about})"]


def read(name: str, text: str) -> Written | None:
    """Return what a unit says about itself; None when it is not ours."""
    lines = text.split("\n")
    if lines[0] != MARKER:
        return None
    try:
        facts: dict[str, Any] = json.loads(lines[1].removeprefix(_FACTS))
        return Written(name, facts["settings"], tuple(facts["command"]), facts["at"], facts["what"])
    except (IndexError, ValueError, KeyError, TypeError):
        return Written(name, "", (), None, "")


def lines(text: str) -> list[str]:
    """Return the lines of a unit that systemd reads."""
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def command_line(command: Sequence[str]) -> str:
    """Return a command as ``ExecStart`` reads it."""
    program, *args = command
    return " ".join([quoted(program), *(quoted(each).replace("$", "$$") for each in args)])


def quoted(text: str) -> str:
    """Return a text in quotes as systemd reads it, specifiers and all; signs that cannot be seen by their bytes."""
    return f'"{"".join(_escaped(sign) for sign in text)}"'


def _escaped(sign: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if sign.isprintable():
        return sign
    return "".join(f"\\x{byte:02x}" for byte in sign.encode("utf-8", "surrogateescape"))
