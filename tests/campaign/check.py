"""The invariants, held against what is.  Nothing here asks the product what it thinks."""

from __future__ import annotations

import os

from .byhand import Shelf, is_copy
from .freed import Freed
from .kept import Kept
from .look import base, text, unzipped
from .tombs import OWN
from .violation import Violation

TOP = ("rig-a", "rig-b", "archive", "at", "home", "sandbox")


class Checker:
    """Remembers what once was final, and tells what is not as promised."""

    def __init__(self, world):
        self._world, self._lab = world, world.lab
        self._final = {}  # (alias, subpath) -> SHA1 of what a row ever named there, or a person put there
        self._raced = set()  # those of them that were put there while a transfer of ours was on its way
        self._whole = {}  # the same of what was whole there, though no row named it
        self.freed = Freed(world)
        self.kept = Kept(world, self.freed)
        self.shelf = Shelf(world.lab)
        self._brought = {}  # (alias, subpath) that was whole -> how many tasks had brought it by then
        self.lied = False  # the service said that a task succeeded, and it had not
        self.disturbed = False  # somebody put something of his own at the archive, or the journal was lost

    def begin(self):
        """A move begins."""
        self.freed.begin()

    def ordered(self, commands):
        """Be told which commands run now, at once."""
        self.freed.ordered(commands)
        self.shelf.ordered(commands)

    def put(self, alias, subpath, sha1, raced=False):
        """Somebody put a file of his own at the archive.

        ``raced``: a transfer of ours to that very name is under way.  When it fails nobody can tell whose file it is:
        it is put aside as half a file of ours, with its bytes.
        """
        self._final[alias, subpath] = sha1
        self.disturbed = True
        if raced:
            self._raced.add((alias, subpath))

    def taken(self, alias, subpath):
        """Its owner took it away."""
        self._final.pop((alias, subpath), None)
        self._raced.discard((alias, subpath))
        self._brought.pop((alias, subpath), None)  # it was whole, and nothing that a task had brought

    def check(self, facts):
        """Return all violations."""
        found = [*facts.misnamed, *self._index(facts), *self._archive(facts), *self._tasks(facts), *self._disks(facts)]
        return [*found, *self._places(), *self._secrets(facts), *self.kept.check(facts), *self.shelf.check(facts)]

    # -- I1: what the index says is so ----------------------------------------------------------------------------

    def _index(self, facts):
        for key in sorted(facts.archived - set(facts.datasets)):
            yield Violation("I1", f"{key} is archived and has no dataset")
        for visit in self._lab.visits.values():
            if visit.hidden and visit.key in facts.archived:
                yield Violation("I1", f"{visit.key} is archived, and was still being recorded")
        for key in sorted(set(facts.datasets) ^ facts.entered):
            yield Violation("I4", f"{key} has a part of its rows: neither all nor none")
        for key, rows in sorted(facts.rows.items()):
            proved = key in facts.archived
            yield from self._rows(facts, key, rows, proved)
            if proved:
                yield from self._described(facts, key, rows)

    def _rows(self, facts, key, rows, proved):
        if not rows:
            yield Violation("I1", f"the dataset of {key} has no file")
        for subpath, row in sorted(rows.items()):
            name, there = f"{key[0]}:{subpath}", facts.files.get((key[0], subpath))
            if there is None:
                yield Violation("I1", f"{name} is in the index and not at the archive")
                continue
            if row["file_size"] != there["size"]:
                yield Violation(
                    "I1", f"{name} has {there['size']} bytes at the archive, {row['file_size']} in the index"
                )
            if proved and not row["file_sha1"] and ".superseded-" not in subpath:
                yield Violation("I1", f"{name} is archived without SHA1")
            if row["file_sha1"] and text(row["file_sha1"]) != there["sha1"]:
                yield Violation("I1", f"{name} has the SHA1 {there['sha1']}, in the index {text(row['file_sha1'])}")
            owner = self._lab.owner(key[0], base(subpath))
            if owner is None or owner.key[1:] != key[1:]:
                yield Violation("I1", f"{name} is in the index of {key}; recorded for {owner and owner.key}")
            elif proved and ".superseded-" not in subpath and there["sha1"] not in owner.versions[base(subpath)]:
                yield Violation("I1", f"{name} is in the index, and its bytes were never recorded")
            if proved:
                self._final.setdefault((key[0], subpath), there["sha1"])
            elif owner is not None:
                owner.strange.add(there["sha1"])  # fetched, it is called unchecked

    def _described(self, facts, key, rows):
        dataset = facts.datasets.get(key)
        if dataset is None:
            return
        name = (key[0], text(dataset["dataset_manifest"]))
        document = facts.manifests.get(name)
        if document is None and key in facts.open and self._superseded(facts, name, self._final.get(name)):
            return  # it is being given to another animal
        if document is None:
            yield Violation("I1", f"{key} is archived, and its manifest {name[1]} is not at the archive")
            return
        said = {entry["subpath"]: (entry["size"], entry["sha1"]) for entry in document["files"]}
        known = {
            subpath: (row["file_size"], row["file_sha1"] and text(row["file_sha1"])) for subpath, row in rows.items()
        }
        if said != known:
            yield Violation(
                "I1", f"the manifest {name[1]} describes {sorted(set(said.items()) ^ set(known.items()))[:4]} else"
            )
        if document["dataset"]["generation"] != dataset["dataset_generation"]:
            yield Violation("I1", f"the manifest {name[1]} is not of the generation of {key}")
        session = document["session"]
        if (session["subject_id"], session["session"]) != key[1:]:
            yield Violation("I1", f"the manifest {name[1]} is of another session than {key}")
        self._final.setdefault(name, facts.files[name]["sha1"])

    # -- I3: nothing is overwritten -------------------------------------------------------------------------------

    def _archive(self, facts):
        for name, sha1 in sorted(self._final.items()):
            there = facts.files.get(name)
            kept = self._aside if name in self._raced else self._superseded
            if there is None and self.shelf.has_taken(facts, name, sha1, self._lab.owner(*name)):
                self.taken(*name)
                continue
            if (there is None or there["sha1"] != sha1) and not kept(facts, name, sha1):
                state = "gone" if there is None else f"now {there['sha1']}"
                yield Violation("I3", f"{name[0]}:{name[1]} was final with {sha1}, and is {state}")
        for name, sha1 in sorted(self._whole.items()):
            there = facts.files.get(name)
            if (there is None or there["sha1"] != sha1) and not self._aside(facts, name, sha1):
                yield Violation("I3", f"{name[0]}:{name[1]} was whole, and is lost")
        self._whole = {}
        for name, there in sorted(facts.files.items()):
            if name in self._final or ".manifest-" in name[1] or is_copy(name[1]):
                continue
            first = base(name[1])
            owner = self._lab.owner(name[0], first)
            if owner is None:
                yield Violation("I5", f"{name[0]}:{name[1]} is at the archive, and was never recorded")
            elif there["sha1"] in owner.versions[first]:
                self._whole[name] = there["sha1"]

    def _superseded(self, facts, name, sha1):
        """What was replaced on purpose lies aside, and the index knows it there."""
        aside = f"{name[1]}.{'reassigned' if '.manifest-' in name[1] else 'superseded'}-"
        names = [each for each in facts.files if each[0] == name[0] and each[1].startswith(aside)]
        return any(facts.files[each]["sha1"] == sha1 for each in names)

    def _aside(self, facts, name, sha1):
        names = [each for each in facts.files if each[0] == name[0] and base(each[1]) == name[1] != each[1]]
        return any(facts.files[each]["sha1"] == sha1 for each in names)

    # -- I4: nothing is sent twice --------------------------------------------------------------------------------

    def _tasks(self, facts):
        yield from () if self.lied or self.disturbed else self._twice(facts)
        for (collection, path), tasks in sorted(facts.journeys.items()):
            alias, _, subpath = path.lstrip("/").partition("/")
            if alias not in self._world.locations() or ".mapshell" in path or self.shelf.may_come_again(subpath):
                continue
            set_aside = sum(each[0] == alias and base(each[1]) == subpath != each[1] for each in facts.files)
            brought, name = len(tasks) - set_aside, (alias, subpath)
            enough = self._brought.get(name, len(facts.tasks) if self.lied else 1)
            if brought > enough:  # a task that only said so was rightly sent again
                yield Violation("I4", f"{path} was brought to {collection} by {len(tasks)} tasks: {tasks}")
            if name in self._whole or name in self._final:
                self._brought.setdefault(name, brought)

    def _twice(self, facts):
        """Two tasks of one generation that both ended well: two processes were at it.  A changed file is sent anew."""
        changed = {f" {name} {v.day} " for v in self._lab.visits.values() if v.changed for name in (v.h2o, v.said()[0])}
        well = {}
        for task in facts.tasks:
            label = str(task.get("label"))
            if task["status"] == "SUCCEEDED" and label.startswith("mapshell publish "):
                well.setdefault((label.rpartition(" ")[0], task["alias"]), []).append(task["task_id"])
        for (label, _), tasks in sorted(well.items()):
            if len(tasks) > 1 and not any(words in label for words in changed):
                yield Violation("I4", f"{label!r} was sent by {len(tasks)} tasks: {tasks}")

    # -- I2, I3, I5 on the rigs -----------------------------------------------------------------------------------

    def _disks(self, seen):
        yield from self.freed.check(seen)
        for path, was in sorted(self._lab.known.items()):
            facts = path.stat()
            now = (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_mode, self._world.looker.sha1(path))
            if now != was and not self.freed.and_back(path, was, now):
                yield Violation("I2", f"{path} was changed")
        for rig in ("rig-a", "rig-b"):
            for kind in ("ephys", "video", "got"):
                root = self._world.folder / rig / kind
                for path in _files(root):
                    if path in self._lab.known or path.name in OWN:
                        continue
                    yield from self._arrived(path, path.relative_to(root).as_posix(), kind)
                    if kind != "got":
                        facts = path.stat()
                        self._lab.fetched[path] = (facts.st_size, facts.st_mtime_ns, self._world.looker.sha1(path))

    def _arrived(self, path, subpath, kind):
        alias = f"raw-{kind}"
        if kind == "got":
            owners = [owner for a in self._world.locations() if (owner := self._lab.owner(a, subpath))]
        else:
            owners = [owner for owner in (self._lab.owner(alias, subpath),) if owner]
        if not owners:
            yield Violation("I5", f"{path} was written, and is no recording's file")
        elif self._world.looker.sha1(path) not in {
            sha1
            for owner in owners
            for sha1 in (*owner.versions[self._lab.former(owner.alias, subpath)], *owner.strange)
        }:
            yield Violation("I3", f"{path} has its final name and other bytes than were recorded")

    def _places(self):
        for entry in os.scandir(self._world.folder):
            if entry.name not in TOP:
                yield Violation("I5", f"{entry.path} was written outside of every root")
        for entry in os.scandir(self._world.archive):
            if entry.name not in self._world.locations():
                yield Violation("I5", f"{entry.path} was written outside of the archive's locations")
        for rig in ("rig-a", "rig-b"):
            for entry in os.scandir(self._world.folder / rig):
                if entry.name not in ("ephys", "video", "got", ".mapshell"):
                    yield Violation("I5", f"{entry.path} was written outside of every root")

    # -- I7 -------------------------------------------------------------------------------------------------------

    def _secrets(self, facts):
        secrets = self._world.secrets()
        texts = {str(name): str(document) for name, document in facts.manifests.items()}
        texts |= {
            f"journal {row['transfer_id']}": unzipped(row["request"]) + str(row["outcome"]) for row in facts.journal
        }
        for where, words in texts.items():
            if any(secret in words for secret in secrets):
                yield Violation("I7", f"{where} holds a secret")
        login = self._world.folder / "home/login.sqlite"
        if login.exists() and login.stat().st_mode & 0o077:
            yield Violation("I7", f"{login} can be read by others")


def _files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".mapshell"]
        for name in names:
            yield root.__class__(folder) / name
