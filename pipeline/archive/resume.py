"""Going on with what an earlier round, here or on another computer, left unfinished."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.archive.identity import is_same, mistaken
from pipeline.archive.journal import Entry, Outcome, Part, Source, step
from pipeline.archive.lent import moved, waiting
from pipeline.archive.round import Flight, Round, outcome, settled_outcome
from pipeline.archive.scan import LATER, PUT_BACK, Defect
from pipeline.archive.transfer import other_login, submit_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.archive.find import LocalSession
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import SessionKey


def resume(round_: Round, session: LocalSession, entry: Entry) -> Flight | Outcome:
    """Go on with a transfer that an earlier round, here or elsewhere, left unfinished."""
    part = next(part for part in entry.parts if part.key == session.ref.key)
    if (elsewhere := waiting(round_, session, entry, part)) is not None:
        return elsewhere
    lent = part.lender is not None  # a drive may be connected at another place by now
    here = {(file.subpath if lent else str(file.path), file.size, file.mtime_ns): file for file in session.files}
    sources = () if part.origin else part.sources  # what another archive sends lies on no computer
    files = [here.get((s.subpath if lent else s.path, s.size, s.mtime_ns)) for s in sources]
    whole = tuple(file for file in files if file is not None)
    if entry.computer != round_.computer and (len(whole) < len(sources) or entry.identity != _identity(round_)):
        return _elsewhere(round_, session, entry)
    if not is_same(part.manifest.session, session.ref):
        other = mistaken(part.manifest.session, session.ref, "submitted")
        return outcome(round_, session, "in flight", f"{other.subpath}: {other.message}", other.remedy, failed=True)
    if not round_.roots:
        reason = f"no local root of {round_.location.alias} is configured any more, from which its transfer began"
        return outcome(round_, session, "in flight", reason, _ROOT, failed=True)
    holder = round_.journal.claim(session.ref.key)
    if holder is not None:
        return outcome(round_, session, "in flight", f"{holder} is publishing it now")
    step("claimed")
    fresh = {entry.transfer_id: entry for entry in round_.journal.unfinished([session.ref.key])}
    if entry.transfer_id not in fresh:
        indexed = round_.journal.indexed([session.ref.key])
        if is_indexed(part, indexed):
            return settled_outcome(round_, session, indexed[part.key], "another computer ended it a moment ago")
        return outcome(round_, session, "queued", "another computer gave it up a moment ago", _AGAIN, failed=True)
    entry = fresh[entry.transfer_id]
    if entry.state == "checked" and round_.journal.settle(entry):
        known = round_.journal.indexed([session.ref.key]).get(session.ref.key)
        return settled_outcome(round_, session, known, "another computer archived it meanwhile")
    changed = [source for source, file in zip(sources, files, strict=True) if file is None]
    if entry.state == "planned" and entry.identity != _identity(round_):
        wrong = other_login(entry)
        return outcome(round_, session, "in flight", wrong.message, wrong.remedy, failed=True)
    if entry.state == "planned":
        astray = changed or (moved(entry, whole) if lent else ())
        if astray and not round_.store().find_tasks(entry.request.label):
            reason = "its files changed before it was submitted"
            round_.journal.advance(entry.advanced("failed", outcome=reason, left=()))
            return outcome(round_, session, "queued", "its files changed since it was planned", _AGAIN, failed=True)
        round_.rest(whole)
        entry = submit_once(round_.store(), round_.journal, entry, round_.clock)
    changes = tuple(_change(source) for source in changed)
    return Flight(entry, session, whole, changed=changes, more=True, moved=moved(entry, whole) if lent else ())


def _elsewhere(round_: Round, session: LocalSession, entry: Entry) -> Outcome:
    """Leave a transfer to the computer that submitted it; a day later somebody must look."""
    reason = f"submitted from {entry.computer}, which will check it"
    if round_.clock.now() - entry.created_at < _PATIENCE:
        return outcome(round_, session, "in flight", reason)
    reason = f"submitted from {entry.computer} at {entry.created_at:%Y-%m-%d %H:%M} UTC, and not checked since"
    remedy = f"publish once on {entry.computer}, or on a computer that has the same files in the same place."
    return outcome(round_, session, "in flight", reason, remedy, failed=True)


def _change(source: Source) -> Defect:
    if Path(source.path).exists():
        return Defect("changing", source.subpath, "it changed since its transfer was submitted", LATER)
    return Defect("vanished", source.subpath, "it vanished since its transfer was submitted", PUT_BACK)


def _identity(round_: Round) -> str:
    return round_.store().identity


def is_indexed(part: Part, indexed: Mapping[SessionKey, Manifest]) -> bool:
    """Say whether the index holds what this part of a transfer was to bring."""
    known = indexed.get(part.key)
    return known is not None and known.generation >= part.manifest.generation


_PATIENCE = timedelta(days=1)
_AGAIN = "publish again: it will be planned anew."
_ROOT = "put the root back into dj_local_conf.json (`mapshell config show`) until the transfer has been checked."
