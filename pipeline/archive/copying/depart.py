"""A session departs from another archive: claimed, looked at on both sides, journalled, submitted; nothing overwritten.

It becomes a flight like every other one, with no file of this computer: the round watches, checks, describes and
commits it, and the next round goes on with it after a kill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.copying.lacking import as_archived, differing_files, lacking
from pipeline.archive.copying.send import compared, foreseen, send
from pipeline.archive.identity import disowned
from pipeline.archive.journal import Outcome, step
from pipeline.archive.known import differing
from pipeline.archive.round import outcome, refusal
from pipeline.archive.scan import Defect, list_remote, look_remote, sizes
from pipeline.archive.submit import next_draft
from pipeline.archive.transfer import label_of_any_attempt
from pipeline.errors import CollectionNotFound, CollectionOffline, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.copying.lacking import Original
    from pipeline.archive.find import LocalSession
    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.ports import RemoteEntry
    from pipeline.archive.round import Flight, Round
    from pipeline.archive.submit import Proof
    from pipeline.errors import MapshellError

_AWAY = (CollectionOffline, CollectionNotFound, PermissionDenied)
"""After these, another archive that has the session is asked instead, if there is one."""


def depart_from_archive(
    round_: Round, session: LocalSession, known: Manifest | None, *, dry_run: bool
) -> Flight | Outcome | None:
    """Send what this archive lacks of a session, and another one has; None when it lacks nothing of the kind.

    What this computer has as it was archived is sent from here, by the ordinary way: None as well.
    """
    originals = round_.originals.of(session.ref.key)
    if not originals and not session.files and (lost := round_.originals.lost(session.ref.key)):
        reason = f"no archive has it whole to copy it from: {lost}"
        return outcome(round_, session, differing(known, "queued"), reason, _VERIFY, failed=True)
    if not originals or not _concerns(round_, session, known, originals[0]):
        return None
    if round_.closed is not None:
        raise round_.closed
    if not dry_run:
        holder = round_.journal.claim(session.ref.key)
        if holder is not None:
            return outcome(round_, session, "in flight", f"{holder} is publishing it now")
        step("claimed")
        if any(entry.purpose != "manifest" for entry in round_.journal.unfinished([session.ref.key])):
            return outcome(round_, session, "in flight", "another computer submitted it a moment ago")
        # What the index said before the claim may have changed, here and there.
        known = round_.journal.indexed([session.ref.key]).get(session.ref.key)
        originals = round_.originals.now(session.ref.key)
        if not originals or not _concerns(round_, session, known, originals[0]):
            return outcome(round_, session, differing(known, "queued"), "another computer changed it a moment ago")
    wrong = _contradictions(session, known, originals[0])
    if wrong:
        return refusal(round_, session, differing(known, "refused"), wrong)
    there = _look_here(round_, session, known, lacking(originals[0].manifest, known))
    if isinstance(there, Outcome):
        return there
    stopped: MapshellError | None = None
    for original in originals:
        try:
            return _from(round_, session, known, original, there, dry_run=dry_run)
        except _AWAY as error:
            stopped = stopped or error
    assert stopped is not None  # noqa: S101 - there is at least one original
    raise stopped


def _concerns(round_: Round, session: LocalSession, known: Manifest | None, original: Original) -> bool:
    """Say whether something of the original is to be sent, or refused, and not from this computer's own disk."""
    if session.files and as_archived(session.files, original.manifest):
        return False
    if session.files and round_.acceptance is not None and round_.acceptance.supersede:
        return False
    return bool(lacking(original.manifest, known)) or (
        not session.files and bool(differing_files(original.manifest, known))
    )


def _contradictions(session: LocalSession, known: Manifest | None, original: Original) -> list[Defect]:
    """Return why the two archives cannot be brought together without a person."""
    if known is not None and (wrong := disowned(known, session.ref)):
        return [wrong]
    if wrong := disowned(original.manifest, session.ref):
        return [wrong]
    if original.forbidden:
        return [Defect("identity", str(session.ref), original.forbidden, _REASSIGN)]
    unseen = [entry for entry in known.files if not entry.sized] if known is not None else []
    if unseen:
        said = "it came from an older database, and nobody has looked at its size at the archive yet"
        look = f"let it be looked at first: `mapshell publication-verify --subject {session.ref.h2o}`."
        return [Defect("unseen", unseen[0].subpath, said, look)]
    alias = original.location.alias
    said = f"{alias} has other bytes under this name in its index"
    return [Defect("conflict", subpath, said, _COMPARE) for subpath in differing_files(original.manifest, known)]


def _look_here(
    round_: Round, session: LocalSession, known: Manifest | None, wanted: Sequence[FileEntry]
) -> dict[str, RemoteEntry] | Outcome:
    """Look what stands at the names that are to be filled; what keeps them from it is an outcome."""
    store, location, draft = round_.store(), round_.location, next_draft(round_, session, known)
    names = [draft.subpath, *(entry.subpath for entry in wanted)]
    try:
        there = look_remote(store, location.endpoint, location.path, names, draft.is_before, round_.glance.folder)
    except (CollectionOffline, CollectionNotFound) as error:
        round_.closed = error  # the next sessions need not wait for it again
        raise
    ours = set(round_.journal.leftovers(session.ref.key))
    described = sorted(s for s in there if (s == draft.subpath or draft.is_before(s)) and s not in ours)
    if described:
        wrong = Defect(
            "described", described[0], "the archive has this manifest, but the index does not know it", _MORE
        )
        return refusal(round_, session, differing(known, "refused"), [wrong])
    for task in store.find_tasks(label_of_any_attempt(draft)):
        if task.state in ("ACTIVE", "INACTIVE") and not round_.journal.knows_task(task.task_id):
            reason = f"task {task.task_id}, which the journal does not know, is still moving its files"
            return outcome(round_, session, "in flight", reason, "publish again when it has ended.", failed=True)
    return {subpath: entry for subpath, entry in there.items() if subpath not in ours}


def _from(
    round_: Round,
    session: LocalSession,
    known: Manifest | None,
    original: Original,
    there: Mapping[str, RemoteEntry],
    *,
    dry_run: bool,
) -> Flight | Outcome:
    """Send from one of the archives that have it.

    Raises
    ------
    MapshellError
        That archive cannot be looked at, or the service does not take the task.
    """
    wanted = {entry.subpath: entry for entry in lacking(original.manifest, known)}
    sized = sizes(there)
    taken = [Defect("conflict", s, _TAKEN, _FREE) for s in sorted(wanted) if s in there and sized[s] != wanted[s].size]
    if taken:
        return refusal(round_, session, differing(known, "refused"), taken)
    same = [wanted[subpath] for subpath in sorted(wanted) if subpath in there]
    sending = [entry for subpath, entry in sorted(wanted.items()) if subpath not in there]
    if lost := _lost(round_, original, sending):
        return refusal(round_, session, differing(known, "queued"), lost)
    if dry_run:
        return foreseen(round_, session, known, original, sending, same)
    proofs: Mapping[str, Proof] = {}
    if same:
        prepared = compared(round_, session, known, same, there)
        if prepared.unlike:
            return refusal(round_, session, differing(known, "refused"), prepared.unlike)
        proofs = prepared.proofs
        step("adopt: compared")
    return send(round_, session, known, original, sending, proofs)


def _lost(round_: Round, original: Original, sending: Sequence[FileEntry]) -> list[Defect]:
    """Return the files that the other archive does not list as its index has them."""
    place = original.location
    listed = list_remote(round_.store(), place.endpoint, place.path, [entry.subpath for entry in sending])
    return [
        Defect("missing", entry.subpath, f"{place.alias} does not list it with the size of the index", _VERIFY)
        for entry in sending
        if listed.get(entry.subpath) != entry.size
    ]


_REASSIGN = "do the same at both: `mapshell publication-reassign`; nothing was copied."
_COMPARE = (
    "nothing was copied. If it was superseded at one of them, do it at the other, on a computer that has the session: "
    "`mapshell publication-publish --supersede`; else `mapshell publication-verify --checksum all` tells which is "
    "right."
)
_MORE = (
    "rebuild the index from the archive first, `mapshell publication-discover` (what is wrong with a manifest it says; "
    "`mapshell mv` gives that another name); nothing was sent."
)
_TAKEN = "something else bears this name at the archive, which the index does not know"
_FREE = "compare the two; `mapshell mv` gives what is there another name (nothing was overwritten)."
_VERIFY = "compare that archive with the index: `mapshell publication-verify`; another computer may have the files."
