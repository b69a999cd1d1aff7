"""What one round of publishing works with, and the outcomes that it reports."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline.archive.adoption.evidence import listed_before
from pipeline.archive.adoption.remembered import Remembered
from pipeline.archive.copying.lacking import Nowhere
from pipeline.archive.departing.glance import Glance
from pipeline.archive.details import as_accepted, as_details, as_superseded
from pipeline.archive.journal import Entry, Outcome, Source
from pipeline.archive.known import differing, settled
from pipeline.errors import (
    ConfigError,
    Conflict,
    DatabaseReadOnly,
    DatabaseUnavailable,
    GlobusUnavailable,
    LeaseLost,
    LoginNeeded,
    MapshellError,
    OtherLogin,
    RoundOver,
    ServiceError,
    ServiceFull,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pipeline.archive.acceptance import Acceptance
    from pipeline.archive.checksums import Hasher
    from pipeline.archive.copying.lacking import Originals
    from pipeline.archive.filetypes import FileTypeRule
    from pipeline.archive.find import LocalSession
    from pipeline.archive.journal_protocol import Journal
    from pipeline.archive.manifest import FileEntry, Manifest
    from pipeline.archive.ports import Clock, Drive, Progress, Store
    from pipeline.archive.quiet import Quiet
    from pipeline.archive.scan import Defect
    from pipeline.archive.session import LocalFile, Location, Root, State

_LOG = logging.getLogger("mapshell.publish")

PROVE = "to have what is here compared with the archive's bytes: `mapshell publication-publish --adopt`."

NEXT = "nothing needs to be done: the next round goes on with it."

UNWRITABLE = (DatabaseUnavailable, DatabaseReadOnly)
"""After these nothing more can be written down."""

FATAL = (*UNWRITABLE, LoginNeeded, GlobusUnavailable, ConfigError, ServiceError)
"""These end a round: every further session would meet them too, and wait as long."""


@dataclass(slots=True)
class Round:
    """Everything one round of publishing works with, for one storage location.

    ``store`` is called when Globus is needed, and not before: a round with nothing to do asks nobody.
    ``epoch`` gives this instant in UTC seconds since 1970, by this computer's clock, as file times are.
    ``stall_seconds`` is how long a task that only meets errors is waited for.
    ``leave_out`` names what is never archived, for a further look at the folders.
    ``closed`` is why the archive cannot be reached, ``unreadable`` why its files cannot be, once that is known.
    ``adopt`` says that files which the index knows from a listing alone are compared; ``scratch`` is a root below which
    files of the archive may be fetched for a while; ``remembered`` what was read back there before.
    ``drive`` is the loose drive on which all roots lie, if they do; ``stage`` is the root in which manifests are staged
    (None: the one that their files lie in).
    ``quiet`` tells whether something is recorded on a disk (None: nobody asks); ``acceptance`` is what a person
    accepts of what the gate refuses, of one session; ``glance`` is what sessions that depart together are told once.
    ``ending`` says why the round is to end early, empty while it may go on: then nothing more is begun or waited for.
    ``originals`` tells which other archives have a session that this one lacks.
    """

    location: Location
    roots: Sequence[Root]
    store: Callable[[], Store]
    journal: Journal
    clock: Clock
    epoch: Callable[[], float]
    progress: Progress
    hasher: Hasher
    computer: str
    quiet_seconds: int = 60
    poll_seconds: float = 10.0
    stall_seconds: float = 300.0
    staging: str = ".mapshell"
    closed: MapshellError | None = None
    unreadable: MapshellError | None = None
    leave_out: Collection[str] = ()
    extra_types: Sequence[FileTypeRule] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    quiet: Quiet | None = None
    acceptance: Acceptance | None = None
    adopt: bool = False
    scratch: Root | None = None
    remembered: Remembered = field(default_factory=lambda: Remembered(None))
    drive: Drive | None = None
    stage: Root | None = None
    glance: Glance = field(default_factory=Glance)
    originals: Originals = field(default_factory=Nowhere)
    ending: Callable[[], str] = str

    def rest(self, files: Iterable[LocalFile]) -> bool:
        """Wait until nothing is recorded on the disks of these files; say whether that took any waiting.

        Raises
        ------
        DiskBusy
            Something still is, after the longest pause.
        RoundOver
            The round is to end.
        """
        waited = self.quiet is not None and self.quiet.wait({f.root for f in files}, lambda: bool(self.ending()))
        if why := self.ending():
            raise RoundOver(f"{why}.", remedy=NEXT)
        return waited


@dataclass(slots=True)
class Flight:
    """A session whose transfer is submitted, with what this computer knows of it.

    ``files`` are those of this transfer, sent or adopted; ``problems`` what does not stop this transfer but keeps the
    session from being archived without changes; ``changed`` the files that are no longer what was planned; ``notes``
    what a person may like to know; ``more`` says that this computer has, or may have, further files of the session,
    which follow as the next generation; ``moved`` names what the service looks for where it is no longer.
    """

    entry: Entry
    session: LocalSession
    files: tuple[LocalFile, ...]
    problems: tuple[Defect, ...] = ()
    changed: tuple[Defect, ...] = ()
    notes: tuple[Defect, ...] = ()
    landed: bool = False
    more: bool = False
    moved: tuple[Defect, ...] = ()
    _compared: tuple[Sequence[Source], dict[str, int | None]] | None = field(default=None, repr=False, compare=False)

    @property
    def manifest(self) -> Manifest:
        """The manifest as it will be."""
        return self.entry.parts[0].manifest

    @property
    def new_entries(self) -> tuple[FileEntry, ...]:
        """The manifest's entries that this transfer brings."""
        return tuple(e for e in self.manifest.files if e.generation == self.manifest.generation)

    @property
    def known(self) -> Manifest | None:
        """What the index held before, as far as it matters: what this generation completes, it had without a SHA1."""
        earlier = tuple(e for e in self.manifest.files if e.generation < self.manifest.generation)
        if listed_before(self.manifest.evidence):
            earlier = (*earlier, *(replace(e, sha1=None) for e in self.adopted))
        return replace(self.manifest, files=earlier) if earlier else None

    @property
    def sent(self) -> tuple[LocalFile, ...]:
        """The files that a task moves."""
        adopted = self.compared
        return tuple(file for file in self.files if file.subpath not in adopted)

    @property
    def adopted(self) -> tuple[FileEntry, ...]:
        """The manifest's new entries that were at the archive before."""
        compared = self.compared
        return tuple(entry for entry in self.new_entries if entry.subpath in compared)

    @property
    def compared(self) -> dict[str, int | None]:
        """The times, as the archive listed them, of its files that were compared with ours and are not sent."""
        sources = self.entry.parts[0].sources
        if self._compared is None or self._compared[0] is not sources:
            self._compared = sources, {each.subpath: each.listed for each in sources if each.adopted}
        return self._compared[1]

    @property
    def unproved(self) -> tuple[LocalFile, ...]:
        """The files whose SHA1 did not travel with the transfer: we read them ourselves, while bytes move."""
        given = {item.source for item in self.entry.request.items if item.sha1 is not None}
        return tuple(f for f in self.files if f.in_globus not in given)

    @property
    def root(self) -> Root | None:
        """The local root of its files, where its manifest is staged."""
        return self.files[0].root if self.files else None

    @property
    def origin(self) -> str:
        """The storage location that sends it; empty where this computer does."""
        return self.entry.parts[0].origin

    @property
    def size(self) -> int:
        """Bytes that a task moves."""
        if self.origin:
            return sum(entry.size for entry in self.new_entries) - sum(entry.size for entry in self.adopted)
        return sum(file.size for file in self.sent)


@dataclass(slots=True)
class Departures:
    """What the first half of a round leaves for the second; ``stopped`` is what ended it early.

    ``full`` is why Globus takes no further task now, ``rest`` the sessions that did not depart because of that, or
    because the round is to end.
    """

    flights: list[Flight] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: MapshellError | None = None
    full: ServiceFull | None = None
    rest: list[LocalSession] = field(default_factory=list)


def outcome(
    round_: Round, session: LocalSession, state: str, reason: str = "", remedy: str = "", **more: Any
) -> Outcome:
    """Make the outcome of a session."""
    ref = session.ref
    return Outcome(
        key=ref.key,
        h2o=ref.h2o,
        session_date=ref.session_date.isoformat(),
        alias=round_.location.alias,
        folders=session.folders,
        state=state,
        reason=reason,
        remedy=remedy,
        files=len(session.files),
        size=sum(file.size for file in session.files),
        **more,
    )


def settled_outcome(
    round_: Round, session: LocalSession, known: Manifest | None, said: str = "", **more: Any
) -> Outcome:
    """Make the outcome of a session of which nothing new is here: archived, or present without ever being verified."""
    state, reason = settled(known)
    remedy = PROVE if state == "present" and session.files else ""
    return outcome(round_, session, state, reason or said, remedy, **more)


def under_way(entry: Entry) -> str:
    """Say how a session's unfinished entry is being brought about."""
    if entry.request.items:
        return f"task {entry.task_id or 'being submitted'}"
    return "nothing of it must be sent; the next publish records it"


def committed(round_: Round, flight: Flight) -> Outcome:
    """Make the outcome of a session whose new files have just entered the index."""
    accepted = (*as_accepted(flight.manifest), *as_superseded(flight.manifest))
    if flight.problems:
        refused = refusal(round_, flight.session, differing(flight.manifest, "archived with changes"), flight.problems)
        return replace(refused, details=(*refused.details, *accepted))
    return settled_outcome(round_, flight.session, flight.manifest, details=(*as_details(flight.notes), *accepted))


def with_amounts(result: Outcome, flight: Flight) -> Outcome:
    """Return the outcome of a session with how much of it was sent now, and how much adopted."""
    adopted = flight.adopted
    there = sum(entry.size for entry in adopted)
    result = replace(result.with_adopted(len(adopted), there), copied_from=flight.origin)
    return result.with_sent(len(flight.new_entries) - len(adopted), sum(e.size for e in flight.new_entries) - there)


def ends_the_round(error: Exception) -> bool:
    """Say whether every further session would meet an error too."""
    return isinstance(error, FATAL) and not isinstance(error, OtherLogin)


def in_words(error: Exception) -> MapshellError:
    """Return an error as one that can be shown; one that nobody expected goes to the log with all that is known."""
    if isinstance(error, MapshellError):
        return error
    _LOG.error("unexpected error in a round of publishing", exc_info=error)
    said = " ".join(str(error).split())[:400]
    return MapshellError(
        f"An unexpected error: {type(error).__name__}: {said}".rstrip(": ") + ".",
        remedy="publish again; if it comes again, report it together with the log.",
    )


def failure(round_: Round, session: LocalSession, error: MapshellError, known: Manifest | None = None) -> Outcome:
    """Make the outcome of a session that an error kept from being archived; the next round tries again."""
    if isinstance(error, LeaseLost):
        return outcome(round_, session, "in flight", error.message, error.remedy, failed=True, rule=error.kind)
    first: State = "refused" if isinstance(error, Conflict) else "queued"
    return outcome(round_, session, differing(known, first), error.message, error.remedy, failed=True, rule=error.kind)


def refusal(round_: Round, session: LocalSession, state: str, defects: Sequence[Defect], **more: Any) -> Outcome:
    """Make the outcome of a session with defects: the first one in words, all of them in the details."""
    first, told = defects[0], as_details(defects)
    said = f"{first.subpath}: {first.message}" + (f" (and {len(defects) - 1} more)" if len(defects) > 1 else "")
    return outcome(round_, session, state, said, first.remedy, failed=True, details=told, rule=first.rule, **more)
