"""The end of a month: all is archived, can be explained, and can be brought back byte for byte."""

from __future__ import annotations

import shlex
import shutil
from concurrent.futures import ThreadPoolExecutor

from . import explained, freed
from .nights import one
from .world import RIGS


def bring_back(month):
    """Yield what is not archived, is not explained, or does not come back as it was recorded."""
    facts = month.looker.look()
    for each, key in month.places_of_recordings():
        if key not in facts.archived:
            yield f"the end: {key} is not archived"
            continue
        for subpath, seen in each.files.items():
            if facts.index[key].get(subpath) != seen:
                told = facts.index[key].get(subpath)
                yield f"the end: {subpath} was recorded as {seen}, and is in the index as {told}"
    with ThreadPoolExecutor(4) as pool:
        judged = pool.map(
            lambda each: list(explained.judge(month, each, facts, "the end")), month.world.people.recordings
        )
        for wrong in judged:
            yield from wrong
    yield from _elsewhere(month)
    yield from _to_its_place(month)


def _elsewhere(month):
    """Fetch everything to another place, as somebody does who analyses it."""
    place = month.world.folder / "back"
    command = ["publication-retrieve", "--everything", "--to", str(place), "--via", "https", "--format", "json"]
    ran = one(month.world, "rig-a", "retrieve", command)
    if ran.code != 0:
        yield f"the end: retrieve ended with {ran.code}\n{ran.out[-2000:]}{ran.err[-2000:]}"
    back = {
        path.relative_to(place).as_posix(): (path.stat().st_size, month.looker.sha1(path))
        for path in place.rglob("*")
        if path.is_file() and ".mapshell" not in path.parts
    }
    for each in month.world.people.recordings:
        for subpath, seen in each.files.items():
            if back.get(subpath) != seen:
                yield f"the end: {subpath} was recorded as {seen}, and came back as {back.get(subpath)}"
    month.came.counts["files brought back"] += len(back)
    shutil.rmtree(place, ignore_errors=True)


def _to_its_place(month):
    """Bring what was reclaimed back to its rig by the very command of its tombstone, as far as the disk has room."""
    people = month.world.people
    for rig in RIGS:
        for each in people.recordings:
            tomb = freed.tombstone(month, each) if each.rig == rig else None
            if tomb is None or month.world.disks[rig].free() < 2 * people.size(each):
                continue
            before = {name for name in each.files if name in people.files(each)}
            words = shlex.split(tomb["command"])
            ran = one(month.world, rig, "retrieve", [*words[1:], "--format", "json"])
            here = people.files(each)
            wrong = {
                name for name in each.files if name not in here or month.looker.sha1(here[name]) != each.files[name][1]
            }
            if ran.code != 0 or wrong:
                said = f"{ran.out[-1500:]}{ran.err[-1500:]}"
                yield f"the end: {tomb['command']} ended with {ran.code}, wrong {sorted(wrong)}\n{said}"
            elif freed.tombstone(month, each) is not None:
                yield f"the end: all of {each.key} is back, and its tombstone is still there"
            month.came.counts["files brought back to their rigs"] += len(each.files) - len(before)
