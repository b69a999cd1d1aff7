"""The first half of a round: gate, plan, journal and submit every session.  No decision is taken twice."""

from __future__ import annotations

from concurrent.futures import wait
from functools import partial
from typing import TYPE_CHECKING

from pipeline.archive.adopt import lost_task
from pipeline.archive.describe import unstage
from pipeline.archive.gate import judge, refused
from pipeline.archive.identity import disowned
from pipeline.archive.journal import Entry, Outcome, step
from pipeline.archive.known import differing
from pipeline.archive.manifest import Manifest
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
)
from pipeline.archive.scan import Defect, list_remote
from pipeline.archive.submit import Prepared, next_generation, submit
from pipeline.errors import CollectionNotFound, CollectionOffline

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pipeline.archive.find import LocalSession
    from pipeline.archive.integrity import Verdict
    from pipeline.archive.session import SessionKey


def depart(
    round_: Round,
    sessions: Sequence[LocalSession],
    indexed: Mapping[SessionKey, Manifest],
    *,
    dry_run: bool = False,
    hash_early: bool = True,
) -> Departures:
    """Plan every session and, unless ``dry_run``, submit what is to be sent.

    ``hash_early`` starts reading files whose SHA1 is unknown as soon as their transfer is submitted.

    A missing login, a database that is lost or may not be written, and a Globus that does not answer end the round;
    every other error only its own session.
    """
    unfinished: dict[SessionKey, Entry] = {}
    for entry in round_.journal.unfinished([session.ref.key for session in sessions]):
        if entry.purpose == "publish":
            unfinished.update({part.key: entry for part in entry.parts})
        elif not dry_run and all(is_indexed(part, indexed) for part in entry.parts):
            unstage(round_, (part.manifest for part in entry.parts))  # we died after the commit
            round_.journal.settle(entry)
    left = Departures()
    for session in sessions:
        key = session.ref.key
        try:
            if key in unfinished and not dry_run:
                result = resume(round_, session, unfinished[key])
            elif key in unfinished:
                result = outcome(round_, session, "in flight", f"task {unfinished[key].task_id or 'being submitted'}")
            else:
                result = _depart(round_, session, indexed.get(key), dry_run=dry_run)
        except Exception as error:  # noqa: BLE001 - one session's error, of whatever kind, never stops the others
            said = in_words(error)
            result = failure(round_, session, said, indexed.get(key))
            if ends_the_round(error):
                left.stopped = said
        if isinstance(result, Flight):
            left.flights.append(result)
            _take_off(round_, result, hash_early=hash_early)
        else:
            left.outcomes.append(result)
            if not dry_run and not isinstance(left.stopped, UNWRITABLE):
                round_.journal.release([key])
        if left.stopped is not None:
            break
    return left


def _depart(round_: Round, session: LocalSession, known: Manifest | None, *, dry_run: bool) -> Flight | Outcome:
    if known is not None and (wrong := disowned(known, session.ref)):
        state = "refused" if known.archived_at is None else differing(known, "refused")
        return refusal(round_, session, state, [wrong])
    if not session.files and not session.defects:
        if known is not None:
            return settled_outcome(round_, session, known)
        return outcome(
            round_, session, "refused", f"{', '.join(session.folders)}: it holds no file", _FILL, failed=True
        )
    plan = _compare(round_, session, known, dry_run=dry_run)
    if plan.nothing_to_do and not session.defects:
        return settled_outcome(round_, session, known)
    verdict = judge(round_, session, plan, dry_run=dry_run)
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
        if any(entry.purpose == "publish" for entry in round_.journal.unfinished([session.ref.key])):
            return outcome(round_, session, "in flight", "another computer submitted it a moment ago")
        known = round_.journal.indexed([session.ref.key]).get(session.ref.key)
        if known is not None and (wrong := disowned(known, session.ref)):
            return refusal(round_, session, differing(known, "refused"), [wrong])
    prepared = _against_archive(round_, session, known, verdict, dry_run=dry_run)
    if not isinstance(prepared, Prepared):
        return prepared
    if prepared.plan.nothing_to_do:
        return settled_outcome(round_, session, known)
    if prepared.conflicts and (known is None or not prepared.files):
        return refusal(round_, session, differing(known, "refused"), prepared.conflicts)
    return _as_plan(round_, prepared) if dry_run else submit(round_, prepared)


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
    compare: Callable[..., Plan] = partial(diff, session.files, earlier, remote, ours=ours)
    again = round_.acceptance is not None and "renamed" in round_.acceptance.rules and remote is not None
    maybe = {} if again else suspects(session.files, earlier)
    plan = compare()
    undecided = {*(item.subpath for item in plan.only("hash")), *maybe}
    if undecided:
        files = [file for file in session.files if file.subpath in undecided]
        if not dry_run:
            wait([round_.hasher.start(file) for file in files])
        read = round_.hasher.known if dry_run else round_.hasher.finish
        sha1s = {file.subpath: read(file) for file in files}
        plan = with_renames(compare(checksums=sha1s), maybe, sha1s)
    return plan


def _against_archive(
    round_: Round, session: LocalSession, known: Manifest | None, verdict: Verdict, *, dry_run: bool
) -> Prepared | Flight | Outcome:
    store, location, key = round_.store(), round_.location, session.ref.key
    draft = Manifest(session.ref, location.dataset_type, location.alias, next_generation(known), ())
    looked_for = [draft.subpath, *(file.subpath for file in session.files)]
    try:
        remote = list_remote(store, location.endpoint, location.path, looked_for)
    except (CollectionOffline, CollectionNotFound) as error:
        round_.closed = error  # the next sessions need not wait for it again
        raise
    ours = set(round_.journal.leftovers(key))
    if draft.subpath in remote and draft.subpath not in ours:
        return refusal(round_, session, differing(known, "refused"), [_described(draft)])
    already = {entry.subpath for entry in known.files} if known else set()
    strangers = set(remote) - ours - already
    if strangers or not round_.journal.knows(key):
        # A task of ours that the journal has lost (with its database) may have brought them, or be about to.
        lost = lost_task(round_, session, known, remote, verdict, dry_run=dry_run)
        if lost is not None:
            return lost
    plan = _compare(round_, session, known, remote=remote, ours=ours, dry_run=dry_run)
    sending = {item.subpath for item in plan.only("send")}
    files = tuple(file for file in session.files if file.subpath in sending)
    return Prepared(session, known, plan, files, verdict, aside=tuple(sorted(ours & sending & set(remote))))


def _described(draft: Manifest) -> Defect:
    return Defect(
        "described",
        draft.subpath,
        "the archive has this manifest already, but the index does not know it",
        "use the database that wrote it, or rebuild the index from the archive first, `mapshell publication-discover`; "
        "nothing was sent.",
    )


def _as_plan(round_: Round, prepared: Prepared) -> Outcome:
    size = sum(file.size for file in prepared.files)
    compared = {item.subpath for item in prepared.plan.only("hash")}
    to_compare = {"action": "hash", "reason": "compared with its meta's SHA1 before it is sent"}
    unread = [
        file
        for file in prepared.files
        if file.subpath not in prepared.verdict.claims or file.subpath in prepared.verdict.unread
    ]
    unread += [file for file in prepared.session.files if file.subpath in compared]
    accepted = ({"action": "accept", "file": d.subpath, "reason": d.message} for d in prepared.verdict.accepted)
    return outcome(
        round_,
        prepared.session,
        differing(prepared.known, "queued"),
        f"{len(prepared.files)} files to send",
        failed=bool(prepared.conflicts),
        to_send_files=len(prepared.files),
        to_send_bytes=size,
        to_read_bytes=sum(file.size for file in unread if round_.hasher.known(file) is None),
        details=(
            *accepted,
            *({**to_compare, "file": subpath} for subpath in prepared.verdict.unread),
            *({"action": item.action, "file": item.subpath, "reason": item.reason} for item in prepared.plan.items),
        ),
    )


def _take_off(round_: Round, flight: Flight, *, hash_early: bool) -> None:
    """Start reading the files whose SHA1 nobody knows yet: checksums are computed while bytes move."""
    ref = flight.session.ref
    what = f"{ref.h2o} {ref.session_date:%Y-%m-%d} session {ref.session} to {round_.location.alias}"
    round_.progress.task(str(flight.entry.transfer_id), what, flight.size)
    if not hash_early:
        return
    for file in flight.unproved:
        round_.hasher.start(file)


_FILL = "if its files were moved, put them back; if the session was never recorded, remove the empty folder."
