"""Moves of a schedule, carried out on a world."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from .check import Violation, text
from .forging import forged
from .plan import EVENTS
from .said import judge, reasons

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


class Stage:
    """Carries out schedules on one world, and counts what happened."""

    def __init__(self, world, checker, looker):
        self.world, self.checker, self.looker = world, checker, looker
        self.counts = Counter()
        self.faults = Counter()
        self.before_loss: dict[Any, dict] = {}

    def act(self, move):
        """Carry out one move; return the violations that are seen afterwards."""
        self.counts["moves"] += 1
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

    def foreign(self, move):
        """Somebody puts a file of his own where one of ours shall go."""
        visit, facts = self._visit(move), self.looker.look()
        if visit is None or visit.foreign or any(each[:2] == visit.key[:2] for each in facts.rows if each == visit.key):
            return
        free = sorted(name for name in visit.versions if (visit.alias, name) not in facts.files)
        if not free:
            return
        subpath = free[move["dice"] % len(free)]
        path = self.world.archive / visit.alias / subpath
        path.parent.mkdir(parents=True, exist_ok=True)
        like = self.world.lab.subpaths(visit).get(subpath)
        if like is not None and move["dice"] % 2:
            path.write_bytes(bytes(byte ^ 1 for byte in like.read_bytes()))  # as long as ours
        else:
            path.write_bytes(b"not ours")
        visit.foreign = subpath
        visit.strange.add(self.looker.sha1(path))
        self.checker.put(visit.alias, subpath, self.looker.sha1(path))

    def own(self, move):
        """Its owner takes it away again."""
        visit = self._visit(move)
        if visit is not None and visit.foreign:
            self.checker.taken(visit.alias, visit.foreign)
            (self.world.archive / visit.alias / visit.foreign).unlink()
            visit.foreign = ""
        if visit is not None and visit.forged:
            self.checker.taken(visit.alias, visit.forged)
            (self.world.archive / visit.alias / visit.forged).unlink()
            visit.forged = ""

    def forge(self, move):
        """Somebody puts a manifest there that is not true; what it says must never become rows."""
        visit, facts = self._visit(move), self.looker.look()
        dataset = facts.datasets.get(visit.key) if visit is not None else None
        if dataset is None or visit.forged or visit.key not in facts.archived:
            return
        true = text(dataset["dataset_manifest"])
        document = forged(facts.manifests[visit.alias, true], move["dice"])
        subpath = true.replace(
            f"-{dataset['dataset_generation']:04d}.json", f"-{dataset['dataset_generation'] + 7:04d}.json"
        )
        path = self.world.archive / visit.alias / subpath
        path.write_text(json.dumps(document), "utf-8")
        visit.forged = subpath
        self.checker.put(visit.alias, subpath, self.looker.sha1(path))

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

    def vandalise(self, move):
        """Change a recording behind everybody's back: the campaign's own tests see whether that is found."""
        visit = self._visit(move)
        if visit is not None:
            next(iter(self.world.lab.subpaths(visit).values())).write_bytes(b"gone")

    def forget(self, move):
        """The index is lost, or the whole database is."""
        for visit in self.world.lab.visits.values():
            self.own({"visit": visit.number})
        facts = self.looker.look()
        for key in facts.archived:
            self.before_loss[key] = {**self.before_loss.get(key, {}), **facts.rows[key]}
        if move["what"] == "all":
            self.world.drop_everything()
        else:
            connection = self.world.server.connect()
            with contextlib.closing(connection), contextlib.closing(connection.cursor()) as cursor:
                schema = f"{self.world.prefix}publication"
                if self.world.server.kind == "postgresql":
                    cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
                else:
                    cursor.execute(f"DROP DATABASE IF EXISTS {schema}")
                connection.commit()
        self.counts["lost databases"] += 1
        self.world.enter_animals()
        yield from self.calmly({"verb": "discover", "rig": "rig-a"}, codes=(0, 3))

    def rot(self, move):
        """A bit flips at the archive: verify finds it, retrieve hands out no such file."""
        chosen = self._archived_file(move)
        if chosen is None:
            return
        visit, path = chosen
        whole, times = path.read_bytes(), path.stat()
        place = move["dice"] % len(whole)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        subpath = path.relative_to(self.world.archive / visit.alias).as_posix()
        probe = {
            "verb": "retrieve",
            "rig": visit.rig,
            "visit": visit.number,
            "via": "https",
            "to": f"got/{move['dice']}",
        }
        look = {"verb": "verify", "rig": visit.rig, "visit": visit.number, "checksum": True}
        yield from self._names(look, subpath, "a flipped bit")
        yield from self._names(probe, subpath, "a flipped bit")
        got = self.world.folder / visit.rig / f"got/{move['dice']}" / subpath
        if got.exists():
            yield Violation("I3", f"retrieve handed out {subpath} with a flipped bit")
        path.write_bytes(whole)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        yield from self._sound(look, visit)
        self._tidy(visit, move)

    def lose(self, move):
        """A file is gone from the archive: verify and retrieve say so."""
        chosen = self._archived_file(move)
        if chosen is None:
            return
        visit, path = chosen
        aside = self.world.folder / "home/lost"
        path.rename(aside)
        subpath = path.relative_to(self.world.archive / visit.alias).as_posix()
        yield from self._names({"verb": "verify", "rig": visit.rig, "visit": visit.number}, subpath, "a lost file")
        probe = {
            "verb": "retrieve",
            "rig": visit.rig,
            "visit": visit.number,
            "via": "globus",
            "to": f"got/{move['dice']}",
        }
        yield from self._names(probe, subpath, "a lost file")
        if move["dice"] % 3 == 0:  # and the index with it: its manifest alone makes no session archived
            yield from self.forget({"what": "index"})
            if visit.key in self.looker.look().archived:
                yield Violation("I1", f"discover made {visit.key} archived, though {subpath} is not at the archive")
        aside.rename(path)
        if move["dice"] % 3 == 0:
            yield from self.calmly({"verb": "discover", "rig": visit.rig}, codes=(0, 3))
        yield from self._sound({"verb": "verify", "rig": visit.rig, "visit": visit.number}, visit)
        self._tidy(visit, move)

    # -- commands --------------------------------------------------------------------------------------------------

    def run(self, move):
        """Let commands run at once, while things fail; judge what they said."""
        if move["faults"]:
            self.world.admin.add_faults(*move["faults"])
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
            yield from judge(self.world, each, facts)

    def together(self, commands):
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
        if MARK.decode() in ended.done.stderr:
            self.counts[f"kill step {kill['step']}"] += 1
        else:
            self.counts[f"kill {'event' if 'event' in kill else 'seconds'}"] += 1

    def one(self, command):
        kill = command.get("kill", {})
        prelude = ""
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
        line = [f"publication-{verb}", "--format", "json"]
        visit = self.world.lab.visits.get(command.get("visit"))
        if visit is not None:
            line += ["--subject", visit.h2o, "--session", str(visit.session)]
        elif verb == "retrieve":
            line.append("--everything")
        if verb == "retrieve":
            line += ["--via", command["via"]]
            if command["to"] != "home":
                place = self.world.folder / command["rig"] / command["to"]
                place.mkdir(parents=True, exist_ok=True)
                line += ["--to", str(place)]
        if command.get("checksum"):
            line += ["--checksum", "all"]
        if command.get("no_wait"):
            line.append("--no-wait")
        if command.get("adopt"):
            line.append("--adopt")
        if command.get("supersede"):
            line += ["--supersede", "--because", "somebody worked on it"]
        return line

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
            self.world.lab.change(visit, change["dice"], change["how"])

    def _count_faults(self):
        for entry in self.world.admin.faults():
            kind, fired = entry["fault"]["kind"], entry["fired"]
            if fired:
                self.faults[f"{kind} {entry['fault'].get('status') or entry['fault'].get('how') or ''}".strip()] += (
                    fired
                )
                self.checker.lied = self.checker.lied or kind in ("lie", "skip")
        self.world.admin.clear_faults()

    def _names(self, command, subpath, what):
        """Run a command that must not end well, and must name a file."""
        (ended,) = self.together([command])
        yield from judge(self.world, ended, self.looker.look())
        if ended.done is None:
            return
        if ended.done.returncode == 0 or subpath.rpartition("/")[2] not in ended.done.stdout:
            yield Violation("I6", f"{command['verb']} did not tell of {what}: {subpath}\n{ended.done.stdout[-1500:]}")

    def calmly(self, command, codes=(0,)):
        """Run a command while nothing fails: it must end well."""
        (ended,) = self.together([command])
        yield from judge(self.world, ended, self.looker.look())
        if ended.done is not None and ended.done.returncode not in codes:
            yield Violation(
                "I4", f"{command} ended with {ended.done.returncode} though nothing is wrong:\n{reasons(ended.done)}"
            )

    def _sound(self, command, visit):
        """Verify a session that is well again: of it, there is nothing to be told."""
        (ended,) = self.together([command])
        yield from judge(self.world, ended, self.looker.look())
        rows = json.loads(ended.done.stdout)["sessions"] if ended.done is not None else []
        mine = [row for row in rows if (row["alias"], row["subject_id"], row["session"]) == visit.key]
        if not mine or mine[0]["drift"] or mine[0]["errors"]:
            yield Violation("I6", f"verify tells of {visit.key} what is not so any more: {reasons(ended.done)}")

    def _visit(self, move):
        return self.world.lab.visits.get(move["visit"])

    def _archived_file(self, move):
        """Return a session that is archived, not under way, and one of its files at the archive."""
        visit, facts = self._visit(move), self.looker.look()
        if visit is None or visit.key not in facts.archived or visit.forged:
            return None
        if any(row["state"] not in ("done", "failed") for row in facts.journal):
            return None  # it may be one that has not arrived
        names = sorted(name for name, row in facts.rows[visit.key].items() if row["file_size"])
        return visit, self.world.archive / visit.alias / names[move["dice"] % len(names)]

    def _tidy(self, visit, move):
        shutil.rmtree(self.world.folder / visit.rig / f"got/{move['dice']}", ignore_errors=True)
