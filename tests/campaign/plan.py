"""Schedules, drawn from a seed: what is recorded, which commands run at once, when they are killed, what fails [pure].

A schedule is a list of moves; a move is plain data, so that a schedule can be printed, shortened and played again.
Sessions are named by numbers: a move about one that was never recorded does nothing, so any part of a schedule is one.
"""

from __future__ import annotations

import ast
import functools
import math
from pathlib import Path

from mapshell.demo.run import ARCHIVE

from .doubts import DOUBTS

RIGS = ("rig-a", "rig-b")
ANIMALS = (480133, 502716)
MOST_VISITS = 14

REQUESTS = (
    {"kind": "status", "status": 429, "retry_after": 0},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "request": "transfer/*"},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 503, "done": True, "request": "transfer/*"},
    {"kind": "status", "status": 504, "request": "transfer/*"},
    {"kind": "delay", "seconds": 0.4},
    {"kind": "reset"},
    {"kind": "lost"},
    {"kind": "cut"},
    {"kind": "truncated", "request": "transfer/*"},
    {"kind": "html", "request": "transfer/*"},
    {"kind": "empty", "request": "transfer/*"},
    {"kind": "html", "done": True, "request": "transfer/submit*"},
)
TASKS = (
    {"kind": "fail"},
    {"kind": "fail", "partial": True},
    {"kind": "cancel", "partial": True},
    {"kind": "deadline"},
    {"kind": "skip"},
    {"kind": "lie", "how": "missing"},
    {"kind": "lie", "how": "short"},
    {"kind": "hold"},
    {"kind": "pause"},
    {"kind": "inactive"},
    {"kind": "stuck"},
)
COLLECTIONS = (
    {"kind": "offline", "collection": ARCHIVE, "request": "transfer/*"},
    {"kind": "no-https", "collection": ARCHIVE},
    {"kind": "permission", "collection": ARCHIVE, "request": "transfer/operation/*"},
    {"kind": "token-expired", "tokens": "access", "request": "transfer/*"},
)
EVENTS = (
    "open os.rename os.remove os.mkdir os.link os.rmdir os.utime os.scandir "
    "http.client.send sqlite3.connect socket.connect"
)
VERBS = {"publish": 6, "retrieve": 2, "verify": 2, "discover": 2, "reclaim": 3, "status": 1, "cp": 1.5, "mv": 0.8}
MOVES = {"run": 80, "record": 5, "finish": 2, "late": 3, "foreign": 2, "forge": 2, "own": 2, "rot": 3, "lose": 3}
MOVES |= {"stand": 2, "forget": 2, "later": 2, "entitle": 2, "free": 10}
PREFIXES = {
    "cp": "copy: ",
    "mv": "mv: ",
    "reassign": "move: ",
    "reclaim": "reclaim: ",
    "retrieve": "retrieve: ",
    "verify": "verify: ",
    "discover": "discover: ",
}


@functools.cache
def steps_in_the_code():
    """Return the names of all steps of the journal, from the calls of ``step`` in the product."""
    import pipeline

    names = set()
    for file in Path(pipeline.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "step":
                names.add(node.args[0].value)
    return names


def steps_of(verb, names):
    """Return the steps at which a verb can be killed."""
    prefix = PREFIXES.get(verb)
    if prefix:
        return sorted(name for name in names if name.startswith(prefix))
    if verb == "adopt":  # a publish that reads what is there
        return [*steps_of("publish", names), *["adopt: compared"] * 4]
    return sorted(name for name in names if ": " not in name) if verb == "publish" else []


def draw(dice, length, *, steps, share=0.05, kills=0.9, doubts=10):
    """Return a schedule of so many moves.

    Parameters
    ----------
    dice
        A ``random.Random``.
    length
        Number of moves.
    steps
        Names of the journal's steps.
    share
        With which probability a request or task is spoilt by each fault that a move has in force.
    kills
        With which probability a command is killed.
    doubts
        How often a proof is missing before a disk is freed, beside 80 moves in which commands run.
    """
    drawing = _Drawing(dice, steps, share, kills, doubts)
    moves = [{"do": "second"}, drawing.record()] if drawing.second else [drawing.record()]
    while len(moves) < length:
        moves += drawing.next()
    return moves[:length]


class _Drawing:
    def __init__(self, dice, steps, share, kills, doubts):
        self._weights = {**MOVES, "doubt": doubts}
        self._dice, self._steps, self._share, self._kills = dice, steps, share, kills
        self._visits, self._rigs, self._shelf = 0, [], []
        self.second = dice.random() < 0.3  # the lab has a second place for its recordings

    def record(self):
        number, self._visits = self._visits, self._visits + 1
        self._rigs.append(self._dice.choice(RIGS))
        return {
            "do": "record",
            "visit": number,
            "rig": self._rigs[number],
            "subject": self._dice.choice(ANIMALS),
            "kind": "ephys" if self._dice.random() < 0.75 else "video",
            "state": "recording" if self._dice.random() < 0.1 else "whole",
        }

    def next(self):
        """Return the next moves."""
        dice = self._dice
        move = dice.choices(tuple(self._weights), tuple(self._weights.values()))[0]
        if move == "record" and self._visits >= MOST_VISITS:
            move = "late"
        if move == "entitle" and self.second:
            move = "later"
        if move == "run":
            news = self._news()
            return [*news, self._run(news)]
        if move == "record":
            return [self.record()]
        if move == "forget":
            lost = {"do": "forget", "what": dice.choice(("index", "all"))}
            return [lost] if dice.random() < 0.4 else [{**lost, "healed": False}, self._rebuild()]
        if move == "later":
            return [{"do": "later"}]
        if move == "entitle":
            return self._reassign()
        if move == "free":
            return self._free()
        if move == "doubt":
            return [{**self._about("doubt"), "how": dice.choice(DOUBTS)}]
        return [self._about(move)]

    def _news(self):
        """Most nights there is something new."""
        if self._dice.random() < 0.4:
            return []
        if self._visits < MOST_VISITS and self._dice.random() < 0.7:
            return [self.record()]
        return [self._about("late")]

    def _about(self, move):
        return {"do": move, "visit": self._dice.randrange(self._visits), "dice": self._dice.randrange(1_000_000)}

    def _run(self, news=()):
        dice = self._dice
        commands = [self._command() for _ in range(dice.choices((1, 2, 3), (5, 4, 1))[0])]
        if news and dice.random() < 0.7:  # where there is something to send
            commands[0] = self._command("publish", self._rigs[news[0]["visit"]])
        move = {"do": "run", "commands": commands, "faults": self._faults()}
        if dice.random() < 0.15:
            move["database"] = {"how": dice.choice(("cut", "crash")), "after": round(dice.random() * 1.2, 3)}
        if dice.random() < 0.1:
            how, after = dice.choice(("grow", "alter")), round(dice.random() * 1.2, 3)
            move["change"] = {**self._about("change"), "how": how, "after": after}
        return move

    def _reassign(self):
        """A recording turns out to be another animal's: it is given to it, twice when that was killed."""
        visit, moves = self._dice.randrange(self._visits), []
        for _ in range(self._dice.choices((1, 2), (2, 1))[0]):
            move = self._run()
            command = {"verb": "reassign", "rig": self._dice.choice(RIGS), "visit": visit, "after": 0}
            if self._dice.random() < self._kills:
                command["kill"] = self._kill("reassign")
            moves.append({**move, "commands": [command, *move["commands"][:2]]})
        return [{"do": "entitle", "visit": visit}, *moves]

    def _free(self):
        """A rig's disk is freed when its night went well; mostly that is killed, and others are at work beside it."""
        rig = self._dice.choice(RIGS)
        published = {"do": "run", "commands": [{"verb": "publish", "rig": rig, "after": 0}], "faults": []}
        move, command = self._run(), self._command("reclaim", rig)
        command = {"verb": "reclaim", "rig": rig, "after": command["after"], "older": "0d"}
        if self._dice.random() < 0.7:
            command["kill"] = self._kill("reclaim")
        return [published, {**move, "commands": [command, *move["commands"][:1]]}]

    def _rebuild(self):
        """Discover is killed while it has something to discover, and others are at work already."""
        move = self._run()
        first = {"verb": "discover", "rig": self._dice.choice(RIGS), "after": 0, "kill": self._kill("discover")}
        return {**move, "commands": [first, *move["commands"][:2]]}

    def _command(self, verb=None, rig=None):
        dice = self._dice
        verb = verb or dice.choices(tuple(VERBS), tuple(VERBS.values()))[0]
        command = {"verb": verb, "rig": rig or dice.choice(RIGS), "after": round(dice.random() * 0.3, 3)}
        if verb in ("cp", "mv"):
            command |= self._by_hand(verb)
        elif dice.random() < 0.3 and verb != "status":
            command["visit"] = dice.randrange(self._visits)
        if verb == "publish" and dice.random() < 0.2:  # what lies there already is read, or gives way
            command["adopt"] = True
        elif verb == "publish" and dice.random() < 0.1:
            visit = command["visit"] = dice.randrange(self._visits)
            command |= {"rig": self._rigs[visit], "supersede": True}
        if verb == "retrieve":
            command["via"] = dice.choice(("globus", "https"))
            command["to"] = dice.choice(("home", "got"))
        if verb == "reclaim":
            command["older"] = "0d" if dice.random() < 0.85 else "30d"
            option = dice.choices(("", "copies", "file_type", "dry"), (80, 8, 8, 4))[0]
            command |= {"copies": 2} if option == "copies" else {}
            command |= {"file_type": "ephys-raw-*"} if option == "file_type" else {}
            command |= {"dry": True} if option == "dry" else {}
        if verb == "verify" and dice.random() < 0.6:
            command["checksum"] = True
        if (verb == "publish" or command.get("via") == "globus") and dice.random() < 0.1:
            command["no_wait"] = True
        if dice.random() < self._kills:
            command["kill"] = self._kill("adopt" if command.get("adopt") else verb)
        return command

    def _by_hand(self, verb):
        dice, to = self._dice, self._dice.randrange(1_000_000)
        about = {"visit": dice.randrange(self._visits), "dice": dice.randrange(1_000_000), "to": to}
        if verb == "cp":
            self._shelf.append((about["visit"], to))
            return {**about, "recursive": dice.random() < 0.4}
        if not self._shelf or dice.random() < 0.3:  # what the index knows
            return {**about, "known": True}
        visit, number = self._shelf[dice.randrange(len(self._shelf))]
        self._shelf.append((visit, to))
        return {**about, "visit": visit, "from": number}

    def _kill(self, verb):
        dice, steps = self._dice, steps_of(verb, self._steps)
        how = dice.choices(("step", "event", "time"), (4 if steps else 0, 3, 3))[0]
        if how == "step":
            kill = {"step": dice.choice(steps), "nth": dice.choices((1, 2, 3), (6, 3, 1))[0]}
            return {**kill, "seconds": round(3 + dice.expovariate(1), 3)}  # if it does not come so far
        if how == "event":
            return {"event": int(math.exp(dice.uniform(0, math.log(200))))}
        return {"seconds": round(dice.expovariate(1 / 0.35), 3)}

    def _faults(self):
        dice = self._dice
        if dice.random() < 0.35:
            return []
        chosen = dice.sample(REQUESTS, dice.randint(0, 3)) + dice.sample(TASKS, dice.randint(0, 2))
        if dice.random() < 0.15:
            chosen.append(dice.choice(COLLECTIONS))
        return [{**fault, **self._how_often(fault)} for fault in chosen]

    def _how_often(self, fault):
        seed = self._dice.randrange(1_000_000)
        if fault in COLLECTIONS:
            return {"count": 1, "after": self._dice.randrange(12)} if "request" in fault else {}
        if self._dice.random() < 0.5:  # one that strikes
            return {"nth": 1 + int(self._dice.expovariate(1 / 3 if fault in REQUESTS else 2))}
        often = self._share if fault in REQUESTS else self._share * 5  # tasks are few
        return {"count": None, "probability": often, "seed": seed}
