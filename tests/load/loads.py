"""The loads: what is recorded, which commands are run, and what must have come of it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from . import check
from .place import computer
from .recordings import animals, fill, record
from .watch import MEGABYTE

if TYPE_CHECKING:
    from .place import Computer, Place

#: What a command may hold at most, whatever it works on.
MOST_MEMORY, MOST_OPEN = 1024 * MEGABYTE, 200


def rigs(place: Place, scale: float) -> str:
    """Let two rigs publish four sessions each at once; then both the same four."""
    seconds = max(0.01, 10 * scale)
    both = [computer(place, name) for name in ("rig-1", "rig-2")]
    for number, rig in enumerate(both):
        for session in range(4):
            record(rig.ephys, 4 * number + session, seconds, channels=64)
        rig.enter(animals(8))
    place.run("publish, four each", *(rig.command("publication-publish") for rig in both))
    check.archived(place, both, 8)
    check.tasks(place, 8)
    for session in range(8, 12):
        folder = record(both[0].ephys, session, seconds, channels=64)
        shutil.copytree(folder, both[1].ephys / folder.relative_to(both[0].ephys))
    place.run("ingest-recordings", both[0].command("ingest-recordings"))
    place.run("publish, the same four", *(rig.command("publication-publish") for rig in both))
    for rig in both:
        rig.run("publish, nothing new", "publication-publish")
    files = check.archived(place, both, 12)
    check.tasks(place, 12)
    return f"12 sessions, {files} files, {_megabytes(place)} MB"


def backlog(place: Place, scale: float) -> str:
    """Archive thousands of small sessions in one night."""
    sessions = max(4, round(2000 * scale))
    rig = computer(place, "rig-1")
    for session in range(sessions):
        record(rig.ephys, session)
    rig.enter(animals(sessions))
    rig.run("publish, first night", "publication-publish")
    rig.run("publish, second night", "publication-publish")
    rig.run("status", "publication-status")
    files = check.archived(place, [rig], sessions)
    check.tasks(place, sessions)
    _afterwards(place, rig, sessions, checksum=True)
    return f"{sessions} sessions, {files} files"


def files(place: Place, scale: float) -> str:
    """Archive one session of very many files."""
    return _one_session(place, max(100, round(100_000 * scale)), size=64, deep=False)


def million(place: Place, scale: float) -> str:
    """Archive two sessions of very many empty files: half of them in one folder, half in a deep tree."""
    return _one_session(place, max(100, round(1_000_000 * scale)), size=0, deep=True)


def _one_session(place: Place, count: int, *, size: int, deep: bool) -> str:
    rig = computer(place, "rig-1")
    folder = record(rig.ephys, 0)
    fill(folder, count, size, deep=deep)
    rig.enter(animals(1))
    rig.run("publish, dry run", "publication-publish", "--dry-run")
    rig.run("publish", "publication-publish")
    rig.run("publish, nothing new", "publication-publish")
    found = check.archived(place, [rig], 1)
    check.tasks(place, 1)
    _afterwards(place, rig, 1, checksum=not deep)
    return f"1 session, {found} files {'in a deep tree' if deep else 'in one folder'}"


def _afterwards(place: Place, rig: Computer, sessions: int, *, checksum: bool) -> None:
    """Verify, retrieve all of it, and discover it from the archive alone."""
    rig.run("verify", "publication-verify")
    if checksum:
        rig.run("verify --checksum, 2 min", "publication-verify", "--checksum", "all", "--max-time", "2m")
    home = computer(place, "home")
    home.run("retrieve", "publication-retrieve", "--everything")
    check.fetched(place, home.ephys)
    home.run("retrieve, all here", "publication-retrieve", "--everything")
    shutil.rmtree(home.ephys)
    _rebuild(place, rig, sessions)


def _rebuild(place: Place, rig: Computer, sessions: int) -> None:
    again = f"{place.prefix}again_"
    other = computer(place, "rebuilt", again)
    other.run("discover, empty database", "publication-discover", "--create-sessions")
    check.archived(place, [rig], sessions, again)
    check.same_index(place, place.prefix, again)


def small(place: Place) -> None:
    """Archive two sessions, one of them of many small files, and discover them: all of the above in some seconds."""
    rig = computer(place, "rig-1")
    for session in range(2):
        fill(record(rig.ephys, session), 150 * session, size=8, deep=True)
    rig.enter(animals(2))
    rig.run("publish", "publication-publish")
    check.archived(place, [rig], 2)
    check.tasks(place, 2)
    _rebuild(place, rig, 2)


def _megabytes(place: Place) -> int:
    return round(sum(path.stat().st_size for path in place.archive.rglob("*") if path.is_file()) / 1e6)


LOADS = {"rigs": rigs, "backlog": backlog, "files": files, "million": million}
