"""A folder of a recursive transfer becomes items of its own, a chunk at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mapshell.sandbox import selection
from mapshell.sandbox.errors import ApiError
from mapshell.sandbox.passes import Fatal, as_fault, check_writable
from mapshell.sandbox.tasks import Item

if TYPE_CHECKING:
    from collections.abc import Generator

    from mapshell.sandbox.runner import TransferPass

_CHUNK = 1000


def expand(work: TransferPass, item: Item) -> Generator[float, None, None]:
    """Make a folder at the destination and store what is in the source folder as items; yields after each chunk.

    A kill leaves the folder marked: what was stored of it is dropped, and it is done anew.

    Raises
    ------
    Fault
        It cannot be listed, or made.
    """
    there = _local(work, item)
    if Path(work.target.place(item.destination)).is_relative_to(there):
        # By way of a link, for instance: it would never end.
        raise Fatal("ENDPOINT_ERROR", f"The destination is inside of the source: {item.destination}")
    try:
        check_writable(work.target)
        work.writing.make(item.destination)
    except Exception as error:
        raise as_fault(error, item.destination, work.target.spec.display_name, source=False) from error
    selection.delete_extra(work, item, there)
    if item.state == "expanding":
        work.store.drop_children(work.task.task_id, item.seq)
    item.state = "expanding"
    work.store.save_items(work.task.task_id, [item])
    counts = yield from _insert_children(work, item, there)
    # Counters are stored together with what they count, or a kill lets it be counted twice.
    work.flush(force=True)
    for name, count in counts.items():
        work.counters[name] += count
    left_out = work.task.options.get("recursive_symlinks", "ignore") == "ignore"
    work.counters["subtasks_total"] += sum(counts.values()) - (counts["symlinks"] if left_out else 0)
    work.counters["subtasks_succeeded"] += 1
    item.state = "done"
    work.store.save_items(work.task.task_id, [item], work.counters)


def _local(work: TransferPass, item: Item) -> Path:
    try:
        folder = work.source.local(item.source)
        status = folder.stat()
    except Exception as error:
        raise as_fault(error, item.source, work.source.spec.display_name, source=True) from error
    selection.expect(status, item.source, folder=True)
    return folder


def _insert_children(work: TransferPass, item: Item, folder: Path) -> Generator[float, None, dict[str, int]]:
    counts = {"files": 0, "directories": 0, "symlinks": 0}
    chunk: list[Item] = []
    seq = work.store.last_seq(work.task.task_id)
    source, destination = item.source.rstrip("/"), item.destination.rstrip("/")
    try:
        with work.reading.listed(item.source) as place:
            for kind, name in selection.children(place, folder, work.task.options, counts):
                seq += 1
                chunk.append(
                    Item(seq, kind, f"{source}/{name}", f"{destination}/{name}", None, item.algorithm, parent=item.seq)
                )
                if len(chunk) >= _CHUNK:
                    work.store.add_items(work.task.task_id, chunk)
                    chunk = []
                    yield 0.0
    except (OSError, ApiError) as error:
        # What is to be expanded anew must not be moved meanwhile.
        work.store.drop_children(work.task.task_id, item.seq)
        raise as_fault(error, item.source, work.source.spec.display_name, source=True) from error
    work.store.add_items(work.task.task_id, chunk)
    return counts
