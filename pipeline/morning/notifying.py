"""Gives a report to the program that the settings name: as JSON on its standard input, without a shell or a secret."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pipeline.errors import ConfigError, MapshellError
from pipeline.private.environment import without_secrets
from pipeline.private.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.morning.report import MorningReport
    from pipeline.settings import Settings

_KEY = "notify.command"
_LINES = 5
_LONGEST = 300
_KEPT = 20
_DRAIN_S = 2.0
"""How long what a program said is waited for after it has ended (something that it left running may keep it open)."""


class NotifyError(MapshellError):
    """The program that shall get the report is missing, failed, or took too long; the report itself is made."""


def tell(settings: Settings, report: MorningReport, environ: Mapping[str, str] | None = None) -> None:
    """Give a report to ``notify.command``; nothing happens where none is set.

    Parameters
    ----------
    settings
        This computer's settings.
    report
        The report.
    environ
        Environment variables; the process's own by default.  What is called like a secret, or holds one that the
        settings know, is not handed on.

    Raises
    ------
    NotifyError
        The program cannot be found or started, fails, or takes too long.
    ConfigError
        Others can change the settings file that names it.
    """
    command = settings.notify.command
    if not command:
        return
    environ = os.environ if environ is None else environ
    refuse_foreign(settings)
    program = found(command[0], environ)
    if program is None:
        raise missing(settings)
    document = json.dumps(report.document()).encode()  # ASCII, so that no codepage can spoil it
    with tempfile.TemporaryFile() as given:  # not a pipe: whoever reads nothing of it has not failed
        given.write(document)
        given.seek(0)
        _run([program, *command[1:]], settings, given, handed_on(environ, settings))


def found(program: str, environ: Mapping[str, str]) -> str | None:
    """Return the file of a program, None when there is none that can be run.

    A name alone is looked for in the folders of ``PATH``, and in no other: Windows would begin with the working folder.
    """
    folders = [""]
    if not os.path.dirname(program):  # noqa: PTH120 - a Path forgets that "./x" has a folder
        folders = [folder for folder in environ.get("PATH", "").split(os.pathsep) if Path(folder).is_absolute()]
    endings = ["", *(environ.get("PATHEXT", "").split(os.pathsep) if os.name == "nt" else ())]
    named = (os.path.join(folder, program + ending) for folder in folders for ending in endings)  # noqa: PTH118
    return next(filter(None, map(shutil.which, named)), None)


def missing(settings: Settings) -> NotifyError:
    """Make the error of a program that is not there."""
    return NotifyError(
        f"The report was not passed on: there is no program {settings.notify.command[0]!r} that can be run ({_KEY}).",
        remedy=f"install it, make it executable, or write its full path in {_where(settings)}.",
    )


def refuse_foreign(settings: Settings) -> None:
    """Refuse a program that somebody else may have named: whoever can change the settings could run anything as us.

    Raises
    ------
    ConfigError
        The settings file names a program, and is another account's, or everybody can change it.
    """
    file = settings.file
    if file is None or os.name == "nt" or not settings.origins.get(_KEY, "").startswith("file"):
        return
    status = file.stat()
    if status.st_uid not in {os.geteuid(), 0}:
        raise ConfigError(
            f"{file}, {_KEY}: the file belongs to another account (id {status.st_uid}); its program is not run.",
            remedy="name the program in a settings file of your own, or in the environment variable "
            "MAPSHELL_NOTIFY_COMMAND.",
        )
    if status.st_mode & stat.S_IWOTH:
        raise ConfigError(
            f"{file}, {_KEY}: everybody on this computer can change the file; its program is not run.",
            remedy=f"run: chmod o-w '{file}'",
        )


def handed_on(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Return the environment of the program: without anything called like a secret, or holding one of ours."""
    ours = (settings.database.password, settings.globus.client_secret)
    secrets = [each.get_secret_value() for each in ours if each]
    return {
        name: value
        for name, value in without_secrets(environ).items()
        if not any(each in value for each in secrets) and redact(value) == value
    }


def _run(command: list[str], settings: Settings, given: IO[bytes], environ: dict[str, str]) -> None:
    limit, name = settings.notify.timeout, settings.notify.command[0]
    try:
        process = subprocess.Popen(
            command,
            stdin=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environ,
            cwd=settings.file.parent if settings.file is not None else None,
        )
    except OSError as error:
        raise NotifyError(
            f"The report was not passed on: {name} cannot be started: {error.strerror or error}.",
            remedy=f"correct {_KEY} in {_where(settings)}; a script needs its interpreter: {_example()}.",
        ) from None
    said: deque[str] = deque(maxlen=_KEPT)
    listener = threading.Thread(target=_listen, args=(process.stderr, said), daemon=True)
    listener.start()
    try:
        status = process.wait(limit)
    except subprocess.TimeoutExpired:
        _end(process)
        raise NotifyError(
            f"The report was perhaps not passed on: {name} did not end within {limit:g} s and was stopped"
            f"{_last(said, listener, settings)}",
            remedy=f"{_again()}; if it needs longer, set notify.timeout (s).",
        ) from None
    except BaseException:
        _end(process)
        raise
    if status:
        how = f"ended with exit code {status}" if status > 0 else f"was ended by signal {-status}"
        raise NotifyError(
            f"The report was not passed on: {name} {how}{_last(said, listener, settings)}",
            remedy=f"{_again()}.",
        )


def _listen(stream: IO[bytes] | None, said: deque[str]) -> None:
    """Keep the last lines, whatever comes: a line without end is cut, and what is too much forgotten."""
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError), stream:
        while line := stream.readline(4096):
            text = line.decode(errors="replace").strip()
            if text:
                said.append(text)


def _last(said: deque[str], listener: threading.Thread, settings: Settings) -> str:
    """Return what a program said last, for the end of a message; no secret of ours is in it."""
    listener.join(_DRAIN_S)
    text = redact("\n".join([*said.copy()][-_LINES:]))
    for each in (settings.database.password, settings.globus.client_secret):
        if each:
            text = text.replace(each.get_secret_value(), "********")
    lines = [line[:_LONGEST] for line in text.splitlines()]
    return ": " + " / ".join(lines) if lines else ", and said nothing."


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program, and what it has started."""
    import psutil

    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    process.kill()
    process.wait()


def _where(settings: Settings) -> str:
    origin = settings.origins.get(_KEY, "")
    return origin.removeprefix("file ") or "dj_local_conf.json"


def _again() -> str:
    return (
        "try it by hand: `mapshell publication-report --no-notify --format json > report.json`, and give it that file"
    )


def _example() -> str:
    return '["python3", "tell.py"]'


def named(settings: Settings) -> str:
    """Return the name of the program, for people; empty when none is set."""
    return Path(settings.notify.command[0]).name if settings.notify.command else ""
