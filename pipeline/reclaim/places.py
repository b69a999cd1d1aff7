"""Which places count as copies of a type of data, and what the index has of a session at each of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline import locations, publication
from pipeline.archive.acceptance import rules_in
from pipeline.archive.reclaiming.rules import Place
from pipeline.archive.session import dataset_name, file_id
from pipeline.copies.named import named
from pipeline.drifted import drifted
from pipeline.journal import TableJournal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.session import DatasetType, Location, SessionKey
    from pipeline.settings import Settings


def everywhere(settings: Settings) -> dict[DatasetType, list[Location]]:
    """Return all storage locations by type of data, in order."""
    found: dict[DatasetType, list[Location]] = {"ephys": [], "video": []}
    for location in locations.locations(settings, tuple(found), register=False):
        found[location.dataset_type].append(location)
    return found


def counted(of_type: Sequence[Location], kind: DatasetType) -> tuple[list[Location], int]:
    """Return the places that count as copies of a type of data, and how many must hold a session by default.

    Those that were named as its copies count, and all of them must hold it.  Where none was named, any place counts,
    and one must hold it.
    """
    names = named()[kind]
    if not names:
        return list(of_type), 1
    return [place for place in of_type if place.alias in names], len(names)


class Index:
    """What the index has of sessions at one place; asked for many sessions at once, or for one, now.

    Parameters
    ----------
    location
        The place.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        self._here = {"globus_alias": location.alias}

    def places(self, keys: Collection[SessionKey]) -> dict[SessionKey, Place]:
        """Return what it has of these sessions now."""
        journal = TableJournal(self.location, {}, "")
        manifests = self._as_read_back(journal.indexed(keys))
        described = self._described(keys)
        kind = self.location.dataset_type
        lost = drifted(self.location, dataset_name(kind, next(iter(keys))) if len(keys) == 1 else "")
        taken_back = publication.Withdrawal() & self._here
        if len(keys) <= _FEW:
            taken_back &= [{"subject_id": key[0], "session": key[1]} for key in keys]
        gone = {(row["subject_id"], row["session"]) for row in taken_back.proj().to_dicts()}
        return {
            key: Place(
                self.location,
                manifests.get(key),
                described.get(key, ""),
                lost.get(dataset_name(kind, key), ""),
                key in gone and (key not in manifests or manifests[key].archived_at is None),
            )
            for key in keys
        }

    def accepted(self, keys: Collection[SessionKey]) -> dict[SessionKey, tuple[str, ...]]:
        """Return the rules that files of archived sessions broke, and that a person accepted."""
        table = publication.archived_table(self.location.dataset_type)() & self._here
        if len(keys) <= _FEW:
            table &= [{"subject_id": key[0], "session": key[1]} for key in keys]
        return {
            (row["subject_id"], row["session"]): rules
            for row in table.to_dicts()
            if (rules := tuple(rules_in(row["evidence"])))
        }

    def _as_read_back(self, manifests: Mapping[SessionKey, Manifest]) -> dict[SessionKey, Manifest]:
        """Return what is indexed, with the files that a later verify compared, by reading them back."""
        one = len(manifests) == 1  # it is proved now: then the latest comparison counts
        names = [
            each.name for each in manifests.values() if one or any(file.verified_at is None for file in each.files)
        ]
        table = publication.FileCheck() & self._here & {"verdict": "same"}
        if len(names) <= _FEW:
            table &= [{"dataset_name": name} for name in names]
        rows: list[Mapping[str, Any]] = table.to_dicts() if names else []
        seen = {(row["dataset_name"], row["file_id"], row["seen_sha1"]): row for row in rows}

        some = {name for name, _, _ in seen}

        def compared(manifest: Manifest, file: FileEntry) -> FileEntry:
            row = seen.get((manifest.name, file_id(file.subpath), file.sha1))
            if row is None or (file.verified_at is not None and file.verified_at >= row["checked_at"]):
                return file
            return replace(file, verified_at=row["checked_at"], verified_how=row["how"])

        return {
            key: replace(each, files=tuple(compared(each, file) for file in each.files)) if each.name in some else each
            for key, each in manifests.items()
        }

    def _described(self, keys: Collection[SessionKey]) -> dict[SessionKey, str]:
        names = {dataset_name(self.location.dataset_type, key): key for key in keys}
        table = publication.DataSet() & self._here
        if len(keys) <= _FEW:
            table &= [{"dataset_name": name} for name in names]
        rows: list[Mapping[str, Any]] = table.proj("dataset_manifest").to_dicts()
        return {names[row["dataset_name"]]: row["dataset_manifest"] for row in rows if row["dataset_name"] in names}


_FEW = 200


def fetched_back(computer: str, since: datetime, folders: Collection[str]) -> dict[tuple[SessionKey, str], datetime]:
    """Return when files of sessions were last fetched into folders of this computer, by session and alias."""
    rows = (publication.Retrieval() & {"computer": computer} & f"ended_at > '{since:%Y-%m-%d %H:%M:%S}'").proj(
        "target", "ended_at"
    )
    found: dict[tuple[SessionKey, str], datetime] = defaultdict(lambda: since)
    for row in (publication.Retrieval.Session() * rows).to_dicts() if folders else ():
        if any(folder in row["target"] for folder in folders):
            which = ((row["subject_id"], row["session"]), row["globus_alias"])
            found[which] = max(found[which], row["ended_at"])
    return dict(found)
