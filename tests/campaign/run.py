"""A whole campaign: several workers, until enough was done; then what it came to."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from . import options as wanted
from .cycles import EACH_LAB
from .report import Tally, broken_promise, line, report

ROOT = Path(__file__).resolve().parents[2]
LENGTH = wanted.LENGTH


class Worker:
    """A worker process; what it answers comes out of ``queue`` as pairs of worker and document (None: it ended)."""

    def __init__(self, kind, answers, environ=None, root=ROOT):
        self.kind, self._ready = kind, False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaign.worker", kind],
            cwd=root,
            env={**os.environ, **(environ or {}), "PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # the Ctrl-C of a terminal is ours: `interrupt` passes it on, once
        )
        self._thread = threading.Thread(target=self._read, args=(answers,), daemon=True)
        self._thread.start()

    def order(self, document):
        """Give it something to do."""
        with contextlib.suppress(BrokenPipeError):  # it ended: its answer is None
            print(json.dumps(document), file=self._process.stdin, flush=True)

    def interrupt(self):
        """Let it stop what it does; before it is ready it does nothing, and ends when its input does."""
        if self._ready:
            self._process.send_signal(signal.SIGINT)

    def end(self):
        """Let it end, and wait for that."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._thread.join()
        self._process.stdout.close()
        self._process.wait()

    def _read(self, answers):
        for text in self._process.stdout:
            self._ready = True
            answers.put((self, json.loads(text)))
        answers.put((self, None))


def campaign(kind, *, jobs, seed, length=LENGTH, say=print, stop_at_first=False, **aims):
    """Run one campaign on one kind of database; return its :class:`Tally`, also of one that is interrupted."""
    tally, answers, began = Tally(kind), queue.Queue(), time.monotonic()
    workers, handed, next_seed = [], 0, seed

    def enough():
        if tally.violations and stop_at_first:
            return True
        minutes = (time.monotonic() - began) / 60
        done = {"minutes": minutes, "kills": tally.counts["kills"], "cycles": handed, "schedules": handed}
        return handed and any(done[name] >= aim for name, aim in aims.items() if aim is not None)

    try:
        workers += (Worker(kind, answers) for _ in range(jobs))
        busy = jobs
        while busy:
            worker, answer = answers.get()
            if answer is None:
                raise RuntimeError(f"a worker on {kind} ended by itself: see what it wrote above")
            busy -= 1
            if "order" in answer:
                tally.add(answer)
                say(line(answer, tally))
                for invariant, what in answer["violations"]:
                    say(f"  {invariant}: {what}")
            if enough():
                continue
            if aims.get("cycles") is not None:
                number = min(EACH_LAB, aims["cycles"] - handed)
                worker.order({"cycles": number, "seed": next_seed})
                handed += number
            else:
                worker.order({"play": next_seed, "length": length})
                handed += 1
            next_seed, busy = next_seed + 1, busy + 1
        tally.seconds = time.monotonic() - began
        for broken in tally.violations:
            if "play" in broken["order"]:
                say("A promise was broken; the shortest schedule that breaks it is looked for (some minutes) ...")
                broken["shortest"] = _shortest(workers[0], answers, broken)
    except KeyboardInterrupt:
        tally.interrupted = True
        tally.seconds = tally.seconds or time.monotonic() - began
        interrupt(workers)
    finally:
        for worker in workers:
            worker.end()
    return tally


def interrupt(workers):
    """Let workers stop what they do; a second Ctrl-C changes nothing any more."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    print("\nInterrupted: servers and folders of this run are removed ...", file=sys.stderr, flush=True)
    for worker in workers:
        worker.interrupt()


def _shortest(worker, answers, broken):
    worker.order({"shorten": broken["moves"], "violations": broken["violations"]})
    while True:
        _, answer = answers.get()
        if answer is None or "order" not in answer:
            return broken["moves"] if answer is None else answer["moves"]


def main(args):
    """Entry point of ``scripts/campaign.py``; return the exit code."""
    options = wanted.read(args)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it so wants nothing to be left, too
    if options.mutations is not None:
        from .mutating import main as mutate

        return mutate(options)
    return _play(options) if options.moves else _campaigns(options)


def _campaigns(options):
    aims = {name: getattr(options, name) for name in wanted.AIMS}
    tallies = []
    for kind in options.kinds:
        (aim,) = (f"{name} {value:g}" for name, value in aims.items() if value is not None)
        _say(f"{kind}: {aim}, jobs {options.jobs}, first seed {options.seed}; a line for each that has ended")
        tallies.append(
            campaign(
                kind,
                jobs=options.jobs,
                seed=options.seed,
                length=options.length,
                say=_say,
                stop_at_first=not options.go_on,
                **aims,
            )
        )
        if tallies[-1].interrupted:
            break
    for tally in tallies:
        for broken in tally.violations:
            _say(broken_promise(broken, tally.database))
    _say(f"\n{report(tallies)}")
    if options.json:
        Path(options.json).write_text(json.dumps([tally.document() for tally in tallies], indent=1), "utf-8")
    if any(tally.violations for tally in tallies):
        return 1
    return 130 if tallies[-1].interrupted else 0


def _play(options):
    code = 0
    for kind in options.kinds:
        answers = queue.Queue()
        worker = Worker(kind, answers)
        try:
            worker.order({"moves": options.moves})
            _, answer = answers.get()
            if answer is not None:  # it is ready
                _, answer = answers.get()
        except KeyboardInterrupt:
            interrupt([worker])
            return 130
        finally:
            worker.end()
        if answer is None:
            raise RuntimeError(f"the worker on {kind} ended by itself: see what it wrote above")
        for invariant, what in answer["violations"]:
            _say(f"{kind}: {invariant}: {what}")
            code = 1
        after = f" after move {len(answer['moves'])}" if answer["violations"] else ""
        _say(f"{kind}: {len(options.moves)} moves, violations {len(answer['violations'])}{after}")
    return code


def _say(text):
    print(text, flush=True)
