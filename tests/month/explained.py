"""Whether ``publication-why`` tells the truth of a session, and what to run next where something is to be done."""

from __future__ import annotations

from . import board
from .nights import one


def troubled(month, facts, rig):
    """Return the recordings of a rig that are not simply archived."""
    return [
        each
        for each in month.world.people.recordings
        if each.rig == rig and (each.mistake or each.key not in facts.archived)
    ]


def judge(month, each, facts, where):
    """Yield what is said of a recording, on its own rig, that is not so."""
    command = ["publication-why", each.animal.h2o, str(facts.sessions[each.key[1:]])]
    ran = one(month.world, each.rig, "why", [*command, "--type", each.kind, "--offline", "--format", "json"])
    if ran.code not in (0, 3) or ran.document is None:
        yield f"{where} {each.rig}: {' '.join(command)} ended with {ran.code}\n{ran.out[-1000:]}{ran.err[-1000:]}"
        return
    month.came.counts["explained"] += 1
    for place in ran.document["locations"]:
        key = (place["alias"], *each.key[1:])
        states = board.states_of(month, each.rig, facts, each, key)
        if place["state"] not in states:
            yield f"{where} {each.rig}: {key} is {' or '.join(states)}, and {place['state']} for why: {place}"
        if place["state"] in ("refused", "archived with changes", "present") and not place["next"]:
            yield f"{where} {each.rig}: {key} is {place['state']}, and why does not say what to run next: {place}"
