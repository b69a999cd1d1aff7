"""How schedules are shown; no work is done here."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from mapshell.output import Column
from mapshell.session_views import problem
from pipeline.schedule.cron import lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mapshell.output import Output
    from pipeline.schedule.plan import Plan
    from pipeline.schedule.showing import Shown
    from pipeline.schedule.system import Installed

COLUMNS = (
    Column("Schedule", "name", style="bold"),
    Column("For", "what"),
    Column("At", "at", wrap=False),
    Column("State", "active"),
    Column("Next", "next_at"),
    Column("Last", "last_at"),
)


def show_installed(output: Output, plan: Plan, done: Installed, *, dry_run: bool) -> None:
    """Show what was installed, or would be."""
    if output.for_programs:
        output.data(
            {
                "schedule": plan.name,
                "settings_file": plan.settings_file,
                "dry_run": dry_run,
                "files": [{"file": file, "what": what} for file, what in done.files.items()],
                "texts": done.texts,
                "to_type": done.to_type,
                "cron": lines(plan),
                "secrets_not_written": plan.lacking,
            }
        )
        return
    if dry_run:
        output.data("\n".join(f"# {name}\n{text}" for name, text in done.texts.items()).rstrip("\n"))
    _files(output, done, "would be " if dry_run else "")
    for line in done.differences:
        output.say(f"    {line}")
    if plan.lacking:
        output.warn(
            f"{', '.join(plan.lacking)} may hold a secret, so it is not written down, and a scheduled round will not "
            "have it. Remedy: write it into the settings file, readable for you alone."
        )
    if done.to_type:
        output.warn("The service manager of your account does not answer here, so nothing runs yet.")
        output.say("Remedy: log in to this computer as yourself, and type:")
        for command in done.to_type:
            output.say(f"  {command}")
    if dry_run:
        output.say("Nothing was changed.")
        return
    for hint in done.hints:
        output.say(hint)
    if not done.to_type:
        said = "Installed" if done.changed else "It is installed already, as it is wanted"
        output.say(f"{said}. See it: mapshell schedule show", style="bold")


def show_removed(output: Output, done: Installed, settings_file: Path, *, dry_run: bool) -> None:
    """Show what was taken away."""
    if output.for_programs:
        output.data({"dry_run": dry_run, "removed": list(done.files), "to_type": done.to_type})
        return
    if not done.files:
        output.say(f"Nothing is scheduled for {settings_file}. All schedules: mapshell schedule show")
        return
    _files(output, done, "would be " if dry_run else "")


def show(output: Output, found: Sequence[Shown]) -> None:
    """Show all schedules."""
    if output.for_programs:
        output.data([asdict(each) for each in found])
        return
    rows = [{**asdict(each), "at": each.at or "lasting"} for each in found]
    output.table(rows, COLUMNS, empty="Nothing is scheduled. mapshell schedule install does it.")
    for file in dict.fromkeys(each.settings_file for each in found if each.settings_file):
        output.say(f"Configuration: {file}")
    if found and all(each.active is None for each in found):
        output.say("The service manager of your account does not answer here, so nobody tells when they run.")
    for each in found:
        for trouble in each.troubles:
            what, _, remedy = trouble.partition(": ")
            problem(output, each.name, what, remedy)


def _files(output: Output, done: Installed, would: str) -> None:
    for file, what in done.files.items():
        output.say(f"{'' if what == 'as it was' else would}{what}: {file}")
