"""Row 4: which files of ten thousand session folders are new, beside ``find``, which reads the same facts."""

from __future__ import annotations

import gc
import json
import os
import shutil
import statistics
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import large_index, large_lab
from .apart import apart
from .instrument import Aim, Contender, Growth, contest, scratch
from .lab import computer, corner, lab
from .processes import mapshell, timed
from .row_status import filled, status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.find import Found
    from tests.load.place import Computer

    from .instrument import Options, Table

FILES = 100
AT_MOST = 1.5
ENGINE, COMMAND, PLAIN, FIND = "mapshell, the walk", "mapshell, the command", "os.scandir and stat", "find"
NEW_OF = 100
"""Every hundredth session is new."""


def measure(options: Options) -> list[Table]:
    """Measure the walk and the comparison with an index in memory, and the command that reads it from the database."""
    sessions, files = options.size(10_000, 60), options.size(FILES, 20)
    total, new = sessions * files, [number for number in range(sessions) if is_new(number)]
    with lab(options) as at, filled(options, at, 0, 0) as empty, corner(at) as own:
        rig = computer(own)
        root = _record(options, rig.ephys, sessions, files)
        plain, aims = [Contender(PLAIN, lambda: _python(rig.folder, root, total))], {}
        notes = [
            "The names are in the system's memory for everybody. Python's plain walk is a bound for any in Python."
        ]
        if _gnu_find():
            plain.append(Contender(FIND, lambda: _find(root, total)))
            aims = {name: [Aim(name, FIND, AT_MOST)] for name in (ENGINE, COMMAND)}
        else:
            notes.append("There is no GNU find here.")
        plain[-1].run()
        title = f"finding what is new among {sessions:,} session folders, {total:,} files"
        engine = Contender(ENGINE, lambda: ours(rig.folder, root, sessions, files))
        tables = [contest(title, [engine, *plain], options, aims.get(ENGINE, ()), notes=notes)]
        options.tell(f"filling an index: {total:,} files")
        apart(large_index.fill, rig.folder, str(rig.folder / "dj_local_conf.json"), sessions, files, new)
        command = Contender(COMMAND, lambda: _beyond(rig, empty, sessions, new))
        title = f"the same by publication-status, beyond start-up, index read from {options.database}"
        return [*tables, contest(title, [command, *plain], options, aims.get(COMMAND, ()))]


def grow(options: Options, scale: int) -> Growth:
    """Measure ours alone."""
    sessions, files = scale * options.size(100, 2), options.size(FILES, 10)
    with scratch(options, "find-") as folder:
        root = _record(options, folder / "ephys", sessions, files)
        took = [ours(folder, root, sessions, files) for _ in range(1 + options.repeat)]
        return Growth(sessions * files, "files", statistics.median(took[1:]))


def _record(options: Options, root: Path, sessions: int, files: int) -> Path:
    options.tell(f"writing {sessions * files:,} empty files")
    for number in range(sessions):
        large_lab.write(root, number, files)
    return root


def _beyond(rig: Computer, empty: Computer, sessions: int, new: Sequence[int]) -> float:
    """Let the command look what is new here; return its seconds beyond those of a lab without sessions."""
    ran = mapshell(rig.command("publication-status"))
    states = Counter(row["state"] for row in json.loads(ran.out))
    if states != {"queued": len(new), "archived": sessions - len(new)}:
        raise SystemExit(f"WRONG: {states} of {sessions} sessions, {len(new)} of them new")
    return max(0.0, ran.seconds - status(empty, 0, "json"))


def ours(folder: Path, root: Path, sessions: int, files: int) -> float:
    """Find what is new in a process of its own; return its seconds."""
    done = apart(find_new, folder, str(root), sessions, files)
    new = [number for number in range(sessions) if is_new(number)]
    if done["new"] != len(new) * files or done["files"] != sessions * files or done["sessions"] != len(new):
        raise SystemExit(f"WRONG: {done} of {sessions} sessions, {len(new)} of them new, {files} files each")
    return float(done["seconds"])


def is_new(number: int) -> bool:
    return number % NEW_OF == NEW_OF // 2


def find_new(root: str, sessions: int, files: int) -> dict[str, Any]:
    """Do what a round does before it asks anybody: walk, match, compare with the index (which is at hand)."""
    from mapshell.cli import COLLECTING
    from pipeline.archive.find import find
    from pipeline.archive.plan import diff
    from pipeline.archive.session import Root
    from pipeline.settings.types import ArchiveSettings

    refs = {one.key: one for one in map(large_lab.ref, range(sessions))}
    facts = {key: large_lab.facts(one) for key, one in refs.items()}
    index = {each.session.key: each for each in map(_manifest(files), range(sessions)) if each is not None}
    settings = ArchiveSettings()
    patterns = (*settings.leave_out, settings.staging_name)
    here = Root("raw-ephys", "", "/ephys", Path(root))
    gc.set_threshold(*COLLECTING)  # as every command does
    began = time.perf_counter()
    found: Found = find([here], "ephys", facts, refs, lambda keys: {k: index[k] for k in keys if k in index}, patterns)
    new = sessions_with_new = seen = 0
    for key, session in found.sessions.items():
        known = found.indexed.get(key)
        plan = diff(session.files, {entry.subpath: entry for entry in known.files} if known else {})
        sent = len(plan.only("send"))
        new, seen, sessions_with_new = new + sent, seen + len(session.files), sessions_with_new + bool(sent)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "new": new, "files": seen, "sessions": sessions_with_new}


def _manifest(files: int) -> Any:
    return lambda number: None if is_new(number) else large_lab.manifest(number, files)


def _python(folder: Path, root: Path, files: int) -> float:
    done = apart(walk, folder, str(root))
    if done["files"] != files:
        raise SystemExit(f"WRONG: {done['files']} of {files} files seen")
    return float(done["seconds"])


def walk(root: str) -> dict[str, Any]:
    """Walk as plainly as Python can: names, sizes and times, kept as they are."""
    began = time.perf_counter()
    seen = []
    pending = [root]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    status = entry.stat(follow_symlinks=False)
                    seen.append((entry.path, status.st_size, status.st_mtime_ns))
    return {"seconds": time.perf_counter() - began, "files": len(seen)}


def _gnu_find() -> bool:
    """Say whether there is a find that prints sizes and times; Windows and macOS have others of this name."""
    found = shutil.which(FIND)
    said = found and subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    return "GNU" in (said or "")


def _find(root: Path, files: int) -> float:
    ran = timed(["find", str(root), "-type", "f", "-printf", "%s %T@\\n"])
    if ran.out.count("\n") != files:
        raise SystemExit(f"WRONG: find lists {ran.out.count(chr(10))} of {files} files")
    return ran.seconds
