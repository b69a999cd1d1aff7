"""How a sorted drive, and the list of known drives, are shown; no work is done here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from mapshell.session_views import problem
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Output
    from pipeline.drives.records import KnownDrive
    from pipeline.drives.sorted_drive import SortedDrive, SortedFolder

STYLES = {
    "identical": "green",
    "different": "red",
    "not archived": "cyan",
    "unknown subject": "yellow",
    "damaged": "red",
    "present": "yellow",
    "not read": "yellow",
    "empty": "dim",
}

_NAMED = 10
"""How many places are named to a person; JSON has all of them."""


def _style(row: Mapping[str, Any]) -> str:
    return STYLES.get(row["verdict"], "")


def show(output: Output, found: SortedDrive) -> None:
    """Show every session folder with its verdict, what needs a person, the rest of the drive, and what to do next."""
    if output.for_programs:
        output.data(_document(found))
        return
    volume, drive = found.drive.volume, found.drive
    about = [f"label {volume.label or 'none'}", f"serial {volume.serial or 'unknown'}"]
    about += [f"volume {volume.volume_id}"] if volume.volume_id else []
    about += [volume.filesystem] if volume.filesystem else []
    about += [human_bytes(volume.size)] if volume.size else []
    where = f"{drive.path}: " if not drive.folder else f"{drive.path}, a folder of the volume at {volume.top}: "
    output.say(where + ", ".join(about))
    if found.folders:
        output.table(
            [_row(folder) for folder in found.folders],
            (
                Column("Verdict", "verdict", style=_style),
                Column("h2o", "h2o", style="bold"),
                Column("Session", "session", align="right"),
                Column("Date", "session_date"),
                Column("Folder", "folder"),
                Column("Files", "files", align="right", kind="number"),
                Column("Size", "bytes", align="right", kind="bytes"),
            ),
        )
    _problems(output, found)
    _others(output, found)
    _next(output, found)


def _problems(output: Output, found: SortedDrive) -> None:
    """Tell the reasons, those that are the same for many folders once."""
    same: dict[tuple[str, str, str], list[SortedFolder]] = {}
    for folder in found.folders:
        if folder.reason:
            same.setdefault((folder.verdict, folder.reason, folder.remedy), []).append(folder)
    for (verdict, reason, remedy), folders in same.items():
        names = ", ".join(folder.folder for folder in folders[:_NAMED])
        more = f" and {len(folders) - _NAMED} more" if len(folders) > _NAMED else ""
        problem(output, f"{verdict}: {names}{more}", reason, remedy)
    for loose in found.loose[:_NAMED]:
        problem(
            output,
            f"no session folder: {loose.folder}",
            f"{_count(loose.files, 'file')} in it {'is' if loose.files == 1 else 'are'} named like recordings",
            "put them into a session folder, such as SC038/SC038_111919_g0, then sort the drive again.",
        )
    if len(found.loose) > _NAMED:
        output.say(f"    and {len(found.loose) - _NAMED} more folders (all of them: --format json)")
    for place, reason in found.unread[:_NAMED]:
        problem(
            output,
            f"not read: {place}",
            reason,
            "give the account that runs mapshell the right to read it, or check the drive.",
        )
    if len(found.unread) > _NAMED:
        output.say(f"    and {len(found.unread) - _NAMED} more places (all of them: --format json)")


def _others(output: Output, found: SortedDrive) -> None:
    output.say()
    for note in found.notes:
        output.say(note, style="yellow")
    output.say(f"Other files, of no recording: {found.other_files:,}, {human_bytes(found.other_size)}.")
    if found.links:
        output.say(f"Links, not followed: {found.links:,}.")


def _next(output: Output, found: SortedDrive) -> None:
    output.say(str(found), style="bold")
    if found.entered:
        said = "would be entered" if found.dry_run else "entered"
        output.say(f"Sessions {said}: {found.entered:,}.")
    if found.recorded:
        output.say("Written down; `mapshell ingest-drive --list` shows all drives.")
    if found.command:
        output.say(f"To archive the rest: {found.command}")
    if found.hint:
        output.say(f"  First: {found.hint}")
    if found.folders and found.kept:
        output.say("All recordings on it are archived, byte for byte.", style="green")


def _row(folder: SortedFolder) -> dict[str, Any]:
    files, size = folder.unkept
    return {
        "verdict": folder.verdict,
        "h2o": folder.h2o,
        "subject_id": folder.subject_id,
        "session": folder.session,
        "session_date": folder.session_date,
        "folder": folder.folder,
        "archive_folder": folder.subpath,
        "type": folder.kind,
        "alias": folder.alias,
        "files": folder.files,
        "bytes": folder.size,
        "by_class": {name: {"files": count, "bytes": amount} for name, (count, amount) in folder.amounts.items()},
        "unkept_files": files,
        "unkept_bytes": size,
        "entered": folder.entered,
        "reason": folder.reason,
        "remedy": folder.remedy,
        "details": list(folder.details),
    }


def _document(found: SortedDrive) -> dict[str, Any]:
    drive = found.drive
    return {
        "dry_run": found.dry_run,
        "drive": {
            "drive_id": drive.drive_id,
            "path": drive.path,
            "label": drive.volume.label,
            "serial": drive.volume.serial,
            "volume_id": drive.volume.volume_id,
            "filesystem": drive.volume.filesystem,
            "bytes": drive.volume.size,
            "volume_at": drive.volume.top,
            "folder": drive.folder,
        },
        "folders": [_row(folder) for folder in found.folders],
        "verdicts": dict(Counter(folder.verdict for folder in found.folders)),
        "other_files": found.other_files,
        "other_bytes": found.other_size,
        "links": found.links,
        "loose_recordings": [
            {"folder": loose.folder, "files": loose.files, "bytes": loose.size} for loose in found.loose
        ],
        "not_read": [{"place": place, "reason": reason} for place, reason in found.unread],
        "notes": list(found.notes),
        "sessions_entered": found.entered,
        "recorded": found.recorded,
        "all_archived": found.kept,
        "command": found.command,
        "hint": found.hint,
    }


def show_known(output: Output, drives: Sequence[KnownDrive]) -> None:
    """Show the drives that were sorted, and whether all of each is archived."""
    rows = [
        {
            "all_archived": drive.kept,
            "label": drive.label,
            "serial": drive.serial,
            "volume_id": drive.volume_id,
            "folder": drive.folder,
            "bytes": drive.size,
            "computer": drive.computer,
            "path": drive.path,
            "sorted_at": drive.sorted_at,
            "folders": drive.sessions,
            "unkept_folders": drive.unkept_sessions,
            "unkept_files": drive.unkept_files,
            "unkept_bytes": drive.unkept_bytes,
            "lost_from_index": drive.lost,
            "other_files": drive.other_files,
            "other_bytes": drive.other_bytes,
            "loose_files": drive.loose_files,
            "not_read": drive.unread_places,
        }
        for drive in drives
    ]
    if output.for_programs:
        output.data(rows)
        return
    shown = [
        {
            **row,
            "verdict": "identical" if drive.kept else "not archived",
            "said": "yes" if drive.kept else "no",
            "who": drive.serial or drive.volume_id or "unknown",
            "where": f"{drive.computer}, {drive.path}",
            "day": f"{drive.sorted_at:%Y-%m-%d}",
            "what": _left(drive),
        }
        for row, drive in zip(rows, drives, strict=True)
    ]
    output.table(
        shown,
        (
            Column("All archived", "said", style=_style),
            Column("Label", "label", style="bold"),
            Column("Serial", "who"),
            Column("Sorted", "day"),
            Column("Where", "where"),
            Column("Size", "bytes", align="right", kind="bytes"),
            Column("Not archived", "what"),
        ),
        empty="No drive was sorted yet: mapshell ingest-drive PATH.",
    )
    if drives:
        output.say(
            "As it was when each was sorted. Before a drive is wiped, sort it once more, and look at its other files."
        )


def _left(drive: KnownDrive) -> str:
    """Say what of a drive is not archived."""
    said = []
    if drive.unkept_sessions:
        said.append(f"{_count(drive.unkept_sessions, 'folder')}, {human_bytes(drive.unkept_bytes)}")
    if drive.lost:
        said.append(f"{_count(drive.lost, 'folder')} no longer in the index")
    if drive.loose_files:
        said.append(f"{_count(drive.loose_files, 'loose file')}")
    if drive.unread_places:
        said.append(f"{_count(drive.unread_places, 'place')} not read")
    return "; ".join(said)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
