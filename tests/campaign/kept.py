"""What once was so stays so: rows of the index, rows of the lab; and what is true of manifests, folders and logs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .look import base
from .violation import Violation, same_rows


class Kept:
    """Remembers what the index said, and every secret there ever was."""

    def __init__(self, world, freed):
        self._world, self._lab, self._freed = world, world.lab, freed
        self._rows = {}  # sessions that were archived -> their rows
        self._secrets, self._clean = set(), {}

    def forget(self):
        """The index is lost."""
        self._rows.clear()

    def check(self, facts):
        """Return what is not as it was, or as it must be."""
        return [*self._index(facts), *self._lab_rows(facts), *self._manifests(facts), *self._folders(), *self._home()]

    def _index(self, facts):
        for key, rows in sorted(self._rows.items()):
            if key not in facts.archived:
                yield Violation("I4", f"{key} was archived, and is no more; nobody lost the index")
            for difference in same_rows(rows, facts.rows.get(key, {})):
                yield Violation("I4", f"a row of {key} became another: {difference}")
        self._rows.update({key: facts.rows[key] for key in facts.archived & set(facts.rows)})

    def _lab_rows(self, facts):
        entered = {visit.key[1:] for visit in self._lab.visits.values()}
        for key in sorted(facts.sessions ^ entered):
            what = "is in the lab's tables, and nobody entered it" if key in facts.sessions else "is in them no more"
            yield Violation("I5", f"session {key} {what}")

    def _manifests(self, facts):
        """A manifest is sent when all that it tells of was seen: whoever finds it believes it, with rows or without."""
        false = {(visit.alias, visit.forged) for visit in self._lab.visits.values()}
        aside = {}
        for (alias, subpath), there in facts.files.items():
            aside.setdefault((alias, base(subpath)), set()).add(there["sha1"])
        for name, document in sorted(facts.manifests.items()):
            for entry in document["files"] if name not in false else ():
                sums = aside.get((name[0], base(entry["subpath"])), set())
                if entry["sha1"] not in sums and (entry["sha1"] or not sums):
                    yield Violation("I1", f"the manifest {name[1]} tells of {entry['subpath']}, which is not there")

    def _folders(self):
        """No recording's folder is taken away, made, or closed."""
        for path, mode in sorted(self._lab.folders.items()):
            if not path.is_dir():
                if not self._freed.folder_gone(path):
                    yield Violation("I2", f"the folder {path} is gone")
            elif self._freed.folder_back(path):
                self._lab.folders[path] = stat.S_IMODE(path.stat().st_mode)
            elif stat.S_IMODE(path.stat().st_mode) != mode:
                yield Violation("I2", f"the folder {path} has another mode")
        named = {
            (visit.kind, name)
            for visit in self._lab.visits.values()
            for each in visit.versions
            for name in visit.names(each)
        }
        fetched = {(kind, parent) for kind, name in named for parent in Path(name).parents}
        for rig in ("rig-a", "rig-b"):
            for kind in ("ephys", "video"):
                root = self._world.folder / rig / kind
                for folder, folders, _ in os.walk(root):
                    folders[:] = [name for name in folders if name != ".mapshell"]
                    here = root.__class__(folder)
                    if here != root and here not in self._lab.folders and (kind, here.relative_to(root)) not in fetched:
                        yield Violation("I5", f"the folder {here} was made, and is no recording's")

    def _home(self):
        """No secret in a log, a cache or anything else that commands leave in a person's home or on the rigs."""
        secrets = {word.encode() for word in self._world.secrets()}
        if secrets - self._secrets:
            self._secrets |= secrets  # those that expired meanwhile, too
            self._clean.clear()
        homes = [self._world.folder / "home", *(self._world.folder / rig / ".mapshell" for rig in ("rig-a", "rig-b"))]
        for path in (path for home in homes for path in home.rglob("*")):
            if path.name.startswith("login.sqlite") or path.name == "lost" or not path.is_file():
                continue
            facts = path.stat()
            now = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
            if self._clean.get(path) == now:
                continue
            data = path.read_bytes()
            if any(secret in data for secret in self._secrets):
                yield Violation("I7", f"{path} holds a secret")
            self._clean[path] = now
