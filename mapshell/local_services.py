"""The local services that the settings name: the embedded database and the sandbox; starting, stopping, looking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from mapshell.context import Context

DATABASE, SANDBOX = "database", "sandbox"


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One local service as it is shown: ``state`` is running or stopped, ``address`` where it listens."""

    service: str
    state: str
    address: str | None
    pid: int | None
    folder: str

    def as_row(self) -> dict[str, Any]:
        """Return the row for tables and JSON."""
        return {
            "service": self.service,
            "state": self.state,
            "address": self.address,
            "pid": self.pid,
            "folder": self.folder,
        }


def configured(context: Context) -> dict[str, Path]:
    """Return the folders of the services that the settings name, by service."""
    folders = {DATABASE: context.settings.database.embedded, SANDBOX: context.sandbox_folder}
    return {name: folder for name, folder in folders.items() if folder is not None}


def start(context: Context, *, idle_minutes: float | None = None) -> list[ServiceRow]:
    """Start every service that the settings name and that does not run.

    Parameters
    ----------
    context
        Whose settings.
    idle_minutes
        After how many minutes without a client the database ends by itself; 0 means never.
    """
    folders = configured(context)
    if DATABASE in folders:
        from pipeline import embedded

        minutes = embedded.IDLE_MINUTES if idle_minutes is None else idle_minutes
        embedded.start(folders[DATABASE], idle_minutes=minutes)
    if SANDBOX in folders:
        context.start_sandbox()
    return status(context)


def stop(context: Context) -> list[str]:
    """Stop the services that the settings name; return which ones ran."""
    folders = configured(context)
    stopped = []
    if SANDBOX in folders:
        from mapshell.sandbox import service

        if service.stop(folders[SANDBOX]):
            stopped.append(SANDBOX)
    if DATABASE in folders:
        from pipeline import embedded

        if embedded.stop(folders[DATABASE]):
            stopped.append(DATABASE)
    return stopped


def status(context: Context) -> list[ServiceRow]:
    """Look at the services that the settings name; starts nothing."""
    folders = configured(context)
    rows = []
    if DATABASE in folders:
        from pipeline import embedded

        found = embedded.status(folders[DATABASE])
        rows.append(
            ServiceRow(
                DATABASE,
                "running" if found.running else "stopped",
                f"127.0.0.1:{found.port}" if found.running else None,
                found.server_pid,
                str(found.folder),
            )
        )
    if SANDBOX in folders:
        from mapshell.sandbox import service

        info = service.status(folders[SANDBOX])
        address = f"127.0.0.1:{info.port}" if info else None
        state = "running" if info else "stopped"
        rows.append(ServiceRow(SANDBOX, state, address, info.pid if info else None, str(folders[SANDBOX])))
    return rows
