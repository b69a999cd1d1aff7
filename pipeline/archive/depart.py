"""The first half of a round: gate, plan, journal and submit every session.  No decision is taken twice."""

from __future__ import annotations

from concurrent.futures import wait
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pipeline.archive import relocate
from pipeline.archive.adopt import lost_task
from pipeline.archive.adoption.decide import adopt, later, to_read_back
from pipeline.archive.copying.depart import depart_from_archive
from pipeline.archive.departing.glance import Glance
from pipeline.archive.describe import unstage
from pipeline.archive.foreseen import foreseen
from pipeline.archive.gate import judge, refused
from pipeline.archive.identity import disowned
from pipeline.archive.journal import Entry, Outcome, step
from pipeline.archive.known import differing, unlooked
from pipeline.archive.lent import gone
from pipeline.archive.news import look_again
from pipeline.archive.plan import Plan, diff
from pipeline.archive.renamed import suspects, with_renames
from pipeline.archive.resume import is_indexed, resume
from pipeline.archive.round import (
    UNWRITABLE,
    Departures,
    Flight,
    Round,
    ends_the_round,
    failure,
    in_words,
    outcome,
    refusal,
    settled_outcome,
    under_way,
)
from pipeline.archive.scan import Defect, look_remote, sizes
from pipeline.archive.submit import Prepared, next_draft, submit
from pipeline.archive.superseding import doubtful, supersede, to_supersede, unlike
from pipeline.archive.transfer import label_of_any_attempt
from pipeline.errors import CollectionNotFound, CollectionOffline, RoundOver, ServiceFull

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pipeline.archive.find import LocalSession
    from pipeline.archive.integrity import Verdict
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import LocalFile, SessionKey

T = TypeVar("T")


def depart(
    round_: Round,
    sessions: Sequence[LocalSession],
    indexed: Mapping[SessionKey, Manifest],
    *,
    dry_run: bool = False,
    hash_early: bool = True,
) -> Departures:
    """Plan every session and, unless ``dry_run``, submit what is to be sent.

    ``hash_early`` starts reading files whose SHA1 is unknown as soon as their transfer is submitted, and has files that
    are at the archive already compared there: after all other sessions have departed, for that takes long.

    A missing login, a database that is lost or may not be written, and a Globus that does not answer end the round;
    every other error only its own session.
    """
    unfinished: dict[SessionKey, Entry] = {}
    for entry in round_.journal.unfinished([session.ref.key for session in sessions]):
        if entry.purpose != "manifest":
            unfinished.update({part.key: entry for part in entry.parts})
        elif not dry_run and all(is_indexed(part, indexed) for part in entry.parts):
            unstage(round_, (part.manifest for part in entry.parts))  # we died after the commit
            round_.journal.settle(entry)
    left = Departures()
    round_.glance = Glance(next_draft(round_, each, indexed.get(each.ref.key)) for each in sessions)
    waiting: list[Prepared] = []
    for session in sessions:
        if left.full is not None or round_.ending():
            left.rest.append(session)
            continue
        key = session.ref.key
        begin = partial(_begin, round_, session, indexed.get(key), unfinished.get(key), dry_run=dry_run)
        result = _attempt(round_, left, session, indexed.get(key), begin)
        if result is None:
            continue
        if isinstance(result, Prepared) and hash_early:
            waiting.append(result)
        else:
            result = later(round_, result) if isinstance(result, Prepared) else result
            _note(round_, left, result, dry_run=dry_run, hash_early=hash_early)
        if left.stopped is not None:
            break
    for prepared in waiting:
        if left.stopped is None and left.full is None and not round_.ending():
            result = _attempt(round_, left, prepared.session, prepared.known, partial(adopt, round_, prepared))
            if result is not None:
                _note(round_, left, result, dry_run=dry_run, hash_early=hash_early)
        elif left.stopped is None:
            left.rest.append(prepared.session)
        elif not isinstance(left.stopped, UNWRITABLE):
            round_.journal.release([prepared.session.ref.key])
    return left


def _attempt(
    round_: Round, left: Departures, session: LocalSession, known: Manifest | None, work: Callable[[], T]
) -> T | Outcome | None:
    """Do what is to be done for one session; an error, of whatever kind, never stops the others.

    None: Globus takes no further task now, or the round is to end.
    """
    result: T | Outcome
    try:
        result = work()
    except ServiceFull as error:
        left.full = error
        left.rest.append(session)
        return None
    except RoundOver:
        left.rest.append(session)
        return None
    except Exception as error:  # noqa: BLE001 - see above
        said = in_words(error)
        if ends_the_round(error):
            left.stopped = said
        result = failure(round_, session, said, known)
    if isinstance(result, Outcome) and result.failed and (away := gone(round_)) is not None:
        left.stopped = away  # whatever was wrong with the session: its drive is not there
        return failure(round_, session, away, known)
    return result


def _note(round_: Round, left: Departures, result: Flight | Outcome, *, dry_run: bool, hash_early: bool) -> None:
    if isinstance(result, Flight):
        left.flights.append(result)
        _take_off(round_, result, hash_early=hash_early)
        return
    left.outcomes.append(result)
    if not dry_run and not isinstance(left.stopped, UNWRITABLE):
        round_.journal.release([result.key])


def _begin(
    round_: Round, session: LocalSession, known: Manifest | None, entry: Entry | None, *, dry_run: bool
) -> Flight | Outcome | Prepared:
    """Go on with what an earlier round left of a session, or begin; one that must be compared first is handed back."""
    if entry is None:
        copied = depart_from_archive(round_, session, known, dry_run=dry_run)
        return _depart(round_, session, known, dry_run=dry_run) if copied is None else copied
    if entry.purpose == "move":  # this round could not bring it to an end
        return outcome(round_, session, "in flight", relocate.under_way(entry))
    return outcome(round_, session, "in flight", under_way(entry)) if dry_run else resume(round_, session, entry)


def _depart(
    round_: Round, session: LocalSession, known: Manifest | None, *, dry_run: bool
) -> Flight | Outcome | Prepared:
    if known is not None and (wrong := disowned(known, session.ref)):
        state = "refused" if known.archived_at is None else differing(known, "refused")
        return refusal(round_, session, state, [wrong])
    if not session.files and not session.defects:
        if known is not None:
            return settled_outcome(round_, session, known)
        if session.tombstones:
            said = f"{session.tombstones[0][1]}: its files were deleted after proof, and the index does not have them"
            return outcome(round_, session, "refused", said, _DISCOVER, failed=True, rule="tombstone")
        said = f"{', '.join(session.folders)}: it holds no file"
        return outcome(round_, session, "refused", said, _FILL, failed=True, rule="no-files")
    plan = _compare(round_, session, known, dry_run=dry_run)
    if plan.nothing_to_do and not session.defects:
        return settled_outcome(round_, session, known)
    if unseen := unlooked(known, plan):
        return refusal(round_, session, differing(known, "refused"), [unseen])
    verdict = judge(round_, session, plan, known, dry_run=dry_run)
    if verdict.defects:
        return refused(round_, session, known, plan, verdict)
    if round_.closed is not None:
        raise round_.closed
    if not dry_run and round_.rest(session.files):
        # What the session was before the pause says nothing any more.
        return _depart(round_, look_again(round_, session), known, dry_run=dry_run)
    if not dry_run:
        holder = round_.journal.claim(session.ref.key)
        if holder is not None:
            return outcome(round_, session, "in flight", f"{holder} is publishing it now")
        step("claimed")
        # Another computer may have ended it, or begun it, between our first look and the claim.
        if any(entry.purpose != "manifest" for entry in round_.journal.unfinished([session.ref.key])):
            return outcome(round_, session, "in flight", "another computer submitted it a moment ago")
        known = round_.journal.indexed([session.ref.key]).get(session.ref.key)
        if known is not None and (wrong := disowned(known, session.ref)):
            return refusal(round_, session, differing(known, "refused"), [wrong])
    prepared = _against_archive(round_, session, known, verdict, dry_run=dry_run)
    if not isinstance(prepared, Prepared):
        return prepared
    if prepared.plan.nothing_to_do:
        return settled_outcome(round_, session, known)
    if prepared.superseding and round_.acceptance is not None:
        if not dry_run:
            return supersede(round_, prepared, round_.acceptance)  # the new bytes follow as the next generation
        round_.acceptance.superseded.update(prepared.superseding)
    reading: Sequence[LocalFile] = ()
    if dry_run:
        prepared, reading = to_read_back(round_, prepared)
    if prepared.hopeless:
        return refusal(round_, session, differing(known, "refused"), prepared.conflicts)
    if dry_run:
        return foreseen(round_, prepared, reading)
    return prepared if prepared.candidates else submit(round_, prepared)


def _compare(
    round_: Round,
    session: LocalSession,
    known: Manifest | None,
    *,
    remote: dict[str, int] | None = None,
    ours: Collection[str] = (),
    dry_run: bool = False,
) -> Plan:
    """Diff; files whose time alone differs from the index are hashed, since only that can tell (not in a dry run).

    So are those that may have been archived under another name.
    """
    earlier = {} if known is None else {entry.subpath: entry for entry in known.files}
    compare: Callable[..., Plan] = partial(diff, session.files, earlier, remote, ours=ours, prove=round_.adopt)
    again = round_.acceptance is not None and "renamed" in round_.acceptance.rules and remote is not None
    maybe = {} if again else suspects(session.files, earlier)
    plan = compare()
    undecided = {*(item.subpath for item in plan.only("hash")), *maybe}
    if undecided:
        files = [file for file in session.files if file.subpath in undecided]
        if not dry_run:
            wait(round_.hasher.start(*files))
        read = round_.hasher.known if dry_run else round_.hasher.finish
        sha1s = {file.subpath: read(file) for file in files}
        plan = with_renames(compare(checksums=sha1s), maybe, sha1s)
    if round_.acceptance is None or not round_.acceptance.supersede:
        return plan
    unproved = doubtful(session.files, earlier)
    if not dry_run:
        wait(round_.hasher.start(*unproved))
    read = round_.hasher.known if dry_run else round_.hasher.finish
    return to_supersede(plan, earlier, unlike(earlier, {file.subpath: read(file) for file in unproved}))


def _against_archive(
    round_: Round, session: LocalSession, known: Manifest | None, verdict: Verdict, *, dry_run: bool
) -> Prepared | Flight | Outcome:
    store, location, key = round_.store(), round_.location, session.ref.key
    draft = next_draft(round_, session, known)
    looked_for = [draft.subpath, *(file.subpath for file in session.files)]
    try:
        there = look_remote(store, location.endpoint, location.path, looked_for, draft.is_before, round_.glance.folder)
    except (CollectionOffline, CollectionNotFound) as error:
        round_.closed = error  # the next sessions need not wait for it again
        raise
    remote, ours = sizes(there), set(round_.journal.leftovers(key))
    unknown = sorted(subpath for subpath in remote if subpath == draft.subpath or draft.is_before(subpath))
    if unknown := [subpath for subpath in unknown if subpath not in ours]:
        return refusal(round_, session, differing(known, "refused"), [_described(subpath) for subpath in unknown])
    already = {entry.subpath for entry in known.files} if known else set()
    strangers = set(remote) - ours - already
    if strangers or not round_.journal.knows(key):
        # A task of ours that the journal has lost (with its database) may have brought them, or be about to.
        found = store.find_tasks(label_of_any_attempt(draft)) if strangers else round_.glance.tasks(store, draft)
        lost = lost_task(round_, session, known, remote, verdict, found, dry_run=dry_run)
        if lost is not None:
            return lost
    plan = _compare(round_, session, known, remote=remote, ours=ours, dry_run=dry_run)
    sending, same, other = ({item.subpath for item in plan.only(action)} for action in ("send", "adopt", "supersede"))
    files, candidates = (tuple(f for f in session.files if f.subpath in names) for names in (sending | other, same))
    aside = tuple(sorted(ours & sending & set(remote)))
    return Prepared(session, known, plan, files, verdict, aside, candidates, there, drive=round_.drive)


def _described(subpath: str) -> Defect:
    # A later one would be what discover believes after the next loss of the database, whatever is committed now.
    return Defect(
        "described",
        subpath,
        "the archive has this manifest already, but the index does not know it",
        "use the database that wrote it, or rebuild the index from the archive first, `mapshell publication-discover` "
        "(what is wrong with a manifest it says; `mapshell mv` gives that another name); nothing was sent.",
    )


def _take_off(round_: Round, flight: Flight, *, hash_early: bool) -> None:
    """Start reading the files whose SHA1 nobody knows yet: checksums are computed while bytes move."""
    ref = flight.session.ref
    what = f"{ref.h2o} {ref.session_date:%Y-%m-%d} session {ref.session} to {round_.location.alias}"
    round_.progress.task(str(flight.entry.transfer_id), what, flight.size)
    if not hash_early:
        return
    round_.hasher.start(*flight.unproved)


_DISCOVER = (
    "the archive has them: `mapshell publication-discover` rebuilds the index from it; afterwards the command in the "
    "tombstone brings them back."
)
_FILL = "if its files were moved, put them back; if the session was never recorded, remove the empty folder."
