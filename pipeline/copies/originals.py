"""What a copy lacks that another one has: sessions that go from archive to archive, and which archive sends them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline import database, publication
from pipeline.archive.copying.lacking import Original
from pipeline.archive.find import LocalSession
from pipeline.archive.journal import Part
from pipeline.archive.session import dataset_name
from pipeline.copies.named import others
from pipeline.copies.waiting import amounts
from pipeline.database.reading import columns
from pipeline.drifted import drifted
from pipeline.journal import TableJournal
from pipeline.locations import known
from pipeline.reassign.former import former_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import Location, SessionKey, SessionRef

LATELY = timedelta(days=3)
"""For so long another computer's word that it has a session for a copy keeps this one from sending it: it does."""

_CHUNK = 200


class Originals:
    """The other copies of one location, and what they have; implements what the engine asks of them.

    Parameters
    ----------
    location
        The location that may lack something.
    refs
        All sessions, by key.
    computer
        This computer's name.
    """

    def __init__(self, location: Location, refs: Mapping[SessionKey, SessionRef], computer: str) -> None:
        self._location, self._refs, self._computer = location, refs, computer
        aliases = others(location.alias)
        there = known() if aliases else {}
        self._places = [there[alias] for alias in aliases]
        self._journals = {place.alias: TableJournal(place, refs, computer) for place in self._places}
        self._drifted: dict[str, Mapping[str, str]] = {}
        self._chosen: dict[SessionKey, list[str]] = {}
        self._last: tuple[SessionKey | None, list[Original]] = None, []
        self._renamed: dict[str, Mapping[SessionKey, SessionKey]] = {}

    def __bool__(self) -> bool:
        return bool(self._places)

    # -- what the round asks -----------------------------------------------------------------------------------

    def of(self, key: SessionKey) -> Sequence[Original]:
        """Return the archives that have a session whole, as the index had them when the round began."""
        if key not in self._chosen:
            return ()
        if self._last[0] != key:
            self._last = key, self._look(key)
        return self._last[1]

    def lost(self, key: SessionKey) -> str:
        """Say what is the matter with those that had a session whole, when none of them has it now."""
        said = [
            f"{alias}: {self._drifted.get(alias, {}).get(dataset_name(self._location.dataset_type, key), '')}"
            for alias in self._chosen.get(key, ())
        ]
        return "; ".join(each.rstrip(": ") for each in said)

    def now(self, key: SessionKey) -> Sequence[Original]:
        """Return them as the index has them now."""
        self._last = key, self._look(key)
        return self._last[1]

    # -- what is chosen ----------------------------------------------------------------------------------------

    def choose(self, wanted: Collection[SessionKey], here: Collection[SessionKey]) -> None:
        """Choose among the sessions that were asked for those of which this location lacks something.

        ``here`` are those of which this computer has files: what another computer says of them is no matter.
        """
        if not self._places:
            return
        candidates = (set(wanted) & set(self._refs)) - self._withdrawn()
        mine = amounts(self._location)
        behind: dict[SessionKey, list[str]] = {}
        for place in self._places:
            for key, amount in amounts(place).items():
                same = key in mine and mine[key][:2] == amount[:2]
                if key in candidates and amount.whole and not same:
                    behind.setdefault(key, []).append(place.alias)
        if not behind:
            return
        busy = {part.key for each in self._journals.values() for entry in each.moves() for part in entry.parts}
        busy |= self._elsewhere() - set(here)
        tried = self._tried(behind)
        for key in behind.keys() - busy:
            self._chosen[key] = sorted(behind[key], key=lambda alias, key=key: (tried[key, alias], alias))  # type: ignore[misc]

    def sessions(self, here: Collection[SessionKey]) -> list[LocalSession]:
        """Return the chosen sessions that this computer has nothing of, as a round takes them."""
        return [LocalSession(self._refs[key], (), (), ()) for key in sorted(self._chosen.keys() - set(here))]

    def _withdrawn(self) -> set[SessionKey]:
        rows = columns(publication.Withdrawal() & {"globus_alias": self._location.alias}, ("subject_id", "session"))
        return {(subject_id, session) for subject_id, session in rows}

    def _elsewhere(self) -> set[SessionKey]:
        """Return the sessions that others bring here: on their disks, as they said lately, or under way from there."""
        alias = self._location.alias
        said = publication.SessionState() & {"globus_alias": alias, "state": "queued"} & "files > 0"
        since = database.now() - LATELY
        found = {
            (row["subject_id"], row["session"])
            for row in said.to_dicts()
            if row["computer"] != self._computer and row["seen_at"] > since
        }
        entries = TableJournal(self._location, self._refs, self._computer).unfinished()
        return found | {p.key for e in entries for p in e.parts if e.purpose != "manifest" and not p.origin}

    def _tried(self, keys: Iterable[SessionKey]) -> Counter[tuple[SessionKey, str]]:
        """Count the transfers that failed from each archive: what did not come from one is asked of the next first."""
        found: Counter[tuple[SessionKey, str]] = Counter()
        if len(self._places) < _TWO:
            return found
        failed = publication.Transfer() & {"purpose": "publish", "state": "failed"}
        here = publication.Transfer.Session() & {"globus_alias": self._location.alias}
        those = [{"subject_id": subject_id, "session": session} for subject_id, session in keys]
        for first in range(0, len(those), _CHUNK):
            for row in (here & those[first : first + _CHUNK] & failed.proj()).to_dicts():
                found[(row["subject_id"], row["session"]), Part.unpack(row["payload"]).origin] += 1
        return found

    def _look(self, key: SessionKey) -> list[Original]:
        found = []
        for alias in self._chosen.get(key, ()):
            place = next(each for each in self._places if each.alias == alias)
            manifest = self._journals[alias].indexed([key]).get(key)
            if manifest is None or manifest.archived_at is None or not all(each.proved for each in manifest.files):
                continue
            if alias not in self._drifted:
                self._drifted[alias] = drifted(place)
            if manifest.name not in self._drifted[alias]:
                found.append(Original(place, manifest, self._forbidden(place, manifest)))
        return found

    def _forbidden(self, place: Location, manifest: Manifest) -> str:
        """Say why a session must not be copied: only one of the two archives had it reassigned."""
        for each in (self._location, place):
            if each.alias not in self._renamed:
                self._renamed[each.alias] = former_keys(each)
        key, here, there = manifest.session.key, self._renamed[self._location.alias], self._renamed[place.alias]
        if key in here and key not in there:
            now = here[key]
            return f"its files are those of subject {now[0]} session {now[1]} at {self._location.alias} now"
        was = [old for old, now in there.items() if now == key and old not in here]
        left = TableJournal(self._location, self._refs, self._computer).indexed(was) if was else {}
        for old in left:
            return f"at {self._location.alias} its files are still those of subject {old[0]} session {old[1]}"
        return ""


_TWO = 2
