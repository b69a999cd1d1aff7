"""The clock of this computer against the database's, Globus' and the files'."""

from __future__ import annotations

import os
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from pipeline.doctor.findings import Finding, Subject, failure, ok, skipped, warning
from pipeline.errors import MapshellError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from pipeline.doctor.world import World

ODD = timedelta(seconds=30)
WRONG = timedelta(minutes=10)
_ENTRIES = 4_000
"""Files and folders of a root that are looked at for times to come."""

_REMEDY = (
    "let the system set its clock by the network: Windows: w32tm /resync; Linux: timedatectl set-ntp true; "
    "macOS: sntp -sS time.apple.com"
)


def compare(mine: datetime, theirs: datetime, whose: str, grain: timedelta = timedelta(0)) -> Finding:
    """Compare this computer's time with another's; ``grain`` is how exactly that is known."""
    apart = max(abs(mine - theirs) - grain, timedelta(0))
    way = "ahead of" if mine > theirs else "behind"
    facts = {"seconds": round((mine - theirs).total_seconds(), 3)}
    if apart < ODD:
        near = "" if apart < timedelta(seconds=1) else f" within {apart.total_seconds():.0f} s"
        return ok(f"agrees with {whose}{near}", **facts)
    said = f"This computer's clock is {_span(apart)} {way} {whose}."
    if apart < WRONG:
        return warning(said, _REMEDY, **facts)
    return failure(
        MapshellError(f"{said} Logins fail, and new files look as if still written.", remedy=_REMEDY), **facts
    )


def _span(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{round(seconds / 3600)} h"


def against_database(world: World, _: Subject) -> Iterable[Finding]:
    """Compare with the database server, whose time leases and journal have."""
    from pipeline.database import server

    if not world.connected:
        yield skipped(world.why_no_tables)
        return
    connection = world.connection
    statement = f"SELECT {server.utc_now_sql(connection)}"
    connection.query(statement)  # so that connecting is not counted
    before = world.clock.now()
    theirs = connection.query(statement).fetchone()[0]
    after = world.clock.now()
    yield compare(before + (after - before) / 2, theirs, "the database server's")


def against_files(world: World, _: Subject) -> Iterable[Finding]:
    """Look for files that are newer than now, in the folders that changed last."""
    now = world.clock.now().replace(tzinfo=UTC).timestamp()
    roots = list(dict.fromkeys(root.local_path for root in world.settings.globus.local_roots))
    odd = 0
    for folder in roots:
        ahead = [(mtime, path) for mtime, path in _newest(folder) if mtime > now + ODD.total_seconds()]
        if not ahead:
            continue
        odd += 1
        mtime, path = max(ahead)
        yield warning(
            f"{len(ahead)} of the newest files below {folder} have times to come, such as {path} "
            f"({_span(timedelta(seconds=mtime - now))} ahead): they count as still being written.",
            "set the clock of this computer, or of the one that wrote them; then `touch` the files.",
            folder=str(folder),
            files=len(ahead),
        )
    if roots and not odd:
        yield ok("the newest files in the local folders are not newer than now")


def _newest(folder: Path) -> Iterator[tuple[float, Path]]:
    """Yield the files of the folders that changed last, so many at most; what cannot be read is passed over."""
    from pathlib import Path as LocalPath

    left, waiting = _ENTRIES, [folder]
    while waiting and left > 0:
        here = waiting.pop()
        below: list[tuple[float, Path]] = []
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    left -= 1
                    if left <= 0:
                        break
                    status = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        below.append((status.st_mtime, LocalPath(entry.path)))
                    elif entry.is_file(follow_symlinks=False):
                        yield status.st_mtime, LocalPath(entry.path)
        except OSError:
            continue
        waiting += [path for _, path in sorted(below)]
