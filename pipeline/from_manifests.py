"""Discovery's exact half: sessions that manifests at the archive describe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.confirm import unconfirmed
from pipeline.archive.courier import Wanted as Read
from pipeline.archive.credible import doubt, folders, rivals
from pipeline.archive.manifest import MAX_BYTES, from_json
from pipeline.archive.paths import printable
from pipeline.archive.reader import read_small
from pipeline.discovered import FoundSession
from pipeline.errors import IntegrityError, MapshellError
from pipeline.rebuild import Busy, NotMeant, Wish
from pipeline.search import Place, ends

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from pipeline.archive.manifest import Manifest
    from pipeline.archive.remote_find import Animal, Described
    from pipeline.archive.session import SessionKey
    from pipeline.archive.spool import Spool
    from pipeline.discovered import Finding
    from pipeline.search import Search

_LOOK = "nothing was changed; look at it with `mapshell publication-verify`."
_LIES = "correct or rename that manifest at the archive, or enter the session by hand; nothing was taken from it."
_FILES = 20_000
"""Files of manifests in memory at once, unless one manifest has more."""

_SHOWN = 3
"""How many differences of a manifest are told."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A manifest that was read and can be believed: where it is kept, and what orders it."""

    place: Place
    described: Described
    key: SessionKey
    spot: tuple[int, int]
    archived_at: datetime
    files: int
    folders: frozenset[str]


def sort_out(search: Search, place: Place, animal: Animal) -> list[Described]:
    """Decide by their names which manifests of an animal must be read; the others' outcomes are reported."""
    wanted = []
    subject = search.wanted.h2os.get(animal.h2o)
    for described in sorted(animal.described, key=lambda each: (each.name.session_date, each.name.session)):
        if not search.wanted.described(described.name):
            continue
        if subject is None:
            wanted.append(described)
            continue
        key = (subject, described.name.session)
        place.described.add(key)
        if search.is_meant(key, described.name.session_date, place) and _undecided(search, place, key, described):
            wanted.append(described)
    return wanted


def _undecided(search: Search, place: Place, key: SessionKey, described: Described) -> bool:
    """Say whether a manifest must be read; report the session where the names alone tell that it must not."""
    known = place.known.get(key)
    in_lab = key in search.lab.refs
    if known is not None and known.archived and known.described == described.subpath:
        _report(search, place, described, key, "known")
        return False
    if key in place.working or place.journalled.get(key):
        who = place.working.get(key)
        reason = f"{who} works on it" if who else "its transfer is under way"
        _report(search, place, described, key, "in flight", reason, "`mapshell publication-publish` gathers it.")
    elif key in place.withdrawn and not search.restore:
        row = place.withdrawn[key]
        reason = f"its archived row was deleted on purpose on {row['withdrawn_at']:%Y-%m-%d}, on {row['computer']}"
        _report(search, place, described, key, "withdrawn", reason, _RESTORE)
    elif (known is not None or key in place.journalled) and not in_lab and not search.restore:
        reason = "its session was deleted from the lab's tables after it had been archived"
        _report(search, place, described, key, "deleted", reason, _RESTORE_SESSION)
    elif known is None and key in place.journalled and not search.restore:
        reason = "its dataset was deleted from the index, whose journal says that it was archived"
        _report(search, place, described, key, "deleted", reason, _RESTORE)
    elif not in_lab and not search.create:
        reason = "the lab's tables have no such session"
        _report(search, place, described, key, "no session", reason, _CREATE)
    elif known is not None and known.described and known.generation > described.name.generation:
        reason = f"the index has generation {known.generation}, the archive's newest manifest is {described.subpath}"
        _report(search, place, described, key, "refused", reason, _LOOK)
    else:
        return True
    if known is None or not known.archived:
        place.unsettled.add((described.name.h2o, described.name.session_date))
    return False


_RESTORE = "leave it, or bring it back on purpose: `mapshell publication-discover --restore`."
_RESTORE_SESSION = "leave it, or bring it back on purpose: `mapshell publication-discover --restore --create-sessions`."
_CREATE = "enter it, or let its manifest do so: `mapshell publication-discover --create-sessions`."


def lost_manifests(search: Search, place: Place, animals: Sequence[str]) -> None:
    """Name the sessions of which the index knows a manifest that the archive does not list."""
    listed = set(animals)
    for key, known in sorted(place.known.items()):
        if known.described and known.h2o in listed and key not in place.described:
            ref = search.lab.refs.get(key)
            if ref is None or not search.is_meant(key, known.session_date, place):
                continue
            search.report.sessions.append(
                FoundSession(
                    place.location.alias,
                    known.h2o,
                    key[1],
                    known.session_date.isoformat(),
                    "refused",
                    subject_id=key[0],
                    generation=known.generation,
                    reason=f"the archive does not list its manifest {known.described}, which the index knows",
                    remedy=_LOOK,
                    failed=True,
                )
            )


def read(search: Search, place: Place, wanted: Sequence[Described], spool: Spool) -> list[Kept]:
    """Read manifests, many at once; keep those that can be believed, report the others."""
    by_path = {described.subpath: described for described in wanted}
    kept: dict[str, Kept] = {}
    items = []
    for described in wanted:
        if described.size > MAX_BYTES:
            _refuse(search, place, described, f"it has {described.size:,} bytes, more than any manifest", _LIES)
        else:
            items.append(Read(described.subpath, described.size))
    title = f"reading manifests of {place.location.alias}"
    search.progress.task(title, title, len(items))
    reading = read_small(search.store, place.location, items, place.root, search.patient, staging=search.staging)
    for count, (subpath, raw) in enumerate(reading if items else (), 1):
        one = _believed(search, place, by_path[subpath], raw, spool)
        if one is not None:
            kept[subpath] = one
            place.claimed |= one.folders
        search.progress.update(title, count)
    search.progress.done(title)

    def files(subpath: str) -> list[str]:
        manifest = from_json(spool.get(kept[subpath].spot), name=subpath)
        return [entry.subpath for entry in manifest.files]

    for subpath, (other, both) in rivals({name: one.folders for name, one in kept.items()}, files).items():
        why = f"it lists {printable(both)}, and so does {other}: only one of them can be right"
        _refuse(search, place, by_path[subpath], why, _LIES, kept[subpath].key)
        del kept[subpath]
    return list(kept.values())


def _believed(
    search: Search, place: Place, described: Described, raw: bytes | MapshellError, spool: Spool
) -> Kept | None:
    """Keep a manifest, or report why it is not to be believed, or cannot be read."""
    if isinstance(raw, MapshellError):
        if ends(raw):
            raise raw
        _report(search, place, described, None, "not read", raw.message, raw.remedy, failed=True)
        place.unsettled.add((described.name.h2o, described.name.session_date))
        return None
    try:
        manifest = from_json(raw, name=described.subpath)
    except IntegrityError as error:
        _refuse(search, place, described, error.message.rstrip("."), _LIES)
        return None
    why = doubt(manifest, place.location, described.subpath)
    if why:
        _refuse(search, place, described, f"{described.subpath} cannot be true: {why}", _LIES)
        return None
    key = manifest.session.key
    subject = search.wanted.h2os.get(described.name.h2o)
    if subject is not None and subject != key[0]:
        reason = (
            f"{described.subpath} says that {described.name.h2o} is subject {key[0]}, "
            f"but the lab's tables say that it is subject {subject}"
        )
        _refuse(search, place, described, reason, _LIES)
        return None
    if subject is None:
        if not search.wanted.subject(key[0], described.name.h2o):
            return None
        place.described.add(key)
        if not _undecided(search, place, key, described):
            return None
    assert manifest.archived_at is not None  # noqa: S101  # doubt() has looked
    spot = spool.put(raw)
    return Kept(place, described, key, spot, manifest.archived_at, len(manifest.files), folders(manifest.files))


def write(search: Search, kept: Sequence[Kept], spool: Spool) -> None:
    """Compare manifests with what the archive lists, and write their rows, the newest first.

    Where two manifests tell different things of one animal, the newer is believed.
    """
    ordered = sorted(kept, key=lambda one: (one.archived_at, one.described.subpath), reverse=True)
    title = "comparing with the archive and writing the index"
    search.progress.task(title, title, len(ordered))
    count = 0
    for group in _groups(ordered):
        manifests = [from_json(spool.get(one.spot), name=one.described.subpath) for one in group]
        wrong: dict[int, list[str] | MapshellError] = {}
        for place in search.places:
            mine = [number for number, one in enumerate(group) if one.place is place]
            found = unconfirmed(search.lister, place.location, [manifests[number] for number in mine])
            wrong.update({mine[number]: what for number, what in found.items()})
        for number, one in enumerate(group):
            _write(search, one, manifests[number], wrong.get(number))
            count += 1
            search.progress.update(title, count)
    search.progress.done(title)


def _groups(kept: Sequence[Kept]) -> Iterator[list[Kept]]:
    """Group manifests so that a group has many folders to list and not too many files."""
    group: list[Kept] = []
    for one in kept:
        if group and sum(each.files for each in group) + one.files > _FILES:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _write(search: Search, one: Kept, manifest: Manifest, wrong: list[str] | MapshellError | None) -> None:
    """Write the rows of one session, and report it."""
    place, described = one.place, one.described
    if isinstance(wrong, MapshellError):
        if ends(wrong):
            raise wrong
        _report(search, place, described, one.key, "not read", wrong.message, wrong.remedy, failed=True)
        return
    if wrong:
        more = f" (and {len(wrong) - _SHOWN} more)" if len(wrong) > _SHOWN else ""
        why = f"{described.subpath} is contradicted by the archive: {'; '.join(wrong[:_SHOWN])}{more}"
        _refuse(search, place, described, why, _LIES, one.key)
        return
    wish = Wish(
        lab=search.create,
        restore=search.restore,
        meant=lambda key: search.wanted.meant(key, place.location),
        dry_run=search.dry_run,
    )
    try:
        entered = place.index.write(manifest, wish)
    except NotMeant:
        return
    except Busy as error:
        _report(search, place, described, one.key, "in flight", error.message, error.remedy)
        return
    except MapshellError as error:
        if ends(error):
            raise
        _refuse(search, place, described, error.message, error.remedy, one.key)
        return
    search.report.sessions.append(
        FoundSession(
            place.location.alias,
            described.name.h2o,
            one.key[1],
            described.name.session_date.isoformat(),
            "discovered",
            subject_id=one.key[0],
            generation=manifest.generation,
            files=len(manifest.files),
            size=sum(entry.size for entry in manifest.files),
            made=frozenset(entered.made),
            notes=tuple(entered.notes),
        )
    )


def _refuse(
    search: Search, place: Place, described: Described, reason: str, remedy: str, key: SessionKey | None = None
) -> None:
    place.unsettled.add((described.name.h2o, described.name.session_date))
    _report(search, place, described, key, "refused", reason, remedy, failed=True)


def _report(
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
