"""Which sandbox a command of ``mapshell sandbox`` means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mapshell.context import Context
    from mapshell.sandbox.service import SandboxInfo


def root_option(function: Any) -> Any:
    """Add ``--root``."""
    return click.option(
        "--root",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Folder in which the sandbox keeps its state; by default the one that the settings name.",
    )(function)


def folder_of(ctx: Context, root: Path | None) -> Path:
    """Return the folder of the sandbox that is meant.

    Raises
    ------
    pipeline.errors.UsageError
        None is named, and none is configured.
    """
    from pipeline.errors import UsageError

    folder = root or ctx.sandbox_folder
    if folder is None:
        raise UsageError("No sandbox is configured here.", remedy="Name its folder: --root DIR")
    return folder.expanduser().absolute()


def running(ctx: Context, root: Path | None) -> SandboxInfo:
    """Return how to reach the sandbox that is meant.

    Raises
    ------
    pipeline.errors.ServiceError
        It does not run.
    """
    from mapshell.sandbox.service import status
    from pipeline.errors import ServiceError

    folder = folder_of(ctx, root)
    info = status(folder)
    if info is None:
        raise ServiceError(f"No sandbox runs in {folder}.", remedy=f"Run: mapshell sandbox start --root {folder}")
    return info
