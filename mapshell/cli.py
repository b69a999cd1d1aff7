"""The command line: what commands there are, as data, and the group that loads each one when it is called.

Nothing heavy is imported here: ``mapshell --help`` must feel instant.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mapshell.context import Context, Options

if TYPE_CHECKING:
    from collections.abc import Callable

EVERYDAY, FOLDERS, SET_UP, SERVICES = "Everyday", "The archive's folders", "Set up", "Local services"


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: where it is, its line in the help, the section of the help in which it stands."""

    module: str
    attribute: str
    help: str
    section: str


COMMANDS: dict[str, Entry] = {
    "ingest-subjects": Entry(
        "ingest", "ingest_subjects", "Enter subjects and water restrictions from a sheet.", EVERYDAY
    ),
    "ingest-recordings": Entry("ingest", "ingest_recordings", "Enter sessions and probes from raw folders.", EVERYDAY),
    "ingest-drive": Entry("drive", "ingest_drive", "Sort a loose drive: what of it is archived?", EVERYDAY),
    "session-ident": Entry("ingest", "session_ident", "Show or set what tells apart the sessions of a day.", EVERYDAY),
    "publication-publish": Entry("publication", "publish", "Archive recordings and prove that they arrived.", EVERYDAY),
    "publication-status": Entry("status", "status", "The board: sessions, what waits, disks, computers.", EVERYDAY),
    "publication-report": Entry("report", "report", "What needs a person; what was done since yesterday.", EVERYDAY),
    "publication-why": Entry("why", "why", "Say why a session is not archived, rule by rule.", EVERYDAY),
    "publication-discover": Entry("discover", "discover", "Rebuild the index from the archive alone.", EVERYDAY),
    "publication-retrieve": Entry("retrieve", "retrieve", "Fetch archived files, each checked.", EVERYDAY),
    "publication-verify": Entry("verify", "verify", "Compare the archive with the index.", EVERYDAY),
    "publication-reclaim": Entry("reclaim", "reclaim", "Free the disk of what is proved to be archived.", EVERYDAY),
    "publication-reassign": Entry(
        "reassign", "reassign", "Correct subject, number or date of what is archived.", EVERYDAY
    ),
    "tasks": Entry("tasks", "tasks", "List transfers and how they stand; wait, cancel.", EVERYDAY),
    "ls": Entry("folders", "ls", "List folders of the archive.", FOLDERS),
    "stat": Entry("folders", "stat", "Show what archive and index say of a file or folder.", FOLDERS),
    "du": Entry("folders", "du", "Sum up sizes below folders.", FOLDERS),
    "find": Entry("folders", "find", "Find files and folders.", FOLDERS),
    "get": Entry("folders_change", "get", "Fetch any files or folders to this computer.", FOLDERS),
    "mkdir": Entry("folders_change", "mkdir", "Make folders at the archive.", FOLDERS),
    "mv": Entry("folders_change", "mv", "Rename what the index does not know.", FOLDERS),
    "cp": Entry("folders_change", "cp", "Copy files or folders, never over anything.", FOLDERS),
    "cd": Entry("folders", "cd", "Go to a folder of the archive (in the shell).", FOLDERS),
    "pwd": Entry("folders", "pwd", "Show where the shell stands.", FOLDERS),
    "demo": Entry("demo", "demo", "Try everything on a small synthetic lab.", SET_UP),
    "doctor": Entry("doctor", "doctor", "See whether all is set up, and what would mend it.", SET_UP),
    "config": Entry("config", "config", "Show the settings and their origin, or write them.", SET_UP),
    "schedule": Entry("schedule", "schedule", "Let the system start rounds by itself, at night.", SET_UP),
    "storage": Entry("storage", "storage", "Show or say where archives lie, for all computers.", SET_UP),
    "database": Entry("database", "database", "Look at the database, bring its tables forward.", SET_UP),
    "erd": Entry("erd", "erd", "Show or draw the tables and how they hang together.", SET_UP),
    "completion": Entry("completion", "completion", "Tab in bash, zsh and fish.", SET_UP),
    "login": Entry("login", "login", "Log in to Globus, with all consents at once.", SET_UP),
    "logout": Entry("login", "logout", "End the Globus login of this computer.", SET_UP),
    "whoami": Entry("login", "whoami", "Show who is logged in to Globus.", SET_UP),
    "shell": Entry("shell", "shell", "Commands and Python under one prompt.", EVERYDAY),
    "sandbox": Entry("sandbox", "sandbox", "A local Globus over plain folders, for trials.", SERVICES),
    "services": Entry("services", "services", "Start, stop and list the local database and sandbox.", SERVICES),
}

ALIASES: dict[str, tuple[str, ...]] = {
    "publication-login": ("login",),
    "publication-publish-ephys": ("publication-publish", "--type", "ephys"),
    "publication-publish-video": ("publication-publish", "--type", "video"),
    "publication-discover-ephys": ("publication-discover", "--type", "ephys"),
    "publication-discover-video": ("publication-discover", "--type", "video"),
}
"""Names of map-ephys for the same commands, so that its cron lines go on working; no help lists them."""

LONG = "publication-"
SHORT: dict[str, str] = {name.removeprefix(LONG): name for name in COMMANDS if name.startswith(LONG)}
"""Every name without its ``publication-`` does as well."""


def command_names() -> frozenset[str]:
    """Return all names under which a command can be called."""
    return frozenset((*COMMANDS, *ALIASES, *SHORT))


EXAMPLES = """\b
Examples:
  mapshell demo                              a whole recording day, archived before your eyes
  mapshell shell                             a prompt for all of this
  mapshell config init                       write the settings of this computer
  mapshell doctor                            is everything set up?
  mapshell publication-publish --dry-run     what would be archived
  mapshell publication-publish               archive it
  mapshell publication-status --format json  for programs

\b
The options above may stand behind the command's name as well; publication- may
be left out of a command's name (mapshell publish).
Exit status: 0 done, 1 failed, 2 wrong use, 3 partly done,
             4 login needed, 5 configuration, 130 interrupted."""


def _store(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep an option that was given, before or after the subcommand; what is not given changes nothing."""
    if param.name and ctx.get_parameter_source(param.name) is click.core.ParameterSource.COMMANDLINE:
        context = ctx.ensure_object(Context)
        setattr(context.options, param.name, value)
        if param.name == "debug":
            from mapshell import log

            log.set_up(context.environ, debug=True)


def _common() -> list[click.Option]:
    """Return the options that every command takes."""
    return [
        click.Option(
            ["--config"],
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            expose_value=False,
            callback=_store,
            help="Use this settings file instead of searching for dj_local_conf.json.",
        ),
        click.Option(
            ["--format"],
            type=click.Choice(["table", "json", "csv"]),
            default="table",
            expose_value=False,
            is_eager=True,  # so that even an error in the other options is told in the right form
            callback=_store,
            help="How to print results; table by default.",
        ),
        click.Option(
            ["-q", "--quiet"], is_flag=True, expose_value=False, callback=_store, help="Say only warnings and errors."
        ),
        click.Option(
            ["--debug"], is_flag=True, expose_value=False, callback=_store, help="Show log lines and tracebacks."
        ),
        click.Option(["--no-input"], is_flag=True, expose_value=False, callback=_store, help="Never ask anything."),
    ]


def with_common_options(command: click.Command) -> click.Command:
    """Add the common options to a command and to those below it; options that it has already stay its own."""
    taken = {name for param in command.params for name in param.opts}
    for option in _common():
        free = [name for name in option.opts if name not in taken]
        if option.name and f"--{option.name.replace('_', '-')}" in free:
            option.opts = free
            command.params.append(option)
    command.context_settings = {**CONTEXT_SETTINGS, **command.context_settings}
    if isinstance(command, click.Group) and not isinstance(command, LazyGroup):
        for each in command.commands.values():
            with_common_options(each)
    return command


def common_options(function: Callable[..., Any] | click.Command) -> Any:
    """Mark a command as taking the common options.

    The group gives them to every command of ``COMMANDS`` when it loads it, so that nobody needs this decorator; it is
    for commands that are run on their own, as in a test.
    """
    return with_common_options(function) if isinstance(function, click.Command) else function


COLLECTING = (50_000, 20, 50)
"""Objects after which cycles among them are looked for: the files of a large lab are many, and none of them is one."""

CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class LazyGroup(click.Group):
    """A group whose commands are listed from ``COMMANDS`` and imported when one is called."""

    aliases = ALIASES

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command, None when there is none of that name."""
        del ctx
        return _load(SHORT.get(cmd_name) or ALIASES.get(cmd_name, (cmd_name,))[0])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; another name of it may bring options along, which hold."""
        name, command, rest = super().resolve_command(ctx, args)
        meant = ALIASES.get(args[0], ())[1:]
        if meant and any(arg.split("=")[0] == meant[0] for arg in rest):
            from pipeline.errors import UsageError

            raise UsageError(
                f"{args[0]} means {' '.join(ALIASES[args[0]])}, so it takes no {meant[0]} of its own.",
                remedy=f"leave {meant[0]} out, or use {ALIASES[args[0]][0]}.",
            )
        return name, command, [*meant, *rest]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, from the table alone."""
        del ctx
        widest = max(len(name) for name in COMMANDS)
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name.ljust(widest), entry.help) for name, entry in COMMANDS.items() if entry.section == section]
                )


@cache
def _load(name: str) -> click.Command | None:
    entry = COMMANDS.get(name)
    if entry is None:
        return None
    module = import_module(f"mapshell.commands.{entry.module}")
    command: click.Command = getattr(module, entry.attribute)
    command.name = name
    return with_common_options(command)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("mapshell")
        except PackageNotFoundError:  # run from a folder of sources
            number = "unknown version"
        click.echo(f"mapshell {number}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings=CONTEXT_SETTINGS, epilog=EXAMPLES)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Archive a lab's recording days with Globus, prove that they arrived, find and fetch them again."""
    from mapshell import log

    context = ctx.ensure_object(Context)
    context.log = log.set_up(context.environ, debug=context.options.debug)


cli.params = [*_common(), *cli.params]


def main(args: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    from mapshell import foreign

    found = foreign.foreign_pipeline()
    if found is not None:
        sys.stderr.write(foreign.message(found) + "\n")
        sys.exit(5)
    from mapshell import errors

    if "_MAPSHELL_COMPLETE" in os.environ:
        from mapshell.completion.terminal import register

        register()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names of files need not fit the terminal's alphabet
    usual = gc.get_threshold()
    gc.set_threshold(*COLLECTING)
    context = Context(Options())
    code = errors.run(cli, sys.argv[1:] if args is None else args, context)
    context.keep_names()
    gc.set_threshold(*usual)  # for whoever called this from a process that goes on
    # Else Python takes a quarter of a second to look for cycles in all that ends with the process anyway.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    sys.exit(code)
