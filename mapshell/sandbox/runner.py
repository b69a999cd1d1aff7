"""One pass over a transfer task: expand folders, decide by sync level, copy, verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapshell.sandbox import expanding, misbehave, moving, onefile, selection
from mapshell.sandbox.anchor import Anchor
from mapshell.sandbox.passes import Fault, Pass, as_fault, check_writable

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from mapshell.sandbox.paths import Folder
    from mapshell.sandbox.tasks import Item


class TransferPass(Pass):
    """Moves what is left of a transfer."""

    source: Folder
    target: Folder
    from_anchor: Anchor | None = None
    to_anchor: Anchor | None = None

    def prepare(self) -> None:
        """Find both collections.

        Raises
        ------
        Fault
            One of them is offline or unknown.
        """
        self._use_source()
        self._use_target()
        options = self.task.options
        self.verify = bool(options.get("verify_checksum", False))
        level = options.get("sync_level")
        self.level: int | None = None if level is None else int(level)
        # Parts of a file that a kill interrupted do not count.
        self.counters["bytes_transferred"] = self.store.moved_bytes(self.task.task_id)

    def _use_source(self) -> None:
        self.source = self.folder(self.task.source, "source")
        if self.from_anchor is not None:
            self.from_anchor.close()
        self.from_anchor = Anchor(self.source)

    def _use_target(self) -> None:
        self.target = self.folder(self.task.destination, "destination")
        if self.to_anchor is not None:
            self.to_anchor.close()
        self.to_anchor = Anchor(self.target)

    def release(self) -> None:
        """Close the folders that are open."""
        for anchor in (self.from_anchor, self.to_anchor):
            if anchor is not None:
                anchor.close()

    @property
    def reading(self) -> Anchor:
        """Opens what is to be read."""
        assert self.from_anchor is not None  # noqa: S101 - set by prepare()
        return self.from_anchor

    @property
    def writing(self) -> Anchor:
        """Opens what is to be written."""
        assert self.to_anchor is not None  # noqa: S101 - set by prepare()
        return self.to_anchor

    # Deciding --------------------------------------------------------------------------------------------------

    def decide(self, items: list[Item]) -> None:
        """Choose what must be copied, and store it before the first byte moves.

        A partial file of our own, left by a kill, is so never taken for a file that was there before.
        """
        if self.level is None or self.level >= 3:
            return
        decided = []
        for item in items:
            if item.kind == "file" and item.state == "pending":
                try:
                    must = self.differs(item)
                except Exception:  # noqa: BLE001, S112 - whatever is wrong with it is told when its turn comes
                    continue
                if must:
                    item.state = "copy"
                    decided.append(item)
        self.store.save_items(self.task.task_id, decided)

    def differs(self, item: Item) -> bool:
        """Tell whether a sync level below 3 sends a file.

        Raises
        ------
        ApiError, OSError
            One of the two cannot be looked at.
        """
        source = self.reading.stat(item.source)
        try:
            target = self.writing.stat(item.destination)
        except (FileNotFoundError, NotADirectoryError):
            return True
        return moving.differs(source, target, self.level or 0)

    # One item --------------------------------------------------------------------------------------------------

    def handle(self, item: Item) -> Generator[float, None, None]:
        """Move one file, or expand one folder.

        Raises
        ------
        Fault
            It cannot be moved now.
        Fatal
            The task ends.
        """
        self._refresh()
        try:
            if self.task.fault is not None and misbehave.before(self, item):
                return
            if item.kind == "any":
                selection.recognize(self, item)
            if item.kind == "dir":
                yield from expanding.expand(self, item)
            elif item.kind == "symlink":
                selection.carry_link(self, item)
            else:
                yield from onefile.move(self, item)
        except Fault as fault:
            selection.settle(self, item, fault)

    def _refresh(self) -> None:
        """Take note of settings that were changed while the task runs."""
        if self.collections.peek(self.source.collection_id) is not self.source.spec:
            self._use_source()
        if self.collections.peek(self.target.collection_id) is not self.target.spec:
            self._use_target()

    def skip(self, item: Item, fault: Fault) -> None:
        """Leave a file out, and say why."""
        item.state, item.error = "skipped_error", (fault.code, fault.details)
        self.counters["subtasks_skipped_errors"] += 1

    def readable(self, item: Item) -> tuple[Path, int]:
        """Return the local file to read, and its size in bytes (for faults on demand).

        Raises
        ------
        Fault
            It cannot be read.
        """
        try:
            source = self.source.local(item.source)
            status = source.stat()
        except Exception as error:
            raise as_fault(error, item.source, self.source.spec.display_name, source=True) from error
        selection.expect(status, item.source, folder=False)
        return source, status.st_size

    def writable(self, item: Item) -> Path:
        """Return the local file to write; its folder is made (for faults on demand).

        Raises
        ------
        Fault
            Nothing can be written there.
        """
        try:
            target = self.target.local(item.destination)
            check_writable(self.target)
            target.parent.mkdir(parents=True, exist_ok=True)
        except Exception as error:
            raise as_fault(error, item.destination, self.target.spec.display_name, source=False) from error
        return target
