"""The state of every session at every storage location, from the index, the journal and a look at this computer."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import sessions
from pipeline.archive.acceptance import folders_in, rules_in
from pipeline.archive.checksums import ChecksumCache
from pipeline.archive.evidence import records
from pipeline.archive.identity import unlisted
from pipeline.archive.known import LISTED, in_words
from pipeline.archive.session import DatasetType, dataset_name
from pipeline.archive.walk.listing import Listing
from pipeline.board.deciding import SETTLED, as_accepted, as_known, as_verified, decide, unarchived
from pipeline.board.index import archived_rows, under_way, withdrawn
from pipeline.board.reclaimed import as_reclaimed, by_tombstone, reclaimed
from pipeline.board.sums import totals
from pipeline.copies.waiting import as_behind, as_waiting, wanting
from pipeline.drifted import drifted
from pipeline.folders import cache_folder
from pipeline.here import local_roots, look
from pipeline.journal import TableJournal
from pipeline.locations import locations
from pipeline.oldlab.evidence import in_words as adopted_from
from pipeline.reassign.meanwhile import being_moved
from pipeline.sessionless import STATE, Sessionless, meets, sessionless
from pipeline.states import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.find import Found
    from pipeline.archive.session import Location, SessionKey, SessionRef
    from pipeline.board.reclaimed import Reclaimed
    from pipeline.board.seen import Seen
    from pipeline.settings import Settings


@dataclass(slots=True, unsafe_hash=True)  # as good as frozen, which takes three times as long to make
class SessionStatus:
    """One session at one storage location; ``size`` in bytes (None: nobody has looked), ``archived_at`` in UTC.

    ``files`` and ``size`` are what the archive holds, or (not archived) what a computer has of it; ``accepted`` names
    the rules that files of an archived session broke, and that a person accepted; ``superseded`` counts files whose
    bytes others took the place of; ``remedy`` is told where nobody else tells it.  ``copies`` counts the locations
    named for its type where it is archived, ``copies_wanted`` those that are named (0: none is); ``unarchived`` is how
    many bytes of it are known not to be archived yet.
    """

    h2o: str
    subject_id: int
    session: int
    session_date: str
    alias: str
    state: str
    folders: tuple[str, ...] = ()
    files: int = 0
    size: int | None = 0
    archived_at: datetime | None = None
    reason: str = ""
    computer: str = ""
    accepted: tuple[str, ...] = ()
    superseded: int = 0
    remedy: str = ""
    dataset_type: DatasetType = "ephys"
    copies: int = 0
    copies_wanted: int = 0
    unarchived: int = 0


def status(
    settings: Settings, types: Sequence[DatasetType], restrictions: Sequence[Any] = (), seen: Seen | None = None
) -> Iterator[SessionStatus]:
    """Yield the chosen sessions in order, each once for every storage location of these types.

    The number of queries does not depend on the number of sessions.  ``seen`` is told what else the look brought.
    """
    computer = settings.archive.computer
    lab_sessions = sessions.load()
    keys = sessions.chosen(restrictions)
    wanted = set(lab_sessions.refs) if keys is None else keys & set(lab_sessions.refs)
    order = sorted(wanted, key=lambda key: (lab_sessions.refs[key].h2o, lab_sessions.refs[key].session_date, key))
    listing = Listing()
    deleted = reclaimed()
    with closing(ChecksumCache(cache_folder(os.environ) / "sha1.sqlite")) as cache, ThreadPoolExecutor(1) as beside:
        for location in locations(settings, types, register=False):
            sums = totals(location, beside)
            journal = TableJournal(location, lab_sessions.refs, computer)
            lost = sessionless(location, lab_sessions)
            roots = local_roots(settings, location.alias)
            found = look(settings, location, roots, journal, lab_sessions, wanted, lost, listing)
            archived, sizes, differs = archived_rows(location), sums(), drifted(location)
            if any(dataset_name(location.dataset_type, key) not in sizes for key in archived):
                sizes = totals(location, beside)()  # something was committed after the sums were begun
            if seen is not None:
                seen.at(location, found, archived)
            gone = withdrawn(location)
            said, flying = told(location), {**under_way(location), **journal.working()}
            moving, (coming, behind) = being_moved(journal), wanting(location)
            index = _Index(location, archived, sizes, differs, deleted.get(location.dataset_type, {}))
            for key in order:
                ref = lab_sessions.refs[key]
                state, facts = decide(key, found, archived, said.get(key, ()), flying, computer, cache)
                if key in coming:
                    state, facts = as_waiting(state, facts, coming[key])
                if key in archived:
                    state, facts = index.told(key, state, facts, found)
                    state, facts["reason"] = as_behind(state, facts["reason"], behind.get(key))
                elif key in gone and state != "in flight":
                    state, facts = "withdrawn", {**facts, **gone[key]}
                elif dataset_name(location.dataset_type, key) in sizes and state != "in flight":
                    wrong = unlisted(ref)
                    state, facts = "refused", {**facts, "reason": wrong.message, "remedy": wrong.remedy}
                if state == "in flight" and key in moving:
                    facts["reason"] = moving[key]
                if state not in SETTLED:
                    here = unarchived(state, found.sessions.get(key), found.indexed.get(key), facts)
                    facts["unarchived"] = here or (behind[key].size if key in behind else 0)
                yield _row(location, ref, state, facts)
            yield from (_without_session(location, each) for each in lost if meets(each.session, restrictions))


@dataclass(frozen=True, slots=True)
class _Index:
    """What the index has at a location, and how that is told."""

    location: Location
    archived: Mapping[SessionKey, Mapping[str, Any]]
    sizes: Mapping[str, tuple[int, int | None, int]]
    differs: Mapping[str, str]
    reclaimed: Mapping[SessionKey, Sequence[Reclaimed]]

    def told(self, key: SessionKey, state: str, facts: dict[str, Any], found: Found) -> tuple[str, dict[str, Any]]:
        """Return state and facts of an archived session: what was proved of it, and what was not."""
        row, name = self.archived[key], dataset_name(self.location.dataset_type, key)
        evidence = row["evidence"]
        files, size, listed = self.sizes.get(name, (0, 0, 0))
        state, reason = as_verified(state, facts.get("reason", ""), self.differs.get(name, ""))
        state, reason = as_known(state, reason, in_words(files, listed, adopted_from(evidence) or LISTED))
        lasting = evidence if isinstance(evidence, dict) else {}  # hardly any session has such records
        rules = rules_in(evidence) if "accepted" in lasting else ()
        superseded = len(records(evidence, "superseded")) if "superseded" in lasting else 0
        mine = found.sessions.get(key)
        if key in self.reclaimed:
            here = mine is not None and bool(mine.files)
            state, reason, more = as_reclaimed(state, reason, self.reclaimed[key], files - superseded, here=here)
            facts = {**facts, **more}
        elif state == "archived" and mine is not None and mine.tombstones and not mine.files:
            state, reason = "reclaimed", by_tombstone(*mine.tombstones[0])
        facts["reason"] = "; ".join(filter(None, (reason, as_accepted(rules)))) if rules else reason
        return state, {
            "accepted": rules,
            "superseded": superseded,
            "folders": folders_in(evidence),
            "files": files,
            "size": size,
            **facts,
            "archived_at": None if listed else row["archived_at"],
        }


def _row(location: Location, ref: SessionRef, state: str, facts: Mapping[str, Any]) -> SessionStatus:
    return SessionStatus(
        ref.h2o,
        ref.subject_id,
        ref.session,
        ref.session_date.isoformat(),
        location.alias,
        state,
        dataset_type=location.dataset_type,
        **facts,
    )


def _without_session(location: Location, gone: Sessionless) -> SessionStatus:
    facts = {
        "folders": gone.folders,
        "files": gone.files,
        "size": gone.size,
        "archived_at": gone.archived_at,
        "reason": gone.reason,
        "remedy": gone.remedy,
    }
    return _row(location, gone.session, STATE, facts)
