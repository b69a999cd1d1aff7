"""The settings of this computer: which file, what it says that is odd, in which time zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.layouts import compile_layout
from pipeline.doctor.findings import Finding, Subject, failure, ok, warning
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.doctor.world import World

_REMEDY = " Remedy: "


def read(world: World, _: Subject) -> Iterable[Finding]:
    """Read the settings; each of their warnings is one."""
    from pipeline import settings

    loaded = world.settings = settings.load(environ=world.environ, file=world.file)
    if loaded.file is not None:
        yield ok(f"{loaded.file}", file=str(loaded.file))
    elif all(origin == "default" for origin in loaded.origins.values()):
        yield warning(
            "There is no dj_local_conf.json in this folder, in those above it, or in your configuration folder; the "
            "defaults hold.",
            "work in the lab's folder, name the file with --config FILE, or write one: mapshell config init",
        )
    else:
        yield ok("no file; environment variables alone")
    for each in loaded.warnings:
        message, _mark, remedy = each.partition(_REMEDY)
        yield warning(message, remedy or "correct it there; `mapshell config reference` lists every setting.")
    for kind, patterns in loaded.archive.layouts.items():
        for pattern in patterns:
            try:
                compile_layout(pattern)
            except ConfigError as error:
                place = loaded.origins[f"archive.{kind}_layouts"].removeprefix("file ")
                said = f"{place}, archive.{kind}_layouts: {error.message}"
                yield failure(ConfigError(said, remedy=error.remedy))


def zone(world: World, _: Subject) -> Iterable[Finding]:
    """Tell in which time zone session times are read."""
    own = world.settings.archive
    if own.timezone_name is not None:
        yield ok(f"{own.timezone} (archive.timezone)", timezone=own.timezone)
    elif own.timezone == "UTC" and world.settings.globus.local_roots:
        yield warning(
            "This computer's time zone is UTC, and archive.timezone is not set: recordings are given to sessions by "
            "their local start.",
            "set archive.timezone to the zone of the rigs, such as America/New_York (or UTC, if that is meant).",
            timezone=own.timezone,
        )
    else:
        yield ok(f"{own.timezone} (this computer's)", timezone=own.timezone)


def computer(world: World, _: Subject) -> Iterable[Finding]:
    """Tell what other computers call this one."""
    name = world.settings.archive.computer
    if name.partition(".")[0].lower() in {"localhost", "", "desktop", "computer"}:
        yield warning(
            f"This computer is called {name or 'nothing'!r}, which others may be called too: rigs that share a "
            "database need names of their own.",
            'set archive.computer, such as "rig-1".',
        )
    else:
        yield ok(name, computer=name)


def notify(world: World, _: Subject) -> Iterable[Finding]:
    """Look whether the program that shall get reports is there, and nobody else can have named it."""
    from pipeline.morning import notifying

    command = world.settings.notify.command
    if not command:
        yield ok("no program gets the morning report (notify.command is not set)")
        return
    notifying.refuse_foreign(world.settings)
    program = notifying.found(command[0], world.environ)
    if program is None:
        error = notifying.missing(world.settings)
        yield failure(ConfigError(f"notify.command: there is no program {command[0]!r} to run.", remedy=error.remedy))
    else:
        yield ok(f"{program} gets the morning report (notify.command)", program=program)
