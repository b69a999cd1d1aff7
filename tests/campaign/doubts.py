"""What happens right before, or in the midst of, freeing a disk: each time a proof is missing, and nothing may go."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta

from .forging import false_tombstones
from .lab import LONG_AGO
from .look import text
from .said import judge
from .tombs import TOMBSTONES
from .violation import Violation

DOUBTS = (
    *("lost", "flipped"),  # at the archive
    *("swapped", "remembered", "stranger", "replaced", "grown", "altered", "forged"),  # on the disk
    *("young", "few", "twice"),  # of what is asked
    *("going", "claimed", "readonly"),  # by others at work
)
MEDDLE = """
import os
from pathlib import Path
done, names, how = [], {names!r}, {how!r}
def watch(event, args):
    if event != "os.remove" or os.path.basename(str(args[0])) not in names or done:
        return
    done.append(1)
    left = [Path(each) for each in names.values() if os.path.basename(each) != os.path.basename(str(args[0]))]
    path = max(left)
    times, other = path.stat(), bytes(byte ^ 1 for byte in path.read_bytes())
    if how == "grown":
        other = path.read_bytes() + b"one more line"
    beside = path.with_name(path.name + ".new") if how == "replaced" else path
    with open(beside, "r+b" if how != "replaced" else "wb") as file:
        file.write(other)
    os.utime(beside, ns=(times.st_atime_ns, times.st_mtime_ns))
    if how == "replaced":
        os.replace(beside, path)
sys.addaudithook(watch)
"""
"""When the first file is about to be deleted, another one becomes other bytes, of the time that it had."""


class Doubts:
    """Moves of a :class:`tests.campaign.acts.Stage` around ``publication-reclaim``."""

    def doubt(self, move):
        """Something is not as it must be: the session that it concerns stays on its disk, whole."""
        for rig in ("", "rig-a", "rig-b"):
            if rig:  # nothing is archived yet: most moves shall do something
                self.together([{"verb": "publish", "rig": rig}])
            facts = self.looker.look()
            visit = self._next(move, lambda visit, facts=facts: self._could_go(visit, facts))
            if visit is not None:
                break
        else:
            return
        self.counts[f"doubt {move['how']}"] += 1
        yield from getattr(self, f"_{move['how']}")(visit, move)

    def _could_go(self, visit, facts):
        """Whether nothing but time keeps the files of a session from being freed."""
        here, rows = self.world.lab.subpaths(visit), facts.rows.get(visit.key, {})
        return (
            not (visit.foreign or visit.forged or visit.changed or visit.other)
            and {(alias, *visit.key[1:]) for alias in self.world.places(visit.kind)} <= facts.archived - facts.open
            and all(rows.get(name) and text(rows[name]["file_sha1"]) == self.looker.sha1(here[name]) for name in here)
            and bool(here)
        )

    def _refused(self, visit, what, **options):
        """Ask for the session's space: it must be refused, and all of its files stay."""
        before = set(self.world.lab.subpaths(visit).values())
        command = {"verb": "reclaim", "rig": visit.rig, "visit": visit.number, "older": "0d", **options}
        (ended,) = self.together([command])
        yield from judge(self.world, ended, self.looker.look())
        freed = sorted(before - set(self.world.lab.subpaths(visit).values()))
        if freed:
            yield Violation("I2", f"reclaim freed {freed[0]}, though {what}")
        if ended.done is not None and ended.done.returncode == 0:
            yield Violation("I6", f"reclaim ended well, though {what}:\n{ended.done.stdout[-1500:]}")

    # -- the archive ------------------------------------------------------------------------------------------------

    def _lost(self, visit, move):
        _, path = self._one_there(visit, move)
        aside = self.world.folder / "home/lost"
        path.rename(aside)
        yield from self._refused(visit, f"{path.name} is not at the archive")
        aside.rename(path)

    def _flipped(self, visit, move):
        """A bit flipped at the archive, and verify has told of it."""
        alias, path = self._one_there(visit, move)
        whole, times = path.read_bytes(), path.stat()
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        look = {"verb": "verify", "rig": visit.rig, "visit": visit.number, "checksum": True}
        yield from self._names(look, path.relative_to(self.world.archive / alias).as_posix(), "a flipped bit")
        yield from self._refused(visit, f"verify has told that {path.name} differs at the archive")
        path.write_bytes(whole)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        yield from self._sound(look, visit)

    def _one_there(self, visit, move):
        alias = sorted(self.world.places(visit.kind))[-(move["dice"] % 2)]
        rows = self.looker.look().rows[alias, *visit.key[1:]]
        names = sorted(name for name, row in rows.items() if row["file_size"])
        return alias, self.world.archive / alias / names[move["dice"] // 2 % len(names)]

    # -- the disk ---------------------------------------------------------------------------------------------------

    def _one_here(self, visit, move):
        paths = [path for _, path in sorted(self.world.lab.subpaths(visit).items()) if path.stat().st_size]
        return paths[move["dice"] % len(paths)]

    def _swapped(self, visit, move):
        """Other bytes, of the same size and time."""
        path = self._one_here(visit, move)
        with self._other_bytes(path):
            yield from self._refused(visit, f"{path.name} has other bytes than the archive")

    def _remembered(self, visit, move):
        """The disk rotted: bytes differ, and nothing that is remembered of the file says so."""
        path = self._one_here(visit, move)
        right = self.looker.sha1(path)
        with self._other_bytes(path):
            self._believe(visit.rig, path, right)
            yield from self._refused(visit, f"the disk rotted below {path.name}")
        self._believe(visit.rig, path, right)

    @contextlib.contextmanager
    def _other_bytes(self, path):
        whole, times = path.read_bytes(), path.stat()
        self._put(path, bytes(byte ^ 1 for byte in whole), times)
        yield
        if path.exists():
            self._put(path, whole, times)

    @staticmethod
    def _put(path, data, times):
        with path.open("r+b") as file:  # the same inode
            file.write(data)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def _believe(self, rig, path, sha1):
        """Let the remembered checksums of a rig's person say something of a file as it is now."""
        if not path.exists():
            return
        facts = path.stat()
        for cache in (self.world.home / rig).rglob("*.sqlite"):
            with contextlib.closing(sqlite3.connect(cache, timeout=30)) as memory, contextlib.suppress(sqlite3.Error):
                memory.execute(
                    "INSERT OR REPLACE INTO sha1 (path, size, mtime_ns, ctime_ns, sha1) VALUES (?, ?, ?, ?, ?)",
                    (str(path), facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, sha1),
                )
                memory.commit()

    def _stranger(self, visit, move):
        """Somebody put a file of his own into the folder, which nobody has archived."""
        path = self._one_here(visit, move).parent / f"mine {move['dice']}.txt"
        path.write_bytes(b"mine")
        os.utime(path, (LONG_AGO, LONG_AGO))
        yield from self._refused(visit, "somebody has a new file in its folder")
        if not path.exists() or path.read_bytes() != b"mine":
            yield Violation("I2", f"{path} was somebody's own, and is gone")
        path.unlink(missing_ok=True)

    def _meddled(self, visit, how):
        """A file becomes another one after all was proved, while others are deleted already."""
        here = sorted(self.world.lab.subpaths(visit).values())
        if len(here) < 2:
            return
        before = {path: (path.read_bytes(), path.stat()) for path in here}
        prelude = MEDDLE.format(names={path.name: str(path) for path in here}, how=how)
        command = {"verb": "reclaim", "rig": visit.rig, "visit": visit.number, "older": "0d", "prelude": prelude}
        (ended,) = self.together([command])
        yield from judge(self.world, ended, self.looker.look())
        if not any(path.exists() for path in here):
            yield Violation("I2", f"{how}: a file of {visit.key} was not what was proved any more, and was deleted")
        for path, (whole, times) in before.items():
            if path.exists() and path.read_bytes() != whole:
                path.write_bytes(whole)
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
                self.world.lab.note(path)

    def _replaced(self, visit, _move):
        yield from self._meddled(visit, "replaced")

    def _grown(self, visit, _move):
        yield from self._meddled(visit, "grown")

    def _altered(self, visit, _move):
        yield from self._meddled(visit, "altered")

    def _forged(self, visit, move):
        """Somebody puts a tombstone there that is not true."""
        folder = self.world.lab.folder_of(visit)
        path, outside = folder / TOMBSTONES[visit.kind], self.world.home / "not a recording"
        if path.exists():
            return
        outside.write_bytes(b"mine")
        here = sorted(self.world.lab.subpaths(visit).values())
        lies, sha1 = false_tombstones(visit, here[0].relative_to(self.world.folder / visit.rig / visit.kind), outside)
        path.write_text(lies[move["dice"] % len(lies)])
        before = {each: self.looker.sha1(each) for each in here}
        for verb in ("publish", "status", "retrieve"):
            command = {"verb": verb, "rig": visit.rig, "visit": visit.number}
            command |= {"via": "globus", "to": "home"} if verb == "retrieve" else {}
            (ended,) = self.together([command])
            yield from judge(self.world, ended, self.looker.look())
        if {each: self.looker.sha1(each) for each in here if each.exists()} != before:
            yield Violation("I2", f"files of {folder} are not as they were: somebody put a false tombstone there")
        (ended,) = self.together([{"verb": "reclaim", "rig": visit.rig, "visit": visit.number, "older": "0d"}])
        yield from judge(self.world, ended, self.looker.look())
        if outside.read_bytes() != b"mine":
            yield Violation("I5", "a false tombstone led out of its folder")
        outside.unlink()
        self._without_lies(path, sha1, here)

    @staticmethod
    def _without_lies(path, sha1, here):
        """Whoever put a false tombstone there takes it away, or his lies out of what became of it."""
        if all(each.exists() for each in here):
            path.unlink(missing_ok=True)
            return
        document = json.loads(path.read_bytes())
        document["files"] = [entry for entry in document["files"] if entry["sha1"] != sha1]
        path.write_text(json.dumps(document))

    # -- what is asked ----------------------------------------------------------------------------------------------

    def _young(self, visit, _move):
        yield from self._refused(visit, "it was archived a moment ago", older="30d")

    def _few(self, visit, _move):
        places = len(self.world.places(visit.kind))
        yield from self._refused(visit, f"there are only {places} places", copies=places + 1)

    def _twice(self, visit, _move):
        """The second place's name leads to the first one: what lies there is no second copy."""
        first, *others = self.world.places(visit.kind)
        for alias in others:
            self._lead(alias, visit.kind, f"/{first}")
            yield from self._refused(visit, "both names are of one place", copies=2)
            self._lead(alias, visit.kind, f"/{alias}")

    def _lead(self, alias, kind, path):
        self.world.configure(**{alias: (kind, path)})
        table = f"{self.world.prefix}publication.globus_storage_location"
        with (
            contextlib.closing(self.world.server.connect()) as connection,
            contextlib.closing(connection.cursor()) as do,
        ):
            do.execute(f"UPDATE {table} SET globus_path = %s WHERE globus_alias = %s", (path, alias))
            connection.commit()

    # -- others at work ---------------------------------------------------------------------------------------------

    def _going(self, visit, move):
        """A publish was killed when all was committed: its transfer is still to be settled."""
        if len(visit.versions) > 30 or visit.kind != "ephys":
            return
        self.world.lab.add(visit, 1)
        kill = {"step": "committed", "nth": 1, "seconds": 60}
        self.together([{"verb": "publish", "rig": visit.rig, "visit": visit.number, "kill": kill}])
        facts = self.looker.look()
        if visit.key in facts.open & facts.archived and self._all_known(visit, facts):
            yield from self._refused(visit, "a transfer of it is under way")

    def _all_known(self, visit, facts):
        return set(self.world.lab.subpaths(visit)) <= set(facts.rows[visit.key])

    def _claimed(self, visit, _move):
        """Somebody on another computer works on it."""
        number, now = uuid.uuid4(), datetime.now(UTC).replace(tzinfo=None)
        owner = str(number) if self.world.server.kind == "postgresql" else number.bytes
        who = (owner, "rig-elsewhere", 1, now, now + timedelta(minutes=10))
        values = [(*visit.key[1:], alias, *who) for alias in self.world.places(visit.kind)]
        table = f"{self.world.prefix}publication.claim"
        names = "subject_id, session, globus_alias, owner, computer, process_id, claimed_at, expires_at"
        with (
            contextlib.closing(self.world.server.connect()) as connection,
            contextlib.closing(connection.cursor()) as do,
        ):
            for row in values:
                do.execute(f"DELETE FROM {table} WHERE (subject_id, session, globus_alias) = (%s, %s, %s)", row[:3])
                do.execute(f"INSERT INTO {table} ({names}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", row)
            connection.commit()
        yield from self._refused(visit, "somebody on another computer works on it")
        with (
            contextlib.closing(self.world.server.connect()) as connection,
            contextlib.closing(connection.cursor()) as do,
        ):
            do.execute(f"DELETE FROM {table} WHERE computer = 'rig-elsewhere'")
            connection.commit()

    def _readonly(self, visit, _move):
        """The database lets nothing be written."""
        with self.world.server.readonly():
            yield from self._refused(visit, "no row can be written")
