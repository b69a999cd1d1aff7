"""What a person would use instead: the client ``globus``, and one task per file as the predecessor did."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mapshell.demo.run import ARCHIVE
from mapshell.sandbox.constants import data_access_scope
from tests import conftest
from tests.conformance import login

from .processes import timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.load.place import Place

GLOBUS = (sys.executable, "-X", "utf8", "-m", "globus_cli")
PER_FILE = Path(__file__).with_name("per_file.py")


class GlobusCli:
    """The client ``globus``, logged in to a lab's sandbox with a home of its own."""

    def __init__(self, at: Place) -> None:
        home = at.folder / "globus-home"
        home.mkdir()
        self.folder = home
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(conftest._OURS)},
            **dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(home)),
            **at.sandbox.environment,
        }
        login.login(self.environ)
        login.consent(self.environ, ARCHIVE)

    def __call__(self, *args: str) -> str:
        """Run a command line; return what it printed."""
        return timed([*GLOBUS, *args], folder=self.folder, environ=self.environ).out

    def transfer(self, source: str, destination: str, pairs: Sequence[tuple[str, str]], *options: str) -> None:
        """Send files, or folders (which end in a slash), in one task and wait for its end, as its manual says."""
        batch = self.folder / "batch.txt"
        batch.write_text("".join(f"{_line(one, other)}\n" for one, other in pairs))
        how = ("--batch", str(batch), "--preserve-timestamp", "-F", "json", *options)
        told = self("transfer", source, destination, *how)
        self("task", "wait", str(json.loads(told)["task_id"]))


def _line(one: str, other: str) -> str:
    return f"{'--recursive ' if one.endswith('/') else ''}{json.dumps(one)} {json.dumps(other)}"


def per_file(
    at: Place, source: str, destination: str, pairs: Sequence[tuple[str, str]], *, pause: float = 1.0
) -> float:
    """Send files one after the other, each in a task of its own, looked at again after a pause; return the seconds."""
    environ = {**os.environ, **at.sandbox.environment}
    order = {"source": source, "destination": destination, "scope": data_access_scope(ARCHIVE), "pause": pause}
    order["pairs"] = list(pairs)
    ran = timed([sys.executable, str(PER_FILE)], environ=environ, stdin=json.dumps(order))
    return float(json.loads(ran.out)["seconds"])
