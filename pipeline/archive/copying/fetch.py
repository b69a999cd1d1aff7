"""A wanted file that several archives have: fetched from one, and from the next when that one cannot give it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pipeline.archive.fetch import OPEN
from pipeline.errors import GlobusError, GlobusUnavailable, LocalDiskError, LoginNeeded, ServiceFull

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pipeline.archive.fetch import Item, Site, Verdict
    from pipeline.archive.ports import Store
    from pipeline.archive.session import Location
    from pipeline.errors import MapshellError

_LET_DOWN: frozenset[Verdict] = frozenset({"failed", "missing", "damaged"})
"""What an archive may be to blame for."""

_FOR_ALL = (GlobusUnavailable, ServiceFull, LoginNeeded, LocalDiskError)
"""After these no other archive would do better."""

_THERE = "\0"
"""Stands for an item's folder in what is the matter; no name has it."""
_TWO = 2


@dataclass(slots=True)
class Choice:
    """Each wanted file once, from the archive that is asked first, and where else it lies.

    ``rest`` are the same files at other archives, by identity of the item; ``twice`` counts files that others have as
    well, by both aliases.
    """

    items: list[Item] = field(default_factory=list)
    rest: dict[int, list[Item]] = field(default_factory=dict)
    twice: Counter[tuple[str, str]] = field(default_factory=Counter)


def choose(items: Iterable[Item], rank: Callable[[str], int]) -> Choice:
    """Choose one archive for each file: one that proved its bytes first, then by ``rank`` of its alias.

    Files of one name and size are the same when no SHA1 contradicts it: what comes is compared with the known one.
    """
    groups: dict[tuple[Site, str], list[Item]] = defaultdict(list)
    for item in items:
        groups[item.site, item.subpath].append(item)
    choice = Choice()
    for group in groups.values():
        left = sorted(group, key=lambda item: (item.verdict != "wanted", item.sha1 is None, rank(item.location.alias)))
        while left:
            first, *others = left
            same = [other for other in others if _same(first, other)]
            choice.items.append(first)
            choice.rest[id(first)] = [replace(other, sha1=first.sha1) for other in same if other.verdict == "wanted"]
            choice.twice.update((other.location.alias, first.location.alias) for other in same)
            left = [other for other in others if not any(other is each for each in same)]
    return choice


def _same(first: Item, other: Item) -> bool:
    if first.sha1 is None or first.verdict != "wanted" or other.verdict != "wanted":
        return False
    return first.size == other.size and other.sha1 in (None, first.sha1)


def bring(
    choice: Choice,
    attempt: Callable[[Sequence[Item]], tuple[list[Item], MapshellError | None]],
    away: Callable[[Collection[Location]], dict[Location, MapshellError]],
) -> tuple[list[Item], MapshellError | None, list[str]]:
    """Bring what was chosen; what an archive cannot give is asked of the next one that has it.

    ``choice.items`` then holds the items that came, or the last ones that were tried.

    Parameters
    ----------
    choice
        What is wanted.
    attempt
        Brings items to their places and judges them; returns further files, and what ended it early.
    away
        Says which archives do not answer, and why.

    Returns
    -------
    further, stopped, notes
        Files that came beside those that were asked for; what ended the run early; what came from elsewhere, and why.

    Raises
    ------
    MapshellError
        Nothing can be brought, from no archive.
    """
    further: list[Item] = []
    stopped: MapshellError | None = None
    because: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
    before: dict[int, Item] = {}
    todo = list(choice.items)
    where = {id(item): position for position, item in enumerate(todo)}
    while todo:
        closed: dict[Location, MapshellError] = {}
        ended: MapshellError | None = None
        raised: MapshellError | None = None
        try:
            more, ended = attempt(todo)
            further += more
        except _FOR_ALL:
            raise
        except GlobusError as error:
            raised = ended = error
            closed = away({item.location for item in todo if item.verdict in OPEN or item.verdict == "wanted"})
        elsewhere = set() if isinstance(ended, _FOR_ALL) else _elsewhere(choice, todo, closed)
        if raised is not None and not elsewhere:
            raise raised
        again: list[Item] = []
        for item in todo:
            if id(item) in elsewhere:
                alternative, *rest = choice.rest[id(item)]
                choice.rest[id(alternative)] = rest
                where[id(alternative)] = where[id(item)]
                choice.items[where[id(item)]] = alternative
                before[id(alternative)] = item
                reason = closed[item.location].message.rstrip(".") if item.location in closed else _cause(item)
                because[alternative.location.alias, item.location.alias, reason].append(item)
                again.append(alternative)
            elif raised is not None and item.location in closed and item.verdict in (*OPEN, "wanted"):
                item.judge("failed", closed[item.location].message.rstrip("."), closed[item.location].remedy)
            elif raised is not None and item.verdict in (*OPEN, "wanted"):
                item.judge("wanted")
                again.append(item)
        if raised is None and ended is not None and any(item.bad for item in todo if id(item) not in elsewhere):
            stopped = ended
        todo = again
    for item in choice.items:
        if item.verdict in _LET_DOWN and (first := before.get(id(item))) is not None:
            item.reason = f"{item.reason}; nor from {first.location.alias}: {first.reason or 'it does not answer'}"
    return further, stopped, [_note(*key, those) for key, those in because.items()]


def _elsewhere(choice: Choice, todo: Sequence[Item], closed: dict[Location, MapshellError]) -> set[int]:
    """Return (by identity) the items that another archive is asked for."""
    return {
        id(item)
        for item in todo
        if choice.rest.get(id(item))
        and (item.verdict in _LET_DOWN or (item.location in closed and item.verdict in (*OPEN, "wanted")))
    }


def _cause(item: Item) -> str:
    """Return why an item did not come, the same for all folders: one that is away takes all below it along."""
    above = _folder(item)
    return item.reason.replace(above, _THERE) if above else item.reason


def _folder(item: Item) -> str:
    return item.subpath.rpartition("/")[0]


def _note(alias: str, instead_of: str, cause: str, items: Sequence[Item]) -> str:
    files = "1 file" if len(items) == 1 else f"{len(items):,} files"
    folders = sorted({_folder(item) for item in items})
    reason = cause.replace(_THERE, folders[0])
    if reason != cause and len(folders) > 1:
        reason += f" (so it is with {len(folders) - 1:,} more folder{'' if len(folders) == _TWO else 's'})"
    return (
        f"{files} from {alias}, because {instead_of} could not give {'it' if len(items) == 1 else 'them'}: {reason}. "
        f"Look at {instead_of}: `mapshell publication-verify`."
    )


def not_answering(
    store: Store, places: Collection[Location], via: Literal["globus", "https"]
) -> dict[Location, MapshellError]:
    """Look at archives after something could not be fetched; return those that do not answer, and why."""
    found: dict[Location, MapshellError] = {}
    for place in places:
        try:
            store.ls(place.endpoint, place.path)
            served = via == "globus" or store.https_server(place.endpoint) is not None
        except _FOR_ALL:
            raise
        except GlobusError as error:
            found[place] = error
            continue
        if not served:
            said = f"the collection of {place.alias} serves no HTTPS"
            found[place] = GlobusError(said, remedy="fetch by a transfer.")
    return found
