"""Retrieving by transfers: few tasks, remembered before they are sent, gathered by this run or the next."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from pipeline.archive.fetch import OPEN, Entry, Fetching, Item, Verdict
from pipeline.archive.fetchplan import look_in_parts
from pipeline.archive.haul import MOST_FILES, End, Haul, accused, follow, give_up, plan, send
from pipeline.archive.journal import step
from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.archive.tasks.parts import parts
from pipeline.errors import GlobusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ROUNDS = 3
"""How often what a task did not bring whole is asked for again in one run."""

AGAIN = "mend the cause and retrieve again."


class Harvest(Protocol):
    """What is done with what a task brought."""

    def take(self, entry: Entry, end: End, moved: set[str]) -> int:
        """Check what a task brought (``moved``: destinations, of a failed one) and give it its names.

        Returns how many files were brought.  What was not keeps its open verdict; ``reason`` may say why.
        """

    def clear(self, entry: Entry) -> None:
        """Remove what a task left in our own folders, as far as that is possible."""

    def is_here(self, item: Item) -> bool:
        """Say whether a file of this size bears the item's name already."""


def fetch(fetching: Fetching, items: Sequence[Item], harvest: Harvest, *, listed: bool = True) -> list[Item]:
    """Bring all items whose verdict is open to their places; go on with tasks that an earlier run left.

    Returns further files that these tasks brought because the earlier run had asked for them.

    Parameters
    ----------
    fetching, items, harvest
        What the run works with, what is wanted, and what is done with what comes.
    listed
        Whether the archive has been looked at; if not, each task is sent as soon as its own files have been.

    Raises
    ------
    GlobusError, LoginNeeded
        Nothing can be submitted or asked; what was submitted goes on, and the next run gathers it.
    """
    entries, further = _reattach(fetching, items, harvest)
    every = [*items, *further]
    for turn in range(_ROUNDS):
        entries += _submit(fetching, uncovered(every, entries), listed=listed or turn > 0)
        if not entries:
            break
        if not fetching.wait:
            for entry in entries:
                for item in entry.items:
                    if item.verdict in OPEN:
                        item.judge("in flight", f"task {entry.haul.task_id}")
            break
        again = _gather(fetching, entries, harvest, last=turn == _ROUNDS - 1)
        entries = []
        if not again:
            break
    for item in every:
        if item.verdict in OPEN:
            item.judge("failed", item.reason or "the transfer did not bring it", item.remedy or AGAIN)
    return further


def uncovered(items: Iterable[Item], entries: Sequence[Entry]) -> list[Item]:
    """Return the items that are still to be brought and that no task brings."""
    covered = {id(item) for entry in entries for item in entry.items}
    return [item for item in items if item.verdict in OPEN and id(item) not in covered]


def mark_under_way(fetching: Fetching, items: Sequence[Item]) -> None:
    """Say of every item that is still to be brought whether a task of an earlier run brings it; asks nobody."""
    wanted = {item.identity: item for item in items if item.verdict in OPEN}
    for entry in fetching.journal.unfinished({item.site for item in wanted.values()}):
        if entry.haul.task_id is None or entry.haul.identity != fetching.store().identity:
            continue
        brings = [wanted[each.identity] for each in entry.items if each.identity in wanted]
        for item in brings:
            item.judge("in flight", f"task {entry.haul.task_id}, submitted by an earlier retrieval")
        if brings:
            fetching.tasks.append(entry.haul.task_id)


# -- tasks of earlier runs ---------------------------------------------------------------------------------------------


def _reattach(fetching: Fetching, items: Sequence[Item], harvest: Harvest) -> tuple[list[Entry], list[Item]]:
    """Return the tasks of earlier runs that bring some of the items, and what else these bring."""
    asked = {item.identity: item for item in items}
    wanted = {item.identity for item in items if item.verdict in OPEN}
    entries, further = [], []
    for entry in fetching.journal.unfinished({item.site for item in items}):
        ours = entry.haul.identity == fetching.store().identity
        if ours and any(each.identity in wanted for each in entry.items):
            wanted -= {each.identity for each in entry.items}
            entry.items = [asked.get(each.identity, each) for each in entry.items]
            unasked = [item for item in entry.items if item.verdict == "wanted" and not harvest.is_here(item)]
            # what is left without a verdict gets no name, and goes with the staging folder
            old = {id(item) for item in fetching.outdated(unasked)}
            for item in unasked:
                if id(item) not in old:
                    item.judge("to fetch")
                    further.append(item)
            if old:
                fetching.notes.append(
                    f"{len(old):,} {'file was' if len(old) == 1 else 'files were'} superseded, or renamed, since an "
                    f"earlier retrieval asked for {'it' if len(old) == 1 else 'them'} "
                    f"({entry.haul.created_at:%Y-%m-%d %H:%M} UTC): not placed."
                )
            _send(fetching, entry)
            fetching.notes.append(
                f"Going on with the transfer of {len(entry.items):,} files that an earlier retrieval submitted "
                f"(task {entry.haul.task_id})."
            )
            entries.append(entry)
        elif all(harvest.is_here(each) for each in entry.items):
            # An earlier run was killed between giving the last name and forgetting the task, or all came otherwise.
            if ours and entry.haul.task_id is not None:
                with suppress(GlobusError):
                    fetching.store().cancel(entry.haul.task_id)
            _close(fetching, entry, harvest)
        else:
            whose = "" if ours else f" under the Globus identity {entry.haul.identity}"
            fetching.notes.append(
                f"An earlier retrieval of {len(entry.items):,} files into this place{whose} is unfinished (task "
                f"{entry.haul.task_id or 'not submitted yet'}); retrieve the same again{whose} to finish it."
            )
    return entries, further


# -- submitting --------------------------------------------------------------------------------------------------------


def _submit(fetching: Fetching, items: Sequence[Item], *, listed: bool) -> list[Entry]:
    """Remember and submit what is to be fetched, in as many tasks as pay."""
    each = parts(items)
    entries = []
    for part in each if listed else look_in_parts(fetching, each):
        for start in range(0, len(part), MOST_FILES):
            fetching.begun = True
            entry = _plan(fetching, part[start : start + MOST_FILES])
            fetching.journal.save(entry)
            step("retrieve: planned")
            _send(fetching, entry)
            entries.append(entry)
    return entries


def _plan(fetching: Fetching, items: Sequence[Item]) -> Entry:
    source, destination = items[0].location.endpoint, items[0].site.endpoint
    entry_id = uuid.uuid4()
    label = f"mapshell retrieve {items[0].session.h2o} {len(items)} files {entry_id.hex[:8]}"
    size = sum(item.size for item in items)
    haul = plan(fetching.store(), fetching.patient.clock, source, destination, label, (), size)
    entry = Entry(entry_id, haul, items, fetching.computer)
    complete(entry, fetching.staging)
    return entry


def complete(entry: Entry, staging: str) -> None:
    """Put the files of an entry into its request: the same entry gives the same request, in every run."""
    transfers = []
    for number, item in enumerate(entry.items):
        elsewhere = item.site.folder is None
        name = item.subpath if elsewhere else staged_name(number)
        # Where we can read what arrived, one wrong file must not fail all the others.
        sha1 = item.sha1 if elsewhere else None
        transfers.append(TransferItem(item.source, item.site.remote(f"{staging}/{entry.staging}/{name}"), sha1))
    request = entry.haul.request
    entry.haul = Haul(
        TransferRequest(
            request.submission_id,
            request.source_endpoint,
            request.destination_endpoint,
            request.label,
            tuple(transfers),
        ),
        entry.haul.identity,
        entry.haul.created_at,
        entry.haul.size,
        entry.haul.task_id,
    )


def staged_name(number: int) -> str:
    """Return where, in the folder of its task on this computer, the n-th file of a task arrives."""
    return f"{number // 1000:03d}/{number:06d}"


def _send(fetching: Fetching, entry: Entry) -> None:
    if entry.haul.task_id is None:
        try:
            send(fetching.store(), entry.haul, fetching.patient.clock)
        except GlobusError as error:
            if error.refused:
                fetching.journal.remove(entry)
            raise
        fetching.journal.save(entry)
        step("retrieve: submitted")
    fetching.tasks.append(str(entry.haul.task_id))
    fetching.sent.extend(entry.items)


# -- gathering ---------------------------------------------------------------------------------------------------------


def _gather(fetching: Fetching, entries: Sequence[Entry], harvest: Harvest, *, last: bool) -> bool:
    """Wait for tasks and harvest each; say whether asking again for what did not come makes sense."""
    by_haul = {id(entry.haul): entry for entry in entries}
    again = False
    for end in follow(fetching.store(), [entry.haul for entry in entries], fetching.patient):
        entry = by_haul[id(end.haul)]
        if end.way == "waiting":
            for item in entry.items:
                if item.verdict in OPEN:
                    item.judge("in flight", end.reason, end.remedy, failed=True)
        else:
            again = _harvest(fetching, entry, end, harvest, last=last) or again
    return again


def _harvest(fetching: Fetching, entry: Entry, end: End, harvest: Harvest, *, last: bool) -> bool:
    store, whole = fetching.store(), end.way == "succeeded"
    if end.way == "stuck":
        give_up(store, entry.haul, fetching.patient)
    moved: set[str] = set()
    said: dict[str, str] = {}
    if not whole:
        with suppress(GlobusError):  # a task that the service has forgotten
            moved, said = set(store.transferred(str(entry.haul.task_id))), accused(store, entry.haul)
    brought = harvest.take(entry, end, moved)
    blamed = 0
    for item in entry.items:
        if item.verdict not in OPEN:
            continue
        if item.source in said:
            blamed += 1
            item.judge(*_blame(item, said[item.source], end))
        elif whole and last:
            item.judge("damaged", item.reason or "it did not arrive whole", DAMAGED)
        else:
            item.reason = item.reason or end.reason
    _close(fetching, entry, harvest)
    return bool(whole or brought or blamed) and any(item.verdict in OPEN for item in entry.items)


DAMAGED = "compare the archive with the index: mapshell publication-verify --checksum all"


def _blame(item: Item, said: str, end: End) -> tuple[Verdict, str, str]:
    """Judge a file that kept a task from succeeding."""
    if item.site.folder is None and item.sha1 is not None and "checksum" in said.lower():
        return "damaged", f"its bytes do not have the SHA1 of the index ({said})", DAMAGED
    return "failed", said, end.remedy or AGAIN


def _close(fetching: Fetching, entry: Entry, harvest: Harvest) -> None:
    harvest.clear(entry)
    fetching.journal.remove(entry)
    step("retrieve: closed")
