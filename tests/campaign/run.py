"""A whole campaign: several workers, until enough was done; then what it came to."""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .cycles import EACH_LAB
from .servers import KINDS

ROOT = Path(__file__).resolve().parents[2]
LENGTH = 40
AIMS = ("minutes", "kills", "cycles", "schedules")


@dataclass
class Tally:
    """What a campaign came to on one kind of database."""

    database: str
    counts: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    seconds: float = 0.0
    violations: list[dict] = field(default_factory=list)
    held: list[dict] = field(default_factory=list)

    def add(self, answer):
        """Add what a worker did."""
        self.counts.update(answer["counts"])
        self.faults.update(answer["faults"])
        if answer["violations"]:
            self.violations.append(answer)

    def document(self):
        """Return it as data."""
        return {**vars(self), "counts": dict(self.counts), "faults": dict(self.faults)}


class Worker:
    """A worker process; what it answers comes out of ``queue`` as pairs of worker and document (None: it ended)."""

    def __init__(self, kind, answers, environ=None, root=ROOT):
        self.kind = kind
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaign.worker", kind],
            cwd=root,
            env={**os.environ, **(environ or {}), "PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._thread = threading.Thread(target=self._read, args=(answers,), daemon=True)
        self._thread.start()

    def order(self, document):
        """Give it something to do."""
        print(json.dumps(document), file=self._process.stdin, flush=True)

    def end(self):
        """Let it end, and wait for that."""
        self._process.stdin.close()
        self._thread.join()
        self._process.stdout.close()
        self._process.wait()

    def _read(self, answers):
        for line in self._process.stdout:
            answers.put((self, json.loads(line)))
        answers.put((self, None))


def campaign(kind, *, jobs, seed, length=LENGTH, say=print, stop_at_first=False, **aims):
    """Run one campaign on one kind of database; return its :class:`Tally`."""
    tally, answers, began = Tally(kind), queue.Queue(), time.monotonic()
    workers = [Worker(kind, answers) for _ in range(jobs)]
    busy, handed, next_seed = len(workers), 0, seed

    def enough():
        if tally.violations and stop_at_first:
            return True
        minutes = (time.monotonic() - began) / 60
        done = {"minutes": minutes, "kills": tally.counts["kills"], "cycles": handed, "schedules": handed}
        return any(done[name] >= wanted for name, wanted in aims.items() if wanted is not None)

    try:
        while busy:
            worker, answer = answers.get()
            if answer is None:
                raise RuntimeError(f"a worker on {kind} ended by itself: see what it wrote above")
            busy -= 1
            if "order" in answer:
                tally.add(answer)
                tally.held.append(answer["held"])
                say(_line(answer, tally))
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
                broken["shortest"] = _shortest(workers[0], answers, broken)
    finally:
        for worker in workers:
            worker.end()
    return tally


def _shortest(worker, answers, broken):
    worker.order({"shorten": broken["moves"], "violations": broken["violations"]})
    while True:
        _, answer = answers.get()
        if answer is None or "order" not in answer:
            return broken["moves"] if answer is None else answer["moves"]


def _line(answer, tally):
    order = answer["order"]
    what = f"seed {order.get('play', order.get('seed'))}" if "moves" not in order else "played again"
    broken = f"  VIOLATIONS: {len(answer['violations'])}" if answer["violations"] else ""
    done = " ".join(
        f"{tally.counts[name]:,} {name}" for name in ("schedules", "cycles", "kills", "commands") if tally.counts[name]
    )
    return f"{tally.database:<10}  {what:<12} {answer['seconds']:6.1f} s   {done}{broken}"


def report(tallies):
    """Return what campaigns came to, as text."""
    lines = []
    for tally in tallies:
        counts, faults = tally.counts, tally.faults
        kills = Counter({name.removeprefix("kill "): n for name, n in counts.items() if name.startswith("kill ")})
        at_steps = {name.removeprefix("step "): n for name, n in kills.items() if name.startswith("step ")}
        verbs = {name.removeprefix("command "): n for name, n in counts.items() if name.startswith("command ")}
        lines += [
            f"{tally.database}: {tally.seconds / 60:.1f} minutes",
            (
                f"  schedules    {counts['schedules']:,} ({counts['moves']:,} moves; the database was lost "
                f"{counts['lost databases']:,} times)"
            ),
            f"  cycles       {counts['cycles']:,}",
            f"  commands     {counts['commands']:,} ({_parts(verbs)})",
            (
                f"  kills        {counts['kills']:,} ({sum(at_steps.values()):,} at {len(at_steps)} named steps, "
                f"{kills['event']:,} at calls of the system, {kills['seconds']:,} at instants)"
            ),
            f"  faults       {sum(faults.values()):,} ({_parts(faults)})",
            f"  tasks        {counts['tasks']:,}, {counts['bytes moved'] / 1e6:,.1f} MB moved",
            f"  archived     {counts['bytes archived'] / 1e6:,.1f} MB in the index at the ends",
        ]
        if tally.held:
            first, last = tally.held[min(3, len(tally.held) - 1)], tally.held[-1]
            lines.append(
                f"  a worker     {first['rss'] / 1e6:.0f} MB and {first['files']} open files at first, "
                f"{last['rss'] / 1e6:.0f} MB and {last['files']} at last"
            )
        lines.append(f"  violations   {sum(len(each['violations']) for each in tally.violations)}")
    return "\n".join(lines)


def _parts(counts):
    return ", ".join(f"{name} {number:,}" for name, number in sorted(Counter(counts).items()))


def main(args):
    """Entry point of ``scripts/campaign.py``; return the exit code."""
    options = _options(args)
    if options.mutations is not None:
        from .mutating import main as mutate

        return mutate(options)
    kinds = KINDS if options.database == "both" else (options.database,)
    if options.play:
        return _play(options, kinds)
    aims = {name: getattr(options, name) for name in AIMS}
    if not any(value is not None for value in aims.values()):
        aims["minutes"] = 2.0 / len(kinds)
    tallies = [
        campaign(
            kind,
            jobs=options.jobs,
            seed=options.seed,
            length=options.length,
            say=lambda line: print(line, flush=True),
            stop_at_first=not options.go_on,
            **aims,
        )
        for kind in kinds
    ]
    for tally in tallies:
        for broken in tally.violations:
            _tell(broken, tally.database)
    print(report(tallies))
    if options.json:
        Path(options.json).write_text(json.dumps([tally.document() for tally in tallies], indent=1), "utf-8")
    return int(any(tally.violations for tally in tallies))


def _tell(broken, kind):
    order = broken["order"]
    seed = order.get("play", order.get("seed"))
    print(f"\nBROKEN on {kind}, seed {seed}:")
    for invariant, what in broken["violations"]:
        print(f"  {invariant}: {what}")
    moves = broken.get("shortest") or broken["moves"]
    if moves:
        file = Path(tempfile.gettempdir()) / f"campaign-{kind}-{seed}.json"
        file.write_text(json.dumps(moves, indent=1), "utf-8")
        print(f"  shortest schedule that breaks it ({len(moves)} moves), in {file}:")
        for move in moves:
            print(f"    {json.dumps(move)}")
        print(f"  again: python3 scripts/campaign.py --database {kind} --play {file}")


def _play(options, kinds):
    moves, code = json.loads(Path(options.play).read_text("utf-8")), 0
    for kind in kinds:
        answers = queue.Queue()
        worker = Worker(kind, answers)
        answers.get()
        worker.order({"moves": moves})
        answer = answers.get()[1]
        worker.end()
        for invariant, what in answer["violations"]:
            print(f"{kind}: {invariant}: {what}")
            code = 1
        print(f"{kind}: {len(moves)} moves, {len(answer['violations'])} violations")
    return code


def _options(args):
    parser = argparse.ArgumentParser(
        prog="scripts/campaign.py",
        description="Random nights over a growing lab, with faults and kills, checked after every step.",
        epilog="Without an aim: two minutes. Ends with 1 when a promise was broken; the shortest schedule is printed.",
    )
    aims = parser.add_mutually_exclusive_group()
    aims.add_argument("--minutes", type=float, help="go on for so long, on each database")
    aims.add_argument("--kills", type=int, help="until so many processes were killed, on each database")
    aims.add_argument("--cycles", type=int, help="publish, verify, retrieve so many small sessions, in process")
    aims.add_argument("--schedules", type=int, help="so many schedules, on each database")
    parser.add_argument("--seed", type=int, default=1, help="of the first schedule; the next has the next (1)")
    parser.add_argument("--length", type=int, default=LENGTH, help=f"moves of a schedule ({LENGTH})")
    parser.add_argument("--database", choices=(*KINDS, "both"), default="both")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers at once (one for each core)")
    parser.add_argument("--go-on", action="store_true", help="do not end with the first violation")
    parser.add_argument("--play", metavar="FILE", help="play the schedule of a file again")
    parser.add_argument("--json", metavar="FILE", help="write the report as data, too")
    parser.add_argument(
        "--mutations",
        nargs="*",
        metavar="NAME",
        help="break guards of the product in a copy (all, or those named): the campaign must find every one",
    )
    return parser.parse_args(args)
