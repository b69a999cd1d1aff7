"""First half of verify: every chosen session compared with what the archive lists."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive import drift
from pipeline.archive.drift import Source
from pipeline.archive.lister import Lister
from pipeline.archive.naming import compile_layout
from pipeline.archive.paths import join_local
from pipeline.archive.presence import Presence, Seen
from pipeline.archive.relocate import under_way
from pipeline.archive.session import file_id
from pipeline.errors import GlobusError, GlobusUnavailable, LoginNeeded, MapshellError, NameRefused, Refused
from pipeline.here import local_roots
from pipeline.holdings import holdings, locations_by_alias, without_row
from pipeline.journal import TableJournal
from pipeline.verified import MOST_NAMED as MOST_UNKNOWN
from pipeline.verified import SessionCheck
from pipeline.verify_rows import damaged_before, last_looks
from pipeline.verify_strays import Animals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from pipeline.archive.journal import Entry
    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.ports import Progress, Store
    from pipeline.archive.session import Location
    from pipeline.holdings import Holding
    from pipeline.sessionless import Sessionless
    from pipeline.settings import Settings
    from pipeline.verified import VerifyReport
    from pipeline.verify_rows import Recorder

_SESSIONS, _FILES = 50, 20_000
"""Sessions that are compared together, and about how many files they have at most."""


class PresencePass:
    """Compares the listings of one storage location with sessions of the index.

    Parameters
    ----------
    settings
        This computer's settings.
    store
        The Globus login.
    location
        The storage location.
    report
        Gets a :class:`SessionCheck` for each session, and what belongs to none.
    recorder
        Writes the results down.
    """

    def __init__(
        self, settings: Settings, store: Store, location: Location, report: VerifyReport, recorder: Recorder
    ) -> None:
        self._store = store
        self.location = self._location = location
        self._report = report
        self._recorder = recorder
        self._journal = TableJournal(location, {}, settings.archive.computer)
        self._roots = local_roots(settings, location.alias)
        places = locations_by_alias().values()
        self._aliases = [p.alias for p in places if (p.endpoint, p.path) == (location.endpoint, location.path)]
        self._layouts = tuple(map(compile_layout, settings.archive.layouts.get(location.dataset_type, ())))
        self._animals = Animals(location, self._aliases, self._layouts)
        self._open: list[Entry] | None = None
        self._lost: dict[str, str] = {}

    def run(self, chosen: Any, progress: Progress, over: Callable[[], bool], gone: Sequence[Sessionless] = ()) -> None:
        """Compare the sessions of a restricted table, those longest not looked at first, then those that are ``gone``.

        Raises
        ------
        LoginNeeded, GlobusUnavailable
            Nothing more can be asked; what was compared is in the report.
        """
        looks = last_looks(self._location)
        oldest = self._animals.oldest(looks)
        every = holdings(chosen, lambda _, h2o: oldest.get(h2o, ""))
        lost = {each.dataset: each for each in gone}
        without = without_row(self._location, [name for name, each in lost.items() if not each.has_row])
        every = chain(every, without)
        self._lost = {name: each.remedy for name, each in lost.items()}
        key, total = f"present-{self._location.alias}", len(chosen) + sum(not each.has_row for each in gone)
        progress.task(key, f"{self._location.alias}: listings of {total} sessions", 0)
        done = 0
        with Lister(self._store) as lister:
            presence = Presence(lister, self._location, self._layouts, self.source)
            for batch in _batches(every):
                if over():
                    self._report.limit = "time"
                    break
                self._compare(presence, lister, batch)
                done += len(batch)
                progress.update(key, 0, f"{done} of {total} sessions")
        self._report.not_reached += total - done
        progress.done(key, f"{done} of {total} sessions compared")

    def look_for_animals(self) -> None:
        """Name the folders beside those of the index's animals: what is there, discover can tell.

        A location that cannot be listed has told so by its sessions.

        Raises
        ------
        LoginNeeded, GlobusUnavailable
            Nothing more can be asked.
        """
        try:
            listing = self._store.ls(self._location.endpoint, self._location.path)
        except (LoginNeeded, GlobusUnavailable):
            raise
        except GlobusError:
            return
        names = self._animals.unknown(listing)
        if names:
            self._report.animals[self._location.alias] = names

    def _compare(self, presence: Presence, lister: Lister, batch: Sequence[Holding]) -> None:
        now = database.now()
        try:
            seen = presence.look([(holding.manifest, holding.described) for holding in batch])
        except (LoginNeeded, GlobusUnavailable):
            raise
        except MapshellError as error:  # the collection or its root: nothing is known of any session
            self._report.sessions.extend(_failed(holding, now, error) for holding in batch)
            return
        self._open = None  # read again after the listings: an entry is there before its first file
        names = [holding.manifest.name for holding in batch]
        damaged = damaged_before(self._location.alias, names)
        for holding, look in zip(batch, seen, strict=True):
            if not self._is_moving(look):
                self._explain(look)
            check = _check(holding, look, now)
            check.lost = self._lost.get(holding.manifest.name, "")
            self._recorder.sizes(check, look.learnt)
            check.drift += self._damaged(holding, look, damaged.get((self._location.alias, holding.manifest.name), {}))
            self._report.sessions.append(check)
            self._recorder.session(check)
        for h2o in self._animals.finished(batch):
            strays = self._animals.strays(h2o, presence.listing(h2o), lister, self._accounted)
            self._report.strays.extend(strays)

    # -- what the index does not have --------------------------------------------------------------------------

    def _is_moving(self, look: Seen) -> bool:
        """Say whether files of a session get other names now, or got them since it was read: nothing is compared."""
        manifest, key = look.manifest, look.manifest.session.key
        entry = next((e for e in self._entries() if e.purpose == "move" and any(p.key == key for p in e.parts)), None)
        why = "" if entry is None else under_way(entry)
        if not why and look.wrong:
            now = self._journal.indexed([key]).get(key)
            why = "" if now is not None and now.generation == manifest.generation else "the index got a new generation"
        if why:
            look.drift, look.extra = [], {}
            look.errors[""] = Refused(
                f"Not compared, because meanwhile {why}.", remedy="verify again when that has ended."
            )
        return bool(why)

    def _explain(self, look: Seen) -> None:
        """Take out of the extra files what has a reason: the index got it meanwhile, or it is being published."""
        if look.extra:
            flying = self._flying(look.extra)  # first: what is committed between the two is found by the second
            known = self._indexed(look.extra)
            look.under_way = len(flying - known)
            failed = self._journal.leftovers(look.manifest.session.key) & (look.extra.keys() - known - flying)
            look.left.extend(sorted(failed))
            for subpath in known | flying | failed:
                del look.extra[subpath]
        session = look.manifest.session
        look.drift.extend(drift.foreign(self._location, session, name, size) for name, size in look.extra.items())
        newer = [each for each in look.drift if each.kind == "newer"]
        if newer:
            now = self._journal.indexed([session.key]).get(session.key)
            if self._is_flying(session.key) or (now is not None and now.generation > look.manifest.generation):
                look.drift = [each for each in look.drift if each.kind != "newer"]

    def _accounted(self, subpaths: Collection[str]) -> set[str]:
        self._open = None
        return self._flying(subpaths) | self._indexed(subpaths)

    def _indexed(self, subpaths: Collection[str]) -> set[str]:
        """Return which files are in the index by now, of whichever session."""
        names = {file_id(subpath): subpath for subpath in subpaths}
        files = publication.DataSet.PhysicalFile() & [{"globus_alias": alias} for alias in self._aliases]
        rows = (files & [{"file_id": each} for each in names]).proj().to_dicts()
        return {names[row["file_id"]] for row in rows}

    def _entries(self) -> list[Entry]:
        if self._open is None:
            self._open = self._journal.unfinished()
        return self._open

    def _flying(self, subpaths: Collection[str]) -> set[str]:
        """Return which files a transfer that has not been committed yet brings."""
        prefix = self._location.path.rstrip("/") + "/"
        brought = {i.destination.removeprefix(prefix) for entry in self._entries() for i in entry.request.items}
        moves = [part.manifest for entry in self._entries() if entry.purpose == "move" for part in entry.parts]
        brought |= {name for manifest in moves for name in (manifest.subpath, *(e.subpath for e in manifest.files))}
        return brought & set(subpaths)

    def _is_flying(self, key: tuple[int, int]) -> bool:
        return any(part.key == key for entry in self._entries() for part in entry.parts)

    # -- remedies ----------------------------------------------------------------------------------------------

    def source(self, entry: FileEntry) -> Source | None:
        """Return where this computer has a file of this name and size."""
        for root in self._roots:
            try:
                if join_local(root.local_path, entry.subpath).stat().st_size == entry.size:
                    return Source(root)
            except (OSError, NameRefused, ValueError):
                continue
        return None

    def _damaged(self, holding: Holding, look: Seen, rows: Any) -> list[drift.Drift]:
        """Repeat what earlier readings found: a listing cannot tell that it was mended."""
        found = []
        for entry in holding.manifest.files:
            row = rows.get(file_id(entry.subpath))
            if row is not None and entry.subpath not in look.wrong:
                said = row["seen_sha1"] or "of a file of another size"
                when = f" (read on {row['checked_at']:%Y-%m-%d %H:%M} UTC)"
                found.append(drift.other_bytes(self._location, entry, said, self.source(entry), when))
        return found


def _batches(every: Iterator[Holding]) -> Iterator[list[Holding]]:
    batch: list[Holding] = []
    files = 0
    for holding in every:
        if batch and (len(batch) >= _SESSIONS or files + len(holding.manifest.files) > _FILES):
            yield batch
            batch, files = [], 0
        batch.append(holding)
        files += len(holding.manifest.files)
    if batch:
        yield batch


def _check(holding: Holding, look: Seen, now: datetime) -> SessionCheck:
    files = holding.manifest.files
    unknown = [entry.subpath for entry in files if entry.sha1 is None]
    return SessionCheck(
        session=holding.manifest.session,
        alias=holding.location.alias,
        dataset=holding.manifest.name,
        files=len(files),
        size=sum(entry.size for entry in files) + sum(size for size, _ in look.learnt.values()),
        learnt=len(look.learnt),
        looked_at=now,
        described=holding.described,
        manifest_size=look.manifest_size,
        present=look.present,
        unknown=len(unknown),
        unknown_names=unknown[:MOST_UNKNOWN],
        drift=look.drift,
        more_extra=look.more,
        left=look.left,
        under_way=look.under_way,
        errors=list(look.errors.values()),
    )


def _failed(holding: Holding, now: datetime, error: MapshellError) -> SessionCheck:
    return _check(holding, Seen(holding.manifest, holding.described, errors={"": error}), now)
