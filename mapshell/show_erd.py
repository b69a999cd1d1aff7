"""How the tables are shown: as text, or drawn into a file."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from mapshell.output import Column
from pipeline.errors import LocalDiskError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mapshell.output import Output
    from pipeline.database.diagram import Table


def show(output: Output, tables: Sequence[Table]) -> None:
    """Show each table with its key and what it depends on."""
    if output.for_programs:
        output.data([asdict(table) for table in tables])
        return
    rows = [
        {
            "table": table.name,
            "key": ", ".join(
                [f"→ {each.to}" for each in table.references if each.key]
                + [each.name for each in table.attributes if each.key]
            ),
            "depends": ", ".join(each.to for each in table.references if not each.key),
            "comment": table.comment,
        }
        for table in tables
    ]
    columns = (
        Column("Table", "table", style="bold", wrap=False),
        Column("Key", "key"),
        Column("Refers to", "depends"),
        Column("What it is", "comment"),
    )
    output.table(rows, columns)


def save(output: Output, tables: Sequence[Table], file: Path) -> None:
    """Draw the tables into an SVG file.

    Raises
    ------
    UsageError
        The file's name does not end in .svg.
    LocalDiskError
        It cannot be written.
    """
    from mapshell.erd_svg import draw

    if file.suffix.lower() != ".svg":
        raise UsageError(f"{file} is no name of a drawing.", remedy="drawings are SVG files: --out tables.svg.")
    try:
        file.write_text(draw(tables), encoding="utf-8", newline="\n")
    except OSError as error:
        raise LocalDiskError(f"{file} cannot be written: {error.strerror}.", remedy="name another file.") from error
    output.result({"file": str(file), "tables": len(tables)}, lambda: output.data(str(file)))
    output.say(f"{len(tables)} tables drawn; a browser shows it.")
