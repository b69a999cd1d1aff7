"""What the database remembers of a session at one place: transfers, who works on it, verify, what computers said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import publication
from pipeline.archive import relocate
from pipeline.archive.session import dataset_name
from pipeline.archive.transfer import trouble
from pipeline.board.reclaimed import reclaimed
from pipeline.copies.waiting import wanting
from pipeline.database.reading import columns
from pipeline.drifted import drifted
from pipeline.errors import MapshellError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pipeline.archive.journal import Entry, Outcome
    from pipeline.archive.ports import Store
    from pipeline.archive.session import Location, SessionKey
    from pipeline.board.reclaimed import Reclaimed
    from pipeline.copies.waiting import Behind
    from pipeline.journal import TableJournal
    from pipeline.leases import Held
    from pipeline.why.writer import Writer

_FAILED = 3
"""How many failed transfers are told."""


@dataclass(slots=True)
class Memory:
    """What is remembered of a session at one place.

    ``said`` is what computers told, the newest first; ``row`` the archived row; ``coming`` says from which other
    copy of the same data it is to be copied, ``behind`` what another copy has more.
    """

    entries: list[Entry] = field(default_factory=list)
    failed: list[tuple[str, str, datetime | None, str]] = field(default_factory=list)
    held: Held | None = None
    said: list[Mapping[str, Any]] = field(default_factory=list)
    row: Mapping[str, Any] | None = None
    drift: str = ""
    verified: datetime | None = None
    withdrawn: Mapping[str, Any] | None = None
    reclaimed: list[Reclaimed] = field(default_factory=list)
    coming: str = ""
    behind: Behind | None = None

    @property
    def in_flight(self) -> bool:
        """Whether a transfer of it is under way, or somebody works on it now."""
        return bool(self.entries) or (self.held is not None and not self.held.free)


def remembered(location: Location, key: SessionKey, journal: TableJournal) -> Memory:
    """Ask the database; the number of questions depends on nothing."""
    one = {"subject_id": key[0], "session": key[1]}
    here = {**one, "globus_alias": location.alias}
    name = dataset_name(location.dataset_type, key)
    found = Memory()
    found.entries = [entry for entry in journal.unfinished([key]) if entry.purpose != "manifest"]
    found.held = journal.look(key)
    mine = publication.Transfer() & (publication.Transfer.Session() & here).proj()
    told = ("computer", "purpose", "ended_at", "outcome")
    rows = columns(mine & {"state": "failed"}, told)
    ended = [(row[0], row[1], row[2], row[3] or "no reason was given") for row in rows if row[1] != "manifest"]
    found.failed = sorted(ended, key=lambda row: (row[2] is not None, row[2]), reverse=True)[:_FAILED]
    said = (publication.SessionState() & here & "state != 'in flight'").to_dicts()
    found.said = sorted(said, key=lambda row: (row["seen_at"], row["computer"]), reverse=True)
    archived = (publication.archived_table(location.dataset_type)() & here).to_dicts()
    found.row = archived[0] if archived else None
    found.drift = drifted(location, name).get(name, "")
    looks = publication.Verification() & {"globus_alias": location.alias, "dataset_name": name}
    found.verified = max((row[0] for row in columns(looks & {"verdict": "same"}, ("verified_at",))), default=None)
    gone = (publication.Withdrawal() & here).to_dicts()
    found.withdrawn = gone[0] if gone else None
    found.reclaimed = reclaimed(key).get(location.dataset_type, {}).get(key, [])
    lacks = wanting(location, name)
    if found.row is None:
        found.coming = lacks.coming.get(key, {}).get("reason", "")
    found.behind = lacks.behind.get(key)
    return found


def about_work(
    writer: Writer, memory: Memory, key: SessionKey, store: Callable[[], Store] | None, computer: str, drives: Drives
) -> None:
    """Write down what is under way, who works on it, and what failed last."""
    for entry in memory.entries:
        _under_way(writer, entry, key, store, computer, drives)
    if not memory.entries:
        writer.note("under-way", "passed", "no transfer of it")
    held = memory.held
    if held is None:
        writer.note("lease", "passed", "nobody works on it")
    elif held.free:
        writer.note("lease", "passed", f"left by {held.holder} ({held.free}): anybody may take it")
    else:
        said = f"{held.holder} works on it since {held.since:%Y-%m-%d %H:%M} UTC"
        writer.failed("lease", said, f"wait until it has ended; {_LEASE}", computer=held.computer)
    since = None if memory.row is None else memory.row["archived_at"]
    open_ = [row for row in memory.failed if since is None or row[2] is None or row[2].replace(microsecond=0) > since]
    for where, purpose, at, why in open_:
        when = f" on {at:%Y-%m-%d %H:%M} UTC" if at else ""
        writer.failed(
            "failed-transfer", f"{purpose}{when}: {why}", "publish again: it is planned anew.", computer=where
        )
    if not open_:
        writer.note("failed-transfer", "passed", "none since it was archived" if since else "none")


class Drives:
    """Where loose drives were connected last, asked for when a transfer waits for one."""

    def path(self, drive_id: str) -> str:
        """Return where a drive was connected; empty when nobody knows."""
        rows = (publication.Drive() & {"drive_id": drive_id}).to_dicts()
        return str(rows[0]["drive_path"]) if rows else ""


def _under_way(
    writer: Writer, entry: Entry, key: SessionKey, store: Callable[[], Store] | None, computer: str, drives: Drives
) -> None:
    part = next(part for part in entry.parts if part.key == key)
    since = f"{entry.created_at:%Y-%m-%d %H:%M} UTC"
    if entry.purpose == "move":
        writer.failed("being-renamed", relocate.under_way(entry), _GATHER, computer=entry.computer)
        return
    if part.lender is not None:
        said = f"it waits for {part.lender.name}, from which its transfer began on {entry.computer} at {since}"
        writer.failed("waits-for-drive", said, _DRIVE, computer=entry.computer, drive=drives.path(part.lender.drive_id))
        return
    task = f"task {entry.task_id}" if entry.task_id else "not submitted yet"
    said = f"{task}, {entry.state} by {entry.computer} at {since}"
    if store is not None and entry.task_id is not None and entry.state == "submitted":
        said, wrong = _live(store, entry.task_id, said)
        if wrong:
            writer.failed("transfer-trouble", f"{said}: {wrong[0]}", wrong[1], computer=entry.computer)
            return
    if entry.computer == computer:
        writer.failed("under-way", said, _GATHER)
    else:
        remedy = f"publish on {entry.computer}, or on a computer that has the same files in the same place."
        writer.failed("other-computer", said, remedy, computer=entry.computer)


def _live(store: Callable[[], Store], task_id: str, said: str) -> tuple[str, tuple[str, str] | None]:
    """Ask Globus how a task is; what cannot be asked is left as the journal has it."""
    try:
        own = store()
        status = own.task(task_id)
        if status is None:
            return f"{said}; this login does not see it", None
        wrong = trouble(own, status) if status.state in ("ACTIVE", "INACTIVE") else None
    except MapshellError as error:
        return f"{said}; Globus could not be asked: {error.message}", None
    return f"{said}; Globus says {status.state}", None if wrong is None else (wrong.message, wrong.remedy)


def about_state(writer: Writer, memory: Memory, computer: str, here: Outcome | None) -> None:
    """Write down what verify, other computers and people did with it; ``here`` is what is found on this one now."""
    row = memory.row
    if row is not None:
        said = f"archived {row['archived_at']:%Y-%m-%d %H:%M} UTC, generation {row['generation']}"
        writer.note("archived", "passed", said, stage="state")
    if memory.drift:
        writer.failed("drift", memory.drift, "look again; what is lost there is sent anew from a computer that has it.")
    elif memory.verified is not None:
        writer.note("drift", "passed", f"verify found nothing lost on {memory.verified:%Y-%m-%d %H:%M} UTC")
    elif row is not None:
        writer.note("drift", "not reached", "verify has not looked at it since")
    if memory.withdrawn is not None and row is None:
        gone = memory.withdrawn
        said = f"its archived row was deleted on {gone['withdrawn_at']:%Y-%m-%d}"
        writer.failed("withdrawn", said, "leave it, or bring it back on purpose.", computer=gone["computer"])
    for gone_here in memory.reclaimed[-1:]:
        done = "were deleted" if gone_here.done else "are being deleted"
        said = f"{gone_here.files} files {done} on {gone_here.computer}, each proved before, on "
        said += f"{gone_here.proved_at:%Y-%m-%d}"
        writer.note("reclaimed", "passed", said)
    if memory.coming and not memory.in_flight and memory.withdrawn is None:
        writer.note("copy-missing", "not reached", f"{_COPY} none yet{_how(memory.coming, here)}")
    if memory.behind is not None and row is not None and not memory.in_flight:
        writer.note("copy-missing", "not reached", f"{_COPY} not all of it: {memory.behind.reason}")
    for each in memory.said:
        if each["computer"] == computer and here is not None:
            if each["reason"] and each["reason"] != here.reason and not here.failed:
                said = f"the last round on this computer, {each['seen_at']:%Y-%m-%d %H:%M} UTC, said: {each['reason']}"
                writer.note("last-round", "unknown", said)
            continue  # it was looked at now
        said = f"{each['state']}{': ' if each['reason'] else ''}{each['reason']}"
        said += f" (seen {each['seen_at']:%Y-%m-%d %H:%M} UTC)"
        if each["state"] in ("queued", "recording") and not each["reason"]:
            writer.note("said-elsewhere", "unknown", f"{each['computer']}: {said}", computer=each["computer"])
        else:
            writer.failed("said-elsewhere", said, f"mend it on {each['computer']}.", computer=each["computer"])


def _how(coming: str, here: Outcome | None) -> str:
    """Say how a copy comes about: what lies here goes from here, unless something keeps it back."""
    if here is None or not here.files:
        return f": {coming}"
    return ": the next publish sends it" if here.to_send_files and not here.failed else ""


_COPY = "this location shall hold a copy, and has"
_GATHER = "the next publish goes on with it: it checks, describes and records it."
_DRIVE = "connect the drive, then publish from it: that goes on with it."
_LEASE = "a lease of a process that was killed elsewhere ends by itself after ten minutes."
