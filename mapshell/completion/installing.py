"""Completion written into a person's shell, marked, so that it can be renewed and taken out again."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mapshell.completion.terminal import SHELLS, script
from pipeline.errors import LocalDiskError, UsageError
from pipeline.folders import data_folder, home

if TYPE_CHECKING:
    from collections.abc import Mapping

_BEGIN, _END = "# >>> mapshell completion >>>", "# <<< mapshell completion <<<"


@dataclass(frozen=True, slots=True)
class Installed:
    """What was done: the file of the script, and the start-up file that reads it (None: the shell finds it itself)."""

    shell: str
    script: Path
    startup: Path | None
    changed: bool


def shell_of(environ: Mapping[str, str]) -> str:
    """Return the person's shell.

    Raises
    ------
    UsageError
        It is none that can be completed.
    """
    name = Path(environ.get("SHELL", "")).name
    if name in SHELLS:
        return name
    raise UsageError(
        f"This terminal's shell {'is ' + name if name else 'is not known'}.", remedy=f"name it: {', '.join(SHELLS)}."
    )


def install(shell: str, environ: Mapping[str, str]) -> Installed:
    """Write the script, and make the shell read it when it starts; again, it is renewed.

    Raises
    ------
    LocalDiskError
        A file cannot be written.
    """
    file, startup = _files(shell, environ)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        text = script(shell)
        _write(file, text)
        changed = before != text
        if startup is not None:
            old = startup.read_text(encoding="utf-8") if startup.exists() else ""
            new = _with_block(old, f'[ -r "{file}" ] && . "{file}"')
            if new != old:
                startup.parent.mkdir(parents=True, exist_ok=True)
                _write(startup, new)
                changed = True
    except OSError as error:
        raise _unwritable(error) from error
    return Installed(shell, file, startup, changed)


def remove(shell: str, environ: Mapping[str, str]) -> Installed:
    """Take completion out again; what else stands in the start-up file stays as it is.

    Raises
    ------
    LocalDiskError
        A file cannot be written.
    """
    file, startup = _files(shell, environ)
    changed = False
    try:
        if file.exists():
            file.unlink()
            changed = True
        if startup is not None and startup.exists():
            old = startup.read_text(encoding="utf-8")
            new = _without_block(old)
            if new != old:
                _write(startup, new)
                changed = True
    except OSError as error:
        raise _unwritable(error) from error
    return Installed(shell, file, startup, changed)


def _write(file: Path, text: str) -> None:
    """Write a file whole or not at all: a start-up file cut short would cost a person more than completion.

    A link of the person's stays one, and the file keeps its mode.
    """
    target = file.resolve()
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o644)
        Path(temporary).replace(target)
    except OSError:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _files(shell: str, environ: Mapping[str, str]) -> tuple[Path, Path | None]:
    person = home(environ)
    if shell == "fish":
        config = Path(environ.get("XDG_CONFIG_HOME") or person / ".config")
        return config / "fish" / "completions" / "mapshell.fish", None
    folder = data_folder(environ) / "completion"
    if shell == "zsh":
        return folder / "mapshell.zsh", Path(environ.get("ZDOTDIR") or person) / ".zshrc"
    return folder / "mapshell.bash", person / ".bashrc"


def _with_block(text: str, line: str) -> str:
    rest = _without_block(text)
    if rest and not rest.endswith("\n"):
        rest += "\n"
    return f"{rest}{_BEGIN}\n{line}\n{_END}\n"


def _without_block(text: str) -> str:
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if line.strip() == _BEGIN:
            inside = True
        elif line.strip() == _END and inside:
            inside = False
        elif not inside:
            kept.append(line)
    return text if inside else "".join(kept)


def _unwritable(error: OSError) -> LocalDiskError:
    return LocalDiskError(
        f"{error.filename} cannot be written: {error.strerror}.",
        remedy="correct it, or take the script and put it where you like: mapshell completion show.",
    )
