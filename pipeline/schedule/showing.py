"""What is installed here, for whatever configuration: whether it can run, and when it did and will."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.schedule import systemd, windows
from pipeline.schedule.installing import scheduler, unit_folder
from pipeline.schedule.system import Run, run

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROPERTIES = ("ActiveState", "UnitFileState", "NextElapseUSecRealtime", "LastTriggerUSec", "ActiveEnterTimestamp")


@dataclass(frozen=True, slots=True)
class Shown:
    """One scheduled job; ``troubles`` keep it from running.  None where nobody tells."""

    name: str
    what: str
    settings_file: str
    command: tuple[str, ...]
    at: str | None
    active: str | None = None
    enabled: str | None = None
    next_at: str | None = None
    last_at: str | None = None
    troubles: tuple[str, ...] = ()


def installed(environ: Mapping[str, str], *, run: Run = run) -> list[Shown]:
    """Return all jobs that mapshell has scheduled for this account.

    Raises
    ------
    ServiceError
        Nothing here starts programs.
    """
    return _tasks(run) if scheduler(environ) == "windows" else _units(unit_folder(environ), run)


def _units(folder: Path, run: Run) -> list[Shown]:
    found: list[Shown] = []
    for file in sorted(folder.glob("mapshell-*.service")):
        try:
            written = systemd.read(file.name, file.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if written is None:
            continue
        timer = file.with_suffix(".timer")
        unit = timer if written.at is not None else file
        facts = _ask(unit.name, run)
        troubles = [*_troubles(written), *([] if unit.exists() else [f"{unit} is not there"])]
        if facts is not None and facts.get("ActiveState") in ("inactive", "failed"):
            troubles.append(f"{unit.name} is {facts['ActiveState']}: systemctl --user enable --now {unit.name}")
        facts = facts or {}
        found.append(
            Shown(
                unit.name,
                written.what,
                written.settings_file,
                written.command,
                written.at,
                facts.get("ActiveState"),
                facts.get("UnitFileState"),
                facts.get("NextElapseUSecRealtime"),
                facts.get("LastTriggerUSec") or facts.get("ActiveEnterTimestamp"),
                tuple(troubles),
            )
        )
    return found


def _ask(unit: str, run: Run) -> dict[str, str] | None:
    """Return what systemd says of a unit; None when no manager listens."""
    done = run(["systemctl", "--user", "show", unit, f"--property={','.join(_PROPERTIES)}"])
    if done.returncode != 0:
        return None
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {name: value for name, _, value in pairs if value and value != "n/a"}


def _troubles(written: systemd.Written) -> list[str]:
    troubles = []
    program = written.command[0] if written.command else ""
    if not (program and os.access(program, os.X_OK)):
        troubles.append(f"the program {program or '?'} is not there any more: mapshell schedule install")
    if not Path(written.settings_file).is_file():
        troubles.append(f"the configuration {written.settings_file} is not there any more")
    return troubles


def _tasks(run: Run) -> list[Shown]:
    script = (
        f"Get-ScheduledTask -TaskPath '\\{windows.FOLDER}\\' -ErrorAction SilentlyContinue | ForEach-Object {{ "
        "$i = $_ | Get-ScheduledTaskInfo; [pscustomobject]@{name=$_.TaskName; what=$_.Description; "
        'state="$($_.State)"; program=$_.Actions[0].Execute; arguments=$_.Actions[0].Arguments; '
        'next="$($i.NextRunTime)"; last="$($i.LastRunTime)"} } | ConvertTo-Json -AsArray'
    )
    done = run(["powershell", "-NoProfile", "-NonInteractive", "-Command", script.replace(" -AsArray", "")])
    try:
        listed = json.loads(done.stdout or "[]")
    except ValueError:
        return []
    return [
        Shown(
            str(each["name"]),
            str(each["what"]),
            "",
            (str(each["program"]), str(each["arguments"])),
            None,
            str(each["state"]),
            None,
            str(each["next"]) or None,
            str(each["last"]) or None,
            () if Path(str(each["program"])).exists() else (f"the program {each['program']} is not there any more",),
        )
        for each in (listed if isinstance(listed, list) else [listed])
    ]
