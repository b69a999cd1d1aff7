"""What a campaign came to, counted and as text."""

from __future__ import annotations

import json
import tempfile
import textwrap
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

TITLE = 15
"""Where the figures begin, in a line of the report."""


@dataclass
class Tally:
    """What a campaign came to on one kind of database."""

    database: str
    counts: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    seconds: float = 0.0
    violations: list[dict] = field(default_factory=list)
    held: list[dict] = field(default_factory=list)
    interrupted: bool = False

    def add(self, answer):
        """Add what a worker did."""
        self.counts.update(answer["counts"])
        self.faults.update(answer["faults"])
        self.held.append(answer["held"])
        if answer["violations"]:
            self.violations.append(answer)

    def document(self):
        """Return it as data."""
        return {**vars(self), "counts": dict(self.counts), "faults": dict(self.faults)}


def line(answer, tally):
    """Return what a worker did, and what all of them have done so far, in one line."""
    order = answer["order"]
    what = f"seed {order.get('play', order.get('seed'))}"
    broken = f"  VIOLATIONS: {len(answer['violations'])}" if answer["violations"] else ""
    names = ("schedules", "cycles", "kills", "commands")
    done = ", ".join(f"{name} {tally.counts[name]:,}" for name in names if tally.counts[name])
    return f"{tally.database:<10}  {what:<11} {answer['seconds']:5.0f} s  so far: {done}{broken}"


def report(tallies):
    """Return what campaigns came to, as text of 80 columns."""
    lines = []
    for tally in tallies:
        ended = ", then interrupted" if tally.interrupted else ""
        lines.append(f"{tally.database}: {tally.seconds / 60:.1f} minutes{ended}")
        lines += _figures(tally) if tally.held else ["  nothing was played to its end"]
    return "\n".join(lines)


def _figures(tally):
    counts, faults = tally.counts, tally.faults
    kills = Counter({name.removeprefix("kill "): n for name, n in counts.items() if name.startswith("kill ")})
    at_steps = {name.removeprefix("step "): n for name, n in kills.items() if name.startswith("step ")}
    verbs = {name.removeprefix("command "): n for name, n in counts.items() if name.startswith("command ")}
    lost = f"{counts['moves']:,} moves; databases lost: {counts['lost databases']:,}"
    yield from _line("schedules", f"{counts['schedules']:,} ({lost})")
    if counts["cycles"]:
        yield from _line("cycles", f"{counts['cycles']:,}")
    yield from _line("commands", f"{counts['commands']:,}", verbs)
    where = {"at instants": kills["seconds"], "at calls of the system": kills["event"]}
    where[f"at {len(at_steps)} named steps"] = sum(at_steps.values())
    yield from _line("kills", f"{counts['kills']:,}", where)
    yield from _line("faults", f"{sum(faults.values()):,}", faults)
    yield from _line("tasks", f"{counts['tasks']:,}, {counts['bytes moved'] / 1e6:,.1f} MB moved")
    yield from _line("archived", f"{counts['bytes archived'] / 1e6:,.1f} MB in the index when schedules ended")
    if counts["files freed"]:
        missing = Counter({n.removeprefix("doubt "): each for n, each in counts.items() if n.startswith("doubt ")})
        back = f"{counts['files returned']:,} came back"
        yield from _line("freed", f"{counts['files freed']:,} files, {counts['bytes freed'] / 1e6:,.1f} MB; {back}")
        yield from _line("doubts", f"{sum(missing.values()):,}", missing)
    first, last = tally.held[min(3, len(tally.held) - 1)], tally.held[-1]
    yield from _line(
        "a worker",
        f"{first['rss'] / 1e6:.0f} MB and {first['files']} open files at first, "
        f"{last['rss'] / 1e6:.0f} MB and {last['files']} at last",
    )
    yield from _line("violations", str(sum(len(each["violations"]) for each in tally.violations)))


def _line(title, what, parts=None):
    if parts and any(parts.values()):
        what += f" ({', '.join(f'{name} {number:,}' for name, number in sorted(parts.items()) if number)})"
    return textwrap.wrap(what, 79, initial_indent=f"  {title}".ljust(TITLE), subsequent_indent=" " * TITLE)


def broken_promise(broken, kind):
    """Return what broke a promise, as text, and keep the shortest schedule that does in a file."""
    order = broken["order"]
    seed = order.get("play", order.get("seed"))
    lines = [f"\nBROKEN on {kind}, seed {seed}:"]
    lines += [f"  {invariant}: {what}" for invariant, what in broken["violations"]]
    moves, again = broken.get("shortest") or broken["moves"], f"python3 scripts/campaign.py --database {kind}"
    if moves:
        file = Path(tempfile.gettempdir()) / f"campaign-{kind}-{seed}.json"
        file.write_text(json.dumps(moves, indent=1), "utf-8")
        which = "shortest schedule that breaks it" if "shortest" in broken else "schedule that breaks it"
        lines.append(f"  {which} ({len(moves)} moves), in {file}:")
        lines += [f"    {json.dumps(move)}" for move in moves]
        lines.append(f"  again: {again} --play {file}")
    else:
        lines.append(f"  again: {again} --cycles {order['cycles']} --seed {seed} --jobs 1")
    return "\n".join(lines)
