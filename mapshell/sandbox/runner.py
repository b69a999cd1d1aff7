"""One pass over a transfer task: expand folders, decide by sync level, copy, verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapshell.sandbox import misbehave, moving, selection
from mapshell.sandbox.passes import Fatal, Fault, Pass, as_fault, check_writable
from mapshell.sandbox.tasks import Item

if TYPE_CHECKING:
    from pathlib import Path

    from mapshell.sandbox.moving import Copied
    from mapshell.sandbox.paths import Folder

_CHUNK = 1000


class TransferPass(Pass):
    """Moves what is left of a transfer."""

    source: Folder
    target: Folder

    def prepare(self) -> None:
        """Find both collections.

        Raises
        ------
        Fault
            One of them is offline or unknown.
        """
        self.source = self.folder(self.task.source, "source")
        self.target = self.folder(self.task.destination, "destination")
        self._made: set[Path] = set()
        options = self.task.options
        self._verify = bool(options.get("verify_checksum", False))
        level = options.get("sync_level")
        self._level: int | None = None if level is None else int(level)
        # Parts of a file that a kill interrupted do not count.
        self.counters["bytes_transferred"] = self.store.moved_bytes(self.task.task_id)

    # Deciding --------------------------------------------------------------------------------------------------

    def decide(self, items: list[Item]) -> None:
        """Choose what must be copied, and store it before the first byte moves.

        A partial file of our own, left by a kill, is so never taken for a file that was there before.
        """
        if self._level is None or self._level >= 3:
            return
        decided = []
        for item in items:
            if item.kind == "file" and item.state == "pending":
                try:
                    paths = self.source.local(item.source), self.target.local(item.destination)
                    if moving.needs_copy(*paths, self._level, "md5", self.check):
                        item.state = "copy"
                        decided.append(item)
                except Exception:  # noqa: BLE001, S112 - whatever is wrong with it is told when its turn comes
                    continue
        self.store.save_items(self.task.task_id, decided)

    # One item --------------------------------------------------------------------------------------------------

    def handle(self, item: Item) -> None:
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
            if item.kind == "dir":
                self._expand(item)
            elif item.kind == "symlink":
                selection.carry_link(self, item)
            else:
                self._file(item)
        except Fault as fault:
            selection.settle(self, item, fault)

    def _refresh(self) -> None:
        """Take note of settings that were changed while the task runs."""
        if self.collections.peek(self.source.collection_id) is not self.source.spec:
            self.source = self.folder(self.task.source, "source")
        if self.collections.peek(self.target.collection_id) is not self.target.spec:
            self.target = self.folder(self.task.destination, "destination")

    def skip(self, item: Item, fault: Fault) -> None:
        """Leave a file out, and say why."""
        item.state, item.error = "skipped_error", (fault.code, fault.details)
        self.counters["subtasks_skipped_errors"] += 1

    def _file(self, item: Item) -> None:
        source, size = self.readable(item)
        target = self.writable(item)
        algorithm = moving.algorithm_name(item.algorithm)
        if item.state != "copy" and self._level is not None and not self._must_copy(item, source, target, algorithm):
            item.state, item.size = "skipped", size
            self.counters["files_skipped"] += 1
            self.counters["subtasks_succeeded"] += 1
            return
        if self.target.spec.quota is not None and size > self.target.spec.quota:
            raise Fault("QUOTA_EXCEEDED", "quota exceeded", f"{item.destination}: no room for {size} bytes")
        hashed = algorithm if self._verify or item.checksum else None
        copied = self._copy(item, source, target, hashed)
        if hashed is not None:
            self._check(item, target, copied, hashed)
        self._finish_file(item, source, target, copied)

    def readable(self, item: Item) -> tuple[Path, int]:
        """Return the local file to read, and its size in bytes.

        Raises
        ------
        Fault
            It cannot be read.
        """
        try:
            source = self.source.local(item.source)
            status = selection.expect(source, item.source, folder=False)
        except Exception as error:
            raise as_fault(error, item.source, self.source.spec.display_name, source=True) from error
        return source, status.st_size

    def writable(self, item: Item) -> Path:
        """Return the local file to write; its folder is made.

        Raises
        ------
        Fault
            Nothing can be written there.
        """
        try:
            target = self.target.local(item.destination)
            check_writable(self.target)
            if target.parent not in self._made:
                target.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(target.parent)
        except Exception as error:
            raise as_fault(error, item.destination, self.target.spec.display_name, source=False) from error
        return target

    def _must_copy(self, item: Item, source: Path, target: Path, algorithm: str) -> bool:
        try:
            return moving.needs_copy(source, target, self._level or 0, algorithm, self.check)
        except OSError as error:
            raise as_fault(error, item.source, self.source.spec.display_name, source=True) from error

    def _copy(self, item: Item, source: Path, target: Path, hashed: str | None) -> Copied:
        def tick(count: int) -> None:
            self.counters["bytes_transferred"] += count
            self.check()
            self.flush()

        before = self.counters["bytes_transferred"]
        try:
            return moving.copy(source, target, hashed, tick)
        except OSError as error:
            self.counters["bytes_transferred"] = before
            at_source = str(getattr(error, "filename", "")) == str(source)
            place = self.source if at_source else self.target
            path = item.source if at_source else item.destination
            raise as_fault(error, path, place.spec.display_name, source=at_source) from error

    def _check(self, item: Item, target: Path, copied: Copied, algorithm: str) -> None:
        wanted = (item.checksum or "").lower()
        if wanted and copied.checksum != wanted:
            raise Fatal(
                "EXTERNAL_CHECKSUM_MISMATCH",
                f"The {algorithm} checksum of {item.source} is {copied.checksum}, expected {wanted}",
            )
        try:
            arrived = moving.checksum(target, algorithm, self.check)
        except OSError as error:
            raise as_fault(error, item.destination, self.target.spec.display_name, source=False) from error
        self.counters["bytes_checksummed"] += copied.size
        if arrived != copied.checksum:
            raise Fault("VERIFY_CHECKSUM", "checksum verification failed", f"File: {item.destination}")

    def _finish_file(self, item: Item, source: Path, target: Path, copied: Copied) -> None:
        if self.task.options.get("preserve_timestamp") and self.target.spec.keeps_times:
            try:
                moving.keep_time(source, target)
            except OSError as error:
                raise as_fault(error, item.destination, self.target.spec.display_name, source=False) from error
        item.state, item.size = "done", copied.size
        if copied.checksum is not None:
            item.checksum, item.algorithm = copied.checksum, item.algorithm or "MD5"
        self.counters["files_transferred"] += 1
        self.counters["subtasks_succeeded"] += 1
        if self.target.spec.quota is not None:
            self.collections.spend(self.target.collection_id, copied.size)
        if self.task.fault is not None:
            misbehave.after(self, item, target)

    # Folders ---------------------------------------------------------------------------------------------------

    def _expand(self, item: Item) -> None:
        try:
            folder = self.source.local(item.source)
            selection.expect(folder, item.source, folder=True)
        except Exception as error:
            raise as_fault(error, item.source, self.source.spec.display_name, source=True) from error
        target = self.writable(item)
        try:
            target.mkdir(exist_ok=True)
        except OSError as error:
            raise as_fault(error, item.destination, self.target.spec.display_name, source=False) from error
        selection.delete_extra(self, item, folder, target)
        if item.state == "expanding":
            self.store.drop_children(self.task.task_id, item.seq)
        item.state = "expanding"
        self.store.save_items(self.task.task_id, [item])
        counts = self._insert_children(item, folder)
        for name, count in counts.items():
            self.counters[name] += count
        left_out = self.task.options.get("recursive_symlinks", "ignore") == "ignore"
        self.counters["subtasks_total"] += sum(counts.values()) - (counts["symlinks"] if left_out else 0)
        self.counters["subtasks_succeeded"] += 1
        item.state = "done"
        self.store.save_items(self.task.task_id, [item], self.counters)

    def _insert_children(self, item: Item, folder: Path) -> dict[str, int]:
        counts = {"files": 0, "directories": 0, "symlinks": 0}
        chunk: list[Item] = []
        seq = self.store.last_seq(self.task.task_id)
        try:
            for kind, name in selection.children(folder, self.task.options, counts):
                seq += 1
                chunk.append(
                    Item(
                        seq=seq,
                        kind=kind,
                        source=f"{item.source.rstrip('/')}/{name}",
                        destination=f"{item.destination.rstrip('/')}/{name}",
                        algorithm=item.algorithm,
                        parent=item.seq,
                    )
                )
                if len(chunk) >= _CHUNK:
                    self.check()
                    self.store.add_items(self.task.task_id, chunk)
                    chunk = []
        except OSError as error:
            raise as_fault(error, item.source, self.source.spec.display_name, source=True) from error
        self.store.add_items(self.task.task_id, chunk)
        return counts
