"""The tombstones of one session: made, written before the first byte goes, and taken back when nothing goes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.archive.journal import step
from pipeline.archive.reclaiming.names import NAMES
from pipeline.archive.reclaiming.tombstone import MAX_BYTES, Gone, Tombstone, from_json, to_json
from pipeline.archive.relocate.plan import in_folders
from pipeline.errors import IntegrityError
from pipeline.reclaim.reassigned import former

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.archive.reclaiming.ground import Ground
    from pipeline.archive.session import Root
    from pipeline.reclaim.proving import Subject
    from pipeline.reclaim.reassigned import Names
    from pipeline.reclaim.units import Where


class Stones:
    """Writes one tombstone into each folder in which a proved session has files.

    Parameters
    ----------
    subject
        The session, proved.
    grounds
        The roots in which its files lie, by handle.
    """

    def __init__(self, subject: Subject, grounds: Mapping[Path, Ground]) -> None:
        self._subject, self._grounds = subject, grounds
        self._before: dict[Where, tuple[Root, bytes | None]] = {}

    def write(self, proved_at: datetime, computer: str, who: str, places: Sequence[Mapping[str, Any]]) -> None:
        """Write them; what an earlier one tells of files that are not here stays told.

        Raises
        ------
        IntegrityError
            What bears the name is no tombstone of this session; nothing was written.
        OSError
            The disk refuses.
        """
        subject, unit = self._subject, self._subject.unit
        name = NAMES[unit.dataset_type]
        here = {file.subpath for file in unit.files.values()}
        stones: dict[Where, Tombstone] = {}
        for where in sorted({unit.folder_of(each.file) for each in subject.reads}):
            theirs = [each for each in subject.reads if unit.folder_of(each.file) == where]
            path = (where[0], f"{where[1]}/{name}")
            gone = [Gone(each.file.subpath, each.size, each.file.mtime, each.sha1) for each in theirs]
            stone = Tombstone(
                subject_id=unit.ref.subject_id,
                session=unit.ref.session,
                h2o=unit.ref.h2o,
                session_date=unit.ref.session_date,
                dataset_type=unit.dataset_type,
                reclaimed_at=proved_at.replace(microsecond=0),
                computer=computer,
                who=who,
                places=tuple(places),
                files=tuple(sorted(gone, key=lambda file: file.subpath)),
                command=subject.row.command,
            )
            before = self._read(path, theirs[0].file.root)
            earlier = self._by_name_now(before) if before is not None else ()
            stones[path] = stone.with_earlier(file for file in earlier if file.subpath not in here)
        for path, stone in stones.items():
            ground = self._ground(path)
            ground.write(path[1], to_json(stone))
            step("reclaim: tombstone written")

    def _read(self, path: Where, root: Root) -> Tombstone | None:
        try:
            content = self._grounds[root.local_path].read(path[1], MAX_BYTES)
        except FileNotFoundError:
            self._before[path] = (root, None)
            return None
        before = from_json(content, path[1])
        unit = self._subject.unit
        keys = {unit.key} if before.key == unit.key else {unit.key, *self._names().were}
        if before.key not in keys or before.dataset_type != unit.dataset_type:
            raise IntegrityError(
                f"{path[1]} tells of another session, {before.h2o} session {before.session}.",
                remedy="look how it came there, and move it out of the recordings.",
            )
        self._before[path] = (root, content)
        return before

    def _by_name_now(self, before: Tombstone) -> list[Gone]:
        """Return what an earlier one tells of; a session that was reassigned since has other names at the archive."""
        folders = {} if before.key == self._subject.unit.key else self._names().folders
        return [replace(file, subpath=in_folders(file.subpath, folders)) for file in before.files]

    def _names(self) -> Names:
        return former(place.location for place in self._subject.sieve.good)[self._subject.unit.key]

    def _ground(self, path: Where) -> Ground:
        return self._grounds[self._before[path][0].local_path]

    def take_back(self) -> None:
        """Leave folders as they were: nothing was deleted."""
        for path, (_, content) in self._before.items():
            ground = self._ground(path)
            with suppress(OSError):
                ground.delete(path[1]) if content is None else ground.write(path[1], content)

    def as_listed(self) -> list[str]:
        """Return by which subpaths the archive would list them, were it this very folder."""
        former, found = self._subject.unit.former, []
        for _, subpath in self._before:
            folder, _, name = subpath.rpartition("/")
            found += [subpath, f"{former.get(folder, folder)}/{name}"]
        return found

    def document(self) -> list[dict[str, str]]:
        """Return where they lie, as data for the row."""
        return [{"root": str(root.local_path), "lies": subpath} for (_, subpath), (root, _) in self._before.items()]
