"""What taking over a predecessor's rows came to, or would come to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pipeline.archive.session import SessionKey
    from pipeline.errors import MapshellError

Adopting = Literal[
    "adopted", "known", "archived", "found", "withdrawn", "reassigned", "in flight", "no session", "refused"
]
"""What becomes of a session of the older database.

``adopted``: its rows are (would be) taken over; ``known``: they were before; ``archived``: mapshell archived it itself,
``found``: discover found it at the archive, ``withdrawn``: it was deleted from the index on purpose, ``reassigned``:
its files are another session's since, or have other names; of these nothing is touched.  ``in flight``: it is being
published.  ``no session``: the lab's tables do not have it.
"""

BAD: frozenset[Adopting] = frozenset({"no session", "refused", "in flight"})
"""What a person should see."""

WORDS: dict[Adopting, str] = {
    "adopted": "adopted",
    "known": "adopted before",
    "archived": "archived by mapshell",
    "found": "found by discover before",
    "withdrawn": "withdrawn on purpose",
    "reassigned": "reassigned since",
    "in flight": "in flight",
    "no session": "without session in the lab's tables",
    "refused": "refused",
}

Placing = Literal["copied", "same", "other", "unusable"]


@dataclass(frozen=True, slots=True)
class OldPlace:
    """A storage location of the older database beside ours: ``copied`` where we had none, ``other`` where ours differs.

    ``there`` and ``ours`` are written ``UUID:/PATH``; ``reason`` says why it cannot be used.
    """

    alias: str
    there: str
    ours: str
    state: Placing
    reason: str = ""


@dataclass(slots=True)
class AdoptedSession:
    """A session of the older database at one storage location.

    ``files`` counts files, ``spellings`` the rows there that mean them, ``new`` those that ours did not have;
    ``refused_files`` are rows that mean no file, with the reason.
    """

    key: SessionKey
    alias: str
    kind: str
    datasets: tuple[str, ...]
    state: Adopting
    h2o: str = ""
    session_date: str = ""
    files: int = 0
    spellings: int = 0
    new: int = 0
    refused_files: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    remedy: str = ""

    @property
    def bad(self) -> bool:
        """Whether a person should see it."""
        return self.state in BAD or bool(self.refused_files)


@dataclass(slots=True)
class Adoption:
    """All of it; ``source`` is the schema that was read.

    ``untied`` are datasets of no session, ``without_files`` sessions that the older database calls archived without a
    word about files; ``stopped`` is the error that ended it early.
    """

    source: str
    dry_run: bool
    places: list[OldPlace] = field(default_factory=list)
    sessions: list[AdoptedSession] = field(default_factory=list)
    untied: list[str] = field(default_factory=list)
    without_files: list[SessionKey] = field(default_factory=list)
    stopped: MapshellError | None = None

    @property
    def adopted(self) -> list[AdoptedSession]:
        """The sessions whose rows were, or would be, taken over."""
        return [each for each in self.sessions if each.state == "adopted"]

    @property
    def whole(self) -> bool:
        """Whether nothing needs a person."""
        bad = any(each.bad for each in self.sessions) or any(each.state == "unusable" for each in self.places)
        return not (bad or self.untied or self.without_files or self.stopped)

    def __str__(self) -> str:
        if not (self.sessions or self.untied or self.without_files or self.stopped):
            return f"{self.source} names no archived session: nothing to adopt."
        files = sum(each.new for each in self.adopted)
        would = "Would adopt" if self.dry_run else "Adopted"
        said = [f"{would} {_many(len(self.adopted), 'session')} ({_many(files, 'file')}) from {self.source}."]
        rest = Counter(each.state for each in self.sessions if each.state != "adopted")
        said += [f"{WORDS[state][0].upper()}{WORDS[state][1:]}: {count:,}." for state, count in sorted(rest.items())]
        if names := sum(len(each.refused_files) for each in self.sessions):
            said.append(f"Names that mean no file: {names:,}.")
        if self.untied:
            said.append(f"Datasets of no session: {len(self.untied):,}.")
        if self.without_files:
            said.append(f"Sessions without a word about files: {len(self.without_files):,}.")
        return " ".join(said)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
