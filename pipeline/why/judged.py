"""What publish decides of a session's files: its own dry run, read rule by rule."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from pipeline.archive.acceptance import command
from pipeline.archive.acceptance_rules import BY_NAME
from pipeline.archive.adoption.remembered import Remembered
from pipeline.archive.checksums import ChecksumCache, Hasher
from pipeline.archive.depart import depart
from pipeline.archive.known import unlooked
from pipeline.archive.plan import diff
from pipeline.archive.renamed import as_defects, in_short, suspects, with_renames
from pipeline.archive.round import Round
from pipeline.errors import MapshellError
from pipeline.here import patterns
from pipeline.why.refusals import CATALOGUE
from pipeline.work import Silence, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pipeline.archive.find import LocalSession
    from pipeline.archive.journal import Outcome
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.plan import Plan
    from pipeline.archive.ports import Clock, Store
    from pipeline.archive.session import DatasetType, Location, Root
    from pipeline.journal import TableJournal
    from pipeline.settings import Settings
    from pipeline.why.writer import Writer


class NotAsked(MapshellError):
    """Globus was not asked, as somebody wished."""


def not_asked() -> NoReturn:
    """Stand in for the Globus manager where nobody is to be asked."""
    raise NotAsked("Globus was not asked.", remedy="ask again without --offline.")


@dataclass(frozen=True, slots=True)
class Judged:
    """What a dry run of publish says of the session, and how its files differ from the index."""

    outcome: Outcome
    plan: Plan


def judged(
    settings: Settings,
    store: Callable[[], Store],
    location: Location,
    roots: Sequence[Root],
    journal: TableJournal,
    session: LocalSession,
    known: Manifest | None,
    cache: Path,
    clock: Clock | None = None,
    epoch: Callable[[], float] = time.time,
) -> Judged:
    """Make the dry run that ``publication-publish --dry-run`` makes, for one session; nothing is written or sent."""
    archive = settings.archive
    with (
        closing(ChecksumCache(cache / "sha1.sqlite")) as sums,
        closing(Remembered(cache / "read-back.sqlite")) as remembered,
        Hasher(sums, threads=1) as hasher,
    ):
        round_ = Round(
            location=location,
            roots=roots,
            store=store,
            journal=journal,
            clock=clock or SystemClock(),
            epoch=epoch,
            progress=Silence(),
            hasher=hasher,
            computer=archive.computer,
            quiet_seconds=archive.quiet_seconds,
            staging=archive.staging_name,
            leave_out=patterns(settings),
            remembered=remembered,
        )
        indexed = {} if known is None else {session.ref.key: known}
        left = depart(round_, [session], indexed, dry_run=True, hash_early=False)
        return Judged(left.outcomes[0], _compared(session, known, sums))


def _compared(session: LocalSession, known: Manifest | None, sums: ChecksumCache) -> Plan:
    earlier = {} if known is None else {entry.subpath: entry for entry in known.files}
    maybe = suspects(session.files, earlier)
    undecided = {*(item.subpath for item in diff(session.files, earlier).only("hash")), *maybe}
    read = sums.get_all([file for file in session.files if file.subpath in undecided]) if undecided else {}
    sha1s = {file.subpath: sha1 for file, sha1 in read.items()}
    return with_renames(diff(session.files, earlier, checksums=sha1s), maybe, sha1s)


def about_files(
    writer: Writer, found: Judged, session: LocalSession, known: Manifest | None, kind: DatasetType
) -> None:
    """Write down what came of each rule of gate, index and archive."""
    result = found.outcome
    wrong: dict[str, list[Mapping[str, str]]] = {}
    for detail in result.details:
        rule = detail.get("rule") or ("conflict" if detail.get("action") == "conflict" else "")
        if rule:
            wrong.setdefault(rule, []).append(detail)
    changed = [item.subpath for item in found.plan.only("conflict")]
    if changed and "conflict" in wrong:
        rest = [detail for detail in wrong.pop("conflict") if detail["file"] not in changed]
        if rest:
            wrong["conflict"] = rest
    settled = result.rule == "" and not result.failed and result.state in ("archived", "present")
    gate = "identity" not in wrong and "unseen" not in wrong and result.state != "in flight" and not settled
    accepting = tuple(f"--accept {rule}" for rule in result.accept)
    accept = command(session.ref, kind, accepting) if accepting else ""
    for rule in (name for name, entry in CATALOGUE.items() if entry.stage == "gate" and name in BY_NAME):
        if rule == "checksum" and rule not in wrong and gate:
            writer.note(rule, "not reached", "the checksum is compared while bytes move")
        elif rule not in wrong:
            writer.note(rule, "passed" if gate else "not reached")
    _about_index(writer, found.plan, wrong, changed, known)
    for rule in [rule for rule in wrong if rule in CATALOGUE]:
        details = wrong[rule]
        remedy = details[0].get("remedy", "").partition(" To archive it as it is:")[0]
        files = [(detail["file"], detail["reason"]) for detail in details]
        writer.failed(
            rule,
            _first(files),
            remedy,
            accepting=accept if rule in result.accept else "",
            files=files,
            file=files[0][0],
        )
    _about_archive(writer, result, wrong, settled=settled)
    told = result.rule in wrong or (result.rule == "conflict" and changed)
    if result.rule and not told and result.rule in CATALOGUE:
        writer.failed(result.rule, result.reason, result.remedy)


def _about_index(
    writer: Writer,
    plan: Plan,
    wrong: Mapping[str, Sequence[Mapping[str, str]]],
    changed: Sequence[str],
    known: Manifest | None,
) -> None:
    new, unread = len(plan.only("send")), plan.only("hash")
    same = len(plan.only("skip"))
    said = f"{same} archived, {new} new" if known is not None else f"{new} new: the index has nothing of it"
    if unread:
        said += f", {len(unread)} of another time, which the next publish compares"
    writer.note("compared", "passed", said, stage="index")
    if changed:
        reasons = {item.subpath: item.reason for item in plan.items}
        files = [(subpath, reasons[subpath]) for subpath in changed]
        writer.failed("changed", _first(files), _CHANGED, files=files)
    if "renamed" not in wrong and (renamed := as_defects(plan)):
        writer.failed("renamed", in_short(plan.only("renamed")[0]), renamed[0].remedy)
    if "unseen" not in wrong and (unseen := unlooked(known, plan)):
        writer.failed("unseen", f"{unseen.subpath}: {unseen.message}", unseen.remedy)


def _about_archive(writer: Writer, result: Outcome, wrong: Mapping[str, object], *, settled: bool) -> None:
    for rule in (name for name, entry in CATALOGUE.items() if entry.stage == "archive"):
        if rule in wrong:
            continue
        if result.rule == "not-asked":
            writer.note(rule, "unknown", "Globus was not asked")
        else:
            writer.note(rule, "not reached" if settled or result.failed or result.rule else "passed")


def _first(files: Sequence[tuple[str, str]]) -> str:
    file, found = files[0]
    more = len(files) - 1
    return f"{file}: {found}" + (f" (and {more} more {'file' if more == 1 else 'files'})" if more else "")


_CHANGED = (
    "what was archived is never overwritten: put the archived bytes back (publication-retrieve), or say that these "
    "shall take their place."
)
