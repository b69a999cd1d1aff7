"""Whether the board tells the truth at dawn: every session's state, files and bytes, as disks and archive have them."""

from __future__ import annotations

from .nights import one
from .people import utc

WAITING = ("recording", "queued", "in flight")


def judge(month, day, rig, facts):
    """Yield what ``publication-status`` of a rig says that is not so."""
    ran = one(month.world, rig, "status", ["publication-status", "--format", "json"])
    where = f"{day.date} {rig}: the board"
    if ran.code != 0 or ran.document is None:
        yield f"{where} ended with {ran.code}\n{ran.err[-3000:]}"
        return
    document = ran.document
    told = {(row["alias"], row["h2o"], row["session_date"]): row for row in document["sessions"]}
    recorded = {key: each for each, key in month.places_of_recordings()}
    expected = {(alias, *session) for alias in month.aliases for session in facts.sessions}
    for key in sorted(expected ^ set(told)):
        yield f"{where}: {key} is {'told of, and no session' if key in told else 'a session, and not told of'}"
    for key in sorted(expected & set(told)):
        row, states = told[key], states_of(month, rig, facts, recorded.get(key), key)
        if row["state"] not in states:
            yield f"{where}: {key} is {' or '.join(states)}, and called {row['state']}: {row}"
        if key in facts.archived:
            yield from (f"{where}: {what}" for what in _bytes(facts, key, row))
        if row["state"] in WAITING and key in recorded and row["unarchived_bytes"] > _left(facts, recorded[key], key):
            yield f"{where}: of {key} {_left(facts, recorded[key], key)} bytes are not archived: {row}"
    yield from (f"{where}: {what}" for what in (*_sums(document), *_disks(month, rig, document)))


def _left(facts, recording, key):
    """Return the bytes of a recording that the index does not have."""
    index = facts.index.get(key, {})
    return sum(size for name, (size, _) in recording.files.items() if name not in index)


def _sums(document):
    """What is summed up is the sum of what is listed."""
    totals, rows = {}, document["sessions"]
    for row in rows:
        total = totals.setdefault(row["state"], {"sessions": 0, "bytes": 0})
        total["sessions"] += 1
        total["bytes"] += row["bytes"] or 0
    if {state: each for state, each in document["totals"].items() if each["sessions"]} != totals:
        yield f"the totals are {document['totals']}, and the rows come to {totals}"
    changed = [row for row in rows if row["state"] == "archived with changes" and row["unarchived_bytes"] > 0]
    waiting = [*changed, *(row for row in rows if row["state"] in WAITING)]
    sessions = {(row["h2o"], row["session"]) for row in waiting}
    backlog, size = document["backlog"], sum(row["unarchived_bytes"] for row in waiting)
    if (backlog["sessions"], backlog["bytes"]) != (len(sessions), size):
        yield f"the backlog is {backlog}, and the rows come to {len(sessions)} sessions, {size} bytes"
    if document["troubles"]:
        yield f"there are no such troubles: {document['troubles']}"


def _disks(month, rig, document):
    """The room on the disk is what the system says; every rig with a round is listed, late when it was off."""
    (disk,) = document["disks"]
    free = month.world.disks[rig].free()
    if month.world.disks[rig].mounted and abs(disk["free"] - free) > 65536:
        yield f"{disk['free']:,} bytes are said to be free, and {free:,} are"
    told = {each["computer"]: each for each in document["computers"]}
    if set(told) - set(month.nights) or {rig for rig in month.rounds if rig not in told}:
        yield f"computers are {sorted(told)}"
    for other, each in told.items():
        turns = month.nights[other]
        if turns and bool(each["late"]) != turns[-1].missed and turns[-1].codes.get("publish") == 0:
            yield f"{other} {'missed its night' if turns[-1].missed else 'was there'}, and is told of: {each}"


def states_of(month, rig, facts, recording, key):
    """Return the words that are true of a session at a location; of another rig's disk, what that rig last told."""
    if recording is None:
        return ("not here",)
    if key in facts.open:
        return ("in flight",)
    known = recording.rig == rig or month.told(recording)
    settled = ("archived",) if month.world.people.files(recording) else ("reclaimed",)
    if recording.row_lost or _half_reclaimed(facts, recording):  # else its tombstone alone tells who deleted it
        settled = ("archived", "reclaimed")
    if key in facts.archived:
        if recording.mistake == "changed":
            return ("archived with changes",) if known else (*settled, "archived with changes")
        if key[0] != recording.alias and recording.ever_wrong:
            # What its rig said of its files before the other rig copied it holds until that looks again.
            return (*settled, "archived with changes")
        return settled
    if key in facts.present:
        return ("present",)
    if recording.mistake == "renamed":
        return ("not here", "refused")
    if (
        key[0] != recording.alias
    ):  # a second copy: filled from the disk, or by whoever comes first from the other archive
        return ("queued", "in flight", "not here", "recording", "refused", "archived with changes")
    word = "recording" if recording.mistake == "unfinished" else "queued"
    if word == "recording" and not month.told(recording):
        return ("recording", "queued", "not here")  # nobody has looked into its files yet
    if halves(month, facts, recording):
        word = "refused" if month.told(recording) else "queued"
    return (word,) if known else (word, "not here")


def _half_reclaimed(facts, recording):
    """Whether somebody began to delete it, and has not said that all is deleted."""
    rows = [row for row in facts.reclaims if row["who_when"] == recording.key[1:]]
    return any((row["dataset_type"], row["state"]) == (recording.kind, "planned") for row in rows)


def halves(month, facts, recording):
    """Return what a failed transfer left of a recording at the archive, where the journal that knew of it is lost."""
    if recording.key in facts.archived or month.lost_at is None or utc(recording.start) > month.lost_at:
        return []
    alias = recording.alias
    return [name for name, seen in recording.files.items() if facts.archive.get((alias, name), seen) != seen]


def _bytes(facts, key, row):
    """What the index says of an archived session is what lies at the archive, and what is told."""
    entries = facts.index.get(key, {})
    for subpath, (size, sha1) in entries.items():
        there = facts.archive.get((key[0], subpath))
        if there is None or there != (size, sha1):
            yield f"{key} is archived, and {subpath} is {there} there, {(size, sha1)} in the index"
    if (row["files"], row["bytes"]) != (len(entries), sum(size for size, _ in entries.values())):
        yield f"{key} has {len(entries)} files, and it is said: {row}"
