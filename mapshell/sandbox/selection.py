"""What of a folder belongs to a recursive transfer: filter rules, links, and what is extra at the destination."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os
import shutil
import stat
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.passes import Fatal, Fault, as_fault, check_writable
from mapshell.sandbox.paths import to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mapshell.sandbox.runner import TransferPass
    from mapshell.sandbox.tasks import Item

#: Which counter of a task tells how many there are of a kind.
COUNTERS = {"file": "files", "dir": "directories", "symlink": "symlinks"}
#: Errors at the source that ``skip_source_errors`` lets pass; all others are tried again.
SKIPPABLE = frozenset({"FILE_NOT_FOUND", "PERMISSION_DENIED", "AMBIGUOUS_PATH"})
#: Errors that no retry can mend: they end the task.
TERMINAL = frozenset({"IS_A_DIRECTORY", "NOT_A_DIRECTORY", "NOT_A_SYMLINK"})


def included(rules: Sequence[Mapping[str, Any]], name: str, kind: str) -> bool:
    """Apply the filter rules of a transfer to one entry of a folder: the first that matches its name decides.

    A rule of type ``file`` is for everything that is no folder.  Below a folder that is left out nothing is looked at.
    """
    for rule in rules:
        if rule.get("type") in {None, "dir" if kind == "dir" else "file"} and fnmatch.fnmatchcase(
            name, str(rule.get("name", ""))
        ):
            return bool(rule.get("method", "exclude") == "include")
    return True


def children(
    place: int | str, folder: Path, options: Mapping[str, Any], counts: dict[str, int]
) -> Iterator[tuple[str, str]]:
    """Yield kind and name (as on the wire) of what a folder brings along; ``counts`` is filled by counter.

    ``place`` is the open folder to list, ``folder`` where it lies.

    Raises
    ------
    OSError
        The folder cannot be listed, or a link to be copied leads back to a folder that holds it.
    """
    rules, links = options.get("filter_rules") or (), options.get("recursive_symlinks") or "ignore"
    with os.scandir(place) as scan:
        for entry in scan:
            kind = _kind(entry, folder, links)
            if kind is None:
                counts["symlinks"] += entry.is_symlink()
            elif included(rules, name := to_wire(entry.name), kind):
                counts[COUNTERS[kind]] += 1
                yield kind, name


def _kind(entry: os.DirEntry[str], folder: Path, links: str) -> str | None:
    if entry.is_symlink():
        if links == "ignore":
            return None
        if links == "keep":
            return "symlink"
        if (folder / entry.name).resolve() in {folder, *folder.parents}:
            raise OSError(errno.ELOOP, "Too many levels of symbolic links", entry.path)
        # A link that leads nowhere is met, and told about, when its turn comes.
        return "dir" if entry.is_dir() else "file"
    if entry.is_dir(follow_symlinks=False):
        return "dir"
    return "file" if entry.is_file(follow_symlinks=False) else None


def recognize(work: TransferPass, item: Item) -> None:
    """Find out whether an item that does not say is a folder or a file, now that its turn has come.

    Raises
    ------
    Fault
        It is still not there, or is a folder where a file's checksum was given.
    """
    try:
        status = work.reading.stat(item.source)
    except Exception as error:
        raise as_fault(error, item.source, work.source.spec.display_name, source=True) from error
    if item.checksum:
        expect(status, item.source, folder=False)
    item.kind = "dir" if stat.S_ISDIR(status.st_mode) else "file"
    work.flush(force=True)
    work.counters[COUNTERS[item.kind]] += 1
    work.store.recognize(work.task.task_id, item, work.counters)
    work.decide([item])


def carry_link(work: TransferPass, item: Item) -> None:
    """Make the same link at the destination, whatever it leads to; what is there under its name must be a link.

    Raises
    ------
    Fault
        It cannot be read or made now, or is no link.
    """
    try:
        work.source.local(item.source, follow=False)
        here = work.reading.at(item.source)
        text = os.readlink(here.name, dir_fd=here.folder)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise Fault("NOT_A_SYMLINK", "not a symlink", f"File: {item.source}", source=True) from error
        raise as_fault(error, item.source, work.source.spec.display_name, source=True) from error
    except Exception as error:
        raise as_fault(error, item.source, work.source.spec.display_name, source=True) from error
    try:
        check_writable(work.target)
        work.target.local(item.destination, follow=False)
        there = work.writing.at(item.destination, make=True)
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISLNK(os.stat(there.name, dir_fd=there.folder, follow_symlinks=False).st_mode):
                os.unlink(there.name, dir_fd=there.folder)
        os.symlink(text, there.name, dir_fd=there.folder)
    except FileExistsError as error:
        raise Fault("NOT_A_SYMLINK", "not a symlink", f"File: {item.destination}") from error
    except Exception as error:
        raise as_fault(error, item.destination, work.target.spec.display_name, source=False) from error
    item.state = "done"
    work.counters["subtasks_succeeded"] += 1


def delete_extra(work: TransferPass, item: Item, source: Path) -> None:
    """Delete at the destination what the source folder has not, or has as another type (``delete_destination_extra``).

    What the filter rules leave out is left alone on both sides.  Links are deleted, never followed.

    Raises
    ------
    Fault
        Something cannot be listed or deleted now.
    """
    if not work.task.options.get("delete_destination_extra"):
        return
    rules, links = work.task.options.get("filter_rules") or (), work.task.options.get("recursive_symlinks") or "ignore"
    try:
        with work.reading.listed(item.source) as place, os.scandir(place) as scan:
            there = {entry.name: _kind(entry, source, links) or _type(entry) for entry in scan}
        with work.writing.listed(item.destination) as place:
            with os.scandir(place) as scan:
                extra = [(entry.name, _type(entry)) for entry in scan if there.get(entry.name) != _type(entry)]
            for name, kind in extra:
                if included(rules, to_wire(name), kind):
                    check_writable(work.target)
                    work.target.check_rules(f"/{item.destination.strip('/')}/{to_wire(name)}")
                    _remove(place, name, kind)
                    work.check()
    except (OSError, ApiError, Fault) as error:
        raise as_fault(error, item.destination, work.target.spec.display_name, source=False) from error


def _remove(place: int | str, name: str, kind: str) -> None:
    # From the open folder, so that nothing that takes its place is touched.
    folder = place if isinstance(place, int) else None
    path = name if isinstance(place, int) else os.path.join(place, name)  # noqa: PTH118
    if kind == "dir":
        shutil.rmtree(path, dir_fd=folder)
    else:
        os.unlink(path, dir_fd=folder)


def _type(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "symlink"
    return "dir" if entry.is_dir(follow_symlinks=False) else "file"


def settle(work: TransferPass, item: Item, fault: Fault) -> None:
    """Decide what a fault of one item means for the task: skip the item, end the task, or try again.

    Raises
    ------
    Fatal
        No retry can mend it, or the task is told to fail.
    Fault
        To be tried again.
    """
    options = work.task.options
    if fault.code in TERMINAL or (fault.code == "QUOTA_EXCEEDED" and options.get("fail_on_quota_errors")):
        work.note_fault(fault)
        raise Fatal(fault.code, fault.description) from fault
    if not (fault.source and fault.code in SKIPPABLE and options.get("skip_source_errors")):
        raise fault
    if item.kind == "dir" and options.get("delete_destination_extra"):
        work.store.add_event(
            work.task.task_id,
            "DELETE_DESTINATION_EXTRA_SKIPPED",
            "delete destination extra skipped",
            f"Directory: {item.destination}",
            is_error=False,
        )
    work.skip(item, fault)


def expect(status: os.stat_result, name: str, *, folder: bool) -> None:
    """Look at a source that the transfer says is a folder, or a file.

    Raises
    ------
    Fault
        It is the other.
    """
    if folder and not stat.S_ISDIR(status.st_mode):
        raise Fault("NOT_A_DIRECTORY", "not a directory", f"File: {name}\nMessage: Not a directory", source=True)
    if not folder and stat.S_ISDIR(status.st_mode):
        raise Fault("IS_A_DIRECTORY", "is a directory", f"File: {name}\nMessage: Is a directory", source=True)
