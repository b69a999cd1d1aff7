"""What a pass over a task's items has in common: counters, progress on disk, faults, events."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

from mapshell.sandbox import eventtexts
from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.moving import Interrupted
from mapshell.sandbox.paths import Folder, PathRefused
from mapshell.sandbox.taskdocs import QUEUED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from mapshell.sandbox.collections import Collections
    from mapshell.sandbox.pace import Pace
    from mapshell.sandbox.tasks import Item, Task, TaskStore

BATCH = 200
_FLUSH_S = 0.1
_EVENTS_PER_PASS = 10
_NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Fault(Exception):
    """Something that is tried again later, until the deadline."""

    def __init__(self, code: str, description: str, details: str, *, source: bool = False) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.details = details
        self.source = source


class Fatal(Exception):
    """Something that ends the entire task."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


def as_fault(error: Exception, path: str, endpoint: str, *, source: bool) -> Fault:
    """Translate what the file system said."""
    details = f"Error (transfer)\nEndpoint: {endpoint}\nServer: 127.0.0.1:443\nFile: {path}\nMessage: {_words(error)}\n"
    if isinstance(error, Fault):
        return error
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        details += "Details: 550-GlobusError: v=1 c=PATH_NOT_FOUND\\r\\n550-GridFTP-Errno: 2\\r\\n550 End.\\r\\n"
        return Fault("FILE_NOT_FOUND", "file not found", details, source=source)
    if isinstance(error, PermissionError | PathRefused) or getattr(error, "errno", None) == errno.EROFS:
        details += "Details: 550-GlobusError: v=1 c=PERMISSION_DENIED\\r\\n550-GridFTP-Errno: 13\\r\\n550 End.\\r\\n"
        return Fault("PERMISSION_DENIED", "permission denied", details, source=source)
    if isinstance(error, IsADirectoryError):
        return Fault("IS_A_DIRECTORY", "is a directory", details, source=source)
    if getattr(error, "errno", None) in _NO_ROOM:
        return Fault("QUOTA_EXCEEDED", "quota exceeded", details)
    return Fault("ENDPOINT_ERROR", "endpoint error", details)


def _words(error: Exception) -> str:
    # The path on this computer is nobody's business; errors of the file system carry it.
    return str(getattr(error, "strerror", None) or error)


def check_writable(folder: Folder) -> None:
    """Refuse to write to a read-only collection.

    Raises
    ------
    PermissionError
        It is one.
    """
    if folder.spec.read_only:
        raise PermissionError(13, "Permission denied")


class Pass:
    """One pass over what is left of a task.

    Parameters
    ----------
    task, store, collections
        The task and where things are.
    pace
        How fast it may go.
    interrupted
        Asked where a step takes long: must the pass stop where it is?
    """

    def __init__(
        self, task: Task, store: TaskStore, collections: Collections, pace: Pace, interrupted: Callable[[], bool]
    ) -> None:
        self.task = task
        self.store = store
        self.collections = collections
        self.pace = pace
        self.counters = dict(task.counters)
        self.retrying = 0
        self.last_fault: Fault | None = None
        self._interrupted = interrupted
        self._changed: list[Item] = []
        self._flushed = time.monotonic()
        self._events = 0

    # To be filled in by the kinds of tasks

    def prepare(self) -> None:
        """Check the collections.  May raise :class:`Fault`."""

    def decide(self, items: list[Item]) -> None:
        """Look at a batch before anything in it is touched."""

    def handle(self, item: Item) -> Generator[float, None, None]:
        """Do one item: change its state and the counters; yields as :meth:`run`.  May raise `Fault` or `Fatal`."""
        raise NotImplementedError

    def release(self) -> None:
        """Close what is open, at the end of the pass."""

    # The pass itself

    def run(self) -> Generator[float, None, bool | None]:
        """Work through the open items once.

        Yields
        ------
        float
            After each small step: how many seconds the pass must wait before it may go on, mostly 0.  It may also be
            left off there; what was done is stored then.

        Returns
        -------
        bool or None
            Whether anything was done; None when the task ended or was put on hold here.

        Raises
        ------
        Interrupted
            The task was put on hold by itself; what was done is stored.
        """
        before = self.counters["subtasks_succeeded"] + self.counters["subtasks_skipped_errors"]
        try:
            yield from self._start()
            yield from self._all_items()
        except Fatal as error:
            self.flush(force=True)
            self.counters["subtasks_failed"] = self.counters["subtasks_total"] - self.counters["subtasks_succeeded"]
            self.store.update(self.task.task_id, counters=self.counters)
            self.store.finish(self.task.task_id, "FAILED", {"code": error.code, "description": error.description})
            return None
        finally:
            self.release()
            self.counters["subtasks_retrying"] = self.retrying
            self.flush(force=True)
        self._tell_nice_status()
        return self.counters["subtasks_succeeded"] + self.counters["subtasks_skipped_errors"] > before

    def _start(self) -> Generator[float, None, None]:
        if self.store.events(self.task.task_id, 1, 0)[0]:
            if self.task.nice_status == QUEUED:
                self.store.update(self.task.task_id, nice_status=None, nice_details=None)
            return
        yield self.pace.realism.task_delay
        details = eventtexts.started(self.task.type)
        self.store.add_event(self.task.task_id, "STARTED", "started", details, is_error=False)
        # It waits in no queue any more.
        self.store.update(self.task.task_id, nice_status=None, nice_details=None)

    def _all_items(self) -> Generator[float, None, None]:
        try:
            self.prepare()
        except (Fault, ApiError) as error:
            fault = error if isinstance(error, Fault) else Fault("ENDPOINT_ERROR", "endpoint error", error.message)
            self.note_fault(fault)
            return
        for item in self._items():
            yield 0.0
            try:
                yield from self.handle(item)
            except Fault as fault:
                self.note_fault(fault)
                self.retrying += 1
            else:
                self._changed.append(item)
            self.flush()

    def _items(self) -> Iterator[Item]:
        last = -1
        while batch := self.store.open_items(self.task.task_id, last, BATCH):
            self.decide(batch)
            yield from batch
            last = batch[-1].seq

    def check(self, _count: int = 0) -> None:
        """Stop here if somebody wants it.

        Raises
        ------
        Interrupted
            The task was cancelled or held, or the service stops.
        """
        if self._interrupted():
            raise Interrupted

    def note_fault(self, fault: Fault) -> None:
        """Count a fault and write an event, unless this pass wrote many already."""
        self.counters["faults"] += 1
        self.last_fault = fault
        self._events += 1
        if self._events <= _EVENTS_PER_PASS:
            self.store.add_event(self.task.task_id, fault.code, fault.description, fault.details, is_error=True)

    def _tell_nice_status(self) -> None:
        code = self.last_fault.code if self.last_fault else None
        details = self.last_fault.details if self.last_fault else None
        self.store.update(self.task.task_id, nice_status=code, nice_details=details)

    def flush(self, *, force: bool = False) -> None:
        """Store counters and items, at most a few times a second unless forced."""
        now = time.monotonic()
        if not force and now - self._flushed < _FLUSH_S:
            return
        self._flushed = now
        self.store.save_items(self.task.task_id, self._changed, self.counters)
        self._changed = []

    def folder(self, collection_id: str | None, side: str) -> Folder:
        """Return a collection's folder, if its endpoint answers.

        Raises
        ------
        Fault
            It is offline or unknown.
        """
        try:
            spec = self.collections.get(collection_id or "")
        except ApiError as error:
            raise Fault("ENDPOINT_ERROR", "endpoint not found", error.message) from error
        folder = Folder(str(collection_id), spec)
        if spec.offline:
            code = "GC_NOT_CONNECTED" if spec.personal else "CONNECT_FAILED"
            raise Fault(
                code,
                "connect failed",
                f"Error (connect)\nEndpoint: {spec.display_name} ({collection_id})\n"
                f"Message: Could not connect to the {side} endpoint",
            )
        return folder
