"""The rows of what was reclaimed: written before the first byte is deleted, finished after the last."""

from __future__ import annotations

import gzip
import json
import os
import uuid
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.journal import step
from pipeline.database import large
from pipeline.errors import LeaseLost

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.reclaiming.rules import Place
    from pipeline.archive.session import DatasetType, SessionKey
    from pipeline.journal import TableJournal

PLANNED, DONE, BACK = "planned", "done", "back"
_AGAIN = "run it again: it looks at everything anew."


def plan(
    journals: Sequence[TableJournal],
    key: SessionKey,
    kind: DatasetType,
    places: Sequence[Place],
    said: Mapping[str, Any],
    evidence: Mapping[str, Any],
) -> uuid.UUID:
    """Write down what is about to be deleted, while the session is ours and the index still is what was proved.

    Raises
    ------
    LeaseLost
        Another process has taken the session, or the index was changed.
    DatabaseError
        It could not be written: nothing may be deleted.
    """
    reclaim_id = uuid.uuid4()
    row = {
        "reclaim_id": reclaim_id,
        "subject_id": key[0],
        "session": key[1],
        "dataset_type": kind,
        "state": PLANNED,
        **said,
        "evidence": gzip.compress(json.dumps(evidence, ensure_ascii=False).encode("utf-8"), mtime=0),
    }

    def write() -> None:
        for journal in journals:
            journal.keep([key])
        for place in places:
            if place.manifest is None or _generation(place) != place.manifest.generation:
                raise LeaseLost(f"The index of {place.alias} was changed meanwhile.", remedy=_AGAIN)
        large.write(database.connection(), publication.Reclaim, row, "evidence", new=True)

    mine = publication.Reclaim() & {"reclaim_id": reclaim_id}
    database.run_transaction(write, done=lambda: bool(mine))
    step("reclaim: planned")
    return reclaim_id


def _generation(place: Place) -> int | None:
    assert place.manifest is not None  # noqa: S101  # asked for by the only caller
    table = publication.archived_table(place.location.dataset_type)()
    rows = (table & {"globus_alias": place.alias, "dataset_name": place.manifest.name}).proj("generation").to_dicts()
    return rows[0]["generation"] if rows else None


def finish(reclaim_id: uuid.UUID, state: str, files: int, size: int, ended: datetime) -> None:
    """Write down how a deletion ended: *planned* as long as files that were proved are still there."""
    row = {"reclaim_id": reclaim_id, "state": state, "files": files, "bytes": size}
    if state == DONE:
        row["ended_at"] = ended
    mine = publication.Reclaim() & {"reclaim_id": reclaim_id}
    database.run_transaction(
        lambda: publication.Reclaim.update1(row), done=lambda: bool(mine & {"state": state, "files": files})
    )


def unfinished(computer: str) -> dict[tuple[SessionKey, str], list[dict[str, Any]]]:
    """Return the rows of this computer whose deletion was not seen to its end, with their evidence."""
    found: dict[tuple[SessionKey, str], list[dict[str, Any]]] = {}
    for row in (publication.Reclaim() & {"computer": computer, "state": PLANNED}).to_dicts():
        which = ((row["subject_id"], row["session"]), row["dataset_type"])
        found.setdefault(which, []).append({**row, "evidence": read_evidence(row["evidence"])})
    return found


def read_evidence(packed: bytes) -> dict[str, Any]:
    """Read what a row keeps as evidence."""
    found: dict[str, Any] = json.loads(gzip.decompress(bytes(packed)))
    return found


def all_gone(row: Mapping[str, Any]) -> bool:
    """Say whether nothing bears the name of any file of an unfinished row any more, on a disk that can be looked at."""
    places = [(file["root"], file["lies"].split("/")) for file in row["evidence"]["files"]]
    tops = {(root, parts[0]) for root, parts in places}  # of a disk that is away nothing is there, either
    return all(map(_is_folder, tops)) and all(_is_gone(root, parts) for root, parts in places)


def _is_folder(top: tuple[str, str]) -> bool:
    return os.path.isdir(os.path.join(*top))  # noqa: PTH112, PTH118


def _is_gone(root: str, parts: Sequence[str]) -> bool:
    try:
        os.lstat(os.path.join(root, *parts))  # noqa: PTH118  # it is about many
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # what may not be looked at may be there
        return False
    return False


def of_sessions(computer: str, keys: Collection[SessionKey]) -> list[dict[str, Any]]:
    """Return the rows of this computer of some sessions whose files were not fetched back, oldest first."""
    if not keys:
        return []
    table = publication.Reclaim() & {"computer": computer} & f"state in ('{PLANNED}', '{DONE}')"
    table &= [{"subject_id": key[0], "session": key[1]} for key in keys]
    rows: list[dict[str, Any]] = table.to_dicts()
    return sorted(rows, key=lambda row: row["proved_at"])


def mark_back(reclaim_ids: Collection[uuid.UUID]) -> None:
    """Write down that the files of some rows are all here again."""

    def write() -> None:
        for reclaim_id in reclaim_ids:
            publication.Reclaim.update1({"reclaim_id": reclaim_id, "state": BACK})

    database.run_transaction(write, done=lambda: True)
