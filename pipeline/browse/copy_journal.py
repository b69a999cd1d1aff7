"""Copies in the journal: written down before anything is made, found again by what they copy, ended once."""

from __future__ import annotations

import gzip
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline import database, publication
from pipeline.archive.haul import Haul
from pipeline.archive.journal import Entry, request_from_json, request_to_json
from pipeline.rows import transfer_row
from pipeline.transitions import OPEN, locked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.archive.ports import Store, TransferItem
    from pipeline.browse.place import Place


@dataclass(slots=True)
class Copied:
    """What was copied, or would be: each file's source, destination and size in bytes; folders that are made."""

    files: list[tuple[Place, Place, int]] = field(default_factory=list)
    folders: list[Place] = field(default_factory=list)
    task_id: str | None = None
    dry_run: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for _, _, size in self.files)


@dataclass(slots=True)
class Begun:
    """A copy of the journal: its entry, its task, and what it copies."""

    transfer_id: uuid.UUID
    haul: Haul
    copied: Copied


def open_copy(haul: Haul, copied: Copied, computer: str) -> Begun:
    """Write a copy down.

    Raises
    ------
    DatabaseReadOnly
        The account may not.
    """
    database.ensure_writable()
    database.note_writer(computer)
    transfer_id = uuid.uuid4()
    entry = Entry(transfer_id, "copy", "planned", haul.request, (), computer, haul.identity, haul.created_at)
    document = {
        **request_to_json(haul.request),
        "sizes": [size for _, _, size in copied.files],
        "folders": [folder.path for folder in copied.folders],
    }
    database.run_transaction(
        lambda: publication.Transfer.insert1(transfer_row(entry, document)),
        done=lambda: bool(publication.Transfer() & {"transfer_id": transfer_id}),
    )
    return Begun(transfer_id, haul, copied)


def advance(begun: Begun, state: Literal["submitted", "done", "failed"], outcome: str | None = None) -> None:
    """Store a copy's new state, unless another process has ended it."""
    task_id = begun.haul.task_id
    _advance(begun.transfer_id, state, None if task_id is None else uuid.UUID(task_id), outcome)


def _advance(transfer_id: uuid.UUID, state: str, task_id: uuid.UUID | None, outcome: str | None) -> None:
    key = {"transfer_id": transfer_id}
    row: dict[str, Any] = {**key, "state": state, "task_id": task_id}

    def write() -> None:
        now = database.now()
        ended = {"ended_at": now, "outcome": None if outcome is None else outcome[:2048]}
        if locked(publication.Transfer, "state", key) in OPEN:
            publication.Transfer.update1(row | ({"submitted_at": now} if state == "submitted" else ended))

    database.run_transaction(write, done=lambda: bool(publication.Transfer() & key & {"state": state}))


def begun_before(store: Store, sources: Sequence[Place], to: Place, computer: str) -> Begun | None:
    """Return an open copy of these very sources to there, as this login submitted it."""
    for row in (_open() & {"computer": computer}).to_dicts(order_by="created_at"):
        document = json.loads(gzip.decompress(row["request"]))
        request = request_from_json(document)
        ends = (request.source_endpoint, request.destination_endpoint)
        if row["identity"] != store.identity or ends != (sources[0].endpoint, to.endpoint):
            continue
        pairs = _as_places(request.items, sources, to)
        if pairs is not None:
            return _as_begun(row, document, pairs, to)
    return None


def end_ended(store: Store) -> None:
    """End open copies of this login whose tasks have ended, and which nobody has gone on with since."""
    rows = {str(row["task_id"]): row for row in _open().to_dicts() if row["task_id"] is not None}
    mine = {task_id: row for task_id, row in rows.items() if row["identity"] == store.identity}
    for task_id, status in (store.tasks(list(mine)) if mine else {}).items():
        if status.state in ("SUCCEEDED", "FAILED"):
            said = f"the task ended ({status.state.lower()}); nobody looked at what it brought"
            _advance(mine[task_id]["transfer_id"], "failed", uuid.UUID(task_id), said)


def _open() -> Any:
    return publication.Transfer() & {"purpose": "copy"} & f"state in {OPEN}"


def _as_begun(
    row: Mapping[str, Any], document: Mapping[str, Any], pairs: Sequence[tuple[Place, Place]], to: Place
) -> Begun:
    task_id = None if row["task_id"] is None else str(row["task_id"])
    files = [(source, target, size) for (source, target), size in zip(pairs, document["sizes"], strict=True)]
    folders = [_place_of(path, to) for path in document.get("folders", ())]
    copied = Copied(files, folders, task_id)
    haul = Haul(request_from_json(document), row["identity"], row["created_at"], copied.size, task_id)
    return Begun(row["transfer_id"], haul, copied)


def _place_of(path: str, to: Place) -> Place:
    """Return a path that lies at or below a destination as a place."""
    return to.below(*(part for part in path.removeprefix(to.path).split("/") if part))


def _as_places(items: Sequence[TransferItem], sources: Sequence[Place], to: Place) -> list[tuple[Place, Place]] | None:
    """Return the files of an entry as places, None when it copies other ones."""
    found: list[tuple[Place, Place]] = []
    used: set[Place] = set()
    for item in items:
        source = next((each for each in sources if f"{item.source}/".startswith(f"{each.path}/")), None)
        if source is None:
            return None
        inner = [part for part in item.source[len(source.path) :].split("/") if part]
        targets = [to.below(*inner), to.below(source.name, *inner)]
        target = next((each for each in targets if each.path == item.destination), None)
        if target is None:
            return None
        used.add(source)
        found.append((source.below(*inner), target))
    return found if used == set(sources) else None
