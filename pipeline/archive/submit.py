"""What a session sends: the request, the manifest as far as it is known, the journal entry, the submission."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.archive.acceptance import as_evidence, command, records_in
from pipeline.archive.adoption import evidence as adoption
from pipeline.archive.aside import set_aside
from pipeline.archive.departing.made import Made
from pipeline.archive.evidence import lasting
from pipeline.archive.filetypes import classify
from pipeline.archive.journal import Entry, Part, Source, step
from pipeline.archive.lent import lender
from pipeline.archive.manifest import FileEntry, Manifest, merged
from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.archive.round import Flight
from pipeline.archive.scan import Defect
from pipeline.archive.session import join_remote
from pipeline.archive.transfer import submit_once, task_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.find import LocalSession
    from pipeline.archive.integrity import Verdict
    from pipeline.archive.plan import Plan
    from pipeline.archive.ports import Drive, RemoteEntry
    from pipeline.archive.round import Round
    from pipeline.archive.session import DatasetType, LocalFile

_CONFLICT = (
    "compare the two files; keep one name for one content (nothing was overwritten). `mapshell mv` gives another "
    "name to a file at the archive that is not in the index."
)
_UNREAD = "nobody has read the one at the archive yet: `mapshell publication-verify --checksum all` does. Then"


@dataclass(frozen=True, slots=True)
class Proof:
    """A file at the archive that was read back and has the very bytes of the one here.

    ``at`` (naive UTC) and ``how`` tell of the reading; ``listed`` is the file's time there, as listed before it.
    """

    sha1: str
    at: datetime
    how: str
    listed: int | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A session that has something to send: the files, what they become, and what the gate and the plan found.

    ``aside`` names what our own unfinished transfers left at the archive under names that are to be sent;
    ``candidates`` are files of which the archive holds one of the same name and size, which ``there`` tells more of;
    ``proofs`` are those of them that are the same, ``unlike`` why others are not.
    """

    session: LocalSession
    known: Manifest | None
    plan: Plan
    files: tuple[LocalFile, ...]
    verdict: Verdict
    aside: tuple[str, ...] = ()
    candidates: tuple[LocalFile, ...] = ()
    there: Mapping[str, RemoteEntry] = field(default_factory=dict)
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    unlike: tuple[Defect, ...] = ()
    drive: Drive | None = None

    @property
    def superseding(self) -> tuple[str, ...]:
        """The files that are to take the place of archived ones."""
        return tuple(item.subpath for item in self.plan.only("supersede"))

    @property
    def conflicts(self) -> tuple[Defect, ...]:
        """The files whose names are taken by other bytes."""
        known = {entry.subpath: entry.sha1 for entry in self.known.files} if self.known else {}
        taken = (
            Defect("conflict", i.subpath, i.reason, self._remedy(i.subpath, known)) for i in self.plan.only("conflict")
        )
        return (*taken, *self.unlike)

    def _remedy(self, subpath: str, known: Mapping[str, str | None]) -> str:
        if self.known is None or subpath not in known:
            return _CONFLICT
        changed = _changed(self, self.known.dataset_type)
        return changed if known[subpath] else f"{_UNREAD} {changed}"

    @property
    def adopted(self) -> tuple[LocalFile, ...]:
        """The files that are at the archive already, as was proved."""
        return tuple(file for file in self.candidates if file.subpath in self.proofs)

    @property
    def hopeless(self) -> bool:
        """Whether conflicts keep all of it from being archived: a new session is archived whole or not at all."""
        refused = {defect.subpath for defect in self.unlike}
        usable = {file.subpath for file in self.candidates} - refused
        if not self.conflicts or self.known is None or not (self.files or usable):
            return bool(self.conflicts)
        return any(not entry.sized and entry.subpath not in usable for entry in self.known.files)


def _changed(prepared: Prepared, kind: DatasetType) -> str:
    """Say what becomes of a file that was changed after it was archived."""
    line = command(prepared.session.ref, kind, ["--supersede"], prepared.drive)
    return (
        "compare the two; nothing was overwritten. If the archived one is right, put it back here; if this one is, "
        f"`{line}` moves the archived bytes aside, where they stay, and archives these."
    )


def submit(round_: Round, prepared: Prepared) -> Flight:
    """Journal the transfer of a session's files, then submit it.

    Raises
    ------
    MapshellError
        It was not submitted; what the journal holds tells the next round how to go on.
    """
    # A task has one source collection: files under another one follow as the next generation.
    endpoint = (prepared.files or prepared.adopted)[0].root.endpoint
    sent = tuple(file for file in prepared.files if file.root.endpoint == endpoint)
    files = (*sent, *prepared.adopted)
    store, transfer_id = round_.store(), uuid.uuid4()
    names = {file.subpath for file in sent}
    round_.journal.keep([prepared.session.ref.key])
    set_aside(round_, (subpath for subpath in prepared.aside if subpath in names), "unfinished")
    manifest = draft(round_, prepared.session, prepared.known, files, prepared.verdict, prepared.proofs)
    given = {entry.subpath: entry.sha1 for entry in manifest.files if entry.sha1 is not None}

    def item(file: LocalFile) -> TransferItem:
        return TransferItem(file.in_globus, join_remote(round_.location.path, file.subpath), given.get(file.subpath))

    request = TransferRequest(
        submission_id=store.new_submission_id() if sent else "",
        source_endpoint=endpoint,
        destination_endpoint=round_.location.endpoint,
        label=task_label(manifest, transfer_id),
        items=Made(sent, item),
    )
    proofs = prepared.proofs
    sources = Made(files, lambda file: _source(file, proofs.get(file.subpath)))
    entry = Entry(
        transfer_id=transfer_id,
        purpose="publish",
        state="planned",
        request=request,
        parts=(Part(manifest, sources, lender=lender(round_)),),
        computer=round_.computer,
        identity=store.identity,
        created_at=round_.clock.now(),
    )
    step("planning")
    round_.journal.open(entry)
    step("planned")
    entry = submit_once(store, round_.journal, entry, round_.clock)
    more = len(sent) < len(prepared.files)
    return Flight(entry, prepared.session, files, prepared.conflicts, notes=prepared.verdict.warnings, more=more)


def _source(file: LocalFile, proof: Proof | None) -> Source:
    listed = None if proof is None else proof.listed
    return Source(file.subpath, str(file.path), file.size, file.mtime_ns, proof is not None, listed)


def next_generation(known: Manifest | None) -> int:
    """Return the generation that follows what the index holds of a session."""
    return 1 if known is None else known.generation + 1


def next_draft(round_: Round, session: LocalSession, known: Manifest | None) -> Manifest:
    """Return the generation that a session would depart as, without its files."""
    location = round_.location
    return Manifest(session.ref, location.dataset_type, location.alias, next_generation(known), ())


def draft(
    round_: Round,
    session: LocalSession,
    known: Manifest | None,
    files: Sequence[LocalFile],
    verdict: Verdict,
    proofs: Mapping[str, Proof] | None = None,
) -> Manifest:
    """Return the manifest as far as it is known before the transfer: SHA1 claimed by metas, or read earlier.

    Of files that need not be sent, because they were compared at the archive, ``proofs`` tell all the rest.
    """
    generation, earlier = next_generation(known), known.evidence if known else None
    new = []
    for file in files:
        claim, computed = verdict.claims.get(file.subpath), round_.hasher.known(file)
        proof = (proofs or {}).get(file.subpath)
        new.append(
            FileEntry(
                subpath=file.subpath,
                size=file.size,
                mtime=file.mtime,
                file_type=classify(file.subpath, round_.extra_types),
                sha1=proof.sha1 if proof else claim or computed,
                sha1_source="meta" if claim else "computed" if proof or computed else None,
                verified_at=proof.at if proof else None,
                verified_how=proof.how if proof else None,
                generation=generation,
            )
        )
    return Manifest(
        session=session.ref,
        dataset_type=round_.location.dataset_type,
        alias=round_.location.alias,
        generation=generation,
        files=merged(known.files if known else (), new),
        evidence={
            **lasting(earlier),
            **as_evidence([*records_in(earlier), *_accepted(round_, verdict, generation)]),
            **adoption.as_evidence([entry for entry in new if entry.verified_at], known),
        },
        lab=round_.glance.lab_rows(round_.journal, session.ref),
        provenance=round_.provenance,
    )


def _accepted(round_: Round, verdict: Verdict, generation: int) -> list[dict[str, Any]]:
    if round_.acceptance is None:
        return []
    now = round_.clock.now()
    return round_.acceptance.records(verdict.accepted, verdict.contradicted, generation=generation, at=now)
