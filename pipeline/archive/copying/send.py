"""What one archive sends to another: the request, the manifest as it will be, the journal entry, the submission."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.archive.adoption import evidence as adoption
from pipeline.archive.adoption.compare import read_back, remembered
from pipeline.archive.aside import set_aside
from pipeline.archive.departing.made import Made
from pipeline.archive.evidence import lasting
from pipeline.archive.integrity import Verdict
from pipeline.archive.journal import Entry, Part, Source, step
from pipeline.archive.known import differing
from pipeline.archive.manifest import merged
from pipeline.archive.plan import Plan
from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.archive.round import Flight, outcome
from pipeline.archive.scan import list_remote
from pipeline.archive.session import LocalFile, join_remote
from pipeline.archive.submit import Prepared, next_draft
from pipeline.archive.transfer import submit_once, task_label
from pipeline.errors import GlobusError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.copying.lacking import Original
    from pipeline.archive.find import LocalSession
    from pipeline.archive.journal import Outcome
    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.ports import RemoteEntry
    from pipeline.archive.round import Round
    from pipeline.archive.submit import Proof


def compared(
    round_: Round,
    session: LocalSession,
    known: Manifest | None,
    same: Sequence[FileEntry],
    there: Mapping[str, RemoteEntry],
) -> Prepared:
    """Read back what bears the names already, and compare it with the SHA1 that the other archive's index has."""
    root = round_.stage or round_.roots[0]
    files = tuple(LocalFile(root, e.subpath, e.size, e.mtime, e.mtime * 10**9) for e in same)
    sha1s = {entry.subpath: str(entry.sha1) for entry in same}
    prepared = Prepared(
        session, known, Plan(()), (), Verdict((), (), {}, None), candidates=files, there=there, drive=round_.drive
    )
    prepared, unread = remembered(round_, prepared, sha1s)
    return read_back(round_, prepared, unread, sha1s) if unread else prepared


def foreseen(
    round_: Round,
    session: LocalSession,
    known: Manifest | None,
    original: Original,
    sending: Sequence[FileEntry],
    same: Sequence[FileEntry],
) -> Outcome:
    """Make the outcome of a dry run: what would go from where to where, and what would be compared."""
    source, size = original.location.alias, sum(entry.size for entry in same)
    return outcome(
        round_,
        session,
        differing(known, "queued"),
        f"to be copied from {source}",
        to_send_files=len(sending),
        to_send_bytes=sum(entry.size for entry in sending),
        to_adopt_files=len(same),
        to_adopt_bytes=size,
        to_read_back_bytes=size,
        copied_from=source,
        details=(
            *({"action": "copy", "file": e.subpath, "reason": f"from {source}"} for e in sending),
            *({"action": "adopt", "file": e.subpath, "reason": "the archive has its name and size"} for e in same),
        ),
    )


def send(
    round_: Round,
    session: LocalSession,
    known: Manifest | None,
    original: Original,
    sending: Sequence[FileEntry],
    proofs: Mapping[str, Proof],
) -> Flight:
    """Journal the task from one archive to the other, then submit it."""
    store, location, place, key = round_.store(), round_.location, original.location, session.ref.key
    round_.journal.keep([key])
    ours = set(round_.journal.leftovers(key))
    names = {entry.subpath for entry in sending}
    left = list_remote(store, location.endpoint, location.path, names & ours)
    set_aside(round_, sorted(left), "unfinished")
    manifest = _draft(round_, session, known, original, names, proofs)
    transfer_id = uuid.uuid4()

    def item(entry: FileEntry) -> TransferItem:
        source, destination = (join_remote(each.path, entry.subpath) for each in (place, location))
        return TransferItem(source, destination, entry.sha1)

    request = TransferRequest(
        submission_id=store.new_submission_id() if sending else "",
        source_endpoint=place.endpoint,
        destination_endpoint=location.endpoint,
        label=task_label(manifest, transfer_id),
        items=Made(tuple(sending), item),
    )
    adopted = [e for e in manifest.files if e.generation == manifest.generation and e.subpath in proofs]
    entry = Entry(
        transfer_id=transfer_id,
        purpose="publish",
        state="planned",
        request=request,
        parts=(
            Part(
                manifest,
                tuple(Source(e.subpath, "", e.size, e.mtime, True, proofs[e.subpath].listed) for e in adopted),
                origin=place.alias,
            ),
        ),
        computer=round_.computer,
        identity=store.identity,
        created_at=round_.clock.now(),
    )
    step("planning")
    round_.journal.open(entry)
    step("planned")
    try:
        entry = submit_once(store, round_.journal, entry, round_.clock)
    except GlobusError as error:
        if not error.refused:
            raise
        said = f"Globus does not move files from {place.alias} to {location.alias} directly: {error.message}"
        raise GlobusError(said, remedy=_BETWEEN.format(place.endpoint, location.endpoint)) from error
    return Flight(entry, session, (), more=bool(session.files))


def _draft(
    round_: Round,
    session: LocalSession,
    known: Manifest | None,
    original: Original,
    names: set[str],
    proofs: Mapping[str, Proof],
) -> Manifest:
    """Return the generation that this makes: the other archive's files, each with the SHA1 that its index has."""
    draft = next_draft(round_, session, known)
    new = []
    for entry in original.manifest.files:
        proof = proofs.get(entry.subpath)
        if entry.subpath in names or proof is not None:
            at, how = (proof.at, proof.how) if proof else (None, None)
            new.append(replace(entry, generation=draft.generation, verified_at=at, verified_how=how))
    return replace(
        draft,
        files=merged(known.files if known else (), new),
        evidence={
            **_lasting(original.manifest.evidence, known.evidence if known else {}),
            **adoption.as_evidence([entry for entry in new if entry.verified_at], known),
            "copied_from": {
                "alias": original.location.alias,
                "endpoint": original.location.endpoint,
                "generation": original.manifest.generation,
            },
        },
        lab=round_.glance.lab_rows(round_.journal, session.ref),
        provenance=round_.provenance,
    )


def _lasting(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return what lasts of the evidence of both, each record once."""
    found: dict[str, Any] = {**lasting(ours)}
    for name, records in lasting(theirs).items():
        before = found.get(name, [])
        found[name] = [*before, *(record for record in records if record not in before)]
    return found


_BETWEEN = (
    "both collections must let this login in: {0} for reading, {1} for writing (`mapshell login`, `mapshell doctor`); "
    "ask their owners whether Globus may move files between them, or publish on a computer that has the session."
)
