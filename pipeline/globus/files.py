"""File operations on collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import Conflict, GlobusError, RemotePathNotFound
from pipeline.globus import documents
from pipeline.globus.calls import Caller, caused_by
from pipeline.globus.errors import Doing

if TYPE_CHECKING:
    from pipeline.archive.ports import RemoteEntry

PAGE = 100_000  # entries of a folder; the service's own limit
_LISTING_ATTEMPTS = 3


class Files(Caller):
    """The part of ``pipeline.archive.ports.Store`` that concerns files."""

    def ls(self, endpoint: str, path: str) -> list[RemoteEntry]:
        """List one folder completely, sorted by name.

        Raises
        ------
        RemotePathNotFound
            It is not there.
        GlobusError
            Every other failure, a listing that stays incomplete included.
        """
        doing = Doing("list", collection=endpoint, path=path)
        for _ in range(_LISTING_ATTEMPTS):
            entries = self._listing(doing, endpoint, path)
            if entries is not None:
                return sorted(entries, key=lambda each: each.name)
        raise GlobusError(
            f"{self._named(doing).sentence}: the folder changed each time while it was read.",
            remedy="wait until nobody writes there, then try again.",
        )

    def _listing(self, doing: Doing, endpoint: str, path: str) -> list[RemoteEntry] | None:
        """Read all pages; None when they do not fit together."""
        entries: dict[str, RemoteEntry] = {}
        expected: int | None = None
        while True:
            offset = len(entries)
            answer = self._ask(
                doing, "operation_ls", endpoint, path, show_hidden=True, orderby="name", limit=PAGE, offset=offset
            )
            page = self._items(doing, answer)
            total = answer.get("total")
            if isinstance(total, int):
                if expected is not None and total != expected:
                    return None
                expected = total
            for document in page:
                found = self._read(doing, documents.entry, document)
                if found.name in entries:
                    return None
                entries[found.name] = found
            more = answer.get("has_next_page")
            if not isinstance(more, bool):
                more = expected is not None and len(entries) < expected
                more = more or (expected is None and len(page) >= PAGE)
            if not more:
                return _whole(entries, expected)
            if not page:
                return None

    def stat(self, endpoint: str, path: str) -> RemoteEntry:
        """Look at one path.

        Raises
        ------
        RemotePathNotFound
            It is not there.
        """
        doing = Doing("look at", collection=endpoint, path=path)
        answer = self._ask(doing, "operation_stat", endpoint, path)
        own = path.rstrip("/").rpartition("/")[2] or "/"
        return self._read(doing, documents.entry, {**answer, "name": answer.get("name") or own})

    def mkdir(self, endpoint: str, path: str) -> None:
        """Make one folder; an existing one is fine.

        Raises
        ------
        Conflict
            A file has that name.
        RemotePathNotFound
            The folder above it does not exist.
        """
        doing = Doing("make the folder", collection=endpoint, path=path)
        try:
            self._ask(doing, "operation_mkdir", endpoint, path)
        except GlobusError as error:
            if not caused_by(error, "Exists"):
                raise
            if self.stat(endpoint, path).kind != "dir":
                raise Conflict(
                    f"{self._named(doing).sentence}: a file has that name.", remedy="rename or remove the file."
                ) from error

    def rename(self, endpoint: str, old: str, new: str) -> None:
        """Rename within a collection; never onto an existing path.

        Raises
        ------
        Conflict
            ``new`` exists; nothing was changed.
        RemotePathNotFound
            ``old`` does not exist.
        """
        doing = Doing(f"rename to {new}", collection=endpoint, path=old)
        if self._exists(endpoint, new):
            raise Conflict(
                f"{self._named(doing).sentence}: {new} exists already.", remedy="nothing was changed; look at both."
            )
        try:
            self._ask(doing, "operation_rename", endpoint, old, new)
        except RemotePathNotFound:
            # The answer to a first attempt may have been lost after it was done.
            if not self._exists(endpoint, new):
                raise

    def _exists(self, endpoint: str, path: str) -> bool:
        try:
            self.stat(endpoint, path)
        except RemotePathNotFound:
            return False
        return True


def _whole(entries: dict[str, RemoteEntry], expected: int | None) -> list[RemoteEntry] | None:
    """Return a listing if it has as many entries as the service counted."""
    return list(entries.values()) if expected is None or len(entries) == expected else None
