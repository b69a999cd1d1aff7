"""Looking at and arranging the files of a collection: ls, stat, mkdir, rename."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.anchor import Anchor
from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.fileerrors import (
    check_online,
    check_writable,
    endpoint_name,
    exists,
    failed,
    not_found,
    not_supported,
)
from mapshell.sandbox.limits import check_listing
from mapshell.sandbox.listing import file_filter, number, only_fields, ordered, timestamp
from mapshell.sandbox.paths import absolute, split, to_disk, to_wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mapshell.sandbox.paths import Folder

_MOST_ENTRIES = 100_000
#: Whether links can be made: everybody may on POSIX, on Windows few may.
LINKS = os.name != "nt"
_SORTABLE = frozenset({"name", "type", "size", "last_modified", "user", "group", "permissions"})


@functools.lru_cache(maxsize=256)
def _user(uid: int) -> str:
    try:
        import pwd
    except ImportError:  # Windows has no such table
        return "sandbox"
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@functools.lru_cache(maxsize=256)
def _group(gid: int) -> str:
    try:
        import grp
    except ImportError:  # Windows has no such table
        return "sandbox"
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def file_document(
    name: str, status: os.stat_result, kind: str, link: tuple[str, os.stat_result] | None
) -> dict[str, Any]:
    """Describe one file, folder or link."""
    document: dict[str, Any] = {
        "DATA_TYPE": "file",
        "name": name,
        "type": kind,
        "size": status.st_size,
        "last_modified": timestamp(status.st_mtime),
        "permissions": f"{stat.S_IMODE(status.st_mode):04o}",
        "user": _user(status.st_uid),
        "group": _group(status.st_gid),
        "link_target": None,
        "link_size": None,
        "link_last_modified": None,
        "link_user": None,
        "link_group": None,
    }
    if link is not None:
        target, link_status = link
        document.update(
            link_target=target,
            link_size=link_status.st_size,
            link_last_modified=timestamp(link_status.st_mtime),
            link_user=_user(link_status.st_uid),
            link_group=_group(link_status.st_gid),
        )
    return document


def _kind(mode: int) -> str:
    for test, kind in (
        (stat.S_ISDIR, "dir"),
        (stat.S_ISREG, "file"),
        (stat.S_ISCHR, "chr"),
        (stat.S_ISBLK, "blk"),
        (stat.S_ISFIFO, "pipe"),
    ):
        if test(mode):
            return kind
    return "other"


def describe(folder: Folder, path: Path, name: str) -> dict[str, Any]:
    """Describe what is at a local path; a broken link, or one that leads out, is an ``invalid_symlink``.

    Raises
    ------
    OSError
        There is nothing, or it cannot be looked at.
    """
    status = path.lstat()
    if not stat.S_ISLNK(status.st_mode):
        return file_document(name, status, _kind(status.st_mode), None)
    target = to_wire(os.fspath(path.readlink()))
    try:
        if not folder.inside(path):
            return file_document(name, status, "invalid_symlink", (target, status))
        followed = path.stat()
    except OSError:
        return file_document(name, status, "invalid_symlink", (target, status))
    return file_document(name, followed, _kind(followed.st_mode), (target, status))


def ls(folder: Folder, query: Mapping[str, str], filters: Sequence[str], most: int | None = None) -> dict[str, Any]:
    """List a directory that has not more than ``most`` entries.

    Raises
    ------
    ApiError
        Missing path, no directory, no permission, offline, or a query that cannot be read.
    """
    check_online(folder, "DirListingFailed")
    path = query.get("path") or "/~/"
    directory = folder.local(path)
    matches = file_filter(filters)
    hidden = query.get("show_hidden", "1").lower() not in {"0", "false"}
    limit, offset = number(query, "limit", _MOST_ENTRIES, highest=_MOST_ENTRIES), number(query, "offset", 0)
    entries = []
    try:
        with contextlib.closing(Anchor(folder)) as anchor, anchor.listed(path) as place, os.scandir(place) as scan:
            for count, entry in enumerate(scan, 1):
                check_listing(folder, count, most)
                name = to_wire(entry.name)
                if not hidden and name.startswith("."):
                    continue
                with contextlib.suppress(FileNotFoundError):  # gone since it was listed
                    document = describe(folder, directory / entry.name, name)
                    if matches(document):
                        entries.append(document)
    except FileNotFoundError as error:
        raise not_found(folder, path) from error
    except NotADirectoryError as error:
        raise ApiError(
            502,
            "ExternalError.DirListingFailed.NotDirectory",
            f"Not a directory\nEndpoint: {endpoint_name(folder)}\nMessage: '{path}' is not a directory",
        ) from error
    except OSError as error:
        raise failed(folder, path, "list", "DirListingFailed", error) from error
    ordered(entries, query.get("orderby") or "type,name", _SORTABLE)
    page = entries[offset : offset + limit]
    return {
        "DATA_TYPE": "file_list",
        "DATA": [only_fields(document, query) for document in page],
        "endpoint": folder.collection_id,
        "path": path if path.endswith("/") else path + "/",
        "absolute_path": absolute(path, folder.spec.home).rstrip("/") + "/",
        "rename_supported": True,
        "symlink_supported": LINKS,
        "length": len(page),
        "limit": limit,
        "offset": offset,
        "total": len(entries),
    }


def look(folder: Folder, query: Mapping[str, str]) -> dict[str, Any]:
    """Describe one path (``operation/stat``).

    Raises
    ------
    ApiError
        Missing path, no permission or offline.
    """
    check_online(folder, "StatFailed")
    path = query.get("path") or "/~/"
    parts = split(path, folder.spec.home)
    try:
        found = describe(folder, folder.local(path, follow=False), parts[-1] if parts else "/")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_found(folder, path, "NotFound") from error
    except OSError as error:
        raise failed(folder, path, "list", "StatFailed", error) from error
    if path.endswith("/") and found["type"] != "dir":
        raise not_found(folder, path, "NotFound")
    return only_fields(found, query)


def mkdir(folder: Folder, path: str) -> str:
    """Make a directory; returns the message.

    Raises
    ------
    ApiError
        It exists, its parent does not, no permission, or offline.
    """
    check_online(folder, "MkdirFailed")
    folder.local(path)
    check_writable(folder, path, "mkdir")
    try:
        with contextlib.closing(Anchor(folder)) as anchor:
            there = anchor.at(path)
            os.mkdir(there.name, dir_fd=there.folder)
    except FileExistsError as error:
        raise exists(folder, path, "MkdirFailed", "MKD") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_found(folder, path) from error
    except OSError as error:
        raise failed(folder, path, "mkdir", "MkdirFailed", error) from error
    return "The directory was created successfully"


def rename(folder: Folder, old: str, new: str) -> str:
    """Rename within a collection, never onto something; returns the message.

    Raises
    ------
    ApiError
        The old path is missing, the new one exists, no permission, or offline.
    """
    check_online(folder, "RenameFailed")
    source, target = folder.local(old, follow=False), folder.local(new, follow=False)
    check_writable(folder, new, "rename")
    if not os.path.lexists(source):
        raise not_found(folder, old)
    if os.path.lexists(target):
        raise exists(folder, new, "RenameFailed", "RNTO")
    try:
        with contextlib.closing(Anchor(folder)) as anchor:
            here, there = anchor.at(old), anchor.at(new)
            os.rename(here.name, there.name, src_dir_fd=here.folder, dst_dir_fd=there.folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_found(folder, new) from error
    except OSError as error:
        raise failed(folder, new, "rename", "RenameFailed", error) from error
    return "File or directory renamed successfully"


def symlink(folder: Folder, target: str, path: str) -> str:
    """Make a link with any text, also one that leads nowhere; returns the message.

    Raises
    ------
    ApiError
        Something is there, the parent is missing, no permission, offline, or this computer makes no links.
    """
    if not LINKS:
        raise not_supported("This collection does not support symlinks")
    check_online(folder, "SymlinkFailed")
    folder.local(path, follow=False)
    check_writable(folder, path, "symlink")
    try:
        with contextlib.closing(Anchor(folder)) as anchor:
            there = anchor.at(path)
            os.symlink(to_disk(target), there.name, dir_fd=there.folder)
    except FileExistsError as error:
        raise exists(folder, path, "SymlinkFailed", "SITE SYMLINK") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_found(folder, path) from error
    except OSError as error:
        raise failed(folder, path, "symlink", "SymlinkFailed", error) from error
    return "The symlink was created successfully"
