"""Parts of a measurement in processes of their own: nobody profits from what another has loaded or kept."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import conftest

from .processes import timed

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


def apart(work: Callable[..., Any], folder: Path, *args: Any) -> Any:
    """Call a function of a module in a new process, with JSON in and out; ``folder`` is its home."""
    name = f"{work.__module__}:{work.__qualname__}"
    command = [sys.executable, "-P", "-m", "tests.bench.apart", name, json.dumps(args)]
    return json.loads(timed(command, folder=folder, environ=environ(folder)).out.splitlines()[-1])


def environ(home: Path) -> dict[str, str]:
    """Return the environment of a process that knows nothing of the settings of whoever measures."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(conftest._OURS)}
    return {**own, "PYTHONPATH": str(ROOT), "MAPSHELL_HOME": str(home / "home")}


def _main(name: str, args: str) -> None:
    module, _, function = name.partition(":")
    result = getattr(import_module(module), function)(*json.loads(args))
    sys.stdout.write(f"\n{json.dumps(result)}\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
