"""Copies that people make at the archive with ``cp``, and move about with ``mv``: theirs, and never touched by us."""

from __future__ import annotations

from collections import Counter

from .violation import Violation


def shelf(number):
    """Return the name of a copy, beside the animals' folders."""
    return f"copy-{number:06d}"


def is_copy(subpath):
    """Say whether a name at the archive is that of such a copy, or lies in one."""
    return subpath.startswith("copy-")


def arguments(lab, command):
    """Return the line of a ``cp`` or ``mv``."""
    visit = lab.visits.get(command["visit"])
    place = f"raw-{visit.kind}:" if visit is not None else "raw-ephys:"
    line = [command["verb"], "--format", "json"]
    if command["verb"] == "mv" and not command.get("known"):
        return [*line, f"{place}/{shelf(command['from'])}", f"{place}/{shelf(command['to'])}"]
    names = sorted(visit.versions) if visit is not None else ["SC000/none.bin"]
    name = names[command["dice"] % len(names)]
    name = visit.renamed(name) if visit is not None and visit.moved else name
    if command.get("recursive"):
        line, name = [*line, "--recursive"], "/".join(name.split("/")[:2])
    return [*line, f"{place}/{name}", f"{place}/{shelf(command['to'])}"]


class Shelf:
    """Whole copies stay what they are, under this name or that one."""

    def __init__(self, lab):
        self._lab, self._whole = lab, {}
        self._moved = set()  # names that were free again
        self._taken = set()  # sessions of which somebody moved a file, and where to

    def ordered(self, commands):
        """Be told what runs now."""
        self._moved |= {shelf(each["from"]) for each in commands if "from" in each}
        self._taken |= {(each["visit"], shelf(each["to"])) for each in commands if each.get("known")}

    def has_taken(self, facts, name, sha1, owner):
        """Say whether somebody moved a file of his own, which no row knows, from under the name that it had."""
        known = any(name[1] in rows for key, rows in facts.rows.items() if key[0] == name[0])
        mine = [to for number, to in self._taken if owner is not None and number == owner.number]
        return not known and any(facts.files.get((name[0], to), {}).get("sha1") == sha1 for to in mine)

    def may_come_again(self, subpath):
        """Say whether a copy may be brought a second time: somebody moved the first one away."""
        return subpath.split("/")[0] in self._moved

    def check(self, facts):
        """Return what is wrong with copies that people made."""
        recorded = {sha1 for visit in self._lab.visits.values() for sums in visit.versions.values() for sha1 in sums}
        strange = {sha1 for visit in self._lab.visits.values() for sha1 in visit.strange}
        now = {name: there["sha1"] for name, there in facts.files.items() if is_copy(name[1])}
        whole = {name: sha1 for name, sha1 in now.items() if sha1 in recorded | strange}
        for name, sha1 in sorted(self._whole.items()):
            if name in now and now[name] != sha1:
                yield Violation("I3", f"{name} was a whole copy, and has other bytes")
        lost = Counter(self._whole.values()) - Counter(whole.values())
        if lost:
            names = sorted(name for name, sha1 in self._whole.items() if sha1 in lost)
            yield Violation("I3", f"one of the copies {names} is gone")
        self._whole = whole
