"""Which manifests of an archive must be read, decided by their names, and what is reported of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.discovered import FoundSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.remote_find import Animal, Described
    from pipeline.archive.session import SessionKey
    from pipeline.discovered import Finding
    from pipeline.known_index import Known
    from pipeline.search import Place, Search

_MOVING = "its files get other names at the archive"
_PUBLISH = "`mapshell publication-publish` brings it to an end."
_LOOK = "nothing was changed; look at it with `mapshell publication-verify`."


def sort_out(search: Search, place: Place, animal: Animal) -> list[Described]:
    """Decide by their names which manifests of an animal must be read; the others' outcomes are reported."""
    wanted = []
    subject = search.wanted.h2os.get(animal.h2o)
    for described in sorted(animal.described, key=lambda each: (each.name.session_date, each.name.session)):
        place.unsettled.add(described.name)
        key = None if subject is None else (subject, described.name.session)
        if key is not None:
            place.described.add(key)
            if (known := place.known.get(key)) is not None and known.archived and known.described == described.subpath:
                place.unsettled.discard(described.name)
        if not search.wanted.described(described.name):
            continue
        if key is None or (
            search.is_meant(key, described.name.session_date, place) and undecided(search, place, key, described)
        ):
            wanted.append(described)
    return wanted


def undecided(search: Search, place: Place, key: SessionKey, described: Described) -> bool:
    """Say whether a manifest must be read; report the session where the names alone tell that it must not."""
    known = place.known.get(key)
    in_lab = key in search.lab.refs
    if known is not None and known.archived and known.described == described.subpath:
        search.report.sessions.append(as_known(place, key, known))
        return False
    if key in place.working or place.journalled.get(key):
        who = place.working.get(key)
        reason = f"{who} works on it" if who else "its transfer is under way"
        report(search, place, described, key, "in flight", reason, "`mapshell publication-publish` gathers it.")
    elif key in place.withdrawn and not search.restore:
        row = place.withdrawn[key]
        reason = f"its archived row was deleted on purpose on {row['withdrawn_at']:%Y-%m-%d}, on {row['computer']}"
        report(search, place, described, key, "withdrawn", reason, _RESTORE)
    elif (known is not None or key in place.journalled) and not in_lab and not search.restore:
        reason = "its session was deleted from the lab's tables after it had been archived"
        report(search, place, described, key, "deleted", reason, _RESTORE_SESSION)
    elif known is None and key in place.journalled and not search.restore:
        reason = "its dataset was deleted from the index, whose journal says that it was archived"
        report(search, place, described, key, "deleted", reason, _RESTORE)
    elif not in_lab and not search.create:
        reason = "the lab's tables have no such session"
        report(search, place, described, key, "no session", reason, _CREATE)
    elif known is not None and known.described and known.generation > described.name.generation:
        reason = f"the index has generation {known.generation}, the archive's newest manifest is {described.subpath}"
        report(search, place, described, key, "refused", reason, _LOOK)
    else:
        return True
    if search.report.sessions[-1].state in ("withdrawn", "deleted"):
        place.left.add(described.name)
    return False


_RESTORE = "leave it, or bring it back on purpose: `mapshell publication-discover --restore`."
_RESTORE_SESSION = "leave it, or bring it back on purpose: `mapshell publication-discover --restore --create-sessions`."
_CREATE = "enter it, or let its manifest do so: `mapshell publication-discover --create-sessions`."


def as_known(place: Place, key: SessionKey, known: Known, reason: str = "", remedy: str = "") -> FoundSession:
    """Report a session as the index has it; with a reason, as one that needs a person."""
    return FoundSession(
        place.location.alias,
        known.h2o,
        key[1],
        known.session_date.isoformat(),
        "refused" if reason else "known",
        subject_id=key[0],
        generation=known.generation,
        files=known.files,
        size=known.size,
        reason=reason,
        remedy=remedy,
        failed=bool(reason),
    )


def lost_manifests(search: Search, place: Place, animals: Sequence[str]) -> None:
    """Name the sessions of which the index knows a manifest that the archive does not list."""
    listed = set(animals)
    for key, known in sorted(place.known.items()):
        if known.described and known.h2o in listed and key not in place.described:
            ref = search.lab.refs.get(key)
            if ref is None or not search.is_meant(key, known.session_date, place):
                continue
            if key in place.working or place.journalled.get(key):
                known_now = as_known(place, key, known)
                search.report.sessions.append(replace(known_now, state="in flight", reason=_MOVING, remedy=_PUBLISH))
                continue
            why = f"the archive does not list its manifest {known.described}, which the index knows"
            search.report.sessions.append(as_known(place, key, known, why, _LOOK))


def known_by_listing(search: Search, place: Place, animal: Animal) -> None:
    """Count the sessions of an animal that were found without a manifest before, and whose folders are still there."""
    listed = {folder.subpath for folder in animal.folders}
    mine = {key: known for key, known in place.known.items() if known.h2o == animal.h2o and known.archived}
    by_listing = {key for key, known in mine.items() if not known.described and listed.intersection(known.folders)}
    alias = place.location.alias
    told = {(found.subject_id, found.session) for found in search.report.sessions if found.alias == alias}
    for key in sorted(by_listing - place.described - told):
        if key in search.lab.refs and search.is_meant(key, mine[key].session_date, place):
            search.report.sessions.append(as_known(place, key, mine[key]))


def refuse(
    search: Search, place: Place, described: Described, reason: str, remedy: str, key: SessionKey | None = None
) -> None:
    """Report a session whose manifest is not to be believed."""
    report(search, place, described, key, "refused", reason, remedy, failed=True)


def report(
    search: Search,
    place: Place,
    described: Described,
    key: SessionKey | None,
    state: Finding,
    reason: str = "",
    remedy: str = "",
    *,
    failed: bool | None = None,
) -> None:
    """Report what became of the session that a manifest's name tells of."""
    name = described.name
    subject = key[0] if key is not None else search.wanted.h2os.get(name.h2o)
    search.report.sessions.append(
        FoundSession(
            place.location.alias,
            name.h2o,
            name.session,
            name.session_date.isoformat(),
            state,
            subject_id=subject,
            generation=name.generation,
            reason=reason,
            remedy=remedy,
            failed=state == "refused" if failed is None else failed,
        )
    )
