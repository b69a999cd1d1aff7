"""I2, for disks that are freed: what vanished was at the archive, when it did, in as many places as asked, as bytes.

Held against disks, archive and database as they are read here; nobody asks the product what it has proved.
"""

from __future__ import annotations

import glob
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from .look import text
from .tombs import naming
from .violation import Violation

RAW = (".bin", ".meta")
"""Ends of the names that ``--file-type ephys-raw-*`` means."""


@dataclass(frozen=True)
class Gone:
    """A file that was freed: its size, time and SHA1 when it was; whether it was recorded here, or fetched."""

    size: int
    time: int
    sha1: str
    recorded: bool


class Freed:
    """Remembers what was freed, and tells what vanished without proof."""

    def __init__(self, world):
        self._world, self._lab = world, world.lab
        self._orders, self._commands, self._fetching, self._killed = [], 0, set(), False
        self._told_before = set()  # rows of earlier moves that have ended
        self._open = {}  # transfers that were open when the last move had ended
        self.files = self.bytes = self.returned = 0  # freed so far, and files that came back
        self._away = set()  # folders that went with their files

    def begin(self):
        """Begin a move."""
        self._orders, self._commands, self._fetching, self._killed = [], 0, set(), False

    def ordered(self, commands):
        """Be told what runs now, at once."""
        self._orders += [command for command in commands if command["verb"] == "reclaim"]
        self._fetching |= {each["rig"] for each in commands if each["verb"] == "retrieve" and each["to"] == "home"}
        self._commands += len(commands)

    def killed(self):
        """Be told that a command was killed."""
        self._killed = True

    def check(self, facts):
        """Compare the disks with what lay on them; return what is wrong with what vanished, or came back."""
        yield from self._back()
        for path, was in sorted(self._lab.known.items()):
            if not path.exists():
                yield from self._vanished(facts, path, Gone(was[1], was[2], was[4], True))
                del self._lab.known[path]
        for path, (size, time, sha1) in sorted(self._lab.fetched.items()):
            if not path.exists():
                yield from self._vanished(facts, path, Gone(size, time, sha1, False))
                del self._lab.fetched[path]
        for path, gone in sorted(self._lab.gone.items()):
            if not self._told(path, gone):
                yield Violation("I2", f"{path} was freed, and no tombstone in its folder names it")
        self._told_before = {row["reclaim_id"] for row in facts.reclaims if text(row["state"]) != "planned"}
        self._open = {transfer: keys for transfer, keys in facts.carried.items() if keys & facts.open}

    def and_back(self, path, was, now):
        """Say whether a file may have been freed and fetched again meanwhile: the same bytes, and both asked for."""
        rig = path.relative_to(self._lab.folder).parts[0]
        if was[1] != now[1] or was[4] != now[4] or not any(order["rig"] == rig for order in self._orders):
            return False
        if rig not in self._fetching or was[2] // 10**9 != now[2] // 10**9:
            return False
        self._lab.note(path)
        return True

    def folder_gone(self, path):
        """Say whether a folder may be gone: files in it were freed, and nothing of it is left."""
        below = [each for each in self._lab.gone if each.is_relative_to(path)]
        left = [each for each in (*self._lab.known, *self._lab.fetched) if each.is_relative_to(path)]
        if not below or left:
            return False
        self._away.add(path)
        return True

    def folder_back(self, path):
        """Say whether a folder is one that was gone and was made again."""
        known = path in self._away
        self._away.discard(path)
        return known

    def _superseded(self, path, gone, sha1):
        """Say whether others took the place of a freed copy's bytes: the archive has those aside, and these."""
        look = self._world.looker.sha1
        for name in self._names(path):
            for place in self._world.archive.glob(f"*/{glob.escape(name)}"):
                aside = place.parent.glob(f"{glob.escape(place.name)}.superseded-*")
                if look(place) == sha1 and any(look(each) == gone.sha1 for each in aside):
                    return True
        return False

    # -- one file ---------------------------------------------------------------------------------------------------

    def _root(self, path):
        rig, kind = path.relative_to(self._lab.folder).parts[:2]
        return self._lab.folder / rig / kind

    def _names(self, path):
        root = self._root(path)
        subpath = self._lab.former(f"raw-{root.name}", path.relative_to(root).as_posix())
        owner = self._lab.recorded(root.name, subpath)
        return {subpath} if owner is None else owner.names(subpath)

    def _told(self, path, gone):
        """Return the tombstones that tell of a file that was freed."""
        names, whole = self._names(path), (gone.size, gone.sha1)
        found = naming(path, self._root(path), names)
        return [tomb for tomb in found if whole in {tomb.files[name] for name in names & set(tomb.files)}]

    def _back(self):
        for path, gone in sorted(self._lab.gone.items()):
            if not path.is_file():
                self._back_elsewhere(path, gone)
                continue
            facts, sha1 = path.stat(), self._world.looker.sha1(path)
            if (facts.st_size, sha1) != (gone.size, gone.sha1):
                if not self._superseded(path, gone, sha1):
                    yield Violation("I3", f"{path} came back with other bytes than were freed")
            elif gone.time // 10**9 != facts.st_mtime_ns // 10**9:
                yield Violation("I3", f"{path} came back with another time than it had")
            if gone.recorded:
                self._lab.note(path)
            else:
                self._lab.fetched[path] = (facts.st_size, facts.st_mtime_ns, sha1)
            del self._lab.gone[path]
            self.returned += 1

    def _back_elsewhere(self, path, gone):
        """What was given to another animal meanwhile comes back under that one's name; its old folder may go."""
        root = self._root(path)
        subpath = path.relative_to(root).as_posix()
        owner = self._lab.recorded(root.name, subpath)
        other = root / owner.renamed(subpath) if owner is not None else path
        if other == path or not other.is_file() or self._world.looker.sha1(other) != gone.sha1:
            return
        del self._lab.gone[path]
        self.returned += 1
        top = root / "/".join(subpath.split("/")[:2])
        for folder in [each for each in self._lab.folders if each.is_relative_to(top)]:
            del self._lab.folders[folder]

    def _vanished(self, facts, path, gone):
        self._lab.gone[path] = gone
        self.files, self.bytes = self.files + 1, self.bytes + gone.size
        rig = path.relative_to(self._lab.folder).parts[0]
        owner = self._lab.owner(f"raw-{self._root(path).name}", path.relative_to(self._root(path)).as_posix())
        orders = [each for each in self._orders if each["rig"] == rig]
        if owner is not None:
            orders = [each for each in orders if each.get("visit") in (None, owner.number)]
        if not orders or owner is None:
            yield Violation("I2", f"{path} is gone")
            return
        lacks = min(([*self._lacking(facts, each, path, gone, owner)] for each in orders), key=len)
        for lack in lacks:
            yield Violation("I2", f"{path} was freed, and {lack}")

    def _lacking(self, facts, order, path, gone, owner):
        """Return the proofs that were missing, in words."""
        if order.get("dry"):
            yield "it was a dry run"
        if order["older"] != "0d":
            yield f"it was asked for what is older than {order['older']}"
        if order.get("file_type") and path.suffix not in RAW:
            yield f"{order['file_type']} alone was asked for"
        subpath = self._lab.former(owner.alias, path.relative_to(self._root(path)).as_posix())
        places = self._world.places(owner.kind)
        whole = {folder for alias, folder in places.items() if self._holds(facts, alias, owner, subpath, gone)}
        asked = order.get("copies") or max(1, len(self._world.copies.get(owner.kind, ())))
        if len(whole) < asked:
            yield f"{len(whole)} of {asked} places had these bytes at the archive and in the index"
        keys = {(alias, *owner.key[1:]) for alias in places}
        for transfer in set(self._open) & set(facts.carried):
            if facts.carried[transfer] & keys & facts.open and self._open[transfer] & keys:
                yield f"a transfer of it was under way all the time: {transfer}"
        yield from self._recorded(facts, path, gone, owner, keys)

    def _holds(self, facts, alias, owner, subpath, gone):
        key = (alias, *owner.key[1:])
        row, there = facts.rows.get(key, {}).get(subpath), facts.files.get((alias, subpath))
        if not row or not there or key not in facts.archived:
            return False
        known = row["file_sha1"] and text(row["file_sha1"])
        return there["sha1"] == gone.sha1 == known and row["file_size"] == there["size"] == gone.size

    def _recorded(self, facts, path, gone, owner, keys):
        rig = path.relative_to(self._lab.folder).parts[0]
        if not any("publication-retrieve" in tomb.command for tomb in self._told(path, gone)):
            yield "no tombstone in its folder says how it comes back"
        told = [
            row
            for row in facts.reclaims
            if (row["subject_id"], row["session"], text(row["dataset_type"])) == (*owner.key[1:], owner.kind)
            and text(row["computer"]) == rig
        ]
        named = [
            row for row in told if row["reclaim_id"] not in self._told_before and _has(row, path.name, gone)
        ]  # a row of an earlier time tells nothing of this one
        if not named:
            yield "no row says so, with its size and SHA1"
        elif self._commands == 1 and self._killed and all(text(row["state"]) == "planned" for row in named):
            held = {key for key in keys if key in facts.claims}
            if not held:  # what is killed cannot give it back
                yield "nobody held its lease meanwhile"


def _has(row, name, gone):
    """Say whether the evidence of a row has a file of this name, size and SHA1."""
    evidence = json.loads(gzip.decompress(bytes(row["evidence"])))
    return any(
        entry.get("sha1") == gone.sha1 and entry.get("size") == gone.size and _last(entry) == name
        for entry in evidence["files"]
    )


def _last(entry):
    said = entry.get("subpath") or entry.get("name") or entry.get("path") or ""
    return Path(said).name
