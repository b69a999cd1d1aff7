"""One pass over a delete task."""

from __future__ import annotations

import fnmatch
import os
import shutil
from typing import TYPE_CHECKING

from mapshell.sandbox import misbehave
from mapshell.sandbox.passes import Fatal, Pass, as_fault, check_writable

if TYPE_CHECKING:
    from pathlib import Path

    from mapshell.sandbox.paths import Folder
    from mapshell.sandbox.tasks import Item


class DeletePass(Pass):
    """Deletes what is left to delete.  Links are deleted, never followed."""

    place: Folder

    def prepare(self) -> None:
        """Find the collection.

        Raises
        ------
        Fault
            It is offline or unknown.
        """
        self.place = self.folder(self.task.source, "source")

    def handle(self, item: Item) -> None:
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
                self._delete(path, recursive=bool(options.get("recursive")))
        except (FileNotFoundError, NotADirectoryError) as error:
            if not options.get("ignore_missing"):
                raise as_fault(error, item.source, self.place.spec.display_name, source=True) from error
        except Fatal:
            raise
        except Exception as error:
            raise as_fault(error, item.source, self.place.spec.display_name, source=True) from error
        item.state = "done"
        self.counters["subtasks_succeeded"] += 1

    def _paths(self, item: Item) -> list[Path]:
        parent, _, pattern = item.source.rstrip("/").rpartition("/")
        if not self.task.options.get("interpret_globs") or not any(mark in pattern for mark in "*?["):
            return [self.place.local(item.source, follow=False)]
        folder = self.place.local(parent or "/")
        return [folder / name for name in sorted(os.listdir(folder)) if fnmatch.fnmatchcase(name, pattern)]  # noqa: PTH208

    def _delete(self, path: Path, *, recursive: bool) -> None:
        if path == self.place.local("/"):
            raise PermissionError(13, "The root of a collection is not deleted")
        if not path.is_dir() or path.is_symlink():
            path.unlink()
            self.counters["files"] += 1
            return
        if not recursive:
            raise Fatal("IS_A_DIRECTORY", f"'{path.name}' is a directory and the task is not recursive")
        shutil.rmtree(path)
        self.counters["directories"] += 1
