"""Runs what is typed: commands in this process with everything they share, Python in one namespace."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mapshell import errors
from mapshell.shell import python
from mapshell.shell.language import Line, first_word, meant, understand, words
from pipeline.errors import MapshellError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

    from mapshell.context import Context

LEAVE = ("exit", "quit")
HELP = "help"
_HIGHEST = 255  # of an exit status


class Leave(Exception):
    """The person wants to go; ``code`` is the exit status."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


class Runner:
    """Runs lines one after the other; every error is shown, and told as an exit code.

    Parameters
    ----------
    context
        Settings, database and login that all lines share.
    group
        The subcommands.
    commands
        Their names, the short ones too.
    names
        The Python namespace.
    """

    def __init__(self, context: Context, group: click.Group, commands: frozenset[str], names: dict[str, Any]) -> None:
        self.context = context
        self.group = group
        self.commands = commands | {*LEAVE, HELP}
        self.python = python.Python(names, self._show)
        self.after: Callable[[], object] = lambda: None
        self._ready = False
        self._said = ""

    def understand(self, text: str) -> Line:
        """Say what a line is."""
        return understand(text, self.commands)

    def run(self, line: Line, file: str = "", number: int = 1) -> int:
        """Run one line and return its exit code; ``after`` is called when it is done.

        Raises
        ------
        Leave
            The line was ``exit`` or ``quit``.
        """
        try:
            return self._run(line, file, number)
        finally:
            self.after()

    def _run(self, line: Line, file: str, number: int) -> int:
        if line.kind == "command":
            return self._command(line.text)
        if line.kind == "question":
            return self._question(line.text)
        if line.kind == "system":
            return self._system(line.text)
        if line.kind == "python":
            return self._python(line.text, file, number)
        return errors.DONE

    def _command(self, text: str) -> int:
        try:
            args = words(text, backslashes=os.name != "nt")
        except UsageError as error:
            self.context.output.error(error.message, error.remedy)
            return errors.exit_code(error)
        if args[0] in LEAVE:
            return self._leave(args[1:])
        if args[0] == HELP:
            return self._help(args[1:])
        if args[0] == "shell":
            self.context.output.error("This is the shell already.", "type the commands here; exit leaves.")
            return errors.USAGE
        child = self.context.child()
        try:
            return errors.run(self.group, args, child)
        finally:
            with suppress(MapshellError):  # the next line will tell
                if self.context.moved():  # by --config, or by a command such as demo
                    self.context.database()

    def _leave(self, args: list[str]) -> int:
        """Leave with the exit status that was given, 0 to 255.

        Raises
        ------
        Leave
            It is one.
        """
        code = args[0] if args else str(errors.DONE)
        if len(args) > 1 or not (code.isascii() and code.isdecimal()) or int(code) > _HIGHEST:
            self.context.output.error(f"{' '.join(args)} is no exit status.", "for example: exit, exit 3")
            return errors.USAGE
        raise Leave(int(code))

    def _help(self, args: list[str]) -> int:
        from mapshell.shell.banner import how_to

        if args:
            return self._question(".".join(args) if args[0] not in self.commands else " ".join(args))
        code = errors.run(self.group, ["--help"], self.context.child())
        self.context.output.data(how_to())
        return code

    def _question(self, asked: str) -> int:
        if not asked:
            return self._help([])
        if first_word(asked) in self.commands - {*LEAVE, HELP}:
            return errors.run(self.group, [*asked.split(), "--help"], self.context.child())
        from mapshell.shell.names import describe

        said = describe(self.python.names, asked)
        if said is None:
            self.context.output.error(f"Nothing is called {asked}.", "help lists the commands; dir() the Python names.")
            return errors.USAGE
        self.context.output.data(said)
        return errors.DONE

    def _system(self, text: str) -> int:
        """Let the system's own shell run a text, as a person types it there."""
        if not text:
            self.context.output.error("There is nothing behind the exclamation mark.", "for example: !df -h")
            return errors.USAGE
        try:
            return subprocess.run(text, shell=True, check=False).returncode  # noqa: S602 - that is what ! means
        except KeyboardInterrupt:
            self._end_line()
            return errors.INTERRUPTED

    def _python(self, text: str, file: str, number: int) -> int:
        try:
            self._prepare()
            self.python.run(text, file, number)
        except Leave:
            raise
        except SystemExit as error:
            if error.code is not None and not isinstance(error.code, int):
                self.context.output.say(str(error.code))  # as Python itself does
            raise Leave(error.code if isinstance(error.code, int) else errors.FAILED if error.code else 0) from None
        except KeyboardInterrupt as error:
            self._end_line()
            self.context.output.warn("interrupted; transfers that were submitted go on, and stay in the journal.")
            return errors.exit_code(error)
        except BaseException as error:  # noqa: BLE001 - what a person types may raise anything; the shell goes on
            python.tell(error, self.context.output)
            said = meant(text, self.commands) if isinstance(error, NameError | SyntaxError) else ""
            if said:
                self.context.output.say(said[0].upper() + said[1:], style="bold")
            return errors.exit_code(error)
        return errors.DONE

    def _end_line(self) -> None:
        """Begin a new line behind the ^C that the terminal has written."""
        if self.context.output.fancy(self.context.output.stderr):
            self.context.output.say()

    def _prepare(self) -> None:
        """Before Python: the tables' database and the local services, which a command starts by itself.

        A server that does not answer is waited for once; later the tables themselves try when they are used.
        """
        try:
            self.context.renew()
            if not self._ready or self.context.moved() or self.context.stopped():
                self._ready = True
                self.context.database()
            self.context.start_sandbox()
        except MapshellError as error:
            if error.message != self._said:
                self.context.output.warn(f"{error.message} Remedy: {error.remedy}")
            self._said = error.message

    def _show(self, value: Any) -> None:
        output = self.context.output
        if output.for_programs:
            output.data(value if not hasattr(value, "to_dicts") else value.to_dicts())
        else:
            output.data(repr(value))
