"""What vanished from the disks: only what the archive had, whole, in as many places as were named, and is told of."""

from __future__ import annotations

import json


def judge(month, facts, when):
    """Yield what vanished or changed on a disk and must not have."""
    people = month.world.people
    for each in people.recordings:
        here = people.files(each)
        for name in sorted(here.keys() - each.files.keys()):
            yield f"{when}: {name} lies on {each.rig}, and nobody put it there"
        vanished = each.files.keys() - here.keys() - each.gone
        for name in sorted(here.keys() & each.files.keys()):
            if (here[name].stat().st_size, month.looker.sha1(here[name])) != each.files[name]:
                yield f"{when}: {name} on {each.rig} is not as it was recorded"
        if vanished:
            month.freed.add(each.rig)
            month.came.counts["files reclaimed"] += len(vanished)
            month.came.counts["bytes reclaimed"] += sum(each.files[name][0] for name in vanished)
            yield from (f"{when}: {what}" for what in _unproved(month, facts, each, sorted(vanished)))
        each.gone |= vanished
        each.gone -= here.keys()


def _unproved(month, facts, each, vanished):
    for alias in month.copies if each.kind == "ephys" else [each.alias]:
        key = (alias, *each.key[1:])
        if key not in facts.archived_at:
            yield f"{vanished} vanished from {each.rig}, and {key} is not archived"
            continue
        if month.world.clock.now() - facts.archived_at[key] < month.older_than:
            yield f"{vanished} vanished from {each.rig}, and {key} is archived since {facts.archived_at[key]} only"
        for name in vanished:
            wanted = each.files[name]
            if facts.index[key].get(name) != wanted or facts.archive.get((alias, name)) != wanted:
                yield f"{name} vanished from {each.rig}, and {alias} has {facts.archive.get((alias, name))}"
    tomb = tombstone(month, each)
    told = {file["subpath"]: (file["size"], file["sha1"]) for file in tomb["files"]} if tomb else {}
    for name in vanished:
        if told.get(name) != each.files[name]:
            yield f"{name} vanished from {each.rig}, and its tombstone says {told.get(name)}"
    rows = [row for row in facts.reclaims if row["who_when"] == each.key[1:]]
    if not any(row["computer"] == each.rig and row["dataset_type"] == each.kind for row in rows):
        yield f"{vanished} vanished from {each.rig}, and no row tells of it"


def tombstone(month, each):
    """Return the tombstone in the folder of a recording; None where there is none."""
    file = month.world.people.place(each) / f"mapshell-reclaimed-{each.kind}.json"
    return json.loads(file.read_text("utf-8")) if file.exists() else None
