"""``mapshell storage``: where archives lie, one truth for all computers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from pipeline.archive.session import DatasetType


@click.group()
def storage() -> None:
    """Show where archives lie, add one, or say that one has moved.

    Where an archive lies is written in the database, once for all computers. The configuration of a computer may
    repeat it; if it says otherwise, every command that needs it says so and stops.

    \b
    Examples:
      mapshell storage list
      mapshell storage add raw-ephys a3b7c2d4-5e6f-4a1b-8c9d-0e1f2a3b4c5d:/mylab/raw-ephys
      mapshell storage set raw-ephys f81d4fae-7dec-41d0-a765-00a0c91e6bf6:/mylab/raw-ephys --dry-run
      mapshell storage copies ephys raw-ephys raw-ephys-2
    """


@storage.command("list", short_help="List where archives lie, and whether this computer agrees.")
@pass_context
def list_(context: Context) -> None:
    """List the storage locations: what lies there, and whether this computer's configuration agrees.

    Reads the database, and asks Globus for the names of the collections alone; without a login they are left out.

    \b
    Examples:
      mapshell storage list
      mapshell storage list --format json
    """
    from mapshell.show_storage import show
    from pipeline.errors import MapshellError
    from pipeline.globus import GlobusStorageManager
    from pipeline.globus.transport import Patience
    from pipeline.storage import names, stored

    context.database()
    found = stored(context.settings)
    called: dict[str, str] = {}
    try:
        context.start_sandbox()
        patience = Patience(retries=0, total=5.0, timeout=5.0)  # names are a courtesy
        with GlobusStorageManager(context.settings, interactive=False, patience=patience) as manager:
            called = names(manager, [each.location.endpoint for each in found])
    except MapshellError:
        called = {}
    show(context.output, found, called)


@storage.command(short_help="Write down where a further archive lies.")
@click.argument("alias")
@click.argument("place", metavar="UUID:/PATH")
@click.option("--type", "kind", type=click.Choice(["ephys", "video"]), help="What it holds; by default as ALIAS says.")
@click.option("--nested", is_flag=True, help="It may lie inside another location, or around one.")
@pass_context
def add(context: Context, alias: str, place: str, kind: DatasetType | None, *, nested: bool) -> None:
    """Write down where a further archive lies: ALIAS at PATH of the collection UUID.

    The folder must be there. Without a slash at its beginning, PATH is below the collection's default folder.

    \b
    Examples:
      mapshell storage add raw-ephys a3b7c2d4-5e6f-4a1b-8c9d-0e1f2a3b4c5d:/mylab/raw-ephys
      mapshell storage add widefield a3b7c2d4-5e6f-4a1b-8c9d-0e1f2a3b4c5d:/mylab/cameras --type video
    """
    from mapshell.show_storage import show_added
    from pipeline.storage import add as write_down

    context.database()
    show_added(context.output, write_down(context.settings, context.globus(), alias, place, kind, nested=nested))


@storage.command("set", short_help="Say that an archive has moved, after a look at the new place.")
@click.argument("alias")
@click.argument("place", metavar="UUID:/PATH")
@click.option("--sample", type=click.IntRange(min=1), default=100, metavar="N", help="Files to draw; 100 by default.")
@click.option("--seed", type=int, default=0, metavar="N", help="Draw others.")
@click.option("--nested", is_flag=True, help="It may lie inside another location, or around one.")
@click.option("-n", "--dry-run", is_flag=True, help="Only look at the new place.")
@pass_context
def set_(context: Context, alias: str, place: str, *, sample: int, seed: int, nested: bool, dry_run: bool) -> None:
    """Say that the archive ALIAS has moved to PATH of the collection UUID.

    Copy or move the archive first. Files drawn from all its datasets, and the manifests of these, are looked for at the
    new place by listing it; if one is missing or of another size, nothing is changed. What was archived stays archived:
    no row of a dataset or file is touched. While transfers to the archive are under way, its address stays.

    \b
    Examples:
      mapshell storage set raw-ephys f81d4fae-7dec-41d0-a765-00a0c91e6bf6:/mylab/raw-ephys --dry-run
      mapshell storage set raw-ephys f81d4fae-7dec-41d0-a765-00a0c91e6bf6:/mylab/raw-ephys --sample 1000
    """
    from mapshell.show_storage import show_move
    from pipeline.moving import move, refusal
    from pipeline.storage import stored

    context.database()
    with context.output.progress() as progress:
        moved = move(
            context.settings,
            context.globus(),
            alias,
            place,
            sample=sample,
            seed=seed,
            nested=nested,
            dry_run=dry_run,
            progress=progress,
        )
    mine = next((each for each in stored(context.settings) if each.location.alias == alias), None)
    show_move(context.output, moved, mine.where if moved.moved and mine is not None and mine.agrees is False else None)
    if moved.differences:
        raise refusal(moved)


@storage.command(short_help="Show or say which locations hold every session.")
@click.argument("kind", metavar="[ephys|video]", required=False, type=click.Choice(["ephys", "video"]))
@click.argument("aliases", metavar="[ALIAS]...", nargs=-1)
@click.option("--none", "nothing", is_flag=True, help="Name none: each computer publishes as its configuration says.")
@pass_context
def copies(context: Context, kind: DatasetType | None, aliases: tuple[str, ...], *, nothing: bool) -> None:
    """Show which locations hold every session, or say it: ALIAS... for data of one type.

    Every publish then fills each of them: from this computer's disk, or, where it has nothing of a session any more,
    by a transfer from one archive to the other. A session that one of them lacks is queued there. Nothing is sent by
    this command, and nothing is ever deleted: a location that is named no longer keeps what it has.

    \b
    Examples:
      mapshell storage copies
      mapshell storage copies ephys raw-ephys raw-ephys-2
      mapshell storage copies ephys --none
    """
    from mapshell.show_copies import show
    from pipeline.copies.counting import counted
    from pipeline.copies.named import KINDS, say
    from pipeline.errors import UsageError

    if nothing and (kind is None or aliases):
        raise UsageError("--none needs a type of data, and no location.", remedy="mapshell storage copies ephys --none")
    context.database()
    if kind is not None and (aliases or nothing):
        say(context.settings, kind, aliases)
    show(context.output, counted(context.settings, KINDS if kind is None else (kind,)))
