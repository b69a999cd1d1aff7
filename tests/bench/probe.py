"""A command of mapshell with counters: statements to the database, folders listed, files opened, bytes read.

``python -m tests.bench.probe FACTS.json ROOT ARGS...`` runs ``mapshell ARGS...``. It is not timed: counting costs.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .processes import timed

if TYPE_CHECKING:
    from tests.load.place import Computer

EVENTS = {"os.scandir": "listed", "os.listdir": "listed", "open": "opened"}


def probed(rig: Computer, *args: str) -> dict[str, int]:
    """Run a command of a computer; return what it did: ``statements``, ``listed``, ``opened``, ``bytes``."""
    facts = rig.folder / "facts.json"
    facts.unlink(missing_ok=True)
    command = rig.command(*args)
    line = [sys.executable, "-m", "tests.bench.probe", str(facts), str(rig.ephys), *command.args]
    timed(line, folder=command.folder, environ=command.environ)
    counted: dict[str, int] = json.loads(facts.read_text())
    return counted


def _main(facts: str, root: str, *args: str) -> None:
    from mapshell.cli import main
    from pipeline.database.lab_connection import LabConnection

    counts: Counter[str] = Counter(statements=0, listed=0, opened=0)

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event in EVENTS and arguments and not isinstance(arguments[0], int):
            with suppress(TypeError):
                counts[EVENTS[event]] += os.fsdecode(arguments[0]).startswith(root)

    attempt = LabConnection._attempt

    def counted(self: LabConnection, *rest: Any) -> Any:
        counts["statements"] += 1
        return attempt(self, *rest)

    LabConnection._attempt = counted
    sys.addaudithook(hear)
    try:
        main(["--no-input", *args])
    finally:
        found = dict(counts)
        with suppress(OSError):  # where the system tells it
            found["bytes"] = int(Path("/proc/self/io").read_text().split()[1])
        Path(facts).write_text(json.dumps(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
