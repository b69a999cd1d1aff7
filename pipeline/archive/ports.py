"""What the engine needs from the world, as protocols and plain data.

``pipeline.globus`` implements :class:`Store`; ``pipeline.publication`` implements the journal over tables.
The engine in this folder knows neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

EntryKind = Literal["file", "dir", "other"]
TaskState = Literal["ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED"]


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One entry of a collection's folder.

    ``name`` is exactly what the service said and has not been checked; ``size`` in bytes;
    ``mtime`` in whole UTC seconds, None where the service tells none; ``link``: it is a link to what it is said to be.
    """

    name: str
    kind: EntryKind
    size: int
    mtime: int | None
    link: bool = False


@dataclass(frozen=True, slots=True)
class TransferItem:
    """One file to move: absolute collection paths, and the SHA1 (40 lower-case hex digits) when it is known."""

    source: str
    destination: str
    sha1: str | None = None


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """A transfer task as it will be submitted.  Equal requests serialise to equal bodies.

    The service never touches a destination that exists (sync level 0): such a file counts as skipped.
    """

    submission_id: str
    source_endpoint: str
    destination_endpoint: str
    label: str
    items: Sequence[TransferItem]


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """What the service says about one task.  Sizes in bytes, instants in UTC."""

    task_id: str
    state: TaskState
    label: str
    nice_status: str | None = None
    nice_status_details: str | None = None
    is_paused: bool = False
    faults: int = 0
    files: int = 0
    files_transferred: int = 0
    files_skipped: int = 0
    skipped_errors: int = 0
    bytes_transferred: int = 0
    fatal_error: str | None = None
    canceled_by_admin: str | None = None
    owner_id: str | None = None
    request_time: datetime | None = None
    completion_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One entry of a task's event list, oldest first; ``is_error`` marks faults."""

    time: str
    code: str
    description: str
    details: str
    is_error: bool


class RemoteStream(Protocol):
    """The bytes of a file at a collection, to be read once, in blocks; ``size`` is that of the whole file (bytes)."""

    @property
    def size(self) -> int:
        """Size of the whole file (bytes)."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes in blocks; goes on by itself when the connection breaks."""


class Store(Protocol):
    """File operations and transfer tasks of one Globus login.  Every error is a ``MapshellError``."""

    @property
    def identity(self) -> str:
        """UUID of the identity that submits (cached; asks the service at most once a process)."""

    def whoami(self) -> Mapping[str, Any]:
        """Who is logged in: ``identity``, ``username`` and more."""

    def siblings(self, number: int) -> Sequence[Store]:
        """Return further stores of the same login, for further threads; whoever asks for them closes them."""

    def close(self) -> None:
        """Close connections; a later operation opens them again."""

    def ls(self, endpoint: str, path: str) -> list[RemoteEntry]:
        """List one folder completely (pages read on); ``RemotePathNotFound`` when it is not there."""

    def stat(self, endpoint: str, path: str) -> RemoteEntry:
        """Look at one path; ``RemotePathNotFound`` when it is not there."""

    def mkdir(self, endpoint: str, path: str) -> None:
        """Make one folder; an existing one is fine."""

    def rename(self, endpoint: str, old: str, new: str) -> None:
        """Rename within a collection; never onto an existing path."""

    def new_submission_id(self) -> str:
        """Ask the service for a submission id."""

    def submit(self, request: TransferRequest) -> str:
        """Submit and return the task id; the same submission id gives the same task (``Duplicate`` is success)."""

    def tasks(self, task_ids: Sequence[str]) -> dict[str, TaskStatus]:
        """Status of many tasks in as few calls as possible; unknown ones are left out."""

    def task(self, task_id: str) -> TaskStatus | None:
        """Status of one task, asked for directly; None when the service says that it knows none."""

    def find_tasks(self, *labels: str, since: datetime | None = None) -> list[TaskStatus]:
        """Own transfer tasks, of any state, with one of these labels (``*`` stands for any text), newest first."""

    def events(self, task_id: str, *, limit: int = 20) -> list[TaskEvent]:
        """Return the newest events of a task, oldest of them first."""

    def skipped(self, task_id: str) -> Iterable[str]:
        """Source paths that a task skipped with an error."""

    def transferred(self, task_id: str) -> Iterable[str]:
        """Destination paths of the files that a task moved."""

    def cancel(self, task_id: str) -> None:
        """Cancel a task; one that has ended already is fine."""

    def https_server(self, endpoint: str) -> str | None:
        """Address of the collection's HTTPS server; None when it has none."""

    def may_read_https(self, endpoint: str) -> bool:
        """Whether files of a collection can be read over HTTPS with the present login."""

    def open_https(
        self, endpoint: str, path: str, *, offset: int = 0, length: int | None = None
    ) -> AbstractContextManager[RemoteStream]:
        """Open a file of a collection that serves HTTPS; ``RangesNotServed`` when only whole files can be had."""


class Drive(Protocol):
    """A loose drive that a round reads from; ``str()`` names it for a person who looks for it in a drawer."""

    @property
    def drive_id(self) -> UUID:
        """Its identity, wherever it is connected."""

    @property
    def path(self) -> Path:
        """Where it is connected now."""

    def check(self) -> None:
        """Raise ``DriveGone`` when it has been disconnected."""


class Clock(Protocol):
    """Time, handed in so that nobody waits in a test."""

    def now(self) -> datetime:
        """Return this instant in UTC, naive."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Progress(Protocol):
    """Somebody who wants to see how it goes.  Sizes in bytes."""

    def task(self, key: str, description: str, total: int) -> None:
        """Announce a piece of work."""

    def update(self, key: str, completed: int, note: str = "") -> None:
        """Tell how far it is."""

    def done(self, key: str, note: str = "") -> None:
        """Tell that it ended."""

    def say(self, message: str) -> None:
        """Tell something worth a line."""
