"""Carrying a relocation out: journalled, renamed at the archive, looked at; manifest and rows follow as of a transfer.

Every renaming is done by looking: what was renamed before a kill is seen at its new name and left there.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.archive.find import LocalSession
from pipeline.archive.journal import Entry, Part, Rename, step
from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.archive.round import FATAL, Flight, outcome
from pipeline.archive.scan import list_remote
from pipeline.archive.session import join_remote
from pipeline.archive.transfer import one_line, task_label
from pipeline.errors import Conflict, GlobusError, IntegrityError, MapshellError, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.archive.journal import Outcome
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.relocate.plan import Relocation
    from pipeline.archive.round import Round
    from pipeline.archive.session import SessionKey


def begin(round_: Round, relocation: Relocation, session: LocalSession, *, more: bool = False) -> Flight:
    """Journal a relocation, whose leases are held, and rename; the flight is for the gatherer, as one just checked.

    Parameters
    ----------
    round_
        What to work with.
    relocation
        What is to be done, planned on what the index has since the leases were taken.
    session
        Whose files they are afterwards.
    more
        This computer has, or may have, further files of it: they are looked for when it is done.

    Raises
    ------
    Conflict, IntegrityError, Refused
        The archive is not as the index says, or has something at a new name: nothing was renamed.
    MapshellError
        It could not be brought to an end; the next round of publishing goes on with it.
    """
    before = relocation.before
    ref = relocation.after.session
    lab = round_.journal.lab_rows([ref])[ref.key]
    after = replace(relocation.after, lab=lab, provenance=round_.provenance)
    parts = [Part(after, before=before, renames=relocation.renames)]
    if before.session.key != after.session.key:
        parts.append(Part(before, gone=True))
    _require_root(round_)
    look(round_, relocation)
    location, transfer_id = round_.location, uuid.uuid4()
    entry = Entry(
        transfer_id=transfer_id,
        purpose="move",
        state="planned",
        request=TransferRequest(
            submission_id="",
            source_endpoint=location.endpoint,
            destination_endpoint=location.endpoint,
            label=task_label(after, transfer_id, "move"),
            items=tuple(
                TransferItem(join_remote(location.path, r.old), join_remote(location.path, r.new))
                for r in relocation.renames
            ),
        ),
        parts=tuple(parts),
        computer=round_.computer,
        identity=round_.store().identity,
        created_at=round_.clock.now(),
    )
    step("move: planning")
    round_.journal.open(entry)
    step("move: planned")
    return _carry_out(round_, entry, session, more=more)


def look(round_: Round, relocation: Relocation) -> None:
    """Make sure that the archive has all files as the index says, and nothing at the new names.

    Raises
    ------
    Conflict, IntegrityError
        It does not.
    """
    _expect(round_, relocation.before, "Nothing was renamed")
    names = [name for rename in relocation.renames for name in (rename.old, rename.new)]
    there = _listed(round_, names)
    for rename in relocation.renames:
        if rename.old not in there:
            raise IntegrityError(f"The archive does not list {rename.old}; nothing was renamed.", remedy=_VERIFY)
        if rename.new in there:
            raise Conflict(
                f"The archive has {rename.new} already; nothing was renamed.",
                remedy="find out what it is (`mapshell publication-verify`, `mapshell publication-discover --dry-run`) "
                "and rename it, or give the session another ident (`mapshell session-ident`).",
            )


def resume(round_: Round, entry: Entry) -> Flight | Outcome:
    """Go on with a relocation that another round, here or elsewhere, left unfinished."""
    part = entry.parts[0]
    session = LocalSession(part.manifest.session, (), (), ())
    keys = sorted({each.key for each in entry.parts})
    held: list[SessionKey] = []
    for key in keys:
        holder = round_.journal.claim(key)
        if holder is not None:
            round_.journal.release(held)
            return outcome(round_, session, "in flight", f"{under_way(entry)}: {holder} is at it now")
        held.append(key)
    step("move: claimed")
    try:
        fresh = {each.transfer_id: each for each in round_.journal.unfinished(keys)}
        if entry.transfer_id not in fresh:
            round_.journal.release(held)
            return outcome(round_, session, "archived", "another process ended its move a moment ago")
        _refuse_elsewhere(round_, fresh.values())
        _require_root(round_)
        return _carry_out(round_, fresh[entry.transfer_id], session)
    except BaseException:
        round_.journal.release(held)
        raise


def _refuse_elsewhere(round_: Round, entries: Iterable[Entry]) -> None:
    """Leave a manifest that waits to be sent to the computer that has it."""
    for each in entries:
        if each.purpose == "manifest" and each.state == "planned" and each.computer != round_.computer:
            raise Refused(
                f"The manifest of {each.parts[0].manifest.session} waits on {each.computer} to be sent.",
                remedy=f"publish once on {each.computer}.",
            )


def under_way(entry: Entry) -> str:
    """Say what an open relocation is about."""
    part = entry.parts[0]
    after, before = part.manifest, part.before
    if before is None or before.session == after.session:
        said = "files of it get other names at the archive"
    else:
        said = f"what was archived as {before.session} becomes {after.session}"
    return f"{said} (begun on {entry.computer} at {entry.created_at:%Y-%m-%d %H:%M} UTC)"


def _carry_out(round_: Round, entry: Entry, session: LocalSession, *, more: bool = False) -> Flight:
    part = entry.parts[0]
    key = str(entry.transfer_id)
    round_.progress.task(key, f"renaming for {part.manifest.session} in {round_.location.alias}", 0)
    if entry.state == "planned":
        entry = _renamed(round_, entry)
        step("move: all renamed")
        _expect(round_, part.manifest, "Its files were renamed, its rows not yet changed")
        final = replace(part.manifest, archived_at=round_.clock.now().replace(microsecond=0))
        entry = entry.advanced("checked", parts=(replace(part, manifest=final), *entry.parts[1:]))
        round_.journal.advance(entry)
        step("move: checked")
    return Flight(entry, session, (), more=more)


def _renamed(round_: Round, entry: Entry) -> Entry:
    """Do the renamings that are left; one that was never begun is given up when it cannot be."""
    renames, location = entry.parts[0].renames, round_.location
    there = _listed(round_, [name for rename in renames for name in (rename.old, rename.new)])
    todo = [rename for rename in renames if not _is_done(rename, there)]
    begun, made = len(todo) < len(renames), set[str]()
    for number, rename in enumerate(todo):
        try:
            round_.journal.keep([part.key for part in entry.parts])
            _make_folders(round_, rename.new, made)
            step("move: renaming")
            round_.store().rename(
                location.endpoint, join_remote(location.path, rename.old), join_remote(location.path, rename.new)
            )
        except (GlobusError, Conflict) as error:
            if not begun and not isinstance(error, FATAL):
                _give_up(round_, entry, error)
            raise
        begun = True
        step("move: renamed")
        round_.progress.update(str(entry.transfer_id), 0, f"{number + 1:,} of {len(todo):,} renamed")
    return entry


def _is_done(rename: Rename, there: Mapping[str, int]) -> bool:
    """Say whether a renaming was done, or is still to be done.

    Raises
    ------
    Conflict, IntegrityError
        Neither can be.
    """
    old, new = there.get(rename.old), there.get(rename.new)
    if old is not None and new is not None:
        raise Conflict(
            f"The archive has both {rename.old} and {rename.new}: one is not ours, and nothing was overwritten.",
            remedy=f"find out who put {rename.new} there and rename it; then publish again, which goes on.",
        )
    found = new if old is None else old
    if found is None:
        raise IntegrityError(
            f"The archive has neither {rename.old} nor {rename.new}, one of which must be there.",
            remedy="ask the archive's people what became of it and put it back under either name; then publish again.",
        )
    if (found < 0) != rename.folder or (rename.size is not None and found != rename.size):
        name = rename.new if old is None else rename.old
        raise IntegrityError(
            f"The archive lists {'a folder' if found < 0 else f'{found:,} bytes'} as {name}, which is not what it was.",
            remedy="ask the archive's people what became of it; then publish again.",
        )
    return old is None


def _give_up(round_: Round, entry: Entry, error: MapshellError) -> None:
    """End an entry of which nothing was done, if a look at the archive says so."""
    renames = entry.parts[0].renames
    try:
        there = _listed(round_, [name for rename in renames for name in (rename.old, rename.new)])
        untouched = all(rename.old in there for rename in renames)
    except MapshellError:
        return  # nobody knows: the next round looks again
    if untouched:
        round_.journal.advance(entry.advanced("failed", outcome=one_line(error.message), left=()))


def _make_folders(round_: Round, subpath: str, made: set[str]) -> None:
    """Make the folders that a new name lies in; existing ones are fine."""
    parts = subpath.split("/")
    for depth in range(1, len(parts)):
        folder = "/".join(parts[:depth])
        if folder not in made:
            round_.store().mkdir(round_.location.endpoint, join_remote(round_.location.path, folder))
            made.add(folder)


def _expect(round_: Round, manifest: Manifest, so_far: str) -> None:
    """Compare all files of a manifest with our own listing."""
    there = _listed(round_, (entry.subpath for entry in manifest.files))
    for entry in manifest.files:
        found = there.get(entry.subpath)
        if found != entry.size:
            said = "does not list" if found is None else f"lists {found:,} instead of {entry.size:,} bytes as"
            raise IntegrityError(f"The archive {said} {entry.subpath}. {so_far}.", remedy=_VERIFY)


def _listed(round_: Round, subpaths: Iterable[str]) -> dict[str, int]:
    return list_remote(round_.store(), round_.location.endpoint, round_.location.path, subpaths)


def _require_root(round_: Round) -> None:
    if not round_.roots:
        raise Refused(
            f"No local root of {round_.location.alias} is configured on this computer, from which the new manifest "
            "could be sent.",
            remedy="do it on a computer that publishes there, or configure a root (`mapshell config show`).",
        )


_VERIFY = "see what the archive has: `mapshell publication-verify`; mend it, then try again."
