"""A program in a terminal of our own: type, look at the screen.  For recordings and for the tests of the shell."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Self

import pexpect
import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

PATIENCE_S = 60.0
KEYS = {
    "TAB": "\t",
    "ENTER": "\r",
    "CTRL-C": "\x03",
    "CTRL-D": "\x04",
    "CTRL-R": "\x12",
    "DOWN": "\x1b[B",
    "RIGHT": "\x1b[C",
}


class _Screen(pyte.Screen):
    """A screen that answers what a program asks its terminal, such as where the cursor is."""

    def __init__(self, columns: int, lines: int, send: Callable[[str], object]) -> None:
        super().__init__(columns, lines)
        self._send = send

    def write_process_input(self, data: str) -> None:
        """Answer."""
        self._send(data)


class Terminal:
    """Runs a program in a pseudo terminal of ``columns`` by ``lines`` and keeps its screen.

    Parameters
    ----------
    command
        The program and its arguments.
    cwd, environ
        Where it runs, and its environment.
    columns, lines
        Size of the screen.
    """

    def __init__(
        self, command: Sequence[str], cwd: Path, environ: Mapping[str, str], *, columns: int = 100, lines: int = 30
    ) -> None:
        self._child: Any = pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=str(cwd),
            env={**environ, "TERM": "xterm-256color"},
            dimensions=(lines, columns),
            timeout=PATIENCE_S,
        )
        self._screen = _Screen(columns, lines, self._child.send)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close(force=True)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, without empty lines at its end."""
        shown = [line.rstrip() for line in self._screen.display]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    def type(self, text: str) -> None:
        """Type a text, or press the key of that name."""
        self._child.send(KEYS.get(text, text))

    def wait_for(self, pattern: str, *, seconds: float = PATIENCE_S) -> str:
        """Wait until the screen shows a text (a regular expression); return the screen.

        Raises
        ------
        AssertionError
            It did not come; the message holds the screen.
        """
        until = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            if time.monotonic() > until or not self._read():
                self._read()
                if re.search(pattern, self.text):
                    break
                raise AssertionError(f"{pattern!r} did not appear; the screen:\n{self.text}")
        return self.text

    def _read(self) -> bool:
        """Take in what the program wrote; False when it has ended."""
        try:
            piece = self._child.read_nonblocking(65536, timeout=0.2)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.written += piece
        self._stream.feed(piece)
        return True

    def end(self) -> int:
        """Wait until the program has ended; return its exit status.

        Raises
        ------
        AssertionError
            It does not end.
        """
        until = time.monotonic() + PATIENCE_S
        while self._read():
            if time.monotonic() > until:
                raise AssertionError(f"it does not end; the screen:\n{self.text}")
        self._child.wait()
        return int(self._child.exitstatus if self._child.exitstatus is not None else -1)
