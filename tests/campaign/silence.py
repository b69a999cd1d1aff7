"""Whether a command did all that it was asked for: nothing is passed over in silence, or left to nobody (I4, I6)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .violation import Violation


@dataclass(frozen=True)
class Before:
    """What there was when commands began."""

    disk: dict[int, set[str]]  # sessions that were recorded to their end -> subpaths
    archived: dict[tuple[str, int, int], dict[str, dict]]  # -> rows
    alone: bool = True  # whether one command ran, and none at the same time

    @classmethod
    def seen(cls, lab, facts):
        """Look at the rigs and at the index."""
        disk = {number: set(lab.subpaths(visit)) for number, visit in lab.visits.items() if visit.state == "whole"}
        return cls(disk, {key: facts.rows[key] for key in facts.archived if key in facts.rows})

    def of_many(self):
        """The same for commands that ran at once."""
        return replace(self, alone=False)


def says_nothing_archived(done):
    """Return whether a command says that nothing that was asked for is archived."""
    words = ("No archived session", "is not archived", "Nothing is archived yet", "Nothing is archived as")
    return any(each in done.stderr for each in words)


def silences(world, ended, document, facts, before):
    """Return what a command passed over in silence, or left to a process that is dead."""
    command = ended.command
    # What died on another computer nobody can know: its lease ends by itself.
    if before.alone and (told := re.search(rf"process \d+ on {command['rig']}\b", ended.done.stdout)):
        yield Violation("I4", f"{command} leaves a session to {told[0]}; nobody was at work")
    if ended.done.returncode == 2 and says_nothing_archived(ended.done):
        wanted = world.lab.visits.get(command.get("visit"))
        if any(wanted in (None, visit) and visit.key in before.archived for visit in world.lab.visits.values()):
            yield Violation("I6", f"{command} calls nothing archived, and there is:\n{ended.done.stderr[-500:]}")
    if ended.done.returncode or command.get("no_wait"):
        return
    look = {"publish": _publish, "retrieve": _retrieve, "discover": _discover}.get(command["verb"])
    if look is not None:
        yield from look(world, command, document, facts, before)


def _publish(world, command, document, facts, before):
    told = {world.lab.key(row["alias"], row["subject_id"], row["session"]): row for row in document["sessions"]}
    for number in sorted(set(before.disk) & {command.get("visit", number) for number in before.disk}):
        visit = world.lab.visits[number]
        if visit.rig != command["rig"] or told.get(visit.key, {}).get("state") == "in flight":
            continue
        for alias in world.places(visit.kind):
            key = (alias, *visit.key[1:])
            lacking = sorted(before.disk[number] - set(facts.rows.get(key, ())))
            if lacking and told.get(key, {}).get("state") != "in flight":
                said = told.get(key, {}).get("state", "nothing")
                yield Violation("I6", f"publish ended well, said {said!r} of {key}; the index lacks {lacking[:3]}")


def _retrieve(world, command, document, facts, before):
    wanted = world.lab.visits.get(command.get("visit"))
    for visit in world.lab.visits.values():
        rows = facts.rows.get(visit.key, {}) if visit.key in before.archived and visit.key in facts.archived else {}
        for subpath in sorted(set(rows) & set(before.archived.get(visit.key, ()))):
            if wanted not in (None, visit) or ".superseded-" in subpath:
                continue
            place = command["to"] if command["to"] != "home" else visit.kind
            root = world.folder / command["rig"] / place
            path = root / subpath
            if not path.is_file() and not (root / visit.renamed(subpath)).is_file():
                yield Violation("I6", f"retrieve ended well, and {path} is not there")


def _discover(world, command, document, facts, before):
    if not before.alone or facts.open or "visit" in command:
        return
    false = {(visit.alias, visit.forged) for visit in world.lab.visits.values()}
    for name, manifest in sorted(facts.manifests.items()):
        key = (name[0], manifest["session"]["subject_id"], manifest["session"]["session"])
        if name not in false and key not in facts.datasets:
            yield Violation("I6", f"discover ended well, and passed over {name[1]}")
