"""The words of a report, at most 80 columns wide; the same for a terminal and for a letter.  Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from textwrap import wrap
from typing import TYPE_CHECKING

from pipeline.archive.paths import visible
from pipeline.board.backlog import to_places
from pipeline.forecast import about
from pipeline.morning.report import TITLES
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.morning.report import Done, Kind, Looked, MorningReport, Need, Sign, Waiting

WIDTH = 80
SHOWN = 8
"""Things of one kind that are told in full; the others are counted."""

_COMMAND = re.compile(r"`[^`]*`|(?<=: )mapshell [^`]*$")
_LONGEST = 66
"""Characters of a command that is kept on one line."""
_REASON = 400
"""Characters of a reason that are told here; what is asked for by its command tells all."""
_HARD = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and how it is shown where there are colours: a colour's name, "bold", "dim" or nothing."""

    text: str
    style: str = ""


def subject(report: MorningReport) -> str:
    """Return one line that says what a report comes to."""
    if not report.needs:
        return "mapshell: nothing needs a person"
    first = report.needs[0]
    more = f", and {len(report.needs) - 1:,} more" if len(report.needs) > 1 else ""
    return visible(f"mapshell: {first.title}{more}")


def lines(report: MorningReport) -> Iterator[Line]:
    """Yield the lines of a report: what needs a person first."""
    made = _at(report.made_at, report)
    if report.needs:
        count = len(report.needs)
        yield Line(f"{count:,} {'thing needs' if count == 1 else 'things need'} a person  ({made})", "bold")
        yield from _needs(report.needs)
        yield Line("")
    else:
        yield Line(f"Nothing needs a person  ({made})", "green")
    if not report.known:
        return
    yield from _paragraph(f"Since {_at(report.since, report)}: ", _done(report.done, report.looked))
    if report.waiting is not None:
        yield from _paragraph("Waiting: ", _waiting(report.waiting))
    yield from _computers(report)


def _needs(needs: Sequence[Need]) -> Iterator[Line]:
    told: Counter[Kind] = Counter()
    of_kind = Counter(need.kind for need in needs)
    for need in needs:
        told[need.kind] += 1
        if told[need.kind] <= SHOWN:
            yield Line("")
            yield from _wrapped(visible(need.title), "  ", "    ", "yellow", cut=True)
            what = visible(need.what)
            yield from _wrapped(what if len(what) <= _REASON else f"{what[:_REASON]} ...", "    ", "    ", cut=True)
            if need.remedy:
                yield from _wrapped(visible(need.remedy), "    -> ", "       ", "bold")
        elif told[need.kind] == of_kind[need.kind]:
            yield Line("")
            more = of_kind[need.kind] - SHOWN
            yield Line(
                f"  and {more:,} more: {TITLES[need.kind] or need.kind} (mapshell publication-status lists all)",
                "yellow",
            )


def _done(done: Sequence[Done], looked: Looked) -> list[str]:
    said = []
    for each in done:
        parts = []
        if each.archived:
            parts.append(f"archived {_count(each.archived, 'session')} ({_size(each.archived_bytes)})")
        if each.retrieved_files:
            parts.append(f"fetched {_count(each.retrieved_files, 'file')} ({_size(each.retrieved_bytes)})")
        if each.reclaimed:
            back = f", {each.back:,} of them back by now" if each.back else ""
            parts.append(f"reclaimed {_count(each.reclaimed, 'session')} ({_size(each.reclaimed_bytes)}{back})")
        if parts:
            said.append(f"{visible(each.computer)} {', '.join(parts)}")
    if looked.sessions or looked.files:
        differ = f"{looked.differing:,} of them differ" if looked.differing else "nothing differs"
        back = f", {_count(looked.files, 'file')} ({_size(looked.size)}) read back" if looked.files else ""
        said.append(f"compared with the archive: {_count(looked.sessions, 'session')}{back}; {differ}")
    return said or ["nothing was archived"]


def _waiting(waiting: Waiting) -> list[str]:
    if not waiting.sessions:
        return ["nothing"]
    one = len(waiting.states) == 1
    states = ", ".join(state if one else f"{count:,} {state}" for state, count in waiting.states.items())
    to = to_places(waiting.places)
    how_long = "how long it takes is not known"
    if waiting.hours is not None:
        how_long = f"{about(waiting.hours * 3600)} at the recent speed"
    return [f"{_count(waiting.sessions, 'session')} ({_size(waiting.size)}{to}), {states}", how_long]


def _computers(report: MorningReport) -> Iterator[Line]:
    signs = report.computers
    if not signs:
        yield Line("Computers: no round was ever told of.")
        return
    if report.whole:
        yield from _paragraph("Seen: ", [_sign(each, report, short=True) for each in signs])
        return
    yield Line("Computers:")
    for each in signs:
        style = "yellow" if each.late else "dim" if each.gone else ""
        yield from _wrapped(visible(_sign(each, report, short=False)), "  ", "    ", style)


def _sign(sign: Sign, report: MorningReport, *, short: bool) -> str:
    seen = _at(sign.seen_at, report)
    if sign.gone:
        return f"{sign.computer}{'' if short else ':'} not seen since {seen}"
    if short:
        return f"{sign.computer} {seen}"
    parts = [f"{sign.computer}: seen {seen}", f"{sign.verb} {sign.result}".strip()]
    if sign.free is not None:
        parts.append(f"{_size(sign.free)} free")
    if sign.late:
        parts.append("a round is missing")
    elif sign.next_at is not None:
        parts.append(f"next {_at(sign.next_at, report)}")
    return ", ".join(parts)


def in_zone(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """Return an instant (UTC) as people of a zone say it; the year only when it is not that of ``now`` (UTC)."""
    there = instant.replace(tzinfo=UTC).astimezone(zone)
    year = "" if there.year == now.replace(tzinfo=UTC).astimezone(zone).year else f" {there.year}"
    return f"{there:%a} {there.day} {there:%b}{year} {there:%H:%M}"


def _at(instant: datetime, report: MorningReport) -> str:
    return in_zone(instant, report.zone, report.made_at)


def _count(number: int, noun: str) -> str:
    return f"{number:,}{_HARD}{noun}{'' if number == 1 else 's'}"


def _size(number: int) -> str:
    return human_bytes(number).replace(" ", _HARD)


def _paragraph(begin: str, parts: Sequence[str]) -> Iterator[Line]:
    yield from _wrapped(visible(f"{begin}{'; '.join(parts)}."), "", "  ")


def _wrapped(text: str, first: str, rest: str, style: str = "", *, cut: bool = False) -> Iterator[Line]:
    """Wrap a text at spaces; a command stays whole, on a line of its own where it must, so that it can be copied.

    A word that is wider than a line, such as a path, goes over several when it may be ``cut``.
    """
    whole = _COMMAND.sub(lambda it: it[0].replace(" ", _HARD) if len(it[0]) <= _LONGEST else it[0], text)
    found = wrap(
        whole,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=cut,
        break_on_hyphens=False,
    )
    for line in found or [first]:
        yield Line(line.replace(_HARD, " ").rstrip(), style)
