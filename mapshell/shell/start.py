"""Opening the shell: scripts run at once; a person gets a prompt, whether or not the database answers."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from pipeline.errors import MapshellError, UsageError
from pipeline.settings import CONFIG_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from mapshell.completion.tree import Command
    from mapshell.context import Context
    from mapshell.shell.running import Runner


def run(context: Context, *, file: Path | None, script: str | None) -> int:
    """Run a script, or a prompt when there is none; return the exit code.

    Raises
    ------
    UsageError
        Two scripts were given, or the file cannot be read.
    """
    if file is not None and script is not None:
        raise UsageError("Both a file and -c were given.", remedy="give one of them.")
    if context.options.config is not None:
        # For Python too: `publication.GlobusStorageManager()` reads the settings at hand by itself.
        os.environ[CONFIG_VARIABLE] = str(context.options.config.absolute())
    text, name = _script(context, file, script)
    runner = _runner(context)
    if text is None:
        return _interactive(context, runner)
    from mapshell.shell.script import run_script

    return run_script(runner, text, name)


def _script(context: Context, file: Path | None, script: str | None) -> tuple[str | None, str]:
    if script is not None:
        return script, "-c"
    if file is None and sys.stdin.isatty():
        if context.options.no_input:
            raise UsageError("With --no-input there is nobody who types.", remedy="give a file, or -c TEXT.")
        return None, ""
    if file is None or str(file) == "-":
        return sys.stdin.read(), "standard input"
    try:
        return file.read_text(encoding="utf-8"), str(file)
    except OSError as error:
        raise UsageError(
            f"The script {file} cannot be read: {error.strerror}.", remedy="name an existing file."
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The script {file} is no text in UTF-8.", remedy="store it as UTF-8 text.") from error


def _runner(context: Context) -> Runner:
    from mapshell.cli import cli, command_names
    from mapshell.shell.names import at_hand
    from mapshell.shell.running import Runner

    return Runner(context, cli, command_names(), at_hand())


def _interactive(context: Context, runner: Runner) -> int:
    import shutil
    from importlib.metadata import version

    from ptpython.completer import PythonCompleter

    from mapshell.shell.banner import banner
    from mapshell.shell.completer import ShellCompleter
    from mapshell.shell.facts import Watcher, toolbar
    from mapshell.shell.names import headings
    from mapshell.shell.places import FolderPlaces, Remote
    from mapshell.shell.prompt import Prompt, open_prompt
    from mapshell.shell.unhurried import Unhurried
    from pipeline import database
    from pipeline.folders import data_folder

    try:
        context.database()
    except MapshellError as error:
        context.output.error(error.message, error.remedy)
    sys.ps1 = "mapshell> "  # the library asks for a login here, as at any Python prompt
    click.echo(banner(version("mapshell"), database.describe() if database.is_bound() else None), err=True)
    history = data_folder(context.environ) / "shell_history"
    history.parent.mkdir(parents=True, exist_ok=True)
    commands: list[Command] = []

    def tree() -> Command:
        from mapshell.cli import ALIASES
        from mapshell.completion.tree import describe

        if not commands:
            commands.append(describe(runner.group, sorted(runner.commands - ALIASES.keys())))
        return commands[0]

    def changed() -> None:
        if prompt.app.is_running:
            prompt.app.invalidate()

    def again() -> None:
        prompt.complete_again()

    watcher = Watcher(context, changed)
    folders = FolderPlaces(Remote(context).listed)

    def after() -> None:
        watcher.look_now()
        folders.forget()

    runner.after = after
    completer = ShellCompleter(
        runner.understand,
        tree,
        lambda: watcher.facts.knowledge,
        folders,
        PythonCompleter(lambda: runner.python.names, lambda: runner.python.names, lambda: False),
        lambda table: headings(runner.python.names, table),
    )
    prompt = Prompt(
        runner,
        Unhurried(completer, again),
        history,
        lambda: toolbar(watcher.facts, shutil.get_terminal_size().columns),
        lambda: context.standing[0] if context.standing else "",
    )
    try:
        return open_prompt(prompt, watcher.start)
    finally:
        watcher.stop()
