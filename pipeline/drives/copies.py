"""Session folders that a drive holds twice: one copy is enough, as long as the copies agree."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.archive.scan import scan_folder
from pipeline.errors import LocalDiskError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pipeline.drives.places import Place


def without_twins(top: Path, chosen: Sequence[Place], leave_out: Collection[str]) -> tuple[list[Place], list[str]]:
    """Leave out folders whose files all lie in another copy of the same folder, with the same sizes.

    Copies that have no file in common are parts of one folder and stay; of copies that contradict each other all stay,
    so that the session is refused, with both places named.

    Returns
    -------
    list, list
        The folders to publish, and what is to be said of the others.
    """
    groups: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for place in chosen:
        groups[place.kind, place.subpath].append(place)
    left: dict[int, str] = {}
    for group in groups.values():
        sizes = {id(place): _sizes(top, place, leave_out) for place in group} if len(group) > 1 else {}
        kept: list[Place] = []
        for place in sorted(group, key=lambda each: -len(sizes.get(id(each), ()))) if sizes else ():
            whole = next((other for other in kept if sizes[id(place)].items() <= sizes[id(other)].items()), None)
            if whole is None:
                kept.append(place)
            else:
                left[id(place)] = (
                    f"{place.folder} is left alone: {whole.folder} has files of the same names and sizes "
                    "(`mapshell ingest-drive` compares the bytes of both with the archive)."
                )
    return [place for place in chosen if id(place) not in left], list(left.values())


def _sizes(top: Path, place: Place, leave_out: Collection[str]) -> Mapping[str, int]:
    from pipeline.drives.ground import root_of

    try:
        scan = scan_folder(root_of(top, place), place.subpath, leave_out)
    except LocalDiskError:
        return {}  # it is told when the folder is to be published
    return {file.subpath: file.size for file in scan.files}
