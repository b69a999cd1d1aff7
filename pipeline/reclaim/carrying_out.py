"""One session is proved and deleted, held by its leases: what is left of it says where its files are."""

from __future__ import annotations

import getpass
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pipeline.archive.journal import step
from pipeline.archive.onlyone import only_one
from pipeline.archive.reclaiming.deleting import delete, delete_empty
from pipeline.archive.reclaiming.ground import Ground
from pipeline.archive.reclaiming.rules import Missing
from pipeline.errors import Conflict, IntegrityError, LeaseLost, LocalDiskError, MapshellError
from pipeline.journal import TableJournal
from pipeline.reclaim import rows
from pipeline.reclaim.stones import Stones
from pipeline.reclaim.units import again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipeline.archive.lister import Lister
    from pipeline.archive.pace import Pace
    from pipeline.archive.ports import Store
    from pipeline.archive.reclaiming.deleting import Read
    from pipeline.reclaim.proving import Prover, Subject
    from pipeline.settings import Settings


class Deletion:
    """What is done for one session; ``deleted`` files of ``freed`` bytes are gone, however it ends.

    Parameters
    ----------
    settings
        This computer's settings.
    prover
        Makes the proofs.
    subject
        The session, with what nothing stood against when it was surveyed.
    store
        The Globus login.
    earlier
        Rows of runs that were killed while they deleted files of it.
    """

    def __init__(
        self,
        settings: Settings,
        prover: Prover,
        subject: Subject,
        store: Callable[[], Store],
        earlier: Sequence[dict[str, Any]],
    ) -> None:
        self._settings, self._prover, self._subject, self._store = settings, prover, subject, store
        self._earlier = earlier
        self._computer = settings.archive.computer
        self._grounds: dict[Path, Ground] = {}
        self.deleted, self.freed = 0, 0

    def go(self, lister: Lister, pace: Pace, seen: Callable[[int], None]) -> Missing | None:
        """Prove everything anew and delete; return the proof that is missing, or why something was left."""
        unit, prover = self._subject.unit, self._prover
        with ExitStack() as held:
            try:
                for root in sorted(self._subject.roots):
                    staging, now = self._settings.archive.staging_name, prover.now()
                    held.enter_context(only_one(root, root, staging, self._computer, now, "reclaim"))
                    self._grounds[root] = held.enter_context(Ground(root))
            except Conflict as error:
                return Missing("nothing open", error.message.rstrip("."), error.remedy)
            except LocalDiskError as error:
                return Missing("quiet", error.message.rstrip("."), error.remedy)
            except OSError as error:
                return Missing("quiet", f"{root} cannot be opened: {error.strerror}", "check the disk.")
            journals = list(self._journals(held))
            for journal, key in journals:
                holder = journal.claim(key)
                if holder is not None:
                    said = f"somebody works on it ({holder})"
                    return Missing("nothing open", said, "wait until that has ended, then run it again.")
                held.callback(_release, journal, key)
            step("reclaim: claimed")
            missing = self._prove(lister, pace, seen)
            if missing is not None:
                return missing
            return self._delete([journal for journal, key in journals if key == unit.key], lister)

    def _journals(self, held: ExitStack) -> Iterator[tuple[TableJournal, Any]]:
        """Yield the leases to take: of the session, and of whatever else its files belong to, at every location."""
        for each in (self._subject.unit, *self._subject.unit.others):
            for location in self._prover.locations[each.dataset_type]:
                journal = TableJournal(location, {}, self._computer)
                held.enter_context(journal)
                yield journal, each.key

    def _prove(self, lister: Lister, pace: Pace, seen: Callable[[int], None]) -> Missing | None:
        """Make all proofs anew: the session is ours now, and what the survey saw may be of long ago."""
        was, prover = self._subject, self._prover
        try:
            unit = again(was.unit, self._settings)
        except LocalDiskError as error:
            return Missing("whole folder", error.message.rstrip("."), error.remedy)
        kind = unit.dataset_type
        self._subject = subject = prover.subject(unit, was.row, prover.places(unit.key, kind))
        missing = (
            prover.before_reading(subject, prover.open_of((unit, *unit.others)))
            or prover.by_looking(subject, lister)
            or prover.by_bytes(subject, pace, seen)
        )
        if missing is None and not set(subject.roots) <= set(self._grounds):
            missing = Missing("whole folder", "its files lie in other roots than before", "run it again.")
        if missing is None:
            step("reclaim: proved")
        return missing

    # -- what is written before the first byte goes ------------------------------------------------------------------

    def _delete(self, journals: Sequence[TableJournal], lister: Lister) -> Missing | None:
        subject, unit, prover = self._subject, self._subject.unit, self._prover
        proved_at = prover.now()
        stones = Stones(subject, self._grounds)
        try:
            stones.write(proved_at, self._computer, self._who(), list(self._places()))
        except IntegrityError as error:
            return Missing("whole folder", error.message.rstrip("."), error.remedy)
        except OSError as error:
            stones.take_back()
            said = f"nothing can be written into its folder: {error.strerror or error}"
            return Missing("quiet", said, "check the disk, or give the account the right to write there.")
        held_by = len(subject.sieve.good)
        try:
            missing = prover.by_looking(subject, lister, stones.as_listed())
            if missing is None and len(subject.sieve.good) < held_by:  # of which the tombstone tells
                missing = subject.sieve.newest
            missing = missing or prover.elsewhere(subject, lister, stones.as_listed())
            if missing is not None:
                stones.take_back()
                return missing
            reclaim_id = rows.plan(
                journals, unit.key, unit.dataset_type, subject.sieve.good, self._said(proved_at), self._evidence(stones)
            )
        except LeaseLost as error:
            stones.take_back()
            return Missing("nothing open", error.message.rstrip("."), error.remedy)
        except MapshellError:
            stones.take_back()
            raise
        gone, errors = delete(subject.reads, lambda file: self._grounds[file.root.local_path])
        self.deleted, self.freed = len(gone), sum(each.size for each in gone)
        for where in {unit.folder_of(each.file) for each in gone}:
            theirs = [each for each in gone if unit.folder_of(each.file) == where]
            delete_empty(where[1], theirs, self._grounds[theirs[0].file.root.local_path])
        if errors:
            more = f", and {len(errors) - 1:,} more" if len(errors) > 1 else ""
            return Missing("quiet", f"{errors[0].message.rstrip('.')}{more}", errors[0].remedy)
        self._finish(reclaim_id, gone)
        return None

    def _finish(self, reclaim_id: Any, gone: Sequence[Read]) -> None:
        """Write the end down; rows of runs that were killed tell what only they deleted."""
        now = self._prover.now()
        mine = {(str(each.file.root.local_path), each.lies) for each in gone}
        for row in self._earlier:
            if rows.all_gone(row):
                rest = [f for f in row["evidence"]["files"] if (f["root"], f["lies"]) not in mine]
                rows.finish(row["reclaim_id"], rows.DONE, len(rest), sum(f["size"] for f in rest), now)
        rows.finish(reclaim_id, rows.DONE, self.deleted, self.freed, now)
        step("reclaim: done")

    def _who(self) -> str:
        try:
            account = getpass.getuser()
        except (OSError, KeyError, ImportError):  # the system has no name for it
            account = f"user {os.getuid()}" if hasattr(os, "getuid") else "an account without name"
        return f"{account}, Globus identity {self._store().identity}"[:255]

    def _places(self) -> Iterator[dict[str, Any]]:
        for place in self._subject.sieve.good:
            yield {
                "alias": place.alias,
                "endpoint": place.location.endpoint,
                "path": place.location.path,
                "generation": place.manifest.generation if place.manifest is not None else 0,
                "manifest": place.described,
            }

    def _said(self, proved_at: Any) -> dict[str, Any]:
        reads = self._subject.reads
        return {
            "computer": self._computer,
            "who": self._who(),
            "proved_at": proved_at,
            "files": len(reads),
            "bytes": sum(each.size for each in reads),
        }

    def _evidence(self, stones: Stones) -> dict[str, Any]:
        wishes = self._prover.wishes
        return {
            "places": [dict(place) for place in self._places()],
            "copies": self._prover.asked[self._subject.unit.dataset_type],
            "older_than_s": wishes.older_than.total_seconds(),
            "accepted": list(self._subject.row.accepted),
            "tombstones": stones.document(),
            "files": [
                {
                    "root": str(each.file.root.local_path),
                    "lies": each.lies,
                    "subpath": each.file.subpath,
                    "size": each.size,
                    "mtime": each.file.mtime,
                    "sha1": each.sha1,
                }
                for each in self._subject.reads
            ],
        }


def _release(journal: TableJournal, key: Any) -> None:
    journal.release([key])
