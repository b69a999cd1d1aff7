"""The campaign, tested: guards of the product are broken in a copy, one at a time, and it must find every one."""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
import time
from pathlib import Path

from .mutations import MUTATIONS
from .run import LENGTH, ROOT, Worker, interrupt

COPIED = ("mapshell", "pipeline", "tests")
SHARE = 0.15
"""Of the requests, and five times as much of the tasks, are spoilt by each fault in force: more than in a campaign."""
SCHEDULES = 24
"""How many schedules are played at most until a mutation is found."""


def copy_of(mutation, folder):
    """Copy product and tests to a folder, with one guard broken.

    Raises
    ------
    LookupError
        The text that is to be replaced is not there exactly once: the product has changed.
    """
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for file, old, new in mutation.edits:
        path = folder / file
        text = path.read_text("utf-8")
        if text.count(old) != 1:
            raise LookupError(f"{mutation.name}: {file} holds {text.count(old)} times:\n{old}")
        path.write_text(text.replace(old, new), "utf-8")
    return folder


def hunt(mutation, kind, seed, *, length=LENGTH, begun=lambda worker: None):
    """Play schedules on a copy with a broken guard; return the answer that shows it, or None, and how many.

    ``begun`` is told the worker, which may have to be interrupted.
    """
    folder = Path(tempfile.mkdtemp(prefix="mapshell-mutation-"))
    try:
        copy_of(mutation, folder)
        answers = queue.Queue()
        worker = Worker(kind, answers, root=folder)
        try:
            if answers.get()[1] is None:
                raise RuntimeError(f"{mutation.name}: the worker does not begin: see what it wrote above")
            begun(worker)
            options = {"share": SHARE, **mutation.options}
            orders = [{"play": seed + number, "length": length, "options": options} for number in range(SCHEDULES)]
            if mutation.first:
                orders.insert(0, {"moves": mutation.first})
            for number, order in enumerate(orders):
                worker.order(order)
                answer = answers.get()[1]
                if answer is None:
                    raise RuntimeError(f"{mutation.name}: the worker ended by itself")
                if answer["violations"]:
                    return answer, number + 1
            return None, SCHEDULES
        finally:
            worker.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(options):
    """Hunt mutations, several at once; return 1 when one was not found."""
    chosen = [mutation for mutation in MUTATIONS if not options.mutations or mutation.name in options.mutations]
    waiting, found, workers, lock = queue.SimpleQueue(), {}, [], threading.Lock()
    ended, stopping = queue.SimpleQueue(), threading.Event()
    for mutation in chosen:
        waiting.put(mutation)
    (kind,) = options.kinds

    def begun(worker):
        with lock:
            workers.append(worker)
            if stopping.is_set():
                worker.interrupt()

    def work():
        try:
            while not stopping.is_set():
                hunt_next()
        except queue.Empty:
            pass
        except RuntimeError:
            if not stopping.is_set():
                raise
        finally:
            ended.put(None)

    def hunt_next():
        mutation, began = waiting.get_nowait(), time.monotonic()
        answer, schedules = hunt(mutation, kind, options.seed, length=options.length, begun=begun)
        with lock:
            found[mutation.name] = answer
            print(_line(mutation, answer, schedules, time.monotonic() - began), flush=True)

    running = min(options.jobs, len(chosen))
    for _ in range(running):
        threading.Thread(target=work).start()
    while running:
        try:
            ended.get()
            running -= 1
        except KeyboardInterrupt:
            stopping.set()
            with lock:
                interrupt(workers)
    if stopping.is_set():
        print(f"{len(chosen)} guards to break, {len(found)} looked at until it was interrupted.")
        return 130
    missed = [name for name, answer in found.items() if answer is None]
    missed += [mutation.name for mutation in chosen if mutation.name not in found]
    print(f"{len(chosen)} guards broken, {len(chosen) - len(missed)} found" + (f"; NOT: {missed}" if missed else "."))
    return int(bool(missed))


def _line(mutation, answer, schedules, seconds):
    if answer is None:
        return f"| {mutation.name} | {mutation.broken} | NOT FOUND in {schedules} schedules | {seconds:.0f} s |"
    invariant, what = answer["violations"][0]
    order, moves = answer["order"], len(answer["moves"])
    which = f"seed {order['play']}" if "play" in order else "by hand"
    first = what.splitlines()[0][:160].replace("|", "/")
    return f"| {mutation.name} | {mutation.broken} | {invariant}: {first} ({which}, move {moves}) | {seconds:.0f} s |"
