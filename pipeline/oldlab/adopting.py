"""The predecessor's rows taken over into our index: planned from what both say, then written session by session.

The older database is only read.  A session is *present* afterwards: nobody has looked whether the archive holds its
files, or how large they are; verify or discover does, and completes the rows.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import database, publication, sessions
from pipeline.archive.filetypes import classify
from pipeline.archive.manifest import FileEntry, Manifest
from pipeline.archive.paths import top_folders
from pipeline.database import binding
from pipeline.errors import DatabaseError, GlobusUnavailable, LoginNeeded, MapshellError
from pipeline.journal import TableJournal
from pipeline.known_index import KnownIndex
from pipeline.oldlab import places
from pipeline.oldlab.adopted import AdoptedSession, Adoption
from pipeline.oldlab.evidence import as_evidence, is_adopted
from pipeline.oldlab.old_tables import OldTables
from pipeline.oldlab.since import reassigned
from pipeline.oldlab.spelling import merged
from pipeline.rebuild import Busy, Index, Wish
from pipeline.settings.lab import OLD_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from pipeline.archive.ports import Progress
    from pipeline.archive.session import Location, SessionKey, SessionRef
    from pipeline.oldlab.old_tables import OldSession
    from pipeline.settings import Settings

_ENDS = (LoginNeeded, GlobusUnavailable, DatabaseError)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A session that can be taken over, as it will be written."""

    session: AdoptedSession
    manifest: Manifest


def adopt(
    settings: Settings, *, prefix: str | None = None, dry_run: bool = False, progress: Progress | None = None
) -> Adoption:
    """Take over the rows of a map-ephys database on the same server.

    Parameters
    ----------
    settings
        This computer's settings; the database must be bound.
    prefix
        What the names of its schemas begin with; by default those that the settings name, else ``map_v2_``.
    dry_run
        Say what would be done; nothing is written.
    progress
        Who wants to see how far it is.

    Returns
    -------
    Adoption
        Every session of the older database with what became of it.

    Raises
    ------
    UsageError
        There is no such database, or it is of another kind.
    DatabaseReadOnly
        The account may not write our tables.
    """
    if not dry_run:
        database.ensure_writable()
    old = _open(settings, prefix)
    found = old.sessions()
    result = Adoption(old.publication, dry_run)
    result.places, usable = places.compare(settings, old.locations(), found)
    result.untied = [f"{name} ({alias})" for alias, name in old.untied()]
    result.without_files = old.without_dataset()
    lab, dates = sessions.load(), _dates(old)
    by_alias: dict[str, list[OldSession]] = defaultdict(list)
    for each in found:
        by_alias[each.alias].append(each)
    try:
        for alias, mine in sorted(by_alias.items()):
            if alias not in usable:
                result.sessions += [_no_place(each) for each in mine]
                continue
            _adopt_at(settings, usable[alias], mine, old, lab, dates, result, progress)
    except MapshellError as error:
        result.stopped = error
    return result


def _open(settings: Settings, prefix: str | None) -> OldTables:
    present = binding.get_current()
    named = dict(settings.database.lab_schemas or ())
    if prefix is not None:
        named = {group: prefix + group for group in ("publication", "experiment")}
    theirs = {group: named.get(group, OLD_PREFIX + group) for group in ("publication", "experiment")}
    assert present is not None  # noqa: S101 - the caller has bound the tables
    return OldTables(present.connection, theirs["publication"], theirs["experiment"])


def _dates(old: OldTables) -> dict[SessionKey, date] | None:
    """Return the dates of the older database's sessions; empty when they are the very rows that we read too."""
    present = binding.get_current()
    standing_in = present is not None and present.lab.schemas.get("experiment") == old.experiment
    return {} if standing_in else old.dates()


def _adopt_at(
    settings: Settings,
    location: Location,
    found: Sequence[OldSession],
    old: OldTables,
    lab: sessions.LabSessions,
    dates: dict[SessionKey, date] | None,
    result: Adoption,
    progress: Progress | None,
) -> None:
    """Plan, then write, the sessions of one storage location."""
    title = f"{'comparing' if result.dry_run else 'adopting'} {location.alias}"
    if progress is not None:
        progress.task(title, title, 0)
    journal = TableJournal(location, lab.refs, settings.archive.computer)
    plans = list(_plans(location, found, old, lab, dates, journal, result))
    if not result.dry_run and plans:
        places.write_down(location)
        with Index(location, lab.refs, settings.archive.computer) as index:
            for count, planned in enumerate(plans, 1):
                _write(index, planned)
                if progress is not None:
                    progress.update(title, 0, f"{count:,} of {len(plans):,} sessions")
    if progress is not None:
        progress.done(title, f"{len(plans):,} sessions")


def _plans(
    location: Location,
    found: Sequence[OldSession],
    old: OldTables,
    lab: sessions.LabSessions,
    dates: dict[SessionKey, date] | None,
    journal: TableJournal,
    result: Adoption,
) -> Iterator[_Planned]:
    """Yield what can be taken over; every session is in the result afterwards."""
    index = KnownIndex(location)
    known, withdrawn, flying = index.known(), index.withdrawn(), index.journalled()
    evidence = _evidence(location)
    working = journal.working()
    spelt: dict[str, list[str]] = {}
    for (_, name), spellings in old.files((each.alias, name) for each in found for name in each.datasets):
        spelt[name] = spellings
    for each in found:
        ref = lab.refs.get(each.key)
        mine = AdoptedSession(each.key, each.alias, each.kind, tuple(each.datasets), "refused")
        result.sessions.append(mine)
        if each.kind != location.dataset_type:
            _refuse(mine, f"its dataset is of type {each.kind}, but {location.alias} holds {location.dataset_type}")
            continue
        if ref is None:
            _no_session(mine, each.key in lab.nameless)
            continue
        mine.h2o, mine.session_date = ref.h2o, ref.session_date.isoformat()
        if dates is None or (dates and dates.get(each.key) != ref.session_date):
            _other_day(mine, dates, ref.session_date.isoformat(), old.experiment)
            continue
        files, mine.refused_files = merged([each for name in mine.datasets for each in spelt.get(name, ())], ref.h2o)
        mine.files, mine.spellings = len(files), sum(map(len, files.values()))
        if gone := reassigned(each.key, files, evidence, journal.indexed):
            files = {subpath: spellings for subpath, spellings in files.items() if subpath not in gone}
        there = known.get(each.key)
        if each.key in working or flying.get(each.key):
            mine.state, mine.reason = "in flight", f"{working.get(each.key, 'a transfer')} works on it"
            mine.remedy = "adopt again when that has ended."
        elif each.key in withdrawn or (there is None and each.key in flying):
            mine.state = "withdrawn"
        elif there is not None and there.described:
            mine.state = "archived"
        elif gone and not files:
            mine.state = "reassigned"
        elif not files:
            _refuse(mine, "its dataset holds no file that could be meant" if mine.refused_files else "it has no files")
        else:
            had = journal.indexed([each.key]).get(each.key)
            if had is not None and not is_adopted(evidence.get(each.key, {})):
                mine.state = "found"
                continue
            indexed = {entry.subpath for entry in had.files} if had else set()
            mine.new = len(files.keys() - indexed)
            mine.state = "adopted" if mine.new else "known"
            if mine.state == "adopted":
                yield _Planned(mine, _manifest(location, ref, sorted(files), mine, old.publication))


def _evidence(location: Location) -> dict[SessionKey, Any]:
    table = publication.archived_table(location.dataset_type) & {"globus_alias": location.alias}
    return {(row["subject_id"], row["session"]): row["evidence"] for row in table.to_dicts()}


def _manifest(location: Location, ref: SessionRef, files: Sequence[str], mine: AdoptedSession, source: str) -> Manifest:
    return Manifest(
        session=ref,
        dataset_type=location.dataset_type,
        alias=location.alias,
        generation=1,
        files=tuple(FileEntry(subpath, 0, 0, classify(subpath), sized=False) for subpath in files),
        archived_at=database.now().replace(microsecond=0),
        evidence=as_evidence(source, mine.datasets, len(files), top_folders(files)),
    )


def _write(index: Index, planned: _Planned) -> None:
    """Write one session, in a transaction of its own; what forbids it is said of the session."""
    mine = planned.session
    try:
        index.write(planned.manifest, Wish(described=False))
    except Busy as busy:
        mine.state, mine.new, mine.reason, mine.remedy = (
            "in flight",
            0,
            busy.message,
            "adopt again when that has ended.",
        )
    except MapshellError as error:
        if isinstance(error, _ENDS):
            raise
        mine.new = 0
        _refuse(mine, error.message, error.remedy)


def _refuse(mine: AdoptedSession, reason: str, remedy: str = "") -> None:
    mine.state, mine.reason = "refused", reason
    mine.remedy = remedy or "look at its rows in the older database; discover finds what the archive holds."


def _no_place(each: OldSession) -> AdoptedSession:
    mine = AdoptedSession(each.key, each.alias, each.kind, tuple(each.datasets), "refused")
    _refuse(
        mine,
        f"nobody knows where {each.alias} lies",
        f"say it, then adopt again: `mapshell storage add {each.alias} UUID:/PATH`.",
    )
    return mine


def _no_session(mine: AdoptedSession, nameless: bool) -> None:
    mine.state = "no session"
    if nameless:
        mine.reason = "its subject has no water restriction, so that its folders have no name"
        mine.remedy = "enter the water restriction, then adopt again."
    else:
        mine.reason = "the lab's tables have no such session"
        mine.remedy = "enter it (`mapshell ingest-recordings` where its recording is), then adopt again."


def _other_day(mine: AdoptedSession, dates: dict[SessionKey, date] | None, day: str, schema: str) -> None:
    if dates is None:
        _refuse(
            mine,
            f"whether it is the same session cannot be told: {schema}.session cannot be read",
            f"ask for the right to read it: GRANT SELECT ON `{schema}`.* TO ...; then adopt again.",
        )
        return
    then = dates.get(mine.key)
    said = f"is of {then}" if then else "is unknown there"
    _refuse(
        mine,
        f"session {mine.key[1]} of subject {mine.key[0]} {said}, here it is of {day}: it is another one",
        "let the lab's own tables stand in (database.lab_prefix), or number the sessions alike.",
    )
