"""Files of an archived session that get other names at the archive: journalled, never onto something, never deleted."""

from pipeline.archive.journal import Rename
from pipeline.archive.relocate.carry_out import begin, look, resume, under_way
from pipeline.archive.relocate.plan import Relocation, relocation

__all__ = ["Relocation", "Rename", "begin", "look", "relocation", "resume", "under_way"]
