"""How the decisions for one session are shown; no work is done here."""

from __future__ import annotations

import shutil
import textwrap
from itertools import groupby
from typing import TYPE_CHECKING

import click

from mapshell.session_views import STYLES
from pipeline.archive.paths import visible
from pipeline.why.refusals import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mapshell.output import Output
    from pipeline.why import Decision, Explanation, Place, Subject

_MARKS = {"passed": "ok", "failed": "NO", "not reached": "--", "unknown": "??"}
_COLOURS = {"passed": "green", "failed": "red", "not reached": "bright_black", "unknown": "yellow"}
_SHORT = {
    "here": "here",
    "folder": "folder",
    "gate": "gate",
    "index": "index",
    "work": "work",
    "archive": "archive",
    "state": "known",
}
_SILENT = ("session", "names", "work")
"""Stages that are told only when something is wrong: what passed there is in the title, or is nothing."""
_INDENT = 6

Line = tuple[str, str, str]
"""A mark, a text, and the colour of a text that has no mark."""


def show(output: Output, found: Explanation, *, every: bool = False) -> None:
    """Show what was decided: what passed in short, what failed in full, and what to run next."""
    if output.for_programs:
        document = found.to_json()
        output.data(_rows(found) if output.format == "csv" else document)
        return
    colour = output.coloured(output.stdout)
    width = max(50, shutil.get_terminal_size().columns) if output.fancy(output.stdout) else None
    lines: list[Line] = [("", str(found.session), "bold")]
    for place in found.locations:
        lines += [("", "", ""), *_place(place, found.computer, every=every)]
    for mark, text, style in lines:
        output.stdout.write(_written(mark, text, style, width, colour=colour))
    output.stdout.flush()
    output.wrote_data = True
    if not found.asked and any(d.verdict == "unknown" for place in found.locations for d in place.decisions):
        output.say("Globus was not asked: without --offline more can be told.")


def _place(place: Place, computer: str, *, every: bool) -> Iterator[Line]:
    reason = f": {place.reason}" if place.reason and not place.failed else ""
    yield "", f"{place.alias}: {place.state}{reason}", STYLES.get(place.state, "") or "bold"
    for stage, decisions in groupby(place.decisions, key=lambda each: each.stage):
        told = list(decisions)
        if every:
            yield "", f"  {STAGES.get(stage, stage)}", "bold"
        else:
            yield from _in_short(stage, told)
        for each in told if every else [one for one in told if one.verdict == "failed"]:
            yield from _in_full(each, computer, place.folders, every=every)
    yield from _next(place)


def _next(place: Place) -> Iterator[Line]:
    if not place.next:
        yield "", "  Nothing to do.", ""
        return
    yield "", "  To have it back:" if place.state == "reclaimed" else "  Next:", "bold"
    for command in place.next:
        yield "$", command, ""


def _in_short(stage: str, decisions: Sequence[Decision]) -> Iterator[Line]:
    """Tell what passed, and what could not be told, of one stage, in a line each."""
    for verdict in ("passed", "not reached", "unknown"):
        some = [each for each in decisions if each.verdict == verdict]
        said = list(dict.fromkeys(each.evidence for each in some if each.evidence))
        if not some or (verdict == "not reached" and not said) or (verdict == "passed" and stage in _SILENT):
            continue
        count = f"{len(some)} rules passed" if len(some) > 1 else f"{some[0].rule} {verdict}"
        yield _MARKS[verdict], f"{_SHORT.get(stage, stage)}: {'; '.join(said) or count}", ""


def _in_full(each: Decision, computer: str, folders: Sequence[str], *, every: bool) -> Iterator[Line]:
    there = each.computer not in ("", computer) and not each.evidence.startswith(f"{each.computer}: ")
    where = f" [{each.computer}]" if there else ""
    evidence = each.evidence.replace(f"{folders[0]}/", "") if len(folders) == 1 else each.evidence
    yield _MARKS[each.verdict], f"{each.rule}{where}" + (f": {evidence}" if evidence else ""), ""
    for file, found in each.files[1:] if every else ():
        yield " ", f"also {file.removeprefix(f'{folders[0]}/') if len(folders) == 1 else file}: {found}", ""
    if each.verdict == "failed" and each.remedy:
        yield " ", f"Remedy: {each.remedy}", ""


def _written(mark: str, text: str, style: str, width: int | None, *, colour: bool) -> str:
    """Return a line as it is printed: on a terminal it is wrapped, elsewhere a line stays a line."""
    shown = visible(text)
    if mark == "$":
        return f"    {shown}\n"  # a command is copied whole: it is never wrapped
    if not mark:
        return (_styled(shown, style) if colour and style else shown) + "\n"
    first, rest = f"  {mark:<{_INDENT - 2}}", " " * _INDENT
    rows = (
        [first + shown]
        if width is None
        else textwrap.wrap(
            shown, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
        )
    )
    if colour and mark in _MARKS.values():
        verdict = next(name for name, each in _MARKS.items() if each == mark)
        rows[0] = rows[0].replace(mark, click.style(mark, fg=_COLOURS[verdict]), 1)
    return "\n".join(rows) + "\n"


def _styled(text: str, style: str) -> str:
    if style == "bold":
        return click.style(text, bold=True)
    return click.style(text, dim=True) if style == "dim" else click.style(text, fg=style)


def _rows(found: Explanation) -> list[dict[str, object]]:
    """Return a row for each decision, for a table of plain values."""
    return [
        {
            "alias": place.alias,
            "state": place.state,
            "rule": each.rule,
            "stage": each.stage,
            "verdict": each.verdict,
            "evidence": each.evidence,
            "computer": each.computer,
            "remedy": each.remedy,
            "commands": "; ".join(each.commands),
        }
        for place in found.locations
        for each in place.decisions
    ]


def ask_which(output: Output, found: Sequence[Subject]) -> Subject:
    """Ask which of several sessions of a day is meant."""
    first = found[0]
    output.say(f"{first.h2o or first.subject_id} has {len(found)} sessions on {first.session_date}:")
    for each in found:
        output.say(visible(f"  {each.session}: began {each.session_time or 'at a time that nobody entered'}"))
    numbers = {str(each.session): each for each in found}
    said = click.prompt("Which one", type=click.Choice(list(numbers)), default=str(first.session), err=True)
    return numbers[str(said)]
