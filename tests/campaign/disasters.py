"""What happens to an archive and a database beside all commands: rot, loss, and files of others."""

from __future__ import annotations

import contextlib
import json
import os
import shutil

from .forging import forged
from .look import text
from .said import judge, reasons
from .violation import Violation

STANDS = "a different file in its place"


class Disasters:
    """Moves of a :class:`tests.campaign.acts.Stage` that no command makes."""

    def foreign(self, move):
        """Somebody puts a file of his own where one of ours shall go."""
        facts = self.looker.look()

        def free_names(visit):
            if visit.foreign or visit.other or visit.key in facts.rows:
                return []
            return sorted(name for name in visit.versions if (visit.alias, name) not in facts.files)

        visit = self._next(move, free_names)
        if visit is None:
            return
        free = free_names(visit)
        subpath = free[move["dice"] % len(free)]
        path = self.world.archive / visit.alias / subpath
        path.parent.mkdir(parents=True, exist_ok=True)
        like = self.world.lab.subpaths(visit).get(subpath)
        if like is not None and move["dice"] % 2:
            path.write_bytes(bytes(byte ^ 1 for byte in like.read_bytes()))  # as long as ours
        else:
            path.write_bytes(b"not ours")
        visit.foreign, self.meddled = subpath, True
        visit.strange.add(self.looker.sha1(path))
        self.checker.put(visit.alias, subpath, self.looker.sha1(path), raced=visit.key in facts.open)

    def own(self, move):
        """Its owner takes it away again, unless discover has taken it into the index meanwhile."""
        visit = self._visit(move)
        if visit is not None and visit.foreign:
            self.checker.taken(visit.alias, visit.foreign)
            path = self.world.archive / visit.alias / visit.foreign
            known = visit.foreign in self.looker.look().rows.get(visit.key, {})
            if not known and path.exists() and self.looker.sha1(path) in visit.strange:
                path.unlink()
            visit.foreign = ""
        if visit is not None and visit.forged:
            self.checker.taken(visit.alias, visit.forged)
            (self.world.archive / visit.alias / visit.forged).unlink()
            visit.forged = ""

    def forge(self, move):
        """Somebody puts a manifest there that is not true; what it says must never become rows."""
        facts = self.looker.look()
        visit = self._next(move, lambda visit: self._forgeable(visit, facts))
        if visit is None:
            return
        dataset = facts.datasets[visit.key]
        true = text(dataset["dataset_manifest"])
        document = forged(facts.manifests[visit.alias, true], move["dice"])
        subpath = true.replace(
            f"-{dataset['dataset_generation']:04d}.json", f"-{dataset['dataset_generation'] + 7:04d}.json"
        )
        path = self.world.archive / visit.alias / subpath
        path.write_text(json.dumps(document), "utf-8")
        visit.forged = subpath
        self.checker.put(visit.alias, subpath, self.looker.sha1(path))

    @staticmethod
    def _forgeable(visit, facts):
        return not (visit.forged or visit.other) and visit.key in facts.archived & set(facts.datasets)

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
        for visit in self.world.lab.visits.values():  # while names change, the journal alone knows which are which
            if visit.other and visit.key in facts.open:
                self.later({})
                self.together([{"verb": "reassign", "rig": visit.rig, "visit": visit.number}])
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
        self.meddled = self.checker.disturbed = True
        self.checker.kept.forget()
        self.world.enter_animals()
        self.say_copies()
        self.unhealed = not move.get("healed", True)
        if self.unhealed:
            return
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
        if got.exists() and got.read_bytes() != whole:
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

    def stand(self, move):
        """Somebody has a file of his own where one of ours would be retrieved to: it stays as it is, and is named."""
        chosen = self._archived_file(move)
        if chosen is None:
            return
        visit, path = chosen
        subpath = path.relative_to(self.world.archive / visit.alias).as_posix()
        place = self.world.folder / visit.rig / f"got/{move['dice']}" / subpath
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"mine")
        via = ("globus", "https")[move["dice"] % 2]
        where = {"rig": visit.rig, "visit": visit.number, "to": f"got/{move['dice']}"}
        yield from self._names({"verb": "retrieve", "via": via, **where}, subpath, STANDS)
        if place.read_bytes() != b"mine":
            yield Violation("I3", f"retrieve replaced {place}, which was somebody's own")
        self._tidy(visit, move)

    # -- parts ------------------------------------------------------------------------------------------------------

    def _names(self, command, subpath, what):
        """Run a command that must not end well, and must name a file."""
        (ended,) = self.together([command])
        yield from judge(self.world, ended, self.looker.look())
        if ended.done is None:
            return
        if (
            command["verb"] == "retrieve"
            and what != STANDS
            and self.world.lab.visits[command["visit"]].kind in self.world.copies
        ):
            return  # another copy has it: the checker sees that the bytes are right
        if ended.done.returncode == 0 or subpath.rpartition("/")[2] not in ended.done.stdout:
            yield Violation("I6", f"{command['verb']} did not tell of {what}: {subpath}\n{ended.done.stdout[-1500:]}")

    def _sound(self, command, visit):
        """Verify a session that is well again: none of its files is told of; what the index does not know may be."""
        (ended,) = self.together([command])
        yield from judge(self.world, ended, self.looker.look())
        rows = json.loads(ended.done.stdout)["sessions"] if ended.done is not None else []
        key = self.world.lab.key
        mine = [row for row in rows if key(row["alias"], row["subject_id"], row["session"]) == visit.key]
        wrong = [each for row in mine for each in row["drift"] if each["kind"] != "extra"]
        if not mine or wrong or mine[0]["errors"]:
            yield Violation("I6", f"verify tells of {visit.key} what is not so any more: {reasons(ended.done)}")

    def _next(self, move, fits):
        """Return the session that a move is about, or the next that fits: most moves shall do something."""
        visits = self.world.lab.visits
        numbers = sorted(visits, key=lambda number: (number < move["visit"], number))
        return next((visits[number] for number in numbers if fits(visits[number])), None)

    def _archived_file(self, move):
        """Return a session that is archived, not under way, and one of its files at the archive."""
        facts = self.looker.look()
        # What is under way may not have arrived.
        visit = self._next(move, lambda visit: not visit.forged and visit.key in facts.archived - facts.open)
        if visit is None:
            return None
        names = sorted(name for name, row in facts.rows[visit.key].items() if row["file_size"])
        return visit, facts.files[visit.alias, names[move["dice"] % len(names)]]["path"]

    def _tidy(self, visit, move):
        shutil.rmtree(self.world.folder / visit.rig / f"got/{move['dice']}", ignore_errors=True)
