"""What to do with a drive that was sorted: the very command that archives the rest, and what it still wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.drives.reach import hint

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.drives.sorted_drive import SortedDrive
    from pipeline.settings import Settings


def what_next(settings: Settings, found: SortedDrive) -> tuple[str, str]:
    """Return the command, empty when there is nothing to archive, and what must be done before it."""
    sendable = [folder for folder in found.folders if folder.sendable]
    present = any(folder.verdict == "present" for folder in found.folders)
    if not sendable and not present:
        return "", ""
    wanting = []
    if found.dry_run and found.entered:
        wanting.append(f"mapshell ingest-drive {quoted(found.drive.path)} (without --dry-run: it enters the sessions).")
    wanting.append(hint(settings, found.drive))
    adopt = " --adopt" if present else ""
    command = f"mapshell publication-publish --root {quoted(found.drive.path)}{adopt}"
    return command, " ".join(filter(None, wanting))


def quoted(path: Path) -> str:
    """Return a path as a person types it, on Windows as elsewhere."""
    text = str(path)
    return f'"{text}"' if set(text) & set(" '&()$;|<>*?!") else text
