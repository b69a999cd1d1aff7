"""What a retrieval came to, for programs, a terminal and a notebook."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.fetch import BAD
from pipeline.archive.paths import printable, visible
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.archive.fetch import Verdict
    from pipeline.archive.session import DatasetType, SessionKey
    from pipeline.errors import MapshellError

_SHOWN = 30
"""How many files a terminal or a notebook shows."""

_HERE: frozenset[str] = frozenset({"fetched", "identical", "unchecked"})

_SAID: dict[str, str] = {
    "fetched": "fetched, each checked against the index",
    "identical": "here already",
    "unchecked": "here with the right size, not compared by checksum",
    "to fetch": "to fetch",
    "to replace": "to replace",
    "in flight": "in flight",
    "refused": "refused: a different file is there",
    "damaged": "damaged at the archive",
    "missing": "not at the archive as the index says",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class RetrievedFile:
    """One file and what became of it.

    ``size`` in bytes; ``place`` is where it lies, or shall lie: a path of this computer, or ``UUID:/path``; ``path``
    the same as a path, None elsewhere.  ``bad`` says that a person should look.
    """

    key: SessionKey
    h2o: str
    session_date: str
    dataset_type: DatasetType
    alias: str
    subpath: str
    file_type: str
    size: int
    place: str
    path: Path | None
    verdict: Verdict
    reason: str = ""
    remedy: str = ""
    bad: bool = False

    @property
    def here(self) -> bool:
        """Whether it lies at its place now."""
        return self.verdict in _HERE


@dataclass(slots=True, repr=False)
class Retrieved:
    """All files of a retrieval; iterates over them.

    ``tasks`` are ids of Globus tasks; ``notes`` what else is worth knowing; ``awaited`` the sessions that were asked
    for and are only on their way to the archive; ``stopped`` the error that ended it early.
    """

    files: list[RetrievedFile] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    via: str = "globus"
    tasks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)
    dry_run: bool = False
    stopped: MapshellError | None = None

    def __iter__(self) -> Iterator[RetrievedFile]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def bytes(self) -> int:
        """Sizes of all files that lie at their places now, summed (bytes)."""
        return sum(each.size for each in self.files if each.here)

    @property
    def paths(self) -> list[Path]:
        """Where the files lie on this computer that lie at their places now."""
        return [each.path for each in self.files if each.here and each.path is not None]

    @property
    def whole(self) -> bool:
        """Whether nothing needs a person, and nothing that was asked for is only on its way to the archive."""
        return self.stopped is None and not self.awaited and not any(each.bad for each in self.files)

    @property
    def problems(self) -> list[RetrievedFile]:
        """The files that a person should look at."""
        return [each for each in self.files if each.bad]

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return number and bytes of files by verdict."""
        number = Counter(str(each.verdict) for each in self.files)
        return {
            verdict: (number[verdict], sum(each.size for each in self.files if each.verdict == verdict))
            for verdict in _SAID
            if verdict in number
        }

    def __str__(self) -> str:
        if not self.files:
            return "Nothing to fetch."
        parts = []
        for verdict, (number, size) in self.counts().items():
            noun = "file" if number == 1 else "files"
            parts.append(f"{number:,} {noun} ({human_bytes(size)}) {_SAID[verdict]}")
        where = f" Place: {', '.join(self.targets)}." if self.targets else ""
        return f"{'; '.join(parts)}.{where}"

    def __repr__(self) -> str:
        lines = [f"{each.verdict}: {printable(each.place)}{_because(each)}" for each in self._most_telling()]
        more = len(self.files) - len(lines)
        if more > 0:
            lines.append(f"... and {more:,} more files")
        lines += self.notes
        if self.stopped is not None:
            lines.append(f"stopped: {self.stopped.message}")
        return "\n".join([*lines, str(self)])

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{title}</th>" for title in ("Verdict", "Session", "File", "Size", "Place", ""))
        body = "".join(
            "<tr>"
            + "".join(
                f"<td>{escape(printable(cell, 400))}</td>"
                for cell in (
                    each.verdict,
                    f"{each.h2o} {each.session_date}, session {each.key[1]}",
                    each.subpath.rpartition("/")[2],
                    human_bytes(each.size),
                    each.place,
                    each.reason,
                )
            )
            + "</tr>"
            for each in self._most_telling()
        )
        more = len(self.files) - len(self._most_telling())
        notes = "".join(f"<p>{escape(printable(note, 1000))}</p>" for note in self.notes)
        if more > 0:
            notes = f"<p>... and {more:,} more files</p>{notes}"
        if self.stopped is not None:
            notes += f"<p><b>stopped: {escape(self.stopped.message)}</b></p>"
        sentence = escape(printable(str(self), 2000))
        return f"<p>{sentence}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"

    def _most_telling(self) -> list[RetrievedFile]:
        """Return the files that are shown: those that a person should look at first."""
        bad = self.problems[:_SHOWN]
        return bad + [each for each in self.files if not each.bad][: _SHOWN - len(bad)]


def _because(each: RetrievedFile) -> str:
    return f"\n    {visible(each.reason)}" if each.reason and each.verdict in BAD | {"in flight", "to replace"} else ""
