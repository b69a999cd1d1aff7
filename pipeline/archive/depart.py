"""The first half of a round: gate, plan, journal and submit every session.  No decision is taken twice."""

from __future__ import annotations

import uuid
from concurrent.futures import wait
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.archive.describe import unstage
from pipeline.archive.filetypes import classify
from pipeline.archive.integrity import Verdict, inspect
from pipeline.archive.journal import Entry, Outcome, Part, Source, step
from pipeline.archive.manifest import FileEntry, Manifest, merged
from pipeline.archive.plan import Plan, diff
from pipeline.archive.ports import TaskStatus, TransferItem, TransferRequest
from pipeline.archive.round import Departures, Flight, Round, failure, outcome, refusal
from pipeline.archive.scan import Defect, list_remote
from pipeline.archive.session import LocalFile, SessionKey, join_remote
from pipeline.archive.transfer import submit_once, task_label
from pipeline.errors import DatabaseUnavailable, LoginNeeded, MapshellError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pipeline.archive.find import LocalSession

_CONFLICT = "compare the two files; keep one name for one content (nothing was overwritten)."
_FATAL = (LoginNeeded, DatabaseUnavailable)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A session that has something to send: the files, what they become, and what the gate and the plan found."""

    session: LocalSession
    known: Manifest | None
    plan: Plan
    files: tuple[LocalFile, ...]
    verdict: Verdict
    resend: bool

    @property
    def conflicts(self) -> tuple[Defect, ...]:
        return tuple(Defect("conflict", i.subpath, i.reason, _CONFLICT) for i in self.plan.only("conflict"))


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

    A missing login or a lost database ends the round; every other error only its own session.
    """
    unfinished: dict[SessionKey, Entry] = {}
    for entry in round_.journal.unfinished([session.ref.key for session in sessions]):
        if entry.purpose == "publish":
            unfinished.update({part.key: entry for part in entry.parts})
        elif not dry_run and all(_is_indexed(part, indexed) for part in entry.parts):
            unstage(round_, (part.manifest for part in entry.parts))  # we died after the commit
            round_.journal.advance(entry.advanced("done"))
    left = Departures()
    for session in sessions:
        key = session.ref.key
        try:
            if key in unfinished and not dry_run:
                result = _resume(round_, session, unfinished[key])
            elif key in unfinished:
                result = outcome(round_, session, "in flight", f"task {unfinished[key].task_id or 'being submitted'}")
            else:
                result = _depart(round_, session, indexed.get(key), dry_run=dry_run)
        except MapshellError as error:
            result = failure(round_, session, error, indexed.get(key))
            if isinstance(error, _FATAL):
                left.stopped = error
        if isinstance(result, Flight):
            left.flights.append(result)
            _take_off(round_, result, hash_early=hash_early)
        else:
            left.outcomes.append(result)
            if not dry_run and not isinstance(left.stopped, DatabaseUnavailable):
                round_.journal.release([key])
        if left.stopped is not None:
            break
    return left


def _depart(round_: Round, session: LocalSession, known: Manifest | None, *, dry_run: bool) -> Flight | Outcome:
    if not session.files and not session.defects:
        if known is not None:
            return outcome(round_, session, "archived")
        return outcome(round_, session, "refused", "its folder holds no file", _FILL, failed=True)
    plan = _compare(round_, session, known, dry_run=dry_run)
    if plan.nothing_to_do and not session.defects:
        return outcome(round_, session, "archived")
    verdict = _gate(round_, session, plan)
    if verdict.defects:
        state = "recording" if verdict.recording else "refused"
        return refusal(round_, session, "archived with changes" if known else state, verdict.defects)
    if not dry_run:
        holder = round_.journal.claim(session.ref.key)
        if holder is not None:
            return outcome(round_, session, "in flight", f"{holder} is publishing it now")
        step("claimed")
        # Another computer may have ended it, or begun it, between our first look and the claim.
        if any(entry.purpose == "publish" for entry in round_.journal.unfinished([session.ref.key])):
            return outcome(round_, session, "in flight", "another computer submitted it a moment ago")
        known = round_.journal.indexed([session.ref.key]).get(session.ref.key)
    prepared = _against_archive(round_, session, known, verdict, dry_run=dry_run)
    if isinstance(prepared, Outcome):
        return prepared
    if prepared.plan.nothing_to_do:
        return outcome(round_, session, "archived")
    if prepared.conflicts and (known is None or not prepared.files):
        return refusal(round_, session, "archived with changes" if known else "refused", prepared.conflicts)
    return _as_plan(round_, prepared) if dry_run else _submit(round_, prepared)


def _compare(
    round_: Round,
    session: LocalSession,
    known: Manifest | None,
    *,
    remote: dict[str, int] | None = None,
    ours: Collection[str] = (),
    dry_run: bool = False,
) -> Plan:
    """Diff; files whose time alone differs from the index are hashed, since only that can tell (not in a dry run)."""
    earlier = {} if known is None else {entry.subpath: entry for entry in known.files}
    compare: Callable[..., Plan] = partial(diff, session.files, earlier, remote, ours=ours)
    plan = compare()
    undecided = {item.subpath for item in plan.only("hash")}
    if undecided and not dry_run:
        files = [file for file in session.files if file.subpath in undecided]
        futures = [round_.hasher.start(file) for file in files]
        while wait(futures, timeout=30).not_done:
            round_.journal.extend([session.ref.key])
        plan = compare(checksums={file.subpath: round_.hasher.finish(file) for file in files})
    return plan


def _gate(round_: Round, session: LocalSession, plan: Plan) -> Verdict:
    """Judge the files that the index does not have yet; the ones that it has were judged when they came."""
    settled = {item.subpath for item in plan.only("skip")}
    verdict = inspect(session.files, now=round_.epoch(), quiet_seconds=round_.quiet_seconds, settled=settled)
    wrong = [*session.defects, *verdict.defects]
    by_path = {file.subpath: file for file in session.files}
    for subpath, claimed in verdict.claims.items():
        computed = None if subpath in settled else round_.hasher.known(by_path[subpath])
        if computed not in (None, claimed):
            wrong.append(wrong_checksum(subpath, claimed, str(computed)))
    return replace(verdict, defects=tuple(wrong))


def wrong_checksum(subpath: str, claimed: str, computed: str) -> Defect:
    """Name a file whose bytes are not what its meta says."""
    return Defect(
        "checksum",
        subpath,
        f"its SHA1 is {computed}, but its meta says {claimed}",
        "the file was changed or damaged after the recording: copy it anew from the acquisition computer.",
    )


def _against_archive(
    round_: Round, session: LocalSession, known: Manifest | None, verdict: Verdict, *, dry_run: bool
) -> _Prepared | Outcome:
    store, location, key = round_.store(), round_.location, session.ref.key
    draft = Manifest(session.ref, location.dataset_type, location.alias, _generation(known), ())
    looked_for = [draft.subpath, *(file.subpath for file in session.files)]
    remote = list_remote(store, location.endpoint, location.path, looked_for)
    ours = set(round_.journal.leftovers(key))
    if draft.subpath in remote and draft.subpath not in ours:
        return refusal(round_, session, "archived with changes" if known else "refused", [_described(draft)])
    already = {entry.subpath for entry in known.files} if known else set()
    strangers = set(remote) - ours - already
    if strangers or round_.search_labels:
        # A task of ours that the journal has lost (with its database) may have brought them, or be about to.
        for task in _own_tasks(round_, draft):
            if task.state in ("ACTIVE", "INACTIVE"):
                reason = f"task {task.task_id}, which the journal does not know, is still moving its files"
                return outcome(round_, session, "in flight", reason, "publish again when it has ended.", failed=True)
            prefix = location.path.rstrip("/") + "/"
            ours |= {path.removeprefix(prefix) for path in store.transferred(task.task_id)}
    plan = _compare(round_, session, known, remote=remote, ours=ours, dry_run=dry_run)
    sending = {item.subpath for item in plan.only("send")}
    files = tuple(file for file in session.files if file.subpath in sending)
    return _Prepared(session, known, plan, files, verdict, resend=bool(ours & sending & set(remote)))


def _described(draft: Manifest) -> Defect:
    return Defect(
        "described",
        draft.subpath,
        "the archive has this manifest already, but the index does not know it",
        "use the database that wrote it, or rebuild the index from the archive first; nothing was sent.",
    )


def _own_tasks(round_: Round, draft: Manifest) -> list[TaskStatus]:
    return list(round_.store().find_tasks(task_label(draft)))


def _as_plan(round_: Round, prepared: _Prepared) -> Outcome:
    size = sum(file.size for file in prepared.files)
    return outcome(
        round_,
        prepared.session,
        "queued" if prepared.known is None else "archived with changes",
        f"{len(prepared.files)} files to send",
        failed=bool(prepared.conflicts),
        sent_files=len(prepared.files),
        sent_bytes=size,
        details=tuple(
            {"action": item.action, "file": item.subpath, "reason": item.reason} for item in prepared.plan.items
        ),
    )


def _submit(round_: Round, prepared: _Prepared) -> Flight:
    # A task has one source collection: files under another one follow as the next generation.
    endpoint = prepared.files[0].root.endpoint
    files = tuple(file for file in prepared.files if file.root.endpoint == endpoint)
    store = round_.store()
    manifest = _draft(round_, prepared, files)
    sha1s = {entry.subpath: entry.sha1 for entry in manifest.files}
    request = TransferRequest(
        submission_id=store.new_submission_id(),
        source_endpoint=endpoint,
        destination_endpoint=round_.location.endpoint,
        label=task_label(manifest),
        items=tuple(
            TransferItem(
                join_remote(file.root.globus_path, file.subpath),
                join_remote(round_.location.path, file.subpath),
                sha1s[file.subpath],
            )
            for file in files
        ),
        existing="compare" if prepared.resend else "keep",
    )
    sources = tuple(Source(file.subpath, str(file.path), file.size, file.mtime_ns) for file in files)
    entry = Entry(
        transfer_id=uuid.uuid4(),
        purpose="publish",
        state="planned",
        request=request,
        parts=(Part(manifest, sources),),
        computer=round_.computer,
        identity=store.identity,
        created_at=round_.clock.now(),
    )
    step("planning")
    round_.journal.open(entry)
    step("planned")
    entry = submit_once(store, round_.journal, entry, round_.clock)
    return Flight(entry, prepared.session, files, prepared.conflicts, notes=prepared.verdict.warnings)


def _generation(known: Manifest | None) -> int:
    return 1 if known is None else known.generation + 1


def _draft(round_: Round, prepared: _Prepared, files: Sequence[LocalFile]) -> Manifest:
    """Return the manifest as far as it is known before the transfer: SHA1 claimed by metas, or read earlier."""
    generation = _generation(prepared.known)
    new = []
    for file in files:
        claim, computed = prepared.verdict.claims.get(file.subpath), round_.hasher.known(file)
        new.append(
            FileEntry(
                subpath=file.subpath,
                size=file.size,
                mtime=file.mtime,
                file_type=classify(file.subpath, round_.extra_types),
                sha1=claim or computed,
                sha1_source="meta" if claim else "computed" if computed else None,
                generation=generation,
            )
        )
    return Manifest(
        session=prepared.session.ref,
        dataset_type=round_.location.dataset_type,
        alias=round_.location.alias,
        generation=generation,
        files=merged(prepared.known.files if prepared.known else (), new),
        lab=round_.journal.lab_rows(prepared.session.ref),
        provenance=round_.provenance,
    )


def _resume(round_: Round, session: LocalSession, entry: Entry) -> Flight | Outcome:
    """Go on with a transfer that an earlier round, here or elsewhere, left unfinished."""
    part = next(part for part in entry.parts if part.key == session.ref.key)
    here = {(str(file.path), file.size, file.mtime_ns): file for file in session.files}
    files = [here.get((source.path, source.size, source.mtime_ns)) for source in part.sources]
    whole = tuple(file for file in files if file is not None)
    if entry.computer != round_.computer and len(whole) < len(part.sources):
        return outcome(round_, session, "in flight", f"submitted from {entry.computer}, which will check it")
    holder = round_.journal.claim(session.ref.key)
    if holder is not None:
        return outcome(round_, session, "in flight", f"{holder} is publishing it now")
    step("claimed")
    fresh = {entry.transfer_id: entry for entry in round_.journal.unfinished([session.ref.key])}
    if entry.transfer_id not in fresh:
        return outcome(round_, session, "archived", "another computer ended it a moment ago")
    entry = fresh[entry.transfer_id]
    changed = [source for source, file in zip(part.sources, files, strict=True) if file is None]
    if entry.state == "planned":
        if changed and not round_.store().find_tasks(entry.request.label):
            round_.journal.advance(entry.advanced("failed", outcome="its files changed before it was submitted"))
            return outcome(round_, session, "queued", "its files changed since it was planned", _AGAIN, failed=True)
        entry = submit_once(round_.store(), round_.journal, entry, round_.clock)
    changes = tuple(
        Defect("changing", source.subpath, "it changed or vanished since its transfer was submitted", _WAIT)
        for source in changed
    )
    return Flight(entry, session, whole, changed=changes)


def _is_indexed(part: Part, indexed: Mapping[SessionKey, Manifest]) -> bool:
    known = indexed.get(part.key)
    return known is not None and known.generation >= part.manifest.generation


def _take_off(round_: Round, flight: Flight, *, hash_early: bool) -> None:
    """Start reading the files whose SHA1 nobody knows yet: checksums are computed while bytes move."""
    ref = flight.session.ref
    what = f"{ref.h2o} {ref.session_date:%Y-%m-%d} session {ref.session} to {round_.location.alias}"
    round_.progress.task(str(flight.entry.transfer_id), what, flight.size)
    if not hash_early:
        return
    unknown = {entry.subpath for entry in flight.new_entries if entry.sha1 is None}
    for file in flight.files:
        if file.subpath in unknown:
            round_.hasher.start(file)


_FILL = "if its files were moved, put them back; if the session was never recorded, remove the empty folder."
_AGAIN = "publish again: it will be planned anew."
_WAIT = "wait until nothing writes to the session any more, then publish again."
