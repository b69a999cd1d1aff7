"""The state of a session in the words of every screen, from what was decided, and what to run next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.aside import in_force
from pipeline.archive.known import settled
from pipeline.archive.paths import visible
from pipeline.board.deciding import as_verified
from pipeline.board.reclaimed import as_reclaimed
from pipeline.copies.waiting import as_behind
from pipeline.why.explanation import unique
from pipeline.why.local import NEAREST

if TYPE_CHECKING:
    from pipeline.archive.journal import Outcome
    from pipeline.archive.manifest import Manifest
    from pipeline.why.explanation import Decision, Place
    from pipeline.why.memory import Memory
    from pipeline.why.writer import Writer


def state_of(
    memory: Memory, known: Manifest | None, outcome: Outcome | None, *, blocked: str, computer: str, tomb: str = ""
) -> tuple[str, str]:
    """Return state and reason.

    Parameters
    ----------
    memory, known
        What the database remembers, and what the index holds.
    outcome
        What a dry run of publish says of what lies here; None when nothing does.
    blocked
        Why a folder that lies here must not be given to it; empty when none is refused.
    computer
        This computer.
    tomb
        What a tombstone says where its files lay; empty where there is none, or files lie there.
    """
    if memory.in_flight:
        return "in flight", ""
    if memory.row is None and memory.withdrawn is not None:
        return "withdrawn", "its archived row was deleted on purpose"
    if outcome is not None:
        state, reason = outcome.state, outcome.reason
        if outcome.rule == "not-asked":
            reason = "nothing that can be told without asking Globus keeps it here"
        elif not outcome.failed and outcome.details and not (outcome.to_send_files or outcome.to_adopt_files):
            reason = "the next publish compares what may have changed"
    elif memory.row is not None:
        state, reason = settled(known)
    elif known is not None:
        return "refused", "its files are in the index without an archived row"
    elif blocked:
        return "refused", blocked
    elif memory.said:
        return memory.said[0]["state"], memory.said[0]["reason"]
    elif memory.coming:
        return "queued", memory.coming
    else:
        return "not here", ""
    state, reason = as_verified(state, reason, memory.drift)
    if state == "archived":
        told = [row for row in memory.said if row["reason"] or row["state"] != "queued"]
        away = [row for row in told if row["computer"] != computer or outcome is None]
        if away:
            return "archived with changes", f"{away[0]['computer']}: {away[0]['reason']}"
        files = 0 if known is None else len(in_force(known.files, known.files))
        state, reason, _ = as_reclaimed(state, reason, memory.reclaimed, files, here=bool(outcome and outcome.files))
        if state == "archived" and tomb:  # the row that told it was lost with a database
            state, reason = "reclaimed", tomb
    return as_behind(state, reason, memory.behind)


def conclude(place: Place, writer: Writer) -> None:
    """Fill in the decisions and the commands to run next."""
    place.decisions = writer.decisions
    if place.state == "reclaimed":
        place.next = writer.commands("reclaimed")
        return
    place.next = unique(_said(command, each, place, writer) for each in place.failed for command in each.commands)
    if not place.next and place.state in ("queued", "present", "in flight", "archived with changes"):
        command = writer.publish() + (" --adopt" if place.state == "present" else "")
        told = next((each for each in place.decisions if each.rule == _TOLD), None)
        place.next = (_said(command, told, place, writer),)


def _said(command: str, of: Decision | None, place: Place, writer: Writer) -> str:
    """Return a command with the computer on which it does something, and what it is meant for."""
    if "--accept still-recording" in command:
        return f"if the recording crashed: {command}"
    if of is None or _PUBLISH not in command:
        return command
    if of.computer != writer.computer and (of.rule == _TOLD or not place.folders):
        return f"on {visible(of.computer)}: {command}"
    if of.rule == "folder-here":
        return f"{'once it is renamed' if NEAREST in of.evidence else 'on the computer that has it'}: {command}"
    return command


_TOLD = "said-elsewhere"
_PUBLISH = "publication-publish"
