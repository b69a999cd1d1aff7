"""Where the pieces are put together: one ``Context`` per command, everything in it made when it is first asked for."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mapshell.kept import KeptLogin, settings_stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mapshell.output import Format, Output
    from pipeline.database.lab_connection import LabConnection
    from pipeline.globus import GlobusStorageManager
    from pipeline.settings import Settings


Result = TypeVar("Result")

_OWN_ADDRESS = {
    "GLOBUS_SDK_SERVICE_URL_AUTH": "MAPSHELL_GLOBUS_AUTH_URL",
    "GLOBUS_SDK_SERVICE_URL_TRANSFER": "MAPSHELL_GLOBUS_TRANSFER_URL",
}


@dataclass(slots=True)
class Options:
    """The options that every command takes, wherever they stood on the command line."""

    config: Path | None = None
    format: Format = "table"
    quiet: bool = False
    debug: bool = False
    no_input: bool = False


class Clock:
    """The computer's time (``pipeline.archive.ports.Clock``)."""

    def now(self) -> datetime:
        """Return this instant in UTC, naive."""
        return datetime.now(UTC).replace(tzinfo=None)

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start, never going back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Context:
    """What a command works with.

    Commands take it by ``@pass_context``.  Settings are read, the database is connected, local services are started
    and Globus is asked only when a command needs them.

    Parameters
    ----------
    options
        The options common to all commands.
    clock
        Time; the computer's own by default.
    environ
        Environment variables; the process's own by default.

    ``standing`` holds the folder of the archive in which a shell stands; it is shared by all commands of the shell.
    """

    def __init__(
        self, options: Options | None = None, *, clock: Clock | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self.options = options or Options()
        self.clock = clock or Clock()
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.standing: list[str] = []
        self.log: Path | None = None
        self._parent: Context | None = None
        self._connection: LabConnection | None = None
        self._globus: GlobusStorageManager | None = None
        self._kept: KeptLogin | None = None
        self._read_from: Any = None
        self._told = False

    @cached_property
    def output(self) -> Output:
        """Where results and talk go."""
        from mapshell.output import Output

        output = Output(self.options.format, quiet=self.options.quiet, environ=self.environ)
        output.log = self.log
        return output

    @cached_property
    def settings(self) -> Settings:
        """The settings at hand; their warnings are shown once.

        Raises
        ------
        pipeline.errors.ConfigError
            They cannot be read or must be corrected.
        """
        shared = self._sharing
        if shared is not None:
            return shared.settings
        from pipeline import settings

        self._read_from = settings_stamp(self.options.config, self.environ)
        loaded = settings.load(environ=self.environ, file=self.options.config)
        for warning in loaded.warnings:
            self.output.warn(warning)
        return loaded

    def renew(self) -> None:
        """Forget settings whose file has changed."""
        if "settings" in self.__dict__ and self._read_from != settings_stamp(self.options.config, self.environ):
            del self.__dict__["settings"]

    def child(self) -> Context:
        """Return a context for one of several commands of this process: options of its own, all else shared.

        What has changed since the last one holds for it: a settings file that was written, another login.
        """
        self.renew()
        self._globus = None
        child = Context(replace(self.options), clock=self.clock, environ=self.environ)
        child._parent, child.standing, child.log = self, self.standing, self.log
        return child

    @property
    def _sharing(self) -> Context | None:
        """The context whose settings and login are ours, unless the command's own ``--config`` names others."""
        parent = self._parent
        return parent if parent is not None and parent.options.config == self.options.config else None

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to answer: standard input is a terminal and ``--no-input`` was not given."""
        if self.options.no_input:
            return False
        try:
            return sys.stdin.isatty()
        except (ValueError, AttributeError):  # closed, or none at all (a Windows service)
            return False

    def database(self) -> LabConnection:
        """Return the database connection, with all tables bound; starts the embedded server where it is configured.

        Raises
        ------
        pipeline.errors.DatabaseError
            The server cannot be reached or refuses.
        pipeline.errors.ServiceError
            The embedded server cannot be started.
        """
        from pipeline import database

        shared = self._sharing
        if shared is not None:
            self._connection = shared.database()
            return self._connection
        if self._connection is None or self.moved() or self.stopped():
            self.start_database()
        self._connection = database.bind(self.settings)  # the same again is the same connection
        return self._connection

    def moved(self) -> bool:
        """Whether the tables are on another database than that of the settings, since we were connected with it."""
        from pipeline.database import binding

        present, own = binding.get_current(), self._connection
        return own is not None and (
            present is None or present.connection is not own or present.identity != self.settings.database
        )

    def stopped(self) -> bool:
        """Whether the embedded server, with which we were connected, has been stopped meanwhile."""
        from pipeline import embedded

        folder = None if self._connection is None else self.settings.database.embedded
        return folder is not None and not embedded.status(folder).running

    def start_database(self, *, create: bool = True) -> None:
        """Start the embedded server where it is configured; no table is looked at.

        Parameters
        ----------
        create
            Make its data when there are none yet.

        Raises
        ------
        pipeline.errors.ServiceError
            It cannot be started, or has no data and must not make them.
        """
        folder = self.settings.database.embedded
        if folder is None:
            return
        from pipeline import embedded
        from pipeline.errors import ServiceError

        self._warn_without_settings(folder)
        if not create and not embedded.status(folder).exists:
            raise ServiceError(
                f"There is no embedded database in {folder} yet.",
                remedy="the first command that needs one makes it; for a lab's own server set database.host.",
            )
        embedded.start(folder)

    def keep_names(self) -> None:
        """Remember, at most once an hour, the names that completion suggests; where the command has connected."""
        if self._connection is None:
            return
        from mapshell.completion import knowledge
        from pipeline.folders import cache_folder

        with suppress(Exception):  # the command has ended; nothing may spoil its result
            knowledge.renew(cache_folder(self.environ) / knowledge.FILE_NAME)

    def _warn_without_settings(self, folder: Path) -> None:
        """Tell that a database of nobody's choice is used: a job in the wrong folder must not look healthy."""
        told, self._told = self._told, True
        if told:
            return
        if self.settings.file is None and all(origin == "default" for origin in self.settings.origins.values()):
            self.output.warn(
                "no dj_local_conf.json was found in this folder, in those above it, or in your configuration folder; "
                f"the database in {folder} is used. Remedy: work in the lab's folder, or name the file: --config FILE "
                "(`mapshell config init` writes one)."
            )

    def globus(self) -> GlobusStorageManager:
        """Return the Globus manager; starts the local Globus service that the settings name, where they do.

        Raises
        ------
        pipeline.errors.LoginNeeded
            There is no usable login and nobody to ask.
        pipeline.errors.ServiceError
            The local service cannot be started.
        """
        if self._globus is None:
            from pipeline.globus import GlobusStorageManager

            self.start_sandbox()
            settings = self.settings
            if self._connection is not None:
                from pipeline.locations import with_known

                settings = with_known(settings)
            shared = self._sharing
            keeper = shared if shared is not None and shared.interactive == self.interactive else self
            if keeper._kept is None:
                keeper._kept = KeptLogin(lambda these: GlobusStorageManager(these, interactive=keeper.interactive))
            self._globus = keeper._kept.manager(settings)
        return self._globus

    @property
    def sandbox_folder(self) -> Path | None:
        """Folder of the local Globus service that the settings name (``globus.sandbox``), None without one."""
        service_file = self.settings.globus.service_file
        if service_file is None or self.settings.origins.get("globus.sandbox", "default") == "default":
            return None
        return service_file.parent

    def start_sandbox(self) -> None:
        """Start the local Globus service named by the settings, unless it runs or none is named."""
        folder = self.sandbox_folder
        if folder is not None and not self.settings.globus.auth_url:
            from mapshell.sandbox import service

            own = service.start(folder).environment
            for name, instead in _OWN_ADDRESS.items():
                if self.environ.get(name, "").strip() not in {"", own[name]}:
                    self.output.warn(
                        f"environment variable {name} is not used: globus.sandbox names the sandbox of this folder. "
                        "Remedy: remove globus.sandbox, or set " + instead + "."
                    )


def pass_context(function: Callable[..., Result]) -> Callable[..., Result]:
    """Decorate a command: its first argument is the ``Context``."""

    @wraps(function)
    def with_context(*args: Any, **kwargs: Any) -> Result:
        current = click.get_current_context()
        return current.invoke(function, current.ensure_object(Context), *args, **kwargs)

    return with_context
