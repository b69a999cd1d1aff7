"""How the findings of the doctor are shown; no work is done here."""

from __future__ import annotations

import shutil
import textwrap
from itertools import groupby
from typing import TYPE_CHECKING

import click

from pipeline.archive.paths import visible
from pipeline.database.entering import fitting
from pipeline.doctor import SECTIONS, document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mapshell.output import Output
    from pipeline.doctor import Line, Report

_COLOURS = {"ok": "green", "warning": "yellow", "failure": "red", "skipped": "bright_black"}
_LEVEL, _CHECK = 9, 17
"""Widths of the first columns."""


def show(output: Output, report: Report) -> None:
    """Show every finding in its section, its remedy below it, then the sum."""
    if output.for_programs:
        output.data(document(report))
        return
    terminal = output.fancy(output.stdout)
    width = max(50, shutil.get_terminal_size().columns) if terminal else None
    colour = output.coloured(output.stdout)
    for section, lines in groupby(report.lines, key=lambda line: line.section):
        title = section.capitalize()
        output.stdout.write((click.style(title, bold=True) if colour else title) + f": {SECTIONS[section]}\n")
        for level, text in _texts(list(lines)):
            rows = _wrapped(visible(text), width)
            if colour and level:
                rows[0] = rows[0].replace(level, click.style(level, fg=_COLOURS[level]), 1)
            output.stdout.write("\n".join(rows) + "\n")
        output.stdout.write("\n")
    output.stdout.flush()
    output.wrote_data = True
    if report.left:
        output.say("At each archive an empty folder .mapshell-doctor stays for the next time.")
    output.say(str(report), style="red" if report.count("failure") else "bold")


def _texts(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """Yield each line of a section with its level; what was not looked at for one reason is one line."""
    skipped: dict[str, list[str]] = {}
    made = {line.check for line in lines if line.finding.level != "skipped"}
    for line in lines:
        found = line.finding
        about = f"{line.about}: " if line.about else ""
        if found.level == "skipped":
            names = skipped.setdefault(found.message, [])
            name = f"{line.check} of {line.about}" if line.about and line.check in made else line.check
            if name not in names:
                names.append(name)
            continue
        yield found.level, f"  {found.level:<{_LEVEL}}{line.check:<{_CHECK}}{about}{found.message}"
        if found.remedy:
            yield "", " " * (2 + _LEVEL) + f"Remedy: {fitting(found.remedy)}"
    for reason, names in skipped.items():
        yield "skipped", f"  {'skipped':<{_LEVEL}}{', '.join(names)}: {reason}"


def _wrapped(text: str, width: int | None) -> list[str]:
    """Return a line as it fits the terminal; nothing is cut, and elsewhere nothing is wrapped."""
    if width is None or len(text) <= width:
        return [text]
    return textwrap.wrap(
        text,
        width,
        initial_indent="",
        subsequent_indent=" " * (2 + _LEVEL + 2),
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [text]
