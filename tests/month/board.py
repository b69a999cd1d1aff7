"""Whether the board tells the truth at dawn: every session's state, files and bytes, as disks and archive have them."""

from __future__ import annotations

from .look import data_only
from .nights import one
from .people import utc


def judge(month, day, rig, facts):
    """Yield what ``publication-status`` of a rig says that is not so."""
    ran = one(month.world, rig, "status", ["publication-status", "--format", "json"])
    if ran.code != 0 or ran.document is None:
        yield f"{day.date} {rig}: status ended with {ran.code}\n{ran.err[-3000:]}"
        return
    document = ran.document
    rows = document["sessions"] if isinstance(document, dict) else document
    told = {(row["alias"], row["h2o"], row["session_date"]): row for row in rows}
    recorded = {each.key: each for each in month.world.people.recordings}
    expected = {(alias, *session) for alias in month.aliases for session in facts.sessions}
    for key in sorted(expected ^ set(told)):
        yield f"{day.date} {rig}: {key} is {'told of, and no session' if key in told else 'a session, and not told of'}"
    for key in sorted(expected & set(told)):
        row, states = told[key], states_of(month, rig, facts, recorded.get(key), key)
        if row["state"] not in states:
            yield f"{day.date} {rig}: {key} is {' or '.join(states)}, and called {row['state']}: {row}"
        if key in facts.archived:
            yield from _bytes(day, rig, facts, key, row)


def states_of(month, rig, facts, recording, key):
    """Return the words that are true of a session at a location; of another rig's disk, what that rig last told."""
    if recording is None:
        return ("not here",)
    if key in facts.open:
        return ("in flight",)
    known = recording.rig == rig or month.told(recording)
    settled = ("archived",) if month.world.people.files(recording) else ("reclaimed",)
    if recording.row_lost:  # who deleted it is told by its tombstone alone
        settled = ("archived", "reclaimed")
    if key in facts.archived:
        if recording.mistake == "changed":
            return ("archived with changes",) if known else (*settled, "archived with changes")
        return settled
    if recording.mistake == "renamed":
        return ("not here", "refused")
    word = "recording" if recording.mistake == "unfinished" else "queued"
    if halves(month, facts, recording):
        word = "refused" if month.told(recording) else "queued"
    return (word,) if known else (word, "not here")


def halves(month, facts, recording):
    """Return what a failed transfer left of a recording at the archive, where the journal that knew of it is lost."""
    if recording.key in facts.archived or month.lost_at is None or utc(recording.start) > month.lost_at:
        return []
    alias = recording.alias
    return [name for name, seen in recording.files.items() if facts.archive.get((alias, name), seen) != seen]


def _bytes(day, rig, facts, key, row):
    """What the index says of an archived session is what lies at the archive, and what is told."""
    entries = facts.index.get(key, {})
    for subpath, (size, sha1) in entries.items():
        there = facts.archive.get((key[0], subpath))
        if there is None or there != (size, sha1):
            yield f"{day.date} {rig}: {key} is archived, and {subpath} is {there} there, {(size, sha1)} in the index"
    if (row["files"], row["bytes"]) != (len(entries), sum(size for size, _ in entries.values())):
        yield f"{day.date} {rig}: {key} has {len(entries)} files, and it is said: {row}"
    assert any(data_only(subpath) for subpath in entries)
