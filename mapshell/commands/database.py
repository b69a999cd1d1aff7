"""``mapshell database``: what is at the database, its version, and rows of a predecessor."""

from __future__ import annotations

import click

from mapshell.context import Context, pass_context


@click.group()
def database() -> None:
    """Look at the database, bring its tables forward, take over the rows of a map-ephys database.

    \b
    Examples:
      mapshell database status
      mapshell database upgrade --dry-run
      mapshell database adopt --from map_v2_ --dry-run
    """


@database.command()
@pass_context
def status(context: Context) -> None:
    """Show server, account, schemas, versions and rows; nothing is ever written.

    Ends with exit code 1 when other commands would refuse to work with this database, and says why.

    \b
    Examples:
      mapshell database status
      mapshell database status --format json
    """
    from mapshell.show_database import show
    from pipeline.admin.state import look

    context.start_database(create=False)
    state = look(context.settings)
    show(context.output, state)
    if state.problem is not None:
        raise state.problem


@database.command()
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before computers with an older mapshell are locked out.")
@pass_context
def upgrade(context: Context, *, dry_run: bool, yes: bool) -> None:
    """Bring the tables to the version that this mapshell knows.

    Steps that older programs can bear are taken by every command without being asked; this one also takes steps after
    which computers with an older mapshell must not write any more, and says which computers wrote lately with which.

    \b
    Examples:
      mapshell database upgrade --dry-run
      mapshell database upgrade --yes
    """
    from mapshell.show_database import show_upgrade
    from pipeline.admin.upgrading import carry_out, plan
    from pipeline.errors import UsageError

    context.start_database()
    planned = plan(context.settings)
    if not dry_run and planned.locks_out and not yes:
        show_upgrade(context.output, planned, ahead=True)
        if not context.interactive:
            raise UsageError(
                "Nobody is there to ask whether computers with an older mapshell shall be locked out; nothing was "
                "changed.",
                remedy="upgrade mapshell on them, then: mapshell database upgrade --yes",
            )
        click.confirm("Go on?", abort=True, err=True)
    if not dry_run:
        carry_out(context.settings, planned)
    show_upgrade(context.output, planned, ahead=False)


@database.command()
@click.option(
    "--from",
    "prefix",
    metavar="PREFIX",
    help="Beginning of the names of its schemas; by default those that the settings name, else map_v2_.",
)
@click.option(
    "-n",
    "--dry-run",
    is_flag=True,
    help="Only say what would be done; no row is written. Tables of mapshell's own are made where there are none yet.",
)
@pass_context
def adopt(context: Context, prefix: str | None, *, dry_run: bool) -> None:
    """Take over what a map-ephys database on the same server says of its archive; it is only read.

    Its sessions are present afterwards, never verified: nobody has looked whether the archive holds the files, and
    how large they are. publication-verify or publication-discover looks, and completes the rows. Whatever mapshell
    archived or found itself is not touched. Two spellings of one file become one row.

    \b
    Examples:
      mapshell database adopt --dry-run
      mapshell database adopt --from map_v2_
    """
    from mapshell.errors import end
    from mapshell.show_adopt import show_adoption
    from pipeline.oldlab.adopting import adopt as take_over

    context.database()
    with context.output.progress() as progress:
        found = take_over(context.settings, prefix=prefix, dry_run=dry_run, progress=progress)
    show_adoption(context.output, found)
    end(found)
