"""``mapshell sandbox log``: requests and tasks as they come."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mapshell.commands.sandbox_root import folder_of, root_option, running
from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_POLL_S = 0.25


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C, or until the sandbox stops.")
@click.option("--requests", "only", flag_value="request", help="Only requests.")
@click.option("--tasks", "only", flag_value="task", help="Only tasks.")
@click.option("-n", "lines", type=click.IntRange(min=0), default=50, show_default=True, help="Begin with so many.")
@root_option
@pass_context
def log(ctx: Context, root: Path | None, only: str | None, lines: int, *, follow: bool) -> None:
    """Show requests and tasks, as they come with --follow.

    A request: time, method, kind, status (- if no answer was sent), milliseconds, the fault that it met. A task:
    number, label, what happened; at its end files, bytes and faults. No token, query or body is ever shown. Requests
    are remembered until the sandbox stops, tasks for good. With --format json, --follow prints an object a line.

    \b
    Examples:
      mapshell sandbox log -n 20 --tasks
      mapshell sandbox log --follow
    """
    batches = _batches(ctx, root, only, lines, follow=follow)
    if ctx.output.for_programs and not follow:
        ctx.output.data([entry for batch in batches for entry in batch])
        return
    # Ctrl-C is how one stops looking: nothing was interrupted.
    with contextlib.suppress(KeyboardInterrupt):
        for batch in batches:
            for entry in batch:
                if ctx.output.for_programs:
                    ctx.output.wrote_data = True
                    ctx.output.stdout.write(json.dumps(entry) + "\n")
                    ctx.output.stdout.flush()
                else:
                    ctx.output.data(line(entry))


def _batches(
    ctx: Context, root: Path | None, only: str | None, lines: int, *, follow: bool
) -> Iterator[list[dict[str, Any]]]:
    """Yield what happened until now, then, when following, what happens."""
    from mapshell.sandbox.service import status
    from pipeline.errors import ServiceError

    admin, cursor = running(ctx, root).admin, None
    while True:
        try:
            found = admin.log(cursor)
        except ServiceError:
            info = status(folder_of(ctx, root))
            if info is None:
                ctx.output.say("The sandbox has stopped.")
                return
            # Started anew: its requests are numbered from the beginning.
            admin, cursor = info.admin, {**(cursor or {}), "request": 0}
            continue
        entries = [entry for entry in found["entries"] if only in {None, entry["type"]}]
        if cursor is None:
            entries = entries[len(entries) - min(lines, len(entries)) :]
        if entries:
            yield entries
        if not follow:
            return
        cursor = found["cursor"]
        ctx.clock.sleep(_POLL_S)


def line(entry: Mapping[str, Any]) -> str:
    """Return one entry as a line."""
    from pipeline.sizes import human_bytes

    when = datetime.fromtimestamp(entry["time"]).astimezone().strftime("%H:%M:%S.%f")[:-3]
    fault = f"  fault: {entry['fault']}" if entry["fault"] else ""
    if entry["type"] == "request":
        status = "-" if entry["status"] is None else entry["status"]
        return f"{when}  {entry['method']:<6} {entry['kind']:<38} {status:>3} {entry['ms']:>7.0f} ms{fault}"
    told = f"{when}  task {entry['number']} {entry['event']}"
    if "files_transferred" in entry:
        size = human_bytes(entry["bytes_transferred"])
        told += f"  {entry['files_transferred']:,} files, {size}, {entry['faults']:,} errors"
    if entry.get("is_error") and entry.get("file"):
        told += f"  {entry['file']}"
    if entry["event"] == "SUBMITTED":
        told += f"  {entry['kind']} {entry['label'] or '(no label)'}{fault}"
    # A name with a line break in it must not look like two entries.
    return told.replace("\n", "\\n").replace("\t", "\\t")
