"""A process of a campaign: a database server of its own, on which it plays what it is given, a line for each.

Lines in and out are JSON.  In: ``{"play": seed, "length": n}``, ``{"cycles": n, "seed": s}``, ``{"moves": [...]}``,
``{"shorten": [...], "violations": [...]}``.  Out: what came of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from tests.integration import ready

from . import servers
from .cycles import cycles, held
from .play import play, schedule, shorten
from .violation import Violation


def main(kind):
    """Serve until the lines end, or somebody ends it."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what anything prints is no answer
    base, server = Path(tempfile.mkdtemp(prefix="mapshell-campaign-")), None
    os.environ["MAPSHELL_HOME"] = str(base / "home")
    try:
        server = servers.start(kind, base / "server")
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, _interrupted)
        _say(out, {"ready": kind})
        for number, line in enumerate(sys.stdin):
            _say(out, _answer(json.loads(line), base / f"world-{number}", server))
    except KeyboardInterrupt:
        pass
    finally:
        if server is not None:
            server.stop()
        ready.kill_all()
        _kill_rest()
        shutil.rmtree(base, ignore_errors=True)


def _interrupted(*_):
    """What a schedule began is killed, so that nothing waits for it; its world is then left as at any end."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    threading.excepthook = lambda _: None  # threads of this schedule find their world gone
    ready.kill_all()
    raise KeyboardInterrupt


def _kill_rest():
    """Kill what a world that was never whole has left behind."""
    for process in psutil.Process().children():
        if process.pid not in ready.waiting():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _answer(order, folder, server):
    began = time.monotonic()
    if "shorten" in order:
        violations = [Violation(*each) for each in order["violations"]]
        folder.mkdir()
        return {"moves": shorten(folder, server, order["shorten"], violations)}
    if "cycles" in order:
        played = cycles(folder, server, order["seed"], order["cycles"])
    elif "moves" in order:
        played = play(folder, server, order["moves"])
    else:
        played = play(folder, server, schedule(order["play"], order["length"], **order.get("options", {})))
    return {
        "order": order,
        "violations": [(each.invariant, each.what) for each in played.violations],
        "moves": played.moves if played.violations else [],
        "counts": played.counts,
        "faults": played.faults,
        "seconds": time.monotonic() - began,
        "held": held(),
    }


def _say(out, document):
    print(json.dumps(document), file=out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
