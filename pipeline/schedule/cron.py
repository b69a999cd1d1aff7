"""Lines for cron, where neither systemd nor Windows starts programs.  Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.schedule.plan import Job, Plan


def lines(plan: Plan) -> list[str]:
    """Return a line for each job of a plan; what lasts begins with the computer."""
    return [line(plan, job) for job in plan.jobs]


def line(plan: Plan, job: Job) -> str:
    """Return the line of one job: at its time each day, or when the computer starts."""
    when = "@reboot" if job.at is None else f"{job.at.minute} {job.at.hour} * * *"
    variables = [f"{name}={shlex.quote(value)}" for name, value in sorted(plan.environment.items())]
    command = " ".join(
        [*variables, shlex.join([*plan.command(job)[: len(plan.program)], "--quiet", *_rest(plan, job)])]
    )
    return f"{when} {command}".replace("%", "\\%")


def _rest(plan: Plan, job: Job) -> list[str]:
    return plan.command(job)[len(plan.program) :]
