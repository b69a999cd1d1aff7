"""The lab's record of its loose drives: written when one was sorted, read to say which may be wiped."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import database, publication
from pipeline.archive.paths import printable
from pipeline.drives.connected import in_words
from pipeline.drives.sorted_drive import KEPT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline.drives.sorted_drive import SortedDrive, SortedFolder

# Never change: by it a folder of a drive is found again.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://mapshell/drive-folder")


@dataclass(frozen=True, slots=True)
class KnownDrive:
    """A drive that was sorted; ``sorted_at`` in UTC.

    ``folder`` is what was sorted of it, empty for all; ``sessions`` counts its session folders, ``unkept_*`` those that
    have no identical copy at the archive, with their files and bytes; ``lost`` those of which the index has lost
    the copy since; ``loose_files`` and ``unread_places`` are what nobody could judge.
    """

    drive_id: uuid.UUID
    label: str
    serial: str
    volume_id: str
    folder: str
    size: int
    computer: str
    path: str
    sorted_at: datetime
    sessions: int
    unkept_sessions: int
    unkept_files: int
    unkept_bytes: int
    lost: int
    other_files: int
    other_bytes: int
    loose_files: int
    unread_places: int

    @property
    def kept(self) -> bool:
        """Whether all recordings on it were at the archive, byte for byte, and still are in the index."""
        return not (self.unkept_sessions or self.lost or self.loose_files or self.unread_places)

    def __str__(self) -> str:
        return in_words(self.label, self.serial, self.volume_id, self.folder, self.path)


def record(sorted_: SortedDrive, now: datetime) -> None:
    """Write down what a drive holds; what was known of it before is replaced."""
    drive = sorted_.drive
    key = {"drive_id": drive.drive_id}
    row = {
        **key,
        "drive_label": printable(drive.volume.label, 255),
        "drive_serial": printable(drive.volume.serial, 255),
        "volume_id": drive.volume.volume_id[:64],
        "filesystem": drive.volume.filesystem[:64],
        "volume_size": drive.volume.size,
        "drive_folder": printable(drive.folder, 1000),
        "computer": drive.computer,
        "drive_path": printable(str(drive.path), 2000),
        "sorted_at": now,
        "other_files": sorted_.other_files,
        "other_bytes": sorted_.other_size,
        "loose_files": sum(loose.files for loose in sorted_.loose),
        "unread_places": len(sorted_.unread),
    }
    folders = {each["folder_id"]: each for each in (_row(key, folder) for folder in sorted_.folders)}

    def write() -> None:
        (publication.Drive.Session() & key).delete_quick()
        (publication.Drive() & key).delete_quick()
        publication.Drive.insert1(row)
        database.bulk_insert(publication.Drive.Session, folders.values())

    database.run_transaction(write, done=lambda: bool(publication.Drive() & key & {"sorted_at": now}))


def _row(key: dict[str, Any], folder: SortedFolder) -> dict[str, Any]:
    files, size = folder.unkept
    return {
        **key,
        "folder_id": uuid.uuid5(_NAMESPACE, f"{folder.kind}\0{folder.folder}"),
        "folder": folder.folder,
        "dataset_type": folder.kind,
        "water_restriction": printable(folder.h2o, 255),
        "subject_id": folder.subject_id,
        "session": folder.session,
        "globus_alias": folder.alias,
        "verdict": folder.verdict,
        "files": folder.files,
        "bytes": folder.size,
        "unkept_files": files,
        "unkept_bytes": size,
        "reason": folder.reason[:2048],
    }


def known_drives() -> Sequence[KnownDrive]:
    """Return every drive that was sorted, those that hold something unarchived first, then the latest."""
    folders: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for row in publication.Drive.Session.to_dicts():
        folders.setdefault(row["drive_id"], []).append(row)
    indexed = {(row["globus_alias"], row["dataset_name"]) for row in publication.DataSet().proj().to_dicts()}
    found = [_known(row, folders.get(row["drive_id"], []), indexed) for row in publication.Drive.to_dicts()]
    return sorted(found, key=lambda drive: (drive.kept, -drive.sorted_at.timestamp(), drive.label))


def _known(row: dict[str, Any], folders: Sequence[dict[str, Any]], indexed: set[tuple[str, str]]) -> KnownDrive:
    from pipeline.archive.session import dataset_name

    unkept = [each for each in folders if each["verdict"] not in KEPT]
    lost = [
        each
        for each in folders
        if each["verdict"] == "identical"
        and (
            each["globus_alias"],
            dataset_name(each["dataset_type"], (each["subject_id"], each["session"])),
        )
        not in indexed
    ]
    return KnownDrive(
        drive_id=row["drive_id"],
        label=row["drive_label"],
        serial=row["drive_serial"],
        volume_id=row["volume_id"],
        folder=row["drive_folder"],
        size=row["volume_size"],
        computer=row["computer"],
        path=row["drive_path"],
        sorted_at=row["sorted_at"],
        sessions=len(folders),
        unkept_sessions=len(unkept),
        unkept_files=sum(each["unkept_files"] for each in unkept),
        unkept_bytes=sum(each["unkept_bytes"] for each in unkept),
        lost=len(lost),
        other_files=row["other_files"],
        other_bytes=row["other_bytes"],
        loose_files=row["loose_files"],
        unread_places=row["unread_places"],
    )
