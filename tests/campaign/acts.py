"""Moves of a schedule, carried out on a world."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from . import byhand
from .disasters import Disasters
from .doubts import Doubts
from .lab import ANIMALS
from .plan import EVENTS
from .said import judge, reasons
from .silence import Before
from .violation import Violation

KILL_AT_STEP = """
import os, signal
left = [{nth}]
def watch(event, args):
    if event == "mapshell.step" and args[0] == {step!r}:
        left[0] -= 1
        if not left[0]:
            os.write(2, {mark!r})
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
"""
MARK = b"killed at the step"
KILL_AT_EVENT = """
import os, signal
left = [{event}]
events = frozenset({events!r}.split())
def watch(event, args):
    if event in events:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
"""
TIMEOUT_S = 120


@dataclass
class Ended:
    """A command of a schedule, and what became of it; ``done`` is None when it had to be ended from outside."""

    command: dict
    done: subprocess.CompletedProcess | None


class Stage(Disasters, Doubts):
    """Carries out schedules on one world, and counts what happened."""

    def __init__(self, world, checker, looker):
        self.world, self.checker, self.looker = world, checker, looker
        self.counts = Counter()
        self.faults = Counter()
        self.before_loss: dict[Any, dict] = {}
        self.in_force = {}  # faults that were added, by number
        self.unhealed = False  # the index was lost, and nobody saw to it that discover came to its end
        self.copying = []  # copies that somebody asked for
        self.meddled = False  # somebody lost a database, or put something of his own at the archive

    def act(self, move):
        """Carry out one move; return the violations that are seen afterwards."""
        self.counts["moves"] += 1
        self.checker.begin()
        return [*(getattr(self, move["do"])(move) or ()), *self.checker.check(self.looker.look())]

    # -- what people do --------------------------------------------------------------------------------------------

    def record(self, move):
        if move["visit"] not in self.world.lab.visits:
            names = ("rig", "subject", "kind", "state")
            visit = self.world.lab.record(move["visit"], *(move[name] for name in names))
            self.world.enter(visit)

    def finish(self, move):
        visit = self._visit(move)
        if visit is not None:
            self.world.lab.finish(visit)

    def late(self, move):
        visit = self._visit(move)
        if visit is not None and visit.kind == "ephys" and len(visit.versions) < 30:
            self.world.lab.add(visit, 1 + move["dice"] % 3)

    def later(self, _move):
        """Time passes: leases end, transfers that waited for somebody go on."""
        self.release()
        connection = self.world.server.connect()
        schema = f"{self.world.prefix}publication"
        with (
            contextlib.closing(connection),
            contextlib.closing(connection.cursor()) as cursor,
            contextlib.suppress(Exception),  # the tables are lost
        ):
            cursor.execute(f"UPDATE {schema}.claim SET expires_at = '2020-01-01 00:00:00'")
            connection.commit()

    def second(self, _move):
        """The lab names a second place for its recordings: each session shall be at both."""
        (self.world.archive / "raw-ephys-2").mkdir()
        self.world.configure(**{"raw-ephys-2": ("ephys", "/raw-ephys-2")})
        self.world.copies = {"ephys": ("raw-ephys", "raw-ephys-2")}
        self.say_copies()

    def say_copies(self):
        """Say it, also after the database was lost."""
        for kind, aliases in self.world.copies.items():
            self.together([{"verb": "storage", "rig": "rig-a", "line": ["storage", "copies", kind, *aliases]}])

    def entitle(self, move):
        """Somebody finds out that a recording is another animal's, and enters the right session."""
        visit = self._visit(move)
        if visit is not None and not visit.other:
            subject = next(each for each in ANIMALS if each != visit.subject)
            visit.other = (subject, self.world.lab.next_session(subject))
            self.world.enter(visit)

    # -- commands --------------------------------------------------------------------------------------------------

    def run(self, move):
        """Let commands run at once, while things fail; judge what they said."""
        before = Before.seen(self.world.lab, self.looker.look())
        if move["faults"]:
            numbers = self.world.admin.add_faults(*move["faults"])
            self.in_force = dict(zip(numbers, move["faults"], strict=True))
        meanwhile = [
            threading.Thread(target=self._harm, args=(move.get("database"),)),
            threading.Thread(target=self._change, args=(move.get("change"),)),
        ]
        over = threading.Event()
        meanwhile.append(threading.Thread(target=self._let_go, args=(over,)))
        for thread in meanwhile:
            thread.start()
        ended = self.together(move["commands"])
        over.set()
        for thread in meanwhile:
            thread.join()
        self._count_faults()
        self.world.server.ready()
        facts = self.looker.look()
        for each in ended:
            yield from judge(self.world, each, facts, before if len(ended) == 1 else before.of_many())

    def together(self, commands):
        """Let commands run at once, each when it shall; return what became of them."""
        self.checker.ordered(commands)
        self.copying += [command for command in commands if command["verb"] == "cp"]
        ended = [None] * len(commands)

        def begin(place, command):
            time.sleep(command.get("after", 0))
            ended[place] = self.one(command)

        threads = [threading.Thread(target=begin, args=each) for each in enumerate(commands)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in ended:
            self._count(each)
        return ended

    def _count(self, ended):
        self.counts["commands"] += 1
        self.counts[f"command {ended.command['verb']}"] += 1
        if ended.done is None or ended.done.returncode != -signal.SIGKILL:
            return
        kill = ended.command.get("kill", {})
        self.counts["kills"] += 1
        self.checker.freed.killed()
        if MARK.decode() in ended.done.stderr:
            self.counts[f"kill step {kill['step']}"] += 1
        else:
            self.counts[f"kill {'event' if 'event' in kill else 'seconds'}"] += 1

    def one(self, command):
        kill = command.get("kill", {})
        prelude = command.get("prelude", "")
        if "step" in kill:
            prelude = KILL_AT_STEP.format(mark=MARK, **kill)
        elif "event" in kill:
            prelude = KILL_AT_EVENT.format(event=kill["event"], events=EVENTS)
        process = self.world.begin(command["rig"], self.arguments(command), prelude)
        timer = threading.Timer(kill["seconds"], process.kill) if "seconds" in kill else None
        if timer is not None:
            timer.start()
        try:
            done = process.end(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return Ended(command, None)
        finally:
            if timer is not None:
                timer.cancel()
                timer.join()
        return Ended(command, done)

    def arguments(self, command):
        """Return a command's line."""
        verb = command["verb"]
        if "line" in command:
            return command["line"]
        if verb == "reassign":
            return self._names_of(command)
        if verb in ("cp", "mv"):
            return byhand.arguments(self.world.lab, command)
        line = [f"publication-{verb}", "--format", "json"]
        visit = self.world.lab.visits.get(command.get("visit"))
        if visit is not None:
            h2o, number = visit.said()
            line += ["--subject", h2o, "--session", str(number)]
        elif verb == "retrieve":
            line.append("--everything")
        if verb == "retrieve":
            line += ["--via", command["via"]]
            if command["to"] != "home":
                place = self.world.folder / command["rig"] / command["to"]
                place.mkdir(parents=True, exist_ok=True)
                line += ["--to", str(place)]
        if verb == "reclaim":
            line += ["--older-than", command["older"], "--dry-run" if command.get("dry") else "--yes"]
            line += ["--copies", str(command["copies"])] if command.get("copies") else []
            line += ["--file-type", command["file_type"]] if command.get("file_type") else []
        if command.get("checksum"):
            line += ["--checksum", "all"]
        if command.get("no_wait"):
            line.append("--no-wait")
        if command.get("adopt"):
            line.append("--adopt")
        if command.get("supersede"):
            line += ["--supersede", "--because", "somebody worked on it"]
        return line

    def _names_of(self, command):
        visit = self.world.lab.visits[command["visit"]]
        target = f"{ANIMALS[visit.other[0]]}/{visit.other[1]}" if visit.other else "SC000/1"
        line = ["publication-reassign", f"{visit.h2o}/{visit.session}", target, "--format", "json"]
        return [*line, "--yes", "--type", visit.kind, "--because", "cages were swapped"]

    def release(self):
        """Let what waits go on, and everything work again."""
        self._count_faults()
        for task in self.world.admin.tasks():
            if task["status"] in ("ACTIVE", "INACTIVE"):
                self.world.admin.control_task(task["task_id"], "release")

    # -- parts -----------------------------------------------------------------------------------------------------

    def _harm(self, harm):
        if harm is None:
            return
        time.sleep(harm["after"])
        self.world.server.ready()
        with contextlib.suppress(Exception):  # it was thrown out by itself
            getattr(self.world.server, harm["how"])()
        self.faults[f"database {harm['how']}"] += 1

    def _let_go(self, over):
        """A task that does not move begins to, after a while: nobody gives up a task that is only slow."""
        while not over.wait(2):
            for task in self.looker.held_tasks():
                self.world.admin.control_task(task, "release")

    def _change(self, change):
        visit = self._visit(change) if change else None
        if visit is not None:
            time.sleep(change["after"])
            with contextlib.suppress(FileNotFoundError):  # the disk was freed of it a moment before
                self.world.lab.change(visit, change["dice"], change["how"])

    def _count_faults(self):
        fired = dict.fromkeys(self.in_force, 1)  # those that struck as often as they may are forgotten
        known = dict(self.in_force)
        for entry in self.world.admin.faults():
            fired[entry["number"]], known[entry["number"]] = entry["fired"], entry["fault"]
        for number, fault in known.items():
            if fired[number]:
                name = f"{fault['kind']} {fault.get('status') or fault.get('how') or ''}".strip()
                self.faults[name] += fired[number]
                self.checker.lied = self.checker.lied or fault["kind"] in ("lie", "skip")
        self.in_force = {}
        self.world.admin.clear_faults()

    def calmly(self, command, codes=(0,)):
        """Run a command while nothing fails: it must end well."""
        (ended,) = self.together([command])
        yield from judge(self.world, ended, self.looker.look())
        if ended.done is not None and ended.done.returncode not in codes:
            yield Violation(
                "I4", f"{command} ended with {ended.done.returncode} though nothing is wrong:\n{reasons(ended.done)}"
            )

    def _visit(self, move):
        return self.world.lab.visits.get(move["visit"])
