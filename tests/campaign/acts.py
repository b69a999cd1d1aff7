"""Moves of a schedule, carried out on a world."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from pipeline import database

from .check import Violation, same_rows
from .said import judge

KILL_AT_STEP = """
import os, signal
left = [{nth}]
def watch(event, args):
    if event == "mapshell.step" and args[0] == {step!r}:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
"""
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
        path.write_bytes(b"not ours")
        visit.foreign = subpath
        self.checker.put(visit.alias, subpath, self.looker.sha1(path))

    def own(self, move):
        """Its owner takes it away again."""
        visit = self._visit(move)
        if visit is not None and visit.foreign:
            self.checker.taken(visit.alias, visit.foreign)
            (self.world.archive / visit.alias / visit.foreign).unlink()
            visit.foreign = ""

    def later(self, _move):
        """Time passes: leases end, transfers that waited for somebody go on."""
        self.release()
        connection = self.world.server.connect()
        schema = f"{self.world.prefix}publication"
        with contextlib.closing(connection), contextlib.closing(connection.cursor()) as cursor:
            with contextlib.suppress(Exception):  # the tables are lost
                cursor.execute(f"UPDATE {schema}.claim SET expires_at = '2020-01-01 00:00:00'")
                connection.commit()

    def forget(self, move):
        """The index is lost, or the whole database is."""
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
        yield from self._calmly({"verb": "discover", "rig": "rig-a"}, codes=(0, 3))

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
        yield from self._calmly(look)
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
        aside.rename(path)
        yield from self._calmly({"verb": "verify", "rig": visit.rig, "visit": visit.number})
        self._tidy(visit, move)

    # -- commands --------------------------------------------------------------------------------------------------

    def run(self, move):
        """Let commands run at once, while things fail; judge what they said."""
        if move["faults"]:
            self.world.admin.add_faults(*move["faults"])
        harm = threading.Thread(target=self._harm, args=(move.get("database"),))
        harm.start()
        ended = self._together(move["commands"])
        harm.join()
        self._count_faults()
        self.world.server.ready()
        facts = self.looker.look()
        for each in ended:
            yield from judge(self.world, each, facts)

    def _together(self, commands):
        ended = [None] * len(commands)

        def one(place, command):
            time.sleep(command.get("after", 0))
            ended[place] = self._one(command)

        threads = [threading.Thread(target=one, args=each) for each in enumerate(commands)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return ended

    def _one(self, command):
        kill = command.get("kill", {})
        prelude = ""
        if "step" in kill:
            prelude = KILL_AT_STEP.format(**kill)
        elif "event" in kill:
            from .plan import EVENTS

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
        self.counts["commands"] += 1
        self.counts[f"command {command['verb']}"] += 1
        if done.returncode == -signal.SIGKILL:
            self.counts["kills"] += 1
            how = f"step {kill['step']}" if "step" in kill else next(iter(kill), "?")
            self.counts[f"kill {how}"] += 1
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
        (ended,) = self._together([command])
        yield from judge(self.world, ended, self.looker.look())
        if ended.done is None:
            return
        if ended.done.returncode == 0 or subpath.rpartition("/")[2] not in ended.done.stdout:
            yield Violation("I6", f"{command['verb']} did not tell of {what}: {subpath}\n{ended.done.stdout[-1500:]}")

    def _calmly(self, command, codes=(0,)):
        """Run a command while nothing fails: it must end well."""
        (ended,) = self._together([command])
        yield from judge(self.world, ended, self.looker.look())
        if ended.done is not None and ended.done.returncode not in codes:
            text = ended.done.stdout[-3000:] + ended.done.stderr[-2000:]
            yield Violation("I4", f"{command} ended with {ended.done.returncode} though nothing is wrong:\n{text}")

    def _visit(self, move):
        return self.world.lab.visits.get(move["visit"])

    def _archived_file(self, move):
        """Return a session that is archived, not under way, and one of its files at the archive."""
        visit, facts = self._visit(move), self.looker.look()
        if visit is None or visit.key not in facts.archived:
            return None
        if any(row["state"] not in ("done", "failed") for row in facts.journal):
            return None  # it may be one that has not arrived
        names = sorted(name for name, row in facts.rows[visit.key].items() if row["file_size"])
        return visit, self.world.archive / visit.alias / names[move["dice"] % len(names)]

    def _tidy(self, visit, move):
        import shutil

        shutil.rmtree(self.world.folder / visit.rig / f"got/{move['dice']}", ignore_errors=True)


class Calm:
    """The end of a schedule: everything works again, and the same commands must lead to the same archive."""

    def __init__(self, stage):
        self._stage, self.world = stage, stage.world

    def come(self):
        """Return what has not come right."""
        stage = self._stage
        for visit in self.world.lab.visits.values():
            stage.own({"visit": visit.number})
            stage.finish({"visit": visit.number})
        for _ in range(4):
            stage.later({})
            codes = [self._run({"verb": "publish", "rig": rig}) for rig in ("rig-a", "rig-b")]
            if codes == [0, 0]:
                break
            self._run({"verb": "discover", "rig": "rig-a"})
        else:
            ended = [stage._one({"verb": "publish", "rig": rig}) for rig in ("rig-a", "rig-b")]
            text = "\n".join(
                f"{each.done.returncode}\n{each.done.stdout[-2500:]}{each.done.stderr[-1500:]}" for each in ended
            )
            yield Violation("I4", f"publishing does not converge: {codes}\n{text}")
        facts = stage.looker.look()
        yield from stage.checker.check(facts)
        yield from self._everything(facts)
        yield from self._again(facts)
        yield from self._rebuilt(facts)

    def _run(self, command):
        (ended,) = self._stage._together([command])
        return ended.done.returncode if ended.done else None

    def _everything(self, facts):
        for visit in self.world.lab.visits.values():
            if visit.key not in facts.archived:
                yield Violation("I4", f"{visit.key} is on {visit.rig}, and is not archived after all")
                continue
            mine, rows = set(self.world.lab.subpaths(visit)), set(facts.rows[visit.key])
            if mine != rows:
                yield Violation("I4", f"{visit.key}: on disk and in the index differ: {sorted(mine ^ rows)[:5]}")
        for row in facts.journal:
            if row["state"] not in ("done", "failed"):
                yield Violation("I4", f"a transfer of the journal is still {row['state']}: {row['label']}")
        for key, rows in self._stage.before_loss.items():
            for difference in same_rows(rows, facts.rows.get(key, {})):
                yield Violation("I4", f"{key} was rebuilt otherwise than it was: {difference}")

    def _again(self, facts):
        """Once more: nothing is asked of Globus, nothing changes."""
        admin = self.world.admin
        admin.reset_counts()
        for rig in ("rig-a", "rig-b"):
            yield from self._stage._calmly({"verb": "publish", "rig": rig})
        if admin.total("transfer/"):
            yield Violation("I4", f"a night with nothing new asked Globus: {admin.counts()}")
        yield from self._stage._calmly({"verb": "verify", "rig": "rig-b", "checksum": True})
        after = self._stage.looker.look()
        yield from self._same(facts, after, "the same commands again")

    def _rebuilt(self, facts):
        """The database is lost; discover brings the same rows."""
        yield from self._stage.forget({"what": "index"})
        yield from self._stage._calmly({"verb": "discover", "rig": "rig-b"})
        after = self._stage.looker.look()
        yield from self._stage.checker.check(after)
        yield from self._same(facts, after, "discover")

    def _same(self, before, after, what):
        if before.archived != after.archived:
            yield Violation("I4", f"{what} changed what is archived: {sorted(before.archived ^ after.archived)}")
        for key in sorted(before.archived & after.archived):
            differences = same_rows(before.rows[key], after.rows[key]) + same_rows(after.rows[key], before.rows[key])
            for difference in differences:
                yield Violation("I4", f"{what} changed rows of {key}: {difference}")
        gone = {name for name in before.files if after.files.get(name, {}).get("sha1") != before.files[name]["sha1"]}
        new = set(after.files) - set(before.files)
        if gone | new:
            yield Violation("I4", f"{what} changed the archive: {sorted(gone | new)[:5]}")


__all__ = ["Calm", "Ended", "Stage", "database"]
