"""What discover found at the archive and wrote into the index, for programs and in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipeline.archive.paths import visible
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.errors import MapshellError

Finding = Literal[
    "discovered", "present", "known", "in flight", "withdrawn", "deleted", "no session", "refused", "not read"
]
"""What became of a session: its rows were made from its manifest, or (*present*) from names and sizes alone; it was
known already; or why it has none."""

NEWS: tuple[Finding, ...] = ("discovered", "present")
_NAMED = 10


@dataclass(frozen=True, slots=True)
class FoundSession:
    """One session that the archive has, at one storage location.

    ``files`` and ``size`` (bytes) are what its rows name; ``made`` names the rows of the lab's tables that were
    made, by table and key; ``notes`` say what of a manifest was not taken; ``subject_id`` is None where only the name
    is known.
    """

    alias: str
    h2o: str
    session: int
    session_date: str
    state: Finding
    subject_id: int | None = None
    generation: int = 0
    files: int = 0
    size: int = 0
    reason: str = ""
    remedy: str = ""
    failed: bool = False
    made: frozenset[tuple[str, str]] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def who(self) -> str:
        """The session in words."""
        subject = f" (subject {self.subject_id})" if self.subject_id is not None else ""
        return f"{self.h2o}{subject} session {self.session} of {self.session_date}"


@dataclass(frozen=True, slots=True)
class FoundFolder:
    """A folder of the archive that was given to no session, and what it seems to be by its name and its files.

    ``files`` and ``size`` (bytes) are None where it was not looked into.  ``seems`` has the animal, the possible dates
    (ISO), the ident and the kind of data, as far as its name tells.  ``refused`` ones contradict a session, and
    ``unread`` ones could not be listed (``.`` is a whole location).
    """

    alias: str
    folder: str
    reason: str
    remedy: str
    seems: Mapping[str, str] = field(default_factory=dict)
    files: int | None = None
    size: int | None = None
    refused: bool = False
    unread: bool = False

    @property
    def word(self) -> str:
        """What became of it, in the words of the screens."""
        return "not read" if self.unread else "refused" if self.refused else "no session"

    @property
    def what(self) -> str:
        """What it seems to be, in words."""
        words = [f"{name} {value}" for name, value in self.seems.items() if value]
        if self.files is not None:
            words.append(_amount(self.files, self.size or 0))
        return ", ".join(words)


@dataclass(slots=True, repr=False)
class DiscoverReport:
    """What a discovery came to; ``str()`` is its sum, ``repr()`` names sessions and folders too.

    ``strangers`` are animals at the archive that the lab's tables do not know, by alias; ``stopped`` is the error that
    ended the discovery early: what was written before stays, and discovering again goes on; ``restricted`` says that
    not everything was asked for, ``created`` that manifests were to make animals and sessions.
    """

    sessions: list[FoundSession] = field(default_factory=list)
    folders: list[FoundFolder] = field(default_factory=list)
    strangers: dict[str, list[str]] = field(default_factory=dict)
    stopped: MapshellError | None = None
    dry_run: bool = False
    restricted: bool = False
    created: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing needs a person."""
        wrong = any(found.failed for found in self.sessions) or any(f.refused or f.unread for f in self.folders)
        return not (wrong or self.stopped)

    def having(self, *states: Finding) -> list[FoundSession]:
        """Return the sessions of which one of these words is true."""
        return [found for found in self.sessions if found.state in states]

    @property
    def made(self) -> Counter[str]:
        """Rows of the lab's tables that were made, counted by table."""
        rows = frozenset[tuple[str, str]]().union(*(found.made for found in self.sessions))
        return Counter(table for table, _ in rows)

    def __str__(self) -> str:
        if self.restricted and not self.stopped and not (self.sessions or self.folders):
            return "Nothing at the archive matches what was asked for."
        sentences = [self._written()]
        if self.made:
            tables = ", ".join(f"{count:,} in {name}" for name, count in sorted(self.made.items()))
            sentences.append(f"Rows {'to make' if self.dry_run else 'made'} in the lab's tables: {tables}.")
        known = self.having("known")
        if known:
            sentences.append(f"Known already: {_counted(known, 'session')}.")
        others = Counter(found.state for found in self.sessions if found.state not in (*NEWS, "known"))
        sentences.extend(f"{state.capitalize()}: {count:,}." for state, count in sorted(others.items()))
        unread = sum(folder.unread for folder in self.folders)
        if len(self.folders) > unread:
            sentences.append(f"Folders without a session: {len(self.folders) - unread:,}.")
        if unread:
            sentences.append(f"Folders that could not be read: {unread:,}.")
        names = sorted({name for theirs in self.strangers.values() for name in theirs})
        if names:
            sentences.append(f"Animals that the lab's tables do not know: {len(names):,}.")
        return " ".join(sentences)

    def _written(self) -> str:
        verb = "Would discover" if self.dry_run else "Discovered"
        exact, listed = self.having("discovered"), self.having("present")
        if not exact and not listed:
            return f"{verb}: nothing{'' if self.dry_run else ' new'}."
        parts = []
        if exact:
            parts.append(f"{_counted(exact, 'session')} ({_sum(exact)})")
        if listed:
            parts.append(f"{_counted(listed, 'session')} by listing alone, without checksums ({_sum(listed)})")
        return f"{verb}: {'; '.join(parts)}."

    def __repr__(self) -> str:
        lines = []
        for found in self.sessions:
            if found.state == "known" and not found.failed:
                continue
            lines.append(f"{found.state}: {found.who}, {found.alias}: {_amount(found.files, found.size)}")
            lines.extend(f"    {visible(text)}" for text in (found.reason, *found.notes) if text)
        for folder in self.folders:
            lines.append(f"{folder.word}: {visible(folder.folder)}" + (f" ({folder.what})" if folder.what else ""))
            lines.append(f"    {visible(folder.reason)}")
        for alias, names in sorted(self.strangers.items()):
            lines.append(f"not in the lab's tables, {alias}: {visible(shortened(names))}")
        if self.stopped is not None:
            lines.append(f"stopped: {self.stopped.message}")
        return "\n".join([*lines, str(self)])

    def _repr_html_(self) -> str:
        """Return the report for a notebook: news and problems as a table, then the sum."""
        from html import escape

        rows: list[tuple[str, ...]] = [
            (
                f.state,
                f.who,
                f.alias,
                f"{f.files:,}",
                human_bytes(f.size),
                "; ".join(filter(None, (f.reason, *f.notes))),
            )
            for f in self.sessions
            if f.state != "known" or f.failed
        ]
        rows += [(f.word, f.folder, f.alias, "", "", ": ".join(filter(None, (f.what, f.reason)))) for f in self.folders]
        head = "".join(f"<th>{name}</th>" for name in ("State", "Session", "Archive", "Files", "Size", "Reason"))
        body = "".join(f"<tr>{''.join(f'<td>{escape(visible(cell))}</td>' for cell in row)}</tr>" for row in rows)
        table = f"<table><tr>{head}</tr>{body}</table>" if rows else ""
        stopped = f"<p><b>{escape(self.stopped.message)}</b></p>" if self.stopped else ""
        return f"{table}{stopped}<p>{escape(str(self))}</p>"


def shortened(names: Sequence[str]) -> str:
    """Return the first names of many."""
    more = len(names) - _NAMED
    return ", ".join(sorted(names)[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _counted(found: Iterable[FoundSession], noun: str) -> str:
    """Return how many at each location: ``5 sessions in raw-ephys, 4 in raw-video``."""
    counts = sorted(Counter(each.alias for each in found).items())
    first = [f"{count:,} {noun}{'' if count == 1 else 's'} in {alias}" for alias, count in counts[:1]]
    return ", ".join(first + [f"{count:,} in {alias}" for alias, count in counts[1:]])


def _sum(found: Sequence[FoundSession]) -> str:
    return _amount(sum(each.files for each in found), sum(each.size for each in found))


def _amount(files: int, size: int) -> str:
    return f"{files:,} {'file' if files == 1 else 'files'}, {human_bytes(size)}"
