"""How the morning report is shown; no work is done here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.morning.notifying import named
from pipeline.morning.words import lines

if TYPE_CHECKING:
    from mapshell.output import Output
    from pipeline.morning import MorningReport
    from pipeline.settings import Settings


def show(output: Output, report: MorningReport) -> None:
    """Show the report: the very text that a letter would have, coloured on a terminal."""
    if output.for_programs:
        document = report.document()
        output.data(document["needs_person"] if output.format == "csv" else document)
        return
    if not output.coloured(output.stdout):
        output.data(report.text.removesuffix("\n"))
        return
    output.wrote_data = True
    for line in lines(report):  # nothing in them steers the terminal: the words see to that
        click.echo(_coloured(line.text, line.style), file=output.stdout, color=True)


def show_passed_on(output: Output, settings: Settings) -> None:
    """Say that the report was passed on."""
    output.say(f"The report was given to {named(settings)} (notify.command).")


def _coloured(text: str, style: str) -> str:
    if style == "bold":
        return click.style(text, bold=True)
    if style == "dim":
        return click.style(text, dim=True)
    return click.style(text, fg=style) if style else text
