"""What waits in the journal: leases, transfers that are open, retrievals that were not ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline.doctor.findings import Finding, Subject, ok, skipped, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from pipeline.doctor.world import World

LONG = timedelta(days=1)
"""How long an entry may be open before somebody is asked to look."""

_SHOWN = 5


def leases(world: World, _: Subject) -> Iterable[Finding]:
    """Look who works on sessions, and which leases nobody renews any more."""
    from pipeline import database, publication
    from pipeline.machine import machine_id
    from pipeline.services import is_process

    if not world.has_tables:
        yield skipped(world.why_no_tables)
        return
    rows = publication.Claim.to_dicts()
    now = database.now() if rows else None
    groups: dict[tuple[str, str], int] = {}
    machine = machine_id() if rows else None  # it is made on first use
    for row in rows:
        here = row["machine"] == machine and row["process_began"] is not None
        alive = here and is_process(int(row["process_id"]), float(row["process_began"]))
        state = "dead" if here and not alive else "over" if now is not None and row["expires_at"] <= now else "held"
        who = f"process {row['process_id']} on {row['computer']}"
        groups[state, who] = groups.get((state, who), 0) + 1
    for (state, who), count in groups.items():
        sessions = "1 session" if count == 1 else f"{count} sessions"
        if state == "held":
            yield ok(f"{who} works on {sessions}", sessions=count)
        else:
            ended = "has ended" if state == "dead" else "was not heard of for longer than a lease"
            yield warning(
                f"{who} {ended} and left {sessions} claimed.",
                "nothing is lost: the next `mapshell publication-publish` takes them over and goes on.",
                sessions=count,
            )
    if not rows:
        yield ok("nobody works on a session")


def transfers(world: World, _: Subject) -> Iterable[Finding]:
    """Look which transfers are open, since when, and what brings them to an end."""
    from pipeline import database, publication
    from pipeline.transitions import OPEN

    if not world.has_tables:
        yield skipped(world.why_no_tables)
        return
    query = (publication.Transfer() & f"state in {OPEN}").proj(
        "purpose", "state", "identity", "computer", "created_at", "task_id", "label"
    )
    rows = query.to_dicts(order_by="created_at")
    now = database.now() if rows else None
    late = [row for row in rows if now is not None and now - row["created_at"] > LONG]
    foreign = [row for row in rows if row not in late and _is_foreign(world, row)]
    for row in (late + foreign)[:_SHOWN]:
        yield warning(_said(row, now), _end(world, row), transfer_id=str(row["transfer_id"]), state=row["state"])
    more = len(late) + len(foreign) - _SHOWN
    if more > 0:
        yield warning(f"and {more} more that are open for long", "publish on the computers that submitted them.")
    fine = len(rows) - len(late) - len(foreign)
    if fine:
        yield ok(f"{fine} under way; the next publish goes on with them", open=fine)
    elif not rows:
        yield ok("none is open")


def _is_foreign(world: World, row: Mapping[str, Any]) -> bool:
    mine = row["computer"] == world.settings.archive.computer
    return bool(mine and world.identity and row["identity"] and row["identity"] != world.identity)


def _said(row: Mapping[str, Any], now: datetime | None) -> str:
    age = now - row["created_at"] if now is not None else timedelta(0)
    days = f"{age.days} days" if age.days > 1 else f"{age.total_seconds() / 3600:.0f} h"
    task = f", task {row['task_id']}" if row["task_id"] is not None else ""
    return f"A transfer ({row['purpose']}, {row['state']}) from {row['computer']} is open for {days}{task}."


def _end(world: World, row: Mapping[str, Any]) -> str:
    """Tell what brings an open transfer to an end."""
    if row["purpose"] == "copy":
        return (
            f"run the same `mapshell cp` on {row['computer']}, as the same identity: it goes on; or leave it, any "
            "other `mapshell cp` ends it once its task has ended"
        )
    if _is_foreign(world, row):
        return (
            f"it was submitted as {row['identity']}, who alone can see it: log in as that identity (mapshell logout, "
            "mapshell login), then: mapshell publication-publish"
        )
    where = "" if row["computer"] == world.settings.archive.computer else f" on {row['computer']}"
    if row["state"] == "submitted":
        return f"see why it does not end: mapshell publication-status; then run{where}: mapshell publication-publish"
    return f"run{where}: mapshell publication-publish"


def retrievals(world: World, _: Subject) -> Iterable[Finding]:
    """Look for retrievals of this person that were not brought to an end."""
    from pipeline.retrievals import FileJournal, folder

    journal = FileJournal(folder(world.environ), world.settings.archive.staging_name)
    entries = journal.all()
    now = world.clock.now()
    for entry in entries[:_SHOWN]:
        age = now - entry.haul.created_at
        where = ", ".join(dict.fromkeys(str(item.site) for item in entry.items[:_SHOWN]))
        said = (
            f"A retrieval of {len(entry.items)} files to {where} is open since {entry.haul.created_at:%Y-%m-%d %H:%M}"
        )
        if age > LONG:
            yield warning(
                f"{said} UTC.",
                "run the same `mapshell publication-retrieve` again: it goes on; what it is: see its target and "
                f"{folder(world.environ)}.",
            )
        else:
            yield ok(f"{said} UTC")
    for note in journal.notes():
        message, _dot, remedy = note.rpartition(". ")
        yield warning(f"{message}.", remedy)
    if not entries and not journal.notes():
        yield ok("none is open")
