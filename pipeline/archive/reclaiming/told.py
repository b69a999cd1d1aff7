"""What lay in a folder before it was freed, as its tombstones tell: it is known by its files, as any other folder."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.archive.reclaiming.ground import Ground
from pipeline.archive.reclaiming.tombstone import MAX_BYTES, from_json
from pipeline.archive.session import LocalFile
from pipeline.errors import MapshellError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pipeline.archive.session import Root


def told_files(root: Root, folder: str, tombstones: Sequence[str], names: Collection[str]) -> Iterator[LocalFile]:
    """Yield what tombstones in a folder tell of, as if it still lay there; one that cannot be read tells nothing.

    ``names`` are those that the folder has, or had, at the archive: a tombstone tells files by their names there.
    """
    for tombstone in tombstones:
        with suppress(OSError, MapshellError), Ground(root.local_path) as ground:
            stone = from_json(ground.read(tombstone, MAX_BYTES), tombstone)
            for file in stone.files:
                top = next((name for name in (folder, *names) if file.subpath.startswith(f"{name}/")), None)
                if top is not None:
                    here = folder + file.subpath[len(top) :]
                    yield LocalFile(root, here, file.size, file.mtime, file.mtime * 10**9, 0)
