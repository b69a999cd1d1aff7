"""What a round of publishing came to, for programs and in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.database.entering import fitting
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.archive.find import Stray
    from pipeline.archive.journal import Outcome
    from pipeline.archive.session import SessionKey
    from pipeline.errors import MapshellError
    from pipeline.forecast import Forecast
    from pipeline.insertions import ProbeGap
    from pipeline.sessionless import Sessionless

NO_MATCH = "No session matches these options; `mapshell publication-status` lists all."
_NO_SESSION = "There is no session yet; enter them with `mapshell ingest-recordings`."
_LOST = "If the database was lost, first rebuild it: `mapshell publication-discover --create-sessions`."


def no_session() -> str:
    """Say that nobody entered a session, and what to do; rebuilding is for tables of ours, the lab fills its own."""
    said = fitting(_NO_SESSION)
    return f"{said} {_LOST}" if said == _NO_SESSION else said


@dataclass(slots=True, repr=False)
class Report:
    """What a round of publishing came to; ``str()`` is its sum, ``repr()`` names the sessions too.

    ``restricted`` says that not all sessions were asked for; ``chosen`` counts those that were, ``not_here`` those of
    which this computer has no folder at any location (0 when the round ended before all were looked at); ``strays``
    are folders that belong to no session; ``nameless`` sessions of subjects without water restriction; ``strangers``
    folders of animals of which the database has no session; ``stopped`` is the error that ended the round early;
    ``probes`` is where files and insertions differ, of sessions that are news or were asked for; ``unbroken`` the rules
    that were to be accepted and that no file broke; ``superseding`` counts files whose archived bytes are moved
    aside, ``unchanged`` says that files were to be superseded and none was changed; ``sessionless`` names
    datasets whose session the lab's tables no longer have; ``forecast`` what a dry run foretells; ``drive`` the loose
    drive whose recordings were to be published, in words, and ``notes`` what is to be said of it; ``waiting`` the bytes
    of each session and location that are not archived yet.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    restricted: bool = False
    chosen: int = 0
    not_here: int = 0
    nameless: list[SessionKey] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)
    stopped: MapshellError | None = None
    dry_run: bool = False
    probes: list[ProbeGap] = field(default_factory=list)
    unbroken: tuple[str, ...] = ()
    superseding: int = 0
    unchanged: bool = False
    sessionless: list[Sessionless] = field(default_factory=list)
    forecast: Forecast | None = None
    drive: str = ""
    notes: list[str] = field(default_factory=list)
    waiting: dict[tuple[SessionKey, str], int] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether nothing needs a person."""
        refused = any(stray.refused for stray in self.strays)
        return not (self.stopped or refused or self.nameless or any(outcome.failed for outcome in self.outcomes))

    def __str__(self) -> str:
        if self.drive and self.chosen and not (self.outcomes or self.strays or self.stopped):
            return f"{self.drive[0].upper()}{self.drive[1:]} holds nothing of these sessions."
        if not self.chosen and not self.strays:
            return NO_MATCH if self.restricted else no_session()
        sentences = [self._sent()]
        quiet = [outcome for outcome in self.outcomes if not self.is_news(outcome)]
        if quiet:
            sentences.append(f"Archived before: {_counted(quiet, 'session')}.")
        for state in sorted({outcome.state for outcome in self.outcomes} - {"archived"}):
            theirs = [
                o for o in self.outcomes if o.state == state and (o.failed or not (o.to_send_files or o.to_adopt_files))
            ]
            if theirs:
                sentences.append(f"{state.capitalize()}: {_counted(theirs)}.")
        if self.sessionless:
            sentences.append(f"Without session: {_counted(self.sessionless, 'dataset')}.")
        if self.forecast is not None:
            sentences.insert(1, str(self.forecast))
        if self.unbroken:
            rules = ", ".join(self.unbroken)
            sentences.append(f"Nothing was accepted under {rules}: no file to be archived breaks that rule.")
        if self.dry_run and self.superseding:
            files = "file" if self.superseding == 1 else "files"
            sentences.insert(1, f"Would move aside at the archive: {self.superseding:,} {files}.")
        if self.unchanged:
            sentences.append("Nothing was superseded: no archived file was changed here.")
        if self.not_here:
            sentences.append(f"Not here: {self.not_here:,}.")
        return " ".join(sentences)

    def __repr__(self) -> str:
        lines = []
        for outcome in filter(self.is_news, self.outcomes):
            who = f"{outcome.h2o} (subject {outcome.key[0]}) session {outcome.key[1]} of {outcome.session_date}"
            lines.append(f"{outcome.state}: {who}, {outcome.alias}: {', '.join(outcome.folders)}")
            if outcome.reason:
                lines.append(f"    {outcome.reason}")
        lines.extend(f"{'refused' if s.refused else 'no session'}: {s.folder}\n    {s.reason}" for s in self.strays)
        lines.extend(f"probes: {gap}" for gap in self.probes)
        if self.stopped is not None:
            lines.append(f"stopped: {self.stopped.message}")
        return "\n".join([*lines, str(self)])

    @staticmethod
    def is_news(outcome: Outcome) -> bool:
        """Say whether a session is more than archived before."""
        return outcome.state != "archived" or bool(outcome.sent_files or outcome.adopted_files)

    def _sent(self) -> str:
        if self.dry_run:
            planned = [outcome for outcome in self.outcomes if outcome.to_send_files]
            files, size = sum(o.to_send_files for o in planned), sum(o.to_send_bytes for o in planned)
            said = f"Would send: {_counted(planned, 'session')} ({amount(files, size)})." if planned else _NOTHING_TO
            return f"{said}{self._to_adopt()}"
        new = [outcome for outcome in self.outcomes if outcome.sent_files or outcome.adopted_files]
        if not new:
            return "Nothing new to archive."
        files, size = sum(o.adopted_files for o in new), sum(o.adopted_bytes for o in new)
        adopted = (
            f" Not sent: {amount(files, size)}, which the archive had already and which are the same." if files else ""
        )
        whole = [outcome for outcome in new if outcome.state.startswith("archived")]
        others = [outcome for outcome in new if not outcome.state.startswith("archived")]
        parts = []
        if whole:
            parts.append(
                f"Archived now: {_counted(whole, 'session')} ({_moved(whole)}), each file checked at the archive."
            )
        if others:  # of these, something else is not proved
            parts.append(f"Added to {_counted(others, 'session')}: {_moved(others)}, each file checked at the archive.")
        return f"{' '.join(parts)}{adopted}"

    def _to_adopt(self) -> str:
        there = [outcome for outcome in self.outcomes if outcome.to_adopt_files]
        if not there:
            return ""
        files, size = sum(o.to_adopt_files for o in there), sum(o.to_adopt_bytes for o in there)
        read = human_bytes(sum(o.to_read_back_bytes for o in there))
        what = f"{amount(files, size)}, of which the archive has name and size already"
        return f" Would compare: {what}; to read back there: {read}."


def _moved(outcomes: Sequence[Outcome]) -> str:
    """Say how much of sessions came into the index in this round."""
    files = sum(o.sent_files + o.adopted_files for o in outcomes)
    return amount(files, sum(o.sent_bytes + o.adopted_bytes for o in outcomes))


def _counted(outcomes: Iterable[Outcome | Sessionless], noun: str = "") -> str:
    """Return how many at each location: ``5 sessions in raw-ephys, 4 in raw-video``."""
    counts = sorted(Counter(outcome.alias for outcome in outcomes).items())
    nouns = [noun and f" {noun}{'' if count == 1 else 's'}" for _, count in counts[:1]] + [""] * len(counts)
    return ", ".join(f"{count:,}{word} in {alias}" for (alias, count), word in zip(counts, nouns, strict=False))


def amount(files: int, size: int) -> str:
    """Return a number of files and their bytes as people say it."""
    return f"{files:,} {'file' if files == 1 else 'files'}, {human_bytes(size)}"


_NOTHING_TO = "Would send: nothing."
