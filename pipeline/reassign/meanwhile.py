"""What gets other names at the archive while somebody else looks there: explained, before it is called missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import publication
from pipeline.archive.session import file_id
from pipeline.journal import TableJournal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.fetch import Item
    from pipeline.archive.session import SessionKey

_AGAIN = "try again when that has ended; `mapshell publication-publish` brings it to an end."


def being_moved(journal: TableJournal) -> dict[SessionKey, str]:
    """Return the sessions whose files get other names now, with what is done, in words."""
    if not (moves := journal.moves()):
        return {}
    from pipeline.archive.relocate import under_way

    return {part.key: under_way(entry) for entry in moves for part in entry.parts}


def explain(items: Sequence[Item], computer: str) -> None:
    """Say of wanted files that the archive does not list whether they have, or get, another name."""
    missing = [item for item in items if item.verdict == "missing"]
    for location in {item.location for item in missing}:
        moving = being_moved(TableJournal(location, {}, computer))
        for item in missing:
            if item.location != location:
                continue
            said = moving.get(item.session.key)
            if said is not None:
                item.judge("failed", f"not there under this name: {said}", _AGAIN)
            elif not publication.DataSet.PhysicalFile() & {
                "globus_alias": location.alias,
                "file_id": file_id(item.subpath),
            }:
                item.judge("failed", "the index has just given it another name", "ask for it again.")
