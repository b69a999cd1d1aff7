"""``ingest-drive``: what a loose drive holds, and which drives are known."""

from __future__ import annotations

from pathlib import Path

import click

from mapshell.context import Context, pass_context


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path, readable=False))
@click.option("-n", "--dry-run", is_flag=True, help="Only look and tell; enter no session, write nothing down.")
@click.option(
    "--quick", is_flag=True, help="Read no file: names and sizes alone, so that nothing can be called identical."
)
@click.option("--list", "listing", is_flag=True, help="List the drives that were sorted, and what is archived of each.")
@pass_context
def ingest_drive(context: Context, path: Path | None, *, dry_run: bool, quick: bool, listing: bool) -> None:
    """Sort a loose drive: what on it is archived byte for byte, what is not, and what nobody knows.

    PATH is where the drive is connected, or any folder. Session folders are found at any depth, in any of the lab's
    layouts; each gets a verdict: identical, different, not archived, unknown subject, damaged. Every file is read
    (once: what was read is remembered by the drive, not by its letter), and identical is said only of files whose SHA1
    is that of the archived copy. All other files are counted.

    What was found is written down with label and serial number of the drive, and sessions of known animals that the
    lab's tables lack are entered, as by ingest-recordings. Nothing is written to the drive. At the end stands the
    command that archives the rest.

    \b
    Examples:
      mapshell ingest-drive /media/me/BACKUP3 --dry-run --quick    a first look, in seconds
      mapshell ingest-drive E:\\
      mapshell ingest-drive --list                                 which drives may be wiped
    """
    from mapshell.errors import end
    from mapshell.show_drive import show, show_known
    from pipeline.drives.records import known_drives
    from pipeline.drives.sorting import sort_drive

    if listing and (path is not None or dry_run or quick):
        raise click.UsageError("--list stands alone: it shows what is known of all drives.")
    if path is None and not listing:
        raise click.UsageError("say which drive: the folder where it is connected, or --list.")
    context.database()
    if path is None:
        show_known(context.output, known_drives())
        return
    with context.output.progress() as progress:
        found = sort_drive(context.settings, path, dry_run=dry_run, quick=quick, progress=progress)
    show(context.output, found)
    end(found)
