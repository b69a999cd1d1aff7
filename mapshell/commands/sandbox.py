"""``mapshell sandbox``: a local Globus over plain folders."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapshell.commands.sandbox_collection import collection
from mapshell.commands.sandbox_faults import fault, read_file, task
from mapshell.commands.sandbox_log import log
from mapshell.commands.sandbox_options import listen_options, realism_options
from mapshell.commands.sandbox_root import folder_of, root_option, running
from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapshell.sandbox.service import SandboxInfo
    from mapshell.sandbox.spec import CollectionSpec

SHELLS = ("sh", "powershell", "cmd", "fish")


@click.group()
def sandbox() -> None:
    """Run a local Globus over plain folders, for trials.

    Any program built on a Globus SDK can use it instead of the real services. It listens on this computer only, needs
    no account, and never serves a file outside of its collections' folders.

    \b
    Examples:
      mapshell sandbox start --root ~/sandbox --collection 0d1b4f86-7a4e-4a7d-9f0e-0c5f8e3f0a01=~/data
      eval "$(mapshell sandbox env --root ~/sandbox)"
      mapshell sandbox log --root ~/sandbox --follow
      mapshell sandbox fault add status --status 503 --count 3 --root ~/sandbox
      mapshell sandbox stop --root ~/sandbox
    """


for _command in (collection, fault, log, task):
    sandbox.add_command(_command)


@sandbox.command()
@root_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; by default a free one.")
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="UUID=PATH",
    help="Serve a folder as a collection; remembered. Options follow commas: mapped, personal, read-only, offline.",
)
@click.option("--idle-minutes", type=click.FloatRange(min=0), help="Stop after so many minutes without use.")
@click.option(
    "--faults",
    "fault_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Put the faults of this JSON file in force too: see mapshell sandbox fault load --help.",
)
@click.option("--foreground", is_flag=True, help="Stay in this terminal until Ctrl-C.")
@realism_options
@listen_options
@pass_context
def start(
    ctx: Context,
    root: Path | None,
    port: int,
    collections: tuple[str, ...],
    idle_minutes: float | None,
    fault_file: Path | None,
    foreground: bool,
    realism: dict[str, Any],
    listen: str,
    consented: bool,
) -> None:
    """Start the sandbox, or add collections and faults to the running one, or let it go at another pace.

    \b
    Examples:
      mapshell sandbox start --collection 0d1b4f86-7a4e-4a7d-9f0e-0c5f8e3f0a01=~/data
      mapshell sandbox start --realistic                    limits and delays of the real service
      mapshell sandbox start --latency 0.5 --bandwidth 2M   only these two
      mapshell sandbox start --fast                         none of them any more
    """
    from mapshell.sandbox import service
    from mapshell.sandbox.server import Arguments
    from mapshell.sandbox.spec import parse_collections

    folder = folder_of(ctx, root)
    specs = parse_collections(collections)
    faults = [] if fault_file is None else read_file(fault_file)
    if foreground:
        _warn_of_missing(ctx, specs)
        _serve(ctx, Arguments(folder, specs, port, idle_minutes, None, realism, listen, consented), faults)
        return
    info = service.start(
        folder, specs, port=port, idle_minutes=idle_minutes, realism=realism, listen=listen, consented=consented
    )
    info.admin.add_faults(*faults)
    ctx.output.data(
        {**_public(info), "environment": info.environment} if ctx.output.for_programs else _told(info.environment)
    )
    ctx.output.say(f"The sandbox runs in {folder} (process {info.pid}).")
    _warn_of_missing(ctx, specs)
    if not info.admin.call("GET", "/info")["collections"]:
        ctx.output.say("It serves no collection yet: mapshell sandbox start --collection UUID=PATH")


def _warn_of_missing(ctx: Context, specs: Mapping[str, CollectionSpec]) -> None:
    for spec in specs.values():
        if not spec.path.exists():
            ctx.output.warn(f"there is no folder {spec.path} yet: make it, or nothing is found in its collection.")


def _serve(ctx: Context, arguments: Any, faults: list[Any]) -> None:
    import contextlib

    from mapshell.sandbox.server import serve

    def ready(data: Mapping[str, Any]) -> None:
        if faults:
            running(ctx, arguments.folder).admin.add_faults(*faults)
        ctx.output.say(f"Auth: {data['auth_url']}  Transfer: {data['transfer_url']}  (Ctrl-C ends)")

    with contextlib.suppress(KeyboardInterrupt):
        serve(arguments, ready)


def _public(info: SandboxInfo) -> dict[str, Any]:
    return {"folder": str(info.folder), "pid": info.pid, "auth_url": info.auth_url, "transfer_url": info.transfer_url}


def _told(environment: Mapping[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in environment.items())


@sandbox.command()
@root_option
@click.option(
    "--shell",
    type=click.Choice(SHELLS),
    default="powershell" if os.name == "nt" else "sh",
    show_default=True,
    help="For which shell the lines are.",
)
@pass_context
def env(ctx: Context, root: Path | None, shell: str) -> None:
    """Print the variables that point programs at the sandbox.

    \b
    Examples:
      eval "$(mapshell sandbox env)"                               sh, bash, zsh
      mapshell sandbox env --shell powershell | Invoke-Expression  PowerShell
    """
    environment = running(ctx, root).environment
    if ctx.output.for_programs:
        ctx.output.data(environment)
    else:
        ctx.output.data("\n".join(line(name, value, shell) for name, value in environment.items()))


def line(name: str, value: str, shell: str) -> str:
    """Spell the setting of a variable for a shell."""
    if shell == "powershell":
        return f"$Env:{name} = '" + value.replace("'", "''") + "'"
    if shell == "cmd":
        return f"set {name}={value}"
    if shell == "fish":
        return f"set -gx {name} {shlex.quote(value)}"
    return f"export {name}={shlex.quote(value)}"


@sandbox.command()
@root_option
@pass_context
def stop(ctx: Context, root: Path | None) -> None:
    """Stop the sandbox; what it knows stays in its folder.

    \b
    Example:
      mapshell sandbox stop
    """
    from mapshell.sandbox import service

    folder = folder_of(ctx, root)
    stopped = service.stop(folder)
    ctx.output.say(f"The sandbox of {folder} has stopped." if stopped else f"No sandbox runs in {folder}.")


@sandbox.command()
@root_option
@pass_context
def status(ctx: Context, root: Path | None) -> None:
    """Show whether the sandbox runs, and its collections.

    \b
    Example:
      mapshell sandbox status
    """
    from mapshell.output import Column
    from mapshell.sandbox.realism import Realism
    from mapshell.sandbox.service import status as find

    folder = folder_of(ctx, root)
    info = find(folder)
    if info is None:
        if ctx.output.for_programs:
            ctx.output.data({"folder": str(folder), "running": False})
        ctx.output.say(f"No sandbox runs in {folder}.")
        return
    collections = info.admin.call("GET", "/info")["collections"]
    if ctx.output.for_programs:
        realism = info.admin.realism()
        ctx.output.data({**_public(info), "running": True, "collections": collections, "realism": realism})
        return
    ctx.output.say(f"The sandbox of {folder} runs (process {info.pid}): {info.auth_url}, {info.transfer_url}")
    if told := Realism.from_json(info.admin.realism()).told:
        ctx.output.say(f"Like a service far away: {told}.")
    rows = [
        {"id": name, **spec, "name": spec["name"] or Path(spec["path"]).name, "kind": _kind(spec)}
        for name, spec in collections.items()
    ]
    columns = [Column("Collection", "id", wrap=False), Column("Name", "name"), Column("Kind", "kind")]
    ctx.output.table(rows, [*columns, Column("Folder", "path")], empty="It serves no collection.")


def _kind(spec: Mapping[str, Any]) -> str:
    kind = "mapped" if spec["mapped"] else "personal" if spec["personal"] else "guest"
    flags = [name.replace("_", "-") for name in ("read_only", "denied", "offline", "missing") if spec[name]]
    return ", ".join([kind, *flags])
