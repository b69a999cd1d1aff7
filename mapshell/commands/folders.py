"""``ls``, ``stat``, ``du``, ``find``, ``cd``, ``pwd``: looking at the archive's folders."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from mapshell.archive_places import Standing
    from mapshell.progress import Progress
    from pipeline.browse.asking import Listing


def standing(context: Context) -> Standing:
    """Return what reads places for a command: locations, and where the shell stands."""
    from mapshell.archive_places import Standing

    return Standing(context)


@contextmanager
def walking(context: Context, *, streams: bool = False) -> Iterator[Progress]:
    """Show how many folders were listed; on a terminal that fills with what is found (``streams``) nothing more."""
    from mapshell.progress import SilentProgress
    from pipeline.browse.looking import LISTING

    quiet = streams and context.output.fancy(context.output.stdout)
    with SilentProgress() if quiet else context.output.progress() as progress:
        progress.task(LISTING, LISTING)
        yield progress


@click.command()
@click.argument("places", metavar="PLACE", nargs=-1)
@click.option("-l", "--long", "long_", is_flag=True, help="Kind, size and time too.")
@click.option("-R", "--recursive", is_flag=True, help="All folders below as well.")
@pass_context
def ls(context: Context, *, places: tuple[str, ...], long_: bool, recursive: bool) -> None:
    """List folders of the archive.

    PLACE is ALIAS:/path or UUID:/path, with patterns such as *.meta in quotes; in the shell also a path relative to
    where it stands. Without PLACE: the storage locations, or the folder in which the shell stands.

    \b
    Examples:
      mapshell ls
      mapshell ls -l raw-ephys:/SC038
      mapshell ls -R 'raw-ephys:/SC038/catgt_*'
      mapshell ls --format json UUID:/~/recordings
    """
    from mapshell import show_folders

    where = standing(context)
    if not places and where.here is None:
        show_folders.locations(context.output, where.locations)
        return
    from pipeline.browse.asking import listings

    chosen = where.expanded(places)
    with walking(context, streams=not long_) as progress:
        found: Iterable[Listing] = listings(where.store, chosen, recursive=recursive, progress=progress)
        if long_:  # a table needs all of it, and comes when the bar has gone
            found = [replace(each, entries=list(each.entries)) for each in found]
        else:
            show_folders.listings(context.output, found, long_=False, several=len(chosen) > 1)
    if long_:
        show_folders.listings(context.output, found, long_=True, several=len(chosen) > 1)


@click.command()
@click.argument("places", metavar="PLACE", nargs=-1, required=True)
@pass_context
def stat(context: Context, *, places: tuple[str, ...]) -> None:
    """Show what the archive and the index say of a file or folder.

    \b
    Examples:
      mapshell stat raw-ephys:/SC038/SC038_111919_g0/SC038_111919_g0_t0.nidq.meta
      mapshell stat raw-ephys:/SC038
    """
    from mapshell import show_folders
    from pipeline.browse.asking import facts

    where = standing(context)
    show_folders.facts(context.output, facts(where.store, where.expanded(places), where.locations))


@click.command()
@click.argument("places", metavar="PLACE", nargs=-1)
@click.option("-s", "--summarize", is_flag=True, help="Only the sum of each PLACE.")
@pass_context
def du(context: Context, *, places: tuple[str, ...], summarize: bool) -> None:
    """Sum up sizes below folders of the archive.

    \b
    Examples:
      mapshell du raw-ephys:/
      mapshell du -s raw-ephys:/SC038 raw-video:/SC038
    """
    from mapshell import show_folders
    from pipeline.browse.asking import sizes

    where = standing(context)
    with walking(context) as progress:
        found, obstacles = sizes(where.store, where.expanded(places), summarize=summarize, progress=progress)
    show_folders.sizes(context.output, found, obstacles)


@click.command()
@click.argument("place", metavar="PLACE", required=False)
@click.option("--name", metavar="PATTERN", help="Only names like this, such as '*.meta'.")
@click.option("--kind", type=click.Choice(["file", "folder"]), help="Only files, or only folders.")
@click.option("--larger", metavar="SIZE", help="Only files of more than this, such as 1GB.")
@click.option(
    "--newer", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Only what changed then or later (UTC)."
)
@click.option("--unknown", is_flag=True, help="Only files that the index does not know.")
@pass_context
def find(
    context: Context,
    *,
    place: str | None,
    name: str | None,
    kind: Literal["file", "folder"] | None,
    larger: str | None,
    newer: datetime | None,
    unknown: bool,
) -> None:
    """Find files and folders below a folder of the archive.

    \b
    Examples:
      mapshell find raw-ephys:/SC038 --name '*.ap.bin'
      mapshell find raw-ephys:/ --larger 10GB --newer 2024-01-01
      mapshell find raw-ephys:/ --unknown
    """
    from mapshell import show_folders
    from pipeline.browse.asking import Search, Wanted
    from pipeline.sizes import read_bytes

    where = standing(context)
    wanted = Wanted(name, kind, None if larger is None else read_bytes(larger), newer, unknown=unknown)
    with walking(context, streams=True) as progress:
        show_folders.found(context.output, Search(where.store, where.one(place), wanted, where.locations, progress))


@click.command()
@click.argument("place", metavar="PLACE", required=False)
@pass_context
def cd(context: Context, *, place: str | None) -> None:
    """Go to a folder of the archive (in the shell); without PLACE: nowhere.

    \b
    Examples:
      cd raw-ephys:/SC038
      cd ..
    """
    standing(context).go(place)


@click.command()
@pass_context
def pwd(context: Context) -> None:
    """Show the folder of the archive in which the shell stands.

    \b
    Example:
      pwd
    """
    from mapshell import show_folders

    show_folders.place(context.output, standing(context).here)
