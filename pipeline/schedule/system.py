"""What both kinds of schedules share: running the system's own programs, and what is told afterwards."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

Run = Callable[[list[str]], subprocess.CompletedProcess[str]]
_PATIENCE_S = 30.0
SUFFIXES = ("", "-report", "-reclaim")
"""What the names of the jobs of one configuration end with."""


@dataclass(slots=True)
class Installed:
    """What was done: files with what became of them, differences line by line, what is left for the person to type."""

    files: dict[str, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    to_type: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything is other than before."""
        return any(what != "as it was" for what in self.files.values())


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a program of the system, bounded."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def user() -> str:
    """Return the account for which a schedule is made."""
    if os.name == "nt":
        return "\\".join(filter(None, (os.environ.get("USERDOMAIN"), os.environ.get("USERNAME"))))
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
