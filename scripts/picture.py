"""Draw the picture of the README: what a terminal shows while `mapshell demo` runs, as docs/img/demo.svg.

.venv/bin/python scripts/picture.py [COMMAND ...]     by default: mapshell demo, in a new folder

The command runs in a real (pseudo) terminal, so the picture has its colours, bars and widths. Needs the group `dev`
(pip install --group dev) and a system with pseudo terminals.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    sys.exit("The picture is drawn on Linux or macOS: Windows has no pseudo terminals of this kind.")

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import tempfile
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "img" / "demo.svg"
COLUMNS, LINES = 140, 200  # more lines than the output has: nothing scrolls away


def record(command: Sequence[str], cwd: Path) -> bytes:
    """Run a command in a terminal of our size; return everything that it wrote.

    Raises
    ------
    subprocess.CalledProcessError
        The command failed.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environ.pop("NO_COLOR", None)
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", "")])  # as when installed
    written = b""
    with subprocess.Popen(command, cwd=cwd, env=environ, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        with contextlib.suppress(OSError):  # the way in which Linux says that the other end is closed
            while piece := os.read(ours, 65536):
                written += piece
    os.close(ours)
    if process.returncode:
        sys.stdout.buffer.write(written)
        raise subprocess.CalledProcessError(process.returncode, command)
    return written


def screen(written: bytes) -> list[Any]:
    """Return the lines that stand on the terminal at the end, as styled text of rich."""
    import pyte
    from rich.text import Text

    display = pyte.Screen(COLUMNS, LINES)
    pyte.ByteStream(display).feed(written)
    lines = []
    for number in range(LINES):
        line = Text()
        for column in range(COLUMNS):
            cell = display.buffer[number][column]
            line.append(cell.data, style=_style(cell))
        line.rstrip()
        lines.append(line)
    while lines and not lines[-1].plain:
        lines.pop()
    return lines


def _style(cell: Any) -> str:
    words = [name for name in ("bold", "italics", "underscore", "reverse") if getattr(cell, name)]
    words = [{"italics": "italic", "underscore": "underline"}.get(word, word) for word in words]
    if cell.fg != "default":
        words.append(_colour(cell.fg))
    if cell.bg != "default":
        words.append("on " + _colour(cell.bg))
    return " ".join(words)


def _colour(name: str) -> str:
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return "#" + name
    bright = name.startswith("bright")
    plain = name.removeprefix("bright").replace("brown", "yellow")
    return f"bright_{plain}" if bright else plain


def draw(lines: Sequence[Any], title: str) -> str:
    """Return the picture."""
    from rich.console import Console

    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop")
    return console.export_svg(title=title, unique_id="demo")


def main(args: list[str]) -> int:
    """Run, draw, write; return the exit code."""
    program = Path(sys.executable).with_name("mapshell")
    with tempfile.TemporaryDirectory(prefix="mapshell-picture-") as folder:
        command = [str(program), *args] if args else [str(program), "demo", "--dir", "mapshell-demo"]
        lines = screen(record(command, Path(folder)))
        if not args:
            subprocess.run([str(program), "demo", "--dir", "mapshell-demo", "--stop"], cwd=folder, check=True)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(draw(lines, "mapshell " + (" ".join(args) or "demo")), encoding="utf-8", newline="\n")
    print(f"{TARGET.relative_to(ROOT)}: {len(lines)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
