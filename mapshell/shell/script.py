"""Scripts of the shell: a file, ``-c`` or standard input; they stop at the first error, with its exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapshell import errors
from mapshell.shell.running import Leave
from mapshell.shell.statements import statements

if TYPE_CHECKING:
    from mapshell.shell.running import Runner


def run_script(runner: Runner, script: str, name: str) -> int:
    """Run a script's lines and return the exit code: that of the first line that does not end well.

    Parameters
    ----------
    runner
        Runs the lines.
    script
        What they say.
    name
        Where they stand, for messages.
    """
    try:
        for statement in statements(script, runner.commands):
            code = runner.run(statement.line, name, statement.number)
            if code != errors.DONE:
                if code != errors.INTERRUPTED:
                    line = runner.python.line if statement.line.kind == "python" else statement.number
                    runner.context.output.say(f"{name} stopped at line {line}.")
                return code
    except Leave as leave:
        return leave.code
    return errors.DONE
