"""Where fetched files go: this computer's own root, a folder that somebody names, or a collection elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from pipeline.archive.fetch import Site
from pipeline.archive.session import join_remote
from pipeline.errors import LocalDiskError, Refused, UsageError
from pipeline.settings.values import UUID, as_globus_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.session import Location
    from pipeline.settings import LocalRoot, Settings

Via = Literal["globus", "https"]
_LIKE_UUID = re.compile(r"[0-9A-Fa-f-]{8,}:.*|[0-9A-Fa-f-]{30,}", re.DOTALL)  # a folder may be named 2019-11-18


class Targets:
    """Gives every session its place.

    Parameters
    ----------
    settings
        This computer's settings.
    archives
        The storage locations: nothing is ever written there.
    to
        What was asked for: None, a folder, or ``UUID:/path``.
    via
        ``globus`` or ``https``.
    roots_of
        Gives this computer's roots of an alias; None: as the settings say.

    Raises
    ------
    UsageError
        The place cannot be used.
    Refused
        A root of its endpoint is marked as upload-only.
    LocalDiskError
        The root in which it lies does not exist.
    """

    def __init__(
        self,
        settings: Settings,
        archives: Iterable[Location],
        to: str | os.PathLike[str] | None,
        via: Via,
        roots_of: Callable[[str], tuple[LocalRoot, ...]] | None = None,
    ) -> None:
        if via not in ("globus", "https"):
            raise UsageError(f"There is no way {via!r} to fetch files.", remedy='use "globus" or "https".')
        self._settings = settings
        self._archives = tuple(archives)
        self._via = via
        self._roots = (*settings.globus.local_roots, *settings.globus.shared_roots)
        self._mine: dict[str, tuple[LocalRoot, ...]] = {}
        self._of = roots_of or settings.globus.roots
        self._site = None if to is None else self._named(os.fspath(to))

    def site(self, location: Location, files: Sequence[FileEntry]) -> Site:
        """Return the place of a session's files.

        Raises
        ------
        UsageError
            This computer has no folder of its own for the location, and none was named.
        Refused
            Its endpoint is marked as upload-only.
        LocalDiskError
            The root does not exist.
        """
        if self._site is not None:
            return self._site
        roots = self._roots_of(location.alias)
        if not roots:
            raise UsageError(
                f"This computer has no folder of its own for {location.alias}.",
                remedy='name one: --to FOLDER --via https (to="FOLDER", via="https"), or a collection elsewhere: '
                "--to UUID:/path; or add globus.local_endpoints to dj_local_conf.json.",
            )
        closed = self._settings.globus.upload_only
        usable = [root for root in roots if root.endpoint not in closed]
        if not usable:
            raise _upload_only(roots[0])
        tops = {"/".join(entry.subpath.split("/")[:2]) for entry in files}
        there = [root for root in usable if any((root.local_path / top).exists() for top in tops)]
        root = (there or usable)[0]
        _check_there(root)
        return Site(root.local_path, root.endpoint, root.globus_path)

    def _roots_of(self, alias: str) -> tuple[LocalRoot, ...]:
        if alias not in self._mine:
            self._mine[alias] = self._of(alias)
        return self._mine[alias]

    @property
    def named(self) -> Site:
        """The place that was named.

        Raises
        ------
        UsageError
            None was.
        """
        if self._site is None:
            raise UsageError("No place for the files was named.", remedy="name a folder.")
        return self._site

    def _named(self, to: str) -> Site:
        if not to.strip():
            raise UsageError("The place to fetch to is empty.", remedy="name a folder, or UUID:/path.")
        endpoint, colon, path = to.partition(":")
        if UUID.fullmatch(endpoint.strip().lower()):
            return self._elsewhere(endpoint.strip().lower(), path if colon else "", to)
        if _LIKE_UUID.fullmatch(to) and "-" in endpoint and not Path(to).exists():
            raise UsageError(
                f"{to!r} is neither a folder nor a collection.",
                remedy="write the collection's UUID (36 characters), a colon and a path: UUID:/path.",
            )
        return self._folder(Path(os.path.abspath(Path(to).expanduser())))  # noqa: PTH100 - links stay as they are

    def _elsewhere(self, endpoint: str, path: str, to: str) -> Site:
        if self._via == "https":
            raise UsageError(
                f"Files come over HTTPS to a folder of this computer, not to the collection {to}.",
                remedy="name a folder, or fetch by a transfer (via globus).",
            )
        if not path:
            raise UsageError(f"{to!r} names a collection, but no folder in it.", remedy="write UUID:/path.")
        where = as_globus_path(path, f"the place {to!r}")
        self._refuse_archive(endpoint, where, to)
        if endpoint in self._settings.globus.upload_only:
            raise _upload_only(next(root for root in self._roots if root.endpoint == endpoint))
        mine = [root for root in self._roots if root.endpoint == endpoint]
        for root in sorted(mine, key=lambda each: -len(each.globus_path)):
            below = _below(where, root.globus_path)
            if below is not None:  # it can be seen from here after all
                return self._folder(root.local_path.joinpath(*PurePosixPath(below).parts))
        return Site(None, endpoint, where)

    def _folder(self, folder: Path) -> Site:
        try:
            taken = folder.exists() and not folder.is_dir()
        except OSError as error:  # a folder above it may not be looked into
            raise LocalDiskError(
                f"{folder} cannot be looked at: {error.strerror}.",
                remedy="give the account that runs mapshell the right to use it, or name another folder.",
            ) from error
        if taken:
            raise UsageError(f"{folder} is a file.", remedy="name a folder.")
        if self._settings.archive.staging_name in folder.parts:
            raise UsageError(f"{folder} is our own staging folder.", remedy="name another folder.")
        holding = [
            (root, below) for root in self._roots if (below := _local_below(folder, root.local_path)) is not None
        ]
        for root, _ in holding:
            if root.endpoint in self._settings.globus.upload_only:
                raise _upload_only(root)
        holding.sort(key=lambda each: -len(each[0].local_path.parts))
        for root, below in holding:
            path = join_remote(root.globus_path, below) if below else root.globus_path
            self._refuse_archive(root.endpoint, path, str(folder))
            _check_there(root)
            return Site(folder, root.endpoint, path)
        if self._via == "globus":
            known = ", ".join(sorted({str(root.local_path) for root in self._roots})) or "none"
            raise UsageError(
                f"{folder} is not below a folder that this computer has in Globus (known: {known}).",
                remedy="fetch over HTTPS, which needs no such folder (--via https), name a folder below one of those, "
                "or add it to globus.local_endpoints in dj_local_conf.json.",
            )
        return Site(folder)

    def _refuse_archive(self, endpoint: str, path: str, to: str) -> None:
        for archive in self._archives:
            if archive.endpoint == endpoint and _below(path, archive.path) is not None:
                raise UsageError(
                    f"{to} is the archive {archive.alias} itself; nothing is ever fetched into it.",
                    remedy="name another place.",
                )


def _check_there(root: LocalRoot) -> None:
    """Refuse a root that does not exist: made anew, it would lie on the wrong disk."""
    if not root.local_path.is_dir():
        raise LocalDiskError(
            f"There is no folder {root.local_path}, which is this computer's root of {root.alias}.",
            remedy="mount its disk, or correct endpoint_path in dj_local_conf.json.",
        )


def _upload_only(root: LocalRoot) -> Refused:
    return Refused(
        f"Nothing is fetched to {root.local_path} ({root.alias}): its endpoint {root.endpoint} is marked as "
        "upload-only.",
        remedy="fetch over HTTPS to a folder that is none of this endpoint's (--to FOLDER --via https), or on another "
        "computer; upload_only of one root, in globus.local_endpoints of dj_local_conf.json, holds for its endpoint.",
    )


def _below(path: str, folder: str) -> str | None:
    """Return a collection's path relative to a folder of it; None when it is not below."""
    if path.rstrip("/") == folder.rstrip("/"):
        return ""
    prefix = folder.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) else None


def _local_below(path: Path, folder: Path) -> str | None:
    """Return a folder's POSIX path relative to another one, links followed; None when it is not below."""
    try:
        below = Path(os.path.realpath(path)).relative_to(os.path.realpath(folder)).as_posix()
    except (ValueError, OSError):
        return None
    return "" if below == "." else below
