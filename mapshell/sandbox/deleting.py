"""One pass over a delete task."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
import shutil
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from mapshell.sandbox import misbehave
from mapshell.sandbox.anchor import BY_FOLDER, LIST, Anchor
from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.moving import Interrupted
from mapshell.sandbox.passes import Fatal, Pass, as_fault, check_writable
from mapshell.sandbox.paths import absolute, to_wire

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from mapshell.sandbox.paths import Folder
    from mapshell.sandbox.tasks import Item

_EVERY = 100


class DeletePass(Pass):
    """Deletes what is left to delete.  Links are deleted, never followed."""

    place: Folder
    anchor: Anchor | None = None

    def prepare(self) -> None:
        """Find the collection.

        Raises
        ------
        Fault
            It is offline or unknown.
        """
        self.place = self.folder(self.task.source, "source")
        self.anchor = Anchor(self.place)

    def release(self) -> None:
        """Close the folders that are open."""
        if self.anchor is not None:
            self.anchor.close()

    def decide(self, items: list[Item]) -> None:
        """Store what is there before anything is deleted: if a later pass finds it gone, it is done and not missing."""
        found = [item for item in items if item.state == "pending" and self._is_there(item)]
        self.store.save_items(self.task.task_id, [replace(item, state="deleting") for item in found])

    def _is_there(self, item: Item) -> bool:
        with contextlib.suppress(ApiError, OSError):
            for path in self._paths(item):
                there = self.opening.at(path)
                os.stat(there.name, dir_fd=there.folder, follow_symlinks=False)
                return True
        return False

    def handle(self, item: Item) -> Generator[float, None, None]:
        """Delete one path.

        Raises
        ------
        Fault
            It cannot be deleted now.
        Fatal
            It is a folder and the task is not recursive.
        """
        options = self.task.options
        if self.task.fault is not None and misbehave.before_delete(self, item):
            return
        try:
            check_writable(self.place)
            for path in self._paths(item):
                yield from self._delete(path, recursive=bool(options.get("recursive")))
        except (FileNotFoundError, NotADirectoryError) as error:
            fault = as_fault(error, item.source, self.place.spec.display_name, source=True)
            if self._is_there(item):  # what has changed is something in it
                raise fault from error
            if not options.get("ignore_missing") and item.state != "deleting":
                # A transfer waits for what is missing; a delete does not.
                self.note_fault(fault)
                raise Fatal(fault.code, fault.description) from error
        except (Fatal, Interrupted):
            raise
        except Exception as error:
            raise as_fault(error, item.source, self.place.spec.display_name, source=True) from error
        item.state = "done"
        self.counters["subtasks_succeeded"] += 1

    @property
    def opening(self) -> Anchor:
        """Opens the folders to delete from."""
        assert self.anchor is not None  # noqa: S101 - set by prepare()
        return self.anchor

    def _paths(self, item: Item) -> list[str]:
        parent, _, pattern = item.source.rstrip("/").rpartition("/")
        if not self.task.options.get("interpret_globs") or not any(mark in pattern for mark in "*?["):
            return [item.source]
        # What a backslash stands before means itself.
        pattern = re.sub(r"\\(.)", lambda found: f"[{found[1]}]" if found[1] in "*?[" else found[1], pattern)
        with self.opening.listed(parent or "/") as place:
            names = sorted(map(to_wire, os.listdir(place)))  # noqa: PTH208 - of an open folder
        matches = [f"{parent}/{name}" for name in names if fnmatch.fnmatchcase(name, pattern)]
        if not matches:
            raise FileNotFoundError(2, "No such file or directory")
        return matches

    def _delete(self, path: str, *, recursive: bool) -> Generator[float, None, None]:
        parent, name = self.place.locate(path)
        if name == os.curdir:
            raise PermissionError(13, "The root of a collection is not deleted")
        if not BY_FOLDER:
            self._delete_by_path(self.place.local(path, follow=False), recursive=recursive)
            return
        above = self.opening.folder(parent)
        if not stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=above)
            self.counters["files"] += 1
            return
        if not recursive:
            raise _not_recursive(name)
        # A copy: the anchor may close its own while the pass stands still.
        above = os.dup(above)
        try:
            yield from self._delete_tree(above, name, path)
        finally:
            os.close(above)
        self.counters["directories"] += 1

    def _delete_tree(self, above: int, name: str, path: str) -> Generator[float, None, None]:
        self._check(path)
        try:
            handle = os.open(name, LIST, dir_fd=above)
        except FileNotFoundError:  # another task deletes it too
            return
        try:
            with os.scandir(handle) as scan:
                inside = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in scan]
            for number, (below, is_folder) in enumerate(inside, 1):
                if is_folder:
                    yield from self._delete_tree(handle, below, f"{path}/{to_wire(below)}")
                else:
                    self._check(f"{path}/{to_wire(below)}")
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(below, dir_fd=handle)
                if number % _EVERY == 0:
                    yield 0.0
        finally:
            os.close(handle)
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(name, dir_fd=above)

    def _check(self, path: str) -> None:
        if self.place.spec.deny:
            self.place.check_rules(absolute(path, self.place.spec.home))

    def _delete_by_path(self, path: Path, *, recursive: bool) -> None:
        if not path.is_dir() or path.is_symlink():
            path.unlink()
            self.counters["files"] += 1
            return
        if not recursive:
            raise _not_recursive(path.name)
        shutil.rmtree(path)
        self.counters["directories"] += 1


def _not_recursive(name: str) -> Fatal:
    return Fatal("IS_A_DIRECTORY", f"'{name}' is a directory and the task is not recursive")
