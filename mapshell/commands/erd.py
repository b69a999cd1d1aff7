"""``mapshell erd``: the tables and how they hang together."""

from __future__ import annotations

from pathlib import Path

import click

from mapshell.context import Context, pass_context


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw them: FILE.svg.")
@click.option("--schema", "schemas", multiple=True, metavar="NAME", help="Only this schema, such as publication.")
@pass_context
def erd(context: Context, *, out: Path | None, schemas: tuple[str, ...]) -> None:
    """Show the tables, what they hold and which depend on which; or draw them.

    Needs no database: it shows what this version declares.

    \b
    Examples:
      mapshell erd
      mapshell erd --schema publication
      mapshell erd --out tables.svg
    """
    from mapshell.show_erd import save, show
    from pipeline.database.diagram import chosen

    tables = chosen(schemas)
    if out is None:
        show(context.output, tables)
    else:
        save(context.output, tables, out)
