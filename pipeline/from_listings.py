"""Discovery's other half: session folders that no manifest describes, by their names and what is listed in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import database
from pipeline.archive.courier import Wanted as Read
from pipeline.archive.known import LISTED
from pipeline.archive.manifest import Manifest
from pipeline.archive.matching import match
from pipeline.archive.reader import read_small
from pipeline.archive.remote_find import look_deeper
from pipeline.archive.undescribed import contents, in_need, listed_in, metas, started, to_match
from pipeline.discovered import FoundFolder, FoundSession
from pipeline.errors import MapshellError
from pipeline.rebuild import FINISHES, Busy, NotMeant, Wish
from pipeline.search import ends

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.matching import FoundFolder as Matched
    from pipeline.archive.matching import Unowned
    from pipeline.archive.remote_find import Animal, ArchiveFolder, Obstacle
    from pipeline.archive.session import SessionKey, SessionRef
    from pipeline.archive.undescribed import Contents
    from pipeline.discovered import Finding
    from pipeline.search import Place, Search

_AT_ONCE = 16
"""Folders walked at once; what they hold is in memory together."""

_ENTER = (
    "enter the session in the lab's tables (`mapshell ingest-recordings` where its recording still is), then discover "
    "again."
)
_MANIFEST = "discover that session first."
_AGAIN = "discover again when it can be listed."


def take(search: Search, place: Place, animal: Animal) -> None:
    """Give the folders of an animal that nobody owns to sessions, and write what is listed in them."""
    folders = _unowned(search, place, animal)
    for obstacle in animal.obstacles:
        name_obstacle(search, place, obstacle)
    subject = search.wanted.h2os.get(animal.h2o)
    if not folders or subject is None:
        return
    sessions = [facts for facts in search.lab.facts.values() if facts.h2o == animal.h2o]
    starts = _starts(search, place, in_need(folders, sessions))
    matching = match(to_match(folders, starts), sessions)
    written = []
    for key, theirs in sorted(matching.owned.items()):
        ref = search.lab.refs[key]
        if not search.wanted.session(key, ref.session_date, place.location):
            continue
        hindered = _hindered(search, place, key)
        if hindered is None:
            written.append((ref, theirs))
        else:
            reason, remedy = hindered
            _strays(search, place, [(each, reason, remedy, False) for each in theirs])
    group: list[tuple[SessionRef, Sequence[Matched]]] = []
    for pair in written:
        if group and sum(len(theirs) for _, theirs in group) + len(pair[1]) > _AT_ONCE:
            _write(search, place, group)
            group = []
        group.append(pair)
    _write(search, place, group)
    if not search.wanted.partly:
        lost = [(stray, True) for stray in matching.refused] + [(stray, False) for stray in matching.unmatched]
        told = [(stray, refused) for stray, refused in lost if search.wanted.day(stray.folder.name)]
        _strays(search, place, [(s.folder, s.reason, _remedy(s, refused), refused) for s, refused in told])


def _remedy(stray: Unowned, refused: bool) -> str:
    return stray.remedy if refused or stray.candidates else _ENTER


def name_obstacle(search: Search, place: Place, obstacle: Obstacle) -> None:
    """Report what could not be read at the archive.

    Raises
    ------
    MapshellError
        It would hinder everything else as well.
    """
    if ends(obstacle.error):
        raise obstacle.error
    search.report.folders.append(
        FoundFolder(place.location.alias, obstacle.subpath, obstacle.error.message, obstacle.error.remedy, unread=True)
    )


def _unowned(search: Search, place: Place, animal: Animal) -> list[ArchiveFolder]:
    """Return the folders that may be a session's and that neither the index nor a manifest gives to one."""
    animal.folders.extend(look_deeper(search.lister, place.location, animal, place.layouts))
    named = {folder for known in place.known.values() if known.h2o == animal.h2o for folder in known.folders}
    left = [
        folder
        for folder in animal.folders
        if folder.subpath not in named and folder.subpath not in place.claimed and search.wanted.folder(folder.name)
    ]
    if not left:
        return []
    owners = place.index.owners(animal.h2o)
    left = [folder for folder in left if folder.subpath not in owners and not _claimed(folder.subpath, place)]
    kept = []
    for folder in sorted(left, key=lambda each: each.subpath):
        said = search.described_by(place, folder.name)
        if said is not None:
            if said not in place.left and search.wanted.day(folder.name) and not search.wanted.partly:
                why = f"the manifest of session {said.session} of {said.session_date} has no rows, and may speak of it"
                search.report.folders.append(_stray(place, folder, why, _MANIFEST, None, refused=False))
        else:
            kept.append(folder)
    return kept


def _claimed(subpath: str, place: Place) -> bool:
    within = f"{subpath}/" if "/" not in subpath else ""
    return "/".join(subpath.split("/")[:2]) in place.claimed or any(
        within and each.startswith(within) for each in place.claimed
    )


def _hindered(search: Search, place: Place, key: SessionKey) -> tuple[str, str] | None:
    """Say why a session gets no rows from a listing, and what to do; None when nothing hinders."""
    known = place.known.get(key)
    if key in place.working or place.journalled.get(key):
        return "its session is in flight", "`mapshell publication-publish` gathers it."
    if key in place.withdrawn and not search.restore:
        return "the archived row of its session was deleted on purpose", "leave it, or discover again with --restore."
    if known is None and key in place.journalled and not search.restore:
        return "the dataset of its session was deleted from the index", "leave it, or discover again with --restore."
    if key in place.described or (known is not None and known.described):
        return (
            "its session has a manifest, which does not list it",
            "publish it from the computer that has it, or leave it: `mapshell publication-verify` names it too.",
        )
    return None


def _starts(search: Search, place: Place, folders: Sequence[ArchiveFolder]) -> dict[str, datetime]:
    """Read when recordings began, of the folders whose names do not tell enough."""
    starts: dict[str, datetime] = {}
    for begin in range(0, len(folders), _AT_ONCE):
        names = [folder.subpath for folder in folders[begin : begin + _AT_ONCE]]
        found = contents(search.lister, place.location, names)
        whose = {meta.subpath: folder for folder, each in found.items() for meta in metas(each)}
        items = [Read(meta.subpath, meta.size) for each in found.values() for meta in metas(each)]
        reading = read_small(search.store, place.location, items, place.root, search.patient, staging=search.staging)
        for subpath, raw in reading if items else ():
            if isinstance(raw, MapshellError):
                if ends(raw):
                    raise raw
                search.progress.say(f"{subpath}: {raw.message}")
                continue
            began = started(raw, subpath)
            if began is not None:
                starts[whose[subpath]] = min(began, starts.get(whose[subpath], began))
    return starts


def _write(search: Search, place: Place, group: Sequence[tuple[SessionRef, Sequence[Matched]]]) -> None:
    """Walk the folders of some sessions together, then write each session's rows."""
    found = contents(search.lister, place.location, [each.subpath for _, theirs in group for each in theirs])
    for ref, theirs in group:
        _write_one(search, place, ref, {each.subpath: found[each.subpath] for each in theirs})


def _write_one(search: Search, place: Place, ref: SessionRef, found: Mapping[str, Contents]) -> None:
    error = next((each.error for each in found.values() if each.error is not None), None)
    if error is not None:
        if ends(error):
            raise error
        _report(search, place, ref, "not read", error.message, error.remedy or _AGAIN, failed=True)
        return
    files = tuple(sorted((entry for each in found.values() for entry in each.files), key=lambda e: e.subpath))
    refused = [said for each in found.values() for said in each.refused]
    if not files:
        return
    left = place.index.left_by_us(ref.key)
    files = tuple(entry for entry in files if entry.subpath not in left)
    if not files:
        _report(search, place, ref, "in flight", "a transfer that failed left what lies there", FINISHES)
        return
    known = place.known.get(ref.key)
    folders = {*found, *(known.folders if known else ())}
    manifest = Manifest(
        session=ref,
        dataset_type=place.location.dataset_type,
        alias=place.location.alias,
        generation=known.generation if known else 1,
        files=files,
        archived_at=database.now().replace(microsecond=0),
        evidence=listed_in(files, folders),
    )
    wish = Wish(
        described=False,
        restore=search.restore,
        meant=lambda key: search.wanted.meant(key, place.location),
        dry_run=search.dry_run,
    )
    try:
        place.index.write(manifest, wish)
    except NotMeant:
        return
    except Busy as busy:
        _report(search, place, ref, "in flight", busy.message, busy.remedy)
    except MapshellError as other:
        if ends(other):
            raise
        _report(search, place, ref, "refused", other.message, other.remedy, failed=True)
    else:
        said = f"{LISTED}; not taken: {refused[0]}" if refused else LISTED
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        _report(search, place, ref, "present", said + more, "", manifest, failed=bool(refused))


def _report(
    search: Search,
    place: Place,
    ref: SessionRef,
    state: Finding,
    reason: str,
    remedy: str,
    manifest: Manifest | None = None,
    *,
    failed: bool = False,
) -> None:
    files = manifest.files if manifest else ()
    search.report.sessions.append(
        FoundSession(
            place.location.alias,
            ref.h2o,
            ref.session,
            ref.session_date.isoformat(),
            state,
            subject_id=ref.subject_id,
            generation=manifest.generation if manifest else 0,
            files=len(files),
            size=sum(entry.size for entry in files),
            reason=reason,
            remedy=remedy,
            failed=failed,
        )
    )


def _strays(search: Search, place: Place, strays: Sequence[tuple[Matched, str, str, bool]]) -> None:
    """Report folders that no session gets, with what they hold."""
    for begin in range(0, len(strays), _AT_ONCE):
        some = strays[begin : begin + _AT_ONCE]
        found = contents(search.lister, place.location, [folder.subpath for folder, *_ in some])
        for folder, reason, remedy, refused in some:
            mine = found[folder.subpath]
            if mine.error is not None and ends(mine.error):
                raise mine.error
            search.report.folders.append(_stray(place, folder, reason, remedy, mine, refused=refused))


def _stray(
    place: Place,
    folder: ArchiveFolder | Matched,
    reason: str,
    remedy: str,
    found: Contents | None,
    *,
    refused: bool,
) -> FoundFolder:
    name = folder.name
    seems = {
        "animal": name.h2o,
        "date": " or ".join(day.isoformat() for day in name.dates),
        "ident": name.ident or "",
        "kind": {"catgt": "CatGT output", "supercat": "supercat output", "video": "tracking video"}.get(
            name.origin, "raw electrophysiology"
        ),
    }
    told = found is not None and found.error is None
    files, size = (len(found.files), found.size) if found is not None and told else (None, None)
    return FoundFolder(place.location.alias, folder.subpath, reason, remedy, seems, files, size, refused)
