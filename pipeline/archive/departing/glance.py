"""What sessions that depart together are told once: their animals' folders, lost tasks, and the lab's rows of them.

Only seconds old: whatever comes to the archive after any look is found when the task has ended, as nothing there is
ever overwritten.
"""

from __future__ import annotations

import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pipeline.archive.transfer import label_of_any_attempt
from pipeline.errors import RemotePathNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeline.archive.journal_protocol import Journal
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.ports import RemoteEntry, Store, TaskStatus
    from pipeline.archive.session import SessionKey, SessionRef

    LabRows = Mapping[str, Sequence[Mapping[str, Any]]]

FRESH = 10.0
"""Seconds for which an answer counts."""
TOGETHER = 20
"""Sessions that are asked about in one question; more make the address too long."""


class Glance:
    """Asks for several sessions what would otherwise be asked for each, and forgets the answers after seconds.

    Parameters
    ----------
    manifests
        The generations that may depart next, in their order; looked at when the service is asked.
    clock
        Seconds that only grow.
    """

    def __init__(self, manifests: Iterable[Manifest] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._next = tuple(manifests)
        self._clock = clock
        self._folders: dict[tuple[str, str], tuple[float, Sequence[RemoteEntry] | None]] = {}
        self._tasks: dict[str, tuple[float, list[TaskStatus]]] = {}
        self._rows: dict[SessionKey, tuple[float, LabRows]] = {}

    def folder(self, store: Store, endpoint: str, path: str) -> Sequence[RemoteEntry]:
        """List a folder of the archive that several sessions share.

        Raises
        ------
        RemotePathNotFound
            It is not there, or was not some seconds ago.
        """
        at, listed = self._folders.get((endpoint, path), (float("-inf"), None))
        if self._clock() - at > FRESH:
            at = self._clock()
            try:
                listed = store.ls(endpoint, path)
            except RemotePathNotFound:
                listed = None
            self._folders[endpoint, path] = at, listed
        if listed is None:
            raise RemotePathNotFound(f"The archive has no folder {path}.", remedy="publish makes it.")
        return listed

    def tasks(self, store: Store, manifest: Manifest) -> list[TaskStatus]:
        """Return this login's tasks, of any state, that brought or were to bring a generation, newest first."""
        label = label_of_any_attempt(manifest)
        at, found = self._tasks.get(label, (float("-inf"), []))
        if self._clock() - at <= FRESH:
            return found
        following = [label_of_any_attempt(each) for each in self._following(manifest.session)]
        at, labels = self._clock(), list(dict.fromkeys((label, *following)))
        told = store.find_tasks(*labels)
        for each in labels:
            self._tasks[each] = at, [task for task in told if fnmatchcase(task.label, each)]
        return self._tasks[label][1]

    def lab_rows(self, journal: Journal, session: SessionRef) -> LabRows:
        """Return a session's rows of the lab's tables."""
        at, rows = self._rows.get(session.key, (float("-inf"), {}))
        if self._clock() - at <= FRESH:
            return rows
        at = self._clock()
        told = journal.lab_rows([session, *(each.session for each in self._following(session))])
        self._rows.update({key: (at, rows) for key, rows in told.items()})
        return self._rows[session.key][1]

    def _following(self, session: SessionRef) -> Sequence[Manifest]:
        """Return the generations that are next after a session's."""
        here = next((n for n, each in enumerate(self._next) if each.session.key == session.key), len(self._next))
        return self._next[here + 1 : here + TOGETHER]
