"""Tasks of Windows, as XML of its task schema (1.2).  Pure."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from datetime import date, datetime
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.schedule.plan import Job, Plan

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
FOLDER = "mapshell"
_LONG_AGO = date(2020, 1, 1)
_SETTINGS = (
    ("MultipleInstancesPolicy", "IgnoreNew"),
    ("DisallowStartIfOnBatteries", "false"),
    ("StopIfGoingOnBatteries", "false"),
    ("AllowHardTerminate", "true"),
    ("StartWhenAvailable", "true"),  # a computer that was off makes up for it
    ("RunOnlyIfNetworkAvailable", "false"),
    ("AllowStartOnDemand", "true"),
    ("Enabled", "true"),
    ("Hidden", "false"),
    ("RunOnlyIfIdle", "false"),
    ("WakeToRun", "false"),
    ("ExecutionTimeLimit", "PT0S"),  # none: the default would end a long night
    ("Priority", "7"),
)


def task_name(plan: Plan, job: Job) -> str:
    """Return the name of a job in the task library."""
    return f"\\{FOLDER}\\{plan.name}{job.suffix}"


def task(plan: Plan, job: Job, user: str) -> str:
    """Return the XML of a job, that of an account which is logged in when it runs.

    Raises
    ------
    ConfigError
        A path has a sign that XML cannot hold.
    """
    root = ET.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    about = _below(root, "RegistrationInfo")
    _below(about, "Description", f"mapshell: {job.what} ({plan.settings_file})")
    _below(about, "URI", task_name(plan, job))
    triggers = _below(root, "Triggers")
    if job.at is None:
        at_logon = _below(triggers, "LogonTrigger")
        _below(at_logon, "Enabled", "true")
        _below(at_logon, "UserId", user)
    else:
        daily = _below(triggers, "CalendarTrigger")
        _below(daily, "StartBoundary", datetime.combine(_LONG_AGO, job.at).isoformat())
        _below(daily, "Enabled", "true")
        _below(_below(daily, "ScheduleByDay"), "DaysInterval", "1")
    principal = _below(_below(root, "Principals"), "Principal", id="Author")
    _below(principal, "UserId", user)
    _below(principal, "LogonType", "InteractiveToken")
    _below(principal, "RunLevel", "LeastPrivilege")
    settings = _below(root, "Settings")
    for name, value in _SETTINGS:
        _below(settings, name, value)
    if job.at is None:
        again = _below(settings, "RestartOnFailure")
        _below(again, "Interval", "PT1M")
        _below(again, "Count", "10")
    run = _below(_below(root, "Actions", Context="Author"), "Exec")
    program, *args = plan.command(job)
    _below(run, "Command", program)
    _below(run, "Arguments", subprocess.list2cmdline(args))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-16"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _below(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    if any(not (sign.isprintable() or sign in "\t\n") for sign in text):
        raise ConfigError(
            f"A task of Windows cannot hold this text: {text!r}.",
            remedy="keep the settings file in a folder with a plainer name.",
        )
    element = ET.SubElement(parent, name, attributes)
    element.text = text or None
    return element
