"""Discovery's exact half: sessions that manifests at the archive describe."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from pipeline.archive.confirm import unconfirmed
from pipeline.archive.courier import Wanted as Read
from pipeline.archive.credible import doubt, folders, rivals
from pipeline.archive.manifest import MAX_BYTES, from_json
from pipeline.archive.paths import printable
from pipeline.archive.reader import THREADS, read_small
from pipeline.archive.scan import list_remote
from pipeline.discovered import FoundSession
from pipeline.discovery import pages
from pipeline.discovery.ahead import ahead
from pipeline.errors import IntegrityError, MapshellError
from pipeline.rebuild import Busy, NotMeant, Wish
from pipeline.search import Place, ends
from pipeline.sorting_out import refuse, report, undecided

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from pipeline.archive.manifest import Manifest
    from pipeline.archive.remote_find import Described
    from pipeline.archive.session import SessionKey
    from pipeline.archive.spool import Spool
    from pipeline.labrows import Entered
    from pipeline.search import Search

    Compared = tuple["Kept", Manifest, list[str] | MapshellError | None]

_LIES = "correct or rename that manifest at the archive, or enter the session by hand; nothing was taken from it."
_SMALL = 2 * 1024 * 1024
"""Manifests up to this size (bytes) are read many at once."""

_FILES = 10_000
"""Files of manifests that are written together, unless one manifest has more; twice as many are in memory."""

_SESSIONS = 100
"""Sessions that are written together at most."""

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


def read(search: Search, place: Place, wanted: Sequence[Described], spool: Spool) -> list[Kept]:
    """Read manifests, many at once; keep those that can be believed, report the others."""
    by_path = {described.subpath: described for described in wanted}
    kept: dict[str, Kept] = {}
    items = []
    for described in sorted(wanted, key=_newest, reverse=True):  # as they will be written, as far as names tell
        if described.size > MAX_BYTES:
            refuse(search, place, described, f"it has {described.size:,} bytes, more than any manifest", _LIES)
        else:
            items.append(Read(described.subpath, described.size))
    title, seen = f"reading manifests of {place.location.alias}", 0
    if items:
        search.progress.task(title, title, sum(item.size for item in items))
    for subpath, raw in _read(search, place, items):
        one = _believed(search, place, by_path[subpath], raw, spool)
        if one is not None:
            kept[subpath] = one
            place.claimed |= one.folders
        seen += by_path[subpath].size
        search.progress.update(title, seen)
    search.progress.done(title)

    def files(subpath: str) -> list[str]:
        manifest = from_json(spool.get(kept[subpath].spot), name=subpath)
        return [entry.subpath for entry in manifest.files]

    for subpath, (other, both) in rivals({name: one.folders for name, one in kept.items()}, files).items():
        why = f"it lists {printable(both)}, and so does {other}: only one of them can be right"
        refuse(search, place, by_path[subpath], why, _LIES, kept[subpath].key)
        del kept[subpath]
    return list(kept.values())


def _newest(described: Described) -> tuple[date, str]:
    return described.name.session_date, described.subpath


def _read(search: Search, place: Place, items: Sequence[Read]) -> Iterator[tuple[str, bytes | MapshellError]]:
    """Read manifests; of large ones fewer at once, since they are in memory then."""
    small, large = [i for i in items if i.size <= _SMALL], [i for i in items if i.size > _SMALL]
    for some, threads in ((small, THREADS), (large, 1)):
        if some:
            yield from read_small(
                search.store,
                place.location,
                some,
                place.root,
                search.patient,
                staging=search.staging,
                threads=threads,
            )


def _believed(
    search: Search, place: Place, described: Described, raw: bytes | MapshellError, spool: Spool
) -> Kept | None:
    """Keep a manifest, or report why it is not to be believed, or cannot be read."""
    if isinstance(raw, MapshellError):
        if ends(raw):
            raise raw
        report(search, place, described, None, "not read", raw.message, raw.remedy, failed=True)
        return None
    try:
        manifest = from_json(raw, name=described.subpath)
    except IntegrityError as error:
        refuse(search, place, described, error.message.rstrip("."), _LIES)
        return None
    subject = search.wanted.h2os.get(described.name.h2o)
    if subject is None and not search.wanted.subject(manifest.session.subject_id, described.name.h2o):
        return None
    why = doubt(manifest, place.location, described.subpath, place.layouts)
    if why:
        refuse(search, place, described, f"{described.subpath} cannot be true: {why}", _LIES)
        return None
    key = manifest.session.key
    if subject is not None and subject != key[0]:
        reason = (
            f"{described.subpath} says that {described.name.h2o} is subject {key[0]}, "
            f"but the lab's tables say that it is subject {subject}"
        )
        refuse(search, place, described, reason, _LIES)
        return None
    if subject is None:
        place.described.add(key)
        if not undecided(search, place, key, described):
            return None
    assert manifest.archived_at is not None  # noqa: S101  # doubt() has looked
    spot = spool.put(raw)
    search.early.offer(place.location, manifest)
    return Kept(place, described, key, spot, manifest.archived_at, len(manifest.files), folders(manifest.files))


def write(search: Search, kept: Sequence[Kept], spool: Spool) -> None:
    """Compare manifests with what the archive lists, and write their rows, the newest first.

    Where two manifests tell different things of one animal, the newer is believed.
    """
    ordered = sorted(kept, key=lambda one: (one.archived_at, one.described.subpath), reverse=True)
    title = "comparing with the archive and writing the index"
    if ordered:
        search.progress.task(title, title, 0)
    search.early.finish()
    count = 0
    for group in ahead(_compared(search, ordered, spool)):
        for one, manifest, wrong, entered in _entered(search, group):
            _write(search, one, manifest, wrong, entered)
            count += 1
            search.progress.update(title, 0, f"{count:,} of {len(ordered):,} sessions")
        del one, manifest, wrong, entered, group  # the next ones take their place in memory
    search.progress.done(title, f"{count:,} {'session' if count == 1 else 'sessions'}")


def _compared(search: Search, ordered: Sequence[Kept], spool: Spool) -> Iterator[list[Compared]]:
    """Yield groups of manifests with what the archive lists otherwise."""
    for group in _groups(ordered):
        manifests = [from_json(spool.get(one.spot), name=one.described.subpath) for one in group]
        wrong: dict[int, list[str] | MapshellError | None] = {
            number: search.early.wrong(one.place.location, one.described.subpath) for number, one in enumerate(group)
        }
        for place in search.places:
            mine = [
                number
                for number, one in enumerate(group)
                if one.place is place and not search.early.compared(place.location, one.described.subpath)
            ]
            found = unconfirmed(search.lister, place.location, [manifests[number] for number in mine])
            wrong.update({mine[number]: what for number, what in found.items()})
        yield [(one, manifests[number], wrong[number]) for number, one in enumerate(group)]


def _entered(search: Search, group: Sequence[Compared]) -> Iterator[tuple[*Compared, Entered | None]]:
    """Yield the manifests of a group in turn, with the rows that were made of those that were written together."""
    fit = [] if search.restore or search.dry_run or search.wanted.restricted else group
    for right, some in groupby(fit, lambda compared: not compared[2]):
        theirs = list(some)
        if right:
            written = pages.write([(one.place.index, manifest) for one, manifest, _ in theirs], lab=search.create)
            for number, entered in written:
                yield *theirs[number], entered
        else:
            yield from ((*compared, None) for compared in theirs)
    if not fit:
        yield from ((*compared, None) for compared in group)


def _groups(kept: Sequence[Kept]) -> Iterator[list[Kept]]:
    """Group manifests so that a group has many folders to list and not too many files."""
    group: list[Kept] = []
    files = 0
    for one in kept:
        if group and (files + one.files > _FILES or len(group) == _SESSIONS):
            yield group
            group, files = [], 0
        group.append(one)
        files += one.files
    if group:
        yield group


def _write(
    search: Search, one: Kept, manifest: Manifest, wrong: list[str] | MapshellError | None, entered: Entered | None
) -> None:
    """Write the rows of one session, unless they were ``entered`` already, and report it."""
    place, described = one.place, one.described
    if isinstance(wrong, MapshellError):
        if ends(wrong):
            raise wrong
        report(search, place, described, one.key, "not read", wrong.message, wrong.remedy, failed=True)
        return
    if wrong:
        more = f" (and {len(wrong) - _SHOWN} more)" if len(wrong) > _SHOWN else ""
        why = f"{described.subpath} is contradicted by the archive: {'; '.join(wrong[:_SHOWN])}{more}"
        refuse(search, place, described, why, _LIES, one.key)
        return
    try:
        if entered is None:
            entered = place.index.write(manifest, _wish(search, place))
    except NotMeant:
        return
    except Busy as error:
        report(search, place, described, one.key, "in flight", error.message, error.remedy)
        return
    except MapshellError as error:
        if ends(error):
            raise
        refuse(search, place, described, error.message, error.remedy, one.key)
        return
    place.unsettled.discard(described.name)
    gone = {(place.location.alias, *key) for key in place.index.followed - {one.key}}  # they miss no manifest
    told = search.report.sessions
    search.report.sessions[:] = [each for each in told if (each.alias, each.subject_id, each.session) not in gone]
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


def _wish(search: Search, place: Place) -> Wish:
    at = place.location
    return Wish(
        lab=search.create,
        restore=search.restore,
        meant=lambda key: search.wanted.meant(key, place.location),
        dry_run=search.dry_run,
        listed=lambda subpath: subpath in list_remote(search.store, at.endpoint, at.path, [subpath]),
    )
