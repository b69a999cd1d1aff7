"""Many folders of a collection listed at once, within the service's limit of requests.

Only the answer "it is not there" means that a folder is not there; every other failure is handed on as an error, and
nothing is ever taken for empty.  Names are data from outside: those that cannot be followed are named, not followed.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING

from pipeline.archive.paths import check_subpath, printable
from pipeline.archive.session import join_remote
from pipeline.errors import MapshellError, NameRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Self

    from pipeline.archive.ports import RemoteEntry, Store

THREADS = 8
_AHEAD = 2
"""Listings asked for in advance, for each thread."""


class _Question:
    """One use of the lister: answers that nobody waits for any more are not asked for."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.answers: SimpleQueue[tuple[str, list[RemoteEntry] | BaseException]] = SimpleQueue()
        self.open = True


class Lister:
    """Lists folders in several threads, each with a manager of its own; close it (or use ``with``) after use.

    Threads and managers are made when there is work for them.

    Parameters
    ----------
    store
        The login; used by the first thread, its siblings by the others.
    threads
        How many listings are under way at once.
    """

    def __init__(self, store: Store, *, threads: int = THREADS) -> None:
        self._store = store
        self._most = max(1, threads)
        self._jobs: SimpleQueue[tuple[_Question, str, str] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the threads end; a listing that is under way is not waited for."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._jobs.put(None)

    def folders(self, endpoint: str, paths: Iterable[str]) -> Iterator[tuple[str, list[RemoteEntry] | MapshellError]]:
        """List folders; yield each path with its listing or its error, in the order in which answers come.

        ``RemotePathNotFound`` as error is an answer: the folder is not there.  ``paths`` is read as it is needed.
        """
        question, waiting = _Question(endpoint), 0
        todo = iter(paths)
        try:
            while True:
                while waiting < self._most * _AHEAD and (path := next(todo, None)) is not None:
                    self._ask(question, path, path)
                    waiting += 1
                if not waiting:
                    return
                yield _answer(question)
                waiting -= 1
        finally:
            question.open = False

    def trees(
        self,
        endpoint: str,
        root: str,
        folders: Iterable[str],
        wanted: Callable[[str], bool] | None = None,
        follow: Callable[[str], bool] | None = None,
    ) -> Iterator[tuple[str, RemoteEntry | MapshellError]]:
        """Walk folders to their ends; yield all that is not a folder, by its path relative to ``root``.

        Parameters
        ----------
        endpoint, root
            The collection, and the folder in it to which ``folders`` and what is yielded are relative.
        folders
            Where to begin; safe subpaths.
        wanted
            Says by its subpath whether a folder below those is entered; all by default.
        follow
            Says the same of a link to a folder; by default none is entered, for links lead in circles and out of the
            archive: it is yielded as something that is neither a file nor a folder.

        Yields
        ------
        tuple
            Subpath and entry; or subpath and the error, of a folder that cannot be listed (``RemotePathNotFound``: not
            there) and of a name that cannot be followed (``NameRefused``; its path is made printable).
        """
        question, waiting = _Question(endpoint), 0
        todo, deeper = iter(folders), list[str]()
        try:
            while True:
                while waiting < self._most * _AHEAD:
                    folder = deeper.pop() if deeper else next(todo, None)
                    if folder is None:
                        break
                    self._ask(question, folder, join_remote(root, folder))
                    waiting += 1
                if not waiting:
                    return
                folder, listing = _answer(question)
                waiting -= 1
                if isinstance(listing, MapshellError):
                    yield folder, listing
                    continue
                for entry in listing:
                    subpath, refused = below(folder, entry.name)
                    if refused is not None:
                        yield subpath, refused
                    elif entry.kind != "dir":
                        yield subpath, entry
                    elif entry.link and not (follow is not None and follow(subpath)):
                        yield subpath, replace(entry, kind="other")
                    elif wanted is None or wanted(subpath):
                        deeper.append(subpath)
        finally:
            question.open = False

    def tree(
        self, endpoint: str, root: str, folder: str, wanted: Callable[[str], bool] | None = None
    ) -> Iterator[tuple[str, RemoteEntry | MapshellError]]:
        """Walk one folder; as :meth:`trees`."""
        return self.trees(endpoint, root, [folder], wanted)

    # -- the threads -------------------------------------------------------------------------------------------

    def _ask(self, question: _Question, tag: str, path: str) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the lister is closed")
            self._jobs.put((question, tag, path))
            if self._idle < self._jobs.qsize() and self._threads < self._most:
                own = self._threads > 0
                store = self._store.siblings(1)[0] if own else self._store
                self._threads += 1
                threading.Thread(target=self._work, args=(store, own), name="lister", daemon=True).start()

    def _work(self, store: Store, own: bool) -> None:
        try:
            while True:
                with self._lock:
                    self._idle += 1
                job = self._jobs.get()
                with self._lock:
                    self._idle -= 1
                if job is None:
                    return
                question, tag, path = job
                if question.open:
                    question.answers.put((tag, _listing(store, question.endpoint, path)))
        finally:
            if own:
                with suppress(MapshellError):
                    store.close()


def _listing(store: Store, endpoint: str, path: str) -> list[RemoteEntry] | BaseException:
    try:
        return store.ls(endpoint, path)
    except BaseException as error:  # noqa: BLE001  # whoever waits for the answer must hear of it
        return error


def _answer(question: _Question) -> tuple[str, list[RemoteEntry] | MapshellError]:
    tag, answer = question.answers.get()
    if isinstance(answer, BaseException) and not isinstance(answer, MapshellError):
        raise answer
    return tag, answer


def below(folder: str, name: str) -> tuple[str, NameRefused | None]:
    """Return the subpath of a listed name, and why it cannot be followed (None: it can).

    A name that holds ``/`` would lead elsewhere, whatever the path made of it looks like.
    """
    subpath = f"{folder}/{name}" if folder else name
    shown = f"{folder}/{printable(name)}" if folder else printable(name)  # the folder itself is safe, and stays known
    if "/" in name:
        return shown, NameRefused(
            f"The listed name {printable(name)!r} holds a '/'.", remedy="tell the administrator of the collection."
        )
    try:
        check_subpath(subpath)
    except NameRefused as error:
        return shown, error
    return subpath, None


def folders_above(subpaths: Iterable[str]) -> set[str]:
    """Return all folders that files lie in, those above them too."""
    folders: set[str] = set()
    for subpath in subpaths:
        folder = subpath.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders
