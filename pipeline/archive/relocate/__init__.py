"""Files of an archived session that get other names at the archive: journalled, never onto something, never deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.archive.relocate.plan import Relocation, relocation

if TYPE_CHECKING:
    from pipeline.archive.journal import Rename
    from pipeline.archive.relocate.carry_out import begin, look, resume, under_way

__all__ = ["Relocation", "Rename", "begin", "look", "relocation", "resume", "under_way"]


def __getattr__(name: str) -> Any:
    """Import what renames when it is used first: whoever only reads the names of folders needs no round."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline.archive import journal
    from pipeline.archive.relocate import carry_out

    return getattr(journal if name == "Rename" else carry_out, name)
