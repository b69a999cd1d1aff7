"""What the engine asks of whoever keeps its journal and its index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.archive.journal import Entry, Outcome
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import SessionKey, SessionRef


class Journal(Protocol):
    """What the engine asks of the database, for one storage location."""

    def claim(self, key: SessionKey) -> str | None:
        """Take the lease of a session; None when it is ours now, else who holds it.

        Nothing is submitted without: that the database can be written is made sure of here, before the first one.
        """

    def keep(self, keys: Collection[SessionKey]) -> None:
        """Make sure that these sessions are still ours, before something that no transaction can take back.

        Raises
        ------
        LeaseLost
            Another process has taken one of them.
        """

    def release(self, keys: Collection[SessionKey]) -> None:
        """Give leases back."""

    def tidy(self) -> None:
        """Drop leases of processes of this machine that are gone."""

    def indexed(self, keys: Collection[SessionKey]) -> Mapping[SessionKey, Manifest]:
        """Return what the index holds of these sessions now.

        Its sessions are what they were when they were archived; ``archived_at`` is None without an archived row.
        """

    def unfinished(self, keys: Collection[SessionKey]) -> Sequence[Entry]:
        """Entries of these sessions in a state other than done and failed, oldest first."""

    def leftovers(self, key: SessionKey) -> Collection[str]:
        """Subpaths that failed transfers of a session (data or manifest) may have left at the archive."""

    def knows(self, key: SessionKey) -> bool:
        """Say whether any transfer of a session was ever journalled here."""

    def knows_task(self, task_id: str) -> bool:
        """Say whether a Globus task is in the journal."""

    def open(self, entry: Entry) -> None:
        """Store a new entry."""

    def advance(self, entry: Entry) -> None:
        """Store an entry's new state."""

    def commit(self, manifest: Manifest, entry: Entry) -> None:
        """Write dataset, files and archived row, and the entry's end, in one transaction."""

    def settle(self, entry: Entry) -> bool:
        """End an open entry once the index has the generations of all its sessions; say whether it has."""

    def lab_rows(
        self, sessions: Collection[SessionRef]
    ) -> Mapping[SessionKey, Mapping[str, Sequence[Mapping[str, Any]]]]:
        """Return the sessions' rows of the lab's tables, as JSON data for their manifests."""

    def report(self, outcomes: Sequence[Outcome]) -> None:
        """Remember the state of sessions, for status."""
