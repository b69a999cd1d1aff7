"""Whether the morning report tells the truth: each trouble that there is, and none that there is not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta

from . import board
from .look import text
from .nights import one
from .people import utc
from .world import TOLD

LONG_AGO = timedelta(days=3)
"""What was recorded before is asked for when it is not archived: so the manual says."""
FULL_WITHIN = timedelta(days=7)
"""A disk that is full sooner is told: by default."""


class Troubles:
    """What is wrong by somebody's mistake, and since when."""

    def __init__(self):
        self._since = {}

    def began(self, recording, instant):
        """A mistake was made."""
        self._since[id(recording)] = instant

    def since(self, recording):
        """Return when the files of a recording last became others (naive UTC)."""
        return self._since.get(id(recording)) or utc(recording.start)


@dataclass
class Expected:
    """What a report must name, and what it may, as pairs of kind and of whom; a pair stands for one need or more."""

    must: set[tuple[str, str]] = field(default_factory=set)
    may: set[tuple[str, str]] = field(default_factory=set)


def judge(month, day, rig, facts):
    """Yield what ``publication-report`` of a rig says that is not so, or keeps to itself."""
    ran = one(month.world, rig, "report", month.jobs[rig]["report"][1])
    where = f"{day.date} {rig}: the report"
    if ran.code not in (0, 3) or ran.document is None:
        yield f"{where} ended with {ran.code}\n{ran.err[-3000:]}"
        return
    document = ran.document
    told = month.world.folder / "at" / rig / TOLD
    if json.loads(told.read_bytes()) != document:
        yield f"{where} was passed on otherwise than it was shown"
    told.unlink()
    needs, expected = document["needs_person"], expect(month, rig, facts)
    named = {pair for need in needs for pair in _pairs(need, expected)}
    for kind, who in sorted(expected.must - named):
        yield f"{where} does not name {who} ({kind}): {json.dumps(needs, indent=1)}"
    for need in needs:
        if not _pairs(need, expected):
            yield f"{where} names what is no trouble: {json.dumps(need)}"
        if not need["remedy"]:
            yield f"{where} gives no remedy: {json.dumps(need)}"
    if (ran.code == 3) != bool(needs):
        yield f"{where} names {len(needs)} things, and ended with {ran.code}"
    for line in document["text"].splitlines():
        if len(line) > 80 and " " in line.strip():  # but one word may be longer
            yield f"{where} is wider than 80 columns: {line}"
    yield from _done(month, where, document, facts)
    yield from _computers(month, where, document)


def expect(month, rig, facts):
    """Return what needs a person now, as disks, archive, tables and the night's exit codes have it."""
    expected = Expected()
    for each, key in month.places_of_recordings():
        states = board.states_of(month, rig, facts, each, key)
        who = f"{each.animal.h2o}|{each.day}|{key[0]}"
        for state, kind in (("refused", "refused"), ("archived with changes", "changed")):
            if state in states:
                (expected.must if len(states) == 1 else expected.may).add((kind, who))
        old = month.world.clock.now() - utc(each.start) > LONG_AGO
        if old and {"queued", "recording"} & set(states):
            certain = set(states) <= {"queued", "recording"} and _days(month, each) > LONG_AGO
            (expected.must if certain else expected.may).add(("waiting", who))
        elif {"queued", "recording"} & set(states) and _days(month, each) >= LONG_AGO:
            expected.may.add(("waiting", who))
    for other, nights in month.nights.items():
        if not nights:
            continue
        last = nights[-1]
        if last.missed and any(not each.missed for each in nights):  # else nobody knows of it
            expected.must.add(("missed", other))
        for verb, code in last.codes.items():
            if code and not _told_of(month, facts, other, verb):
                expected.must.add(("missed", other))  # the database was away when it began, and knows of no round
            elif code < 0 or code in (1, 4):
                expected.must.add(("round", other))
            elif code:  # what was refused is named by itself
                left = (verb in last.left or verb == "reclaim") and not last.missed
                (expected.must if left else expected.may).add(("round", other))
            if code < 0:
                expected.may.add(("lease", other))
    for other, since in facts.open.values():
        expected.may.add(("in flight", other))
        if month.world.clock.now() - since > timedelta(days=1):
            expected.must.add(("in flight", other))
    for other, (slowly, fast) in month.days_left().items():
        if fast <= FULL_WITHIN:  # as nothing is deleted any more
            expected.may.add(("disk", other))
        if slowly <= FULL_WITHIN / 2 and len(month.free[other]) > 3 and other not in month.freed:
            expected.must.add(("disk", other))
    return expected


def _told_of(month, facts, rig, verb):
    """Whether the database has a round of the last night that was not off."""
    ago = timedelta(hours=12) + timedelta(days=1) * month.off(rig)
    rows = [row for row in facts.rounds if (text(row["computer"]), text(row["verb"])) == (rig, verb)]
    return any(month.world.clock.now() - row["began_at"] < ago for row in rows)


def _days(month, recording):
    """Return the days, as the calendar counts them, since a recording."""
    return month.today() - recording.day


def _pairs(need, expected):
    """Return what of the expected a need is about."""
    found = set()
    for kind, who in expected.must | expected.may:
        if kind == need["kind"] and all(part in f"{need['who']} {need['what']}" for part in who.split("|")):
            found.add((kind, who))
    return found


def _done(month, where, document, facts):
    """What is said to be archived since yesterday is what the tables have."""
    since = document["since"]
    # One computer may send a session to one archive, and another one copy it to the next: both did something.
    archived = {(facts.archived_by[key], *key[1:]) for key, at in facts.archived_at.items() if at.isoformat() >= since}
    told = sum(each["archived_sessions"] for each in document["done"])
    if told != len(archived):
        yield f"{where} tells of {told} archived sessions since {since}, and there are {sorted(archived)}"


def _computers(month, where, document):
    """Whoever was ever seen is told of, with the room on its disk as it was then."""
    told = {each["computer"]: each for each in document["computers"]}
    seen = {rig for rig, nights in month.nights.items() if nights}
    if set(told) - seen or {rig for rig in seen if rig in month.rounds} - set(told):
        yield f"{where} tells of {sorted(told)}, and there are {sorted(seen)}"
    for rig, each in told.items():
        last, free = month.nights[rig][-1], month.world.disks[rig].free()
        killed = last.missed or last.codes.get("reclaim", 0) < 0  # it could not tell what it had freed
        if not killed and each["free_bytes"] is not None and abs(each["free_bytes"] - free) > 65536:
            yield f"{where} says that {each['free_bytes']:,} bytes are free on {rig}, and there are {free:,}"
