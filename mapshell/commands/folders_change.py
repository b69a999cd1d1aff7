"""``mkdir``, ``mv``, ``cp``, ``get``: changing and fetching what lies in the archive's folders."""

from __future__ import annotations

from typing import Literal

import click

from mapshell.commands.folders import standing
from mapshell.context import Context, pass_context


@click.command()
@click.argument("places", metavar="PLACE", nargs=-1, required=True)
@click.option("-p", "--parents", is_flag=True, help="Make the folders above it too.")
@pass_context
def mkdir(context: Context, *, places: tuple[str, ...], parents: bool) -> None:
    """Make folders at the archive.

    \b
    Example:
      mapshell mkdir --parents raw-ephys:/notes/2024
    """
    from mapshell import show_folders
    from pipeline.browse.changing import make_folder

    where = standing(context)
    made = [(place, make_folder(where.store, place, where.locations, parents=parents)) for place in where.each(places)]
    show_folders.made(context.output, made)


@click.command()
@click.argument("sources", metavar="PLACE", nargs=-1, required=True)
@click.argument("to", metavar="TO_PLACE")
@pass_context
def mv(context: Context, *, sources: tuple[str, ...], to: str) -> None:
    """Rename files or folders within a collection: never over anything.

    What the index knows is not moved by hand: the sessions are named, with the command that does it properly.

    \b
    Examples:
      mapshell mv raw-ephys:/notes.txt raw-ephys:/SC038-notes.txt
      mapshell mv 'raw-ephys:/old/*.txt' raw-ephys:/notes
    """
    from mapshell import show_folders
    from mapshell.errors import end
    from pipeline.browse.changing import move

    where = standing(context)
    target = where.one(to)
    result = move(where.store, where.expanded(sources), target, where.locations, into=to.endswith("/"))
    show_folders.moved(context.output, result)
    end(result)


@click.command()
@click.argument("sources", metavar="PLACE", nargs=-1, required=True)
@click.argument("to", metavar="TO_PLACE")
@click.option("-r", "--recursive", is_flag=True, help="Folders, with all that is in them.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be copied, and copy nothing.")
@pass_context
def cp(context: Context, *, sources: tuple[str, ...], to: str, recursive: bool, dry_run: bool) -> None:
    """Copy files or folders within or between collections: never over anything.

    The copy is a Globus task in the journal; interrupted, the same command goes on with it.

    \b
    Examples:
      mapshell cp raw-ephys:/SC038/SC038_111919_g0/notes.txt raw-ephys:/notes/
      mapshell cp -r raw-ephys:/SC038 UUID:/backup/
    """
    from mapshell import show_folders
    from pipeline.browse.copying import copy

    where = standing(context)
    archive = context.settings.archive
    with context.output.progress() as progress:
        result = copy(
            where.store,
            where.expanded(sources),
            where.one(to),
            where.locations,
            into=to.endswith("/"),
            recursive=recursive,
            dry_run=dry_run,
            computer=archive.computer,
            clock=context.clock,
            progress=progress,
            poll_seconds=archive.poll_seconds,
            stall_seconds=archive.stall_seconds,
        )
    show_folders.copied(context.output, result)


@click.command()
@click.argument("sources", metavar="PLACE", nargs=-1, required=True)
@click.argument("folder", metavar="FOLDER", type=click.Path(file_okay=False))
@click.option("-r", "--recursive", is_flag=True, help="Folders, with all that is in them.")
@click.option(
    "--via",
    type=click.Choice(["globus", "https"]),
    help="By a transfer or over HTTPS; by default as FOLDER allows.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that differ.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be fetched, and fetch nothing.")
@pass_context
def get(
    context: Context,
    *,
    sources: tuple[str, ...],
    folder: str,
    recursive: bool,
    via: Literal["globus", "https"] | None,
    overwrite: bool,
    dry_run: bool,
) -> None:
    """Fetch any files or folders of a collection into FOLDER, each under its own name.

    Files that the index knows are compared with their SHA1; of others the size is all that can be compared, and this is
    said. Sessions are better fetched by `mapshell publication-retrieve`.

    \b
    Examples:
      mapshell get raw-ephys:/SC038/SC038_111919_g0/SC038_111919_g0_t0.nidq.meta .
      mapshell get -r 'raw-ephys:/SC038/*_imec0' data
    """
    from mapshell.errors import end
    from mapshell.show_retrieve import show_files
    from pipeline.browse.fetching import get as fetch

    where = standing(context)
    with context.output.progress() as progress:
        result = fetch(
            context.settings,
            context.globus,
            where.expanded(sources),
            folder,
            where.locations,
            via=via,
            recursive=recursive,
            overwrite=overwrite,
            dry_run=dry_run,
            clock=context.clock,
            progress=progress,
        )
    show_files(context.output, result)
    end(result)
