"""Row 10: how long it takes until a command begins to work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .apart import environ
from .instrument import Aim, Contender, contest
from .lab import computer, corner, lab
from .processes import mapshell, timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .instrument import Options, Table

INNER = 5
"""Processes to one figure: each is short, and the computer has other things to do."""


def measure(options: Options) -> list[Table]:
    """Measure the help of both clients, and a command that needs the database beside its largest import."""
    inner = options.size(INNER, 1)
    with lab(options) as at, corner(at) as own:
        rig = computer(own)
        home = environ(rig.folder)

        def run(line: Sequence[str], said: str = "") -> float:
            total = 0.0
            for _ in range(inner):
                ran = timed(line, folder=rig.folder, environ=home)
                if said not in ran.out:
                    raise SystemExit(f"WRONG: {' '.join(line)} does not say {said!r}\n{ran.out[:2000]}")
                total += ran.seconds
            return total / inner

        def status() -> float:
            command = rig.command("publication-status")
            return sum(mapshell(command).seconds for _ in range(inner)) / inner

        ours, theirs = [_program("mapshell"), "--help"], [_program("globus"), "--help"]
        helps = [
            Contender("mapshell", lambda: run(ours, "publication-publish")),
            Contender("globus", lambda: run(theirs, "transfer")),
        ]
        starts = [
            Contender("mapshell", status),
            Contender("import datajoint", lambda: run([sys.executable, "-W", "ignore", "-c", "import datajoint"])),
            Contender("python", lambda: run([sys.executable, "-c", "pass"])),
        ]
        for each in (*helps, *starts):  # bytecode is written, tables are made
            each.run()
        return [
            contest("--help", helps, options, [Aim("mapshell", "globus", 0.5)]),
            contest(
                f"publication-status of a lab without sessions, {options.database}",
                starts,
                options,
                [Aim("mapshell", "import datajoint", 0.3, "s")],
            ),
        ]


def _program(name: str) -> str:
    """Return the program that pip made; the interpreter's own folder has it."""
    for each in (name, f"{name}.exe"):
        if (path := Path(sys.executable).with_name(each)).exists():
            return str(path)
    raise SystemExit(f"There is no program `{name}` beside this Python: `python3 scripts/test.py --no-tests` makes it.")
