"""The end of a month: everything is archived, and everything can be brought back byte for byte."""

from __future__ import annotations

from .nights import one


def bring_back(month):
    """Yield what is not archived, or does not come back as it was recorded."""
    world, facts = month.world, month.looker.look()
    for each in world.people.recordings:
        if each.key not in facts.archived:
            yield f"the end: {each.key} is not archived"
            continue
        entries = facts.index[each.key]
        for subpath, seen in each.files.items():
            if entries.get(subpath) != seen:
                yield f"the end: {subpath} was recorded as {seen}, and is in the index as {entries.get(subpath)}"
    place = world.folder / "back"
    ran = one(
        world, "rig-a", "retrieve", ["publication-retrieve", "--everything", "--to", str(place), "--via", "https"]
    )
    if ran.code != 0:
        yield f"the end: retrieve ended with {ran.code}\n{ran.out[-2000:]}{ran.err[-2000:]}"
    back = {
        path.relative_to(place).as_posix(): (path.stat().st_size, month.looker.sha1(path))
        for path in place.rglob("*")
        if path.is_file() and ".mapshell" not in path.parts
    }
    for each in world.people.recordings:
        for subpath, seen in each.files.items():
            if back.get(subpath) != seen:
                yield f"the end: {subpath} was recorded as {seen}, and came back as {back.get(subpath)}"
    month.came.counts["files brought back"] += len(back)
