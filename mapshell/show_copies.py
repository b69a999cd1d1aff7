"""How the copies of an archive are shown; no work is done here."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mapshell.output import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Output
    from pipeline.copies.counting import Counted


def _style(row: Mapping[str, Any]) -> str:
    return "yellow" if row["lacks"] else ""


COLUMNS = (
    Column("Holds", "dataset_type"),
    Column("Alias", "alias", style="bold", wrap=False),
    Column("Every session?", "shall"),
    Column("Archived there", "sessions", align="right", kind="number"),
    Column("Lacks", "lacks", align="right", kind="number", style=_style),
)


def show(output: Output, places: Sequence[Counted]) -> None:
    """Show every location of the types that were asked for, and what the copies among them lack."""
    shown = [{**asdict(each), "shall": "yes, named" if each.named else "not named"} for each in places]
    output.table(shown, COLUMNS, empty="No storage location is known yet: mapshell storage add ALIAS UUID:/PATH")
    if output.for_programs:
        return
    for kind in dict.fromkeys(each.dataset_type for each in places):
        those = [each for each in places if each.dataset_type == kind]
        if not any(each.named for each in those):
            output.say(
                f"{kind}: no location is named; each computer publishes to those that its configuration gives folders."
            )
        elif lacks := [each for each in those if each.lacks]:
            said = ", ".join(f"{each.alias} lacks {each.lacks:,}" for each in lacks)
            output.say(
                f"{kind}: {said}. `mapshell publication-publish` fills them, on any computer with a local folder."
            )
