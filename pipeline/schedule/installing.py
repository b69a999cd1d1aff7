"""Writes units of systemd, or tasks of Windows, and takes them away; nothing that is not ours is touched."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import LocalDiskError, Refused, ServiceError
from pipeline.folders import home
from pipeline.schedule import system, systemd, tasks
from pipeline.schedule.cron import lines
from pipeline.schedule.system import Installed, Run, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.schedule.plan import Plan

_ENDINGS = (".service", ".timer")


def unit_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the person's units."""
    configured = environ.get("XDG_CONFIG_HOME", "")
    return (Path(configured) if configured else home(environ) / ".config") / "systemd" / "user"


def scheduler(environ: Mapping[str, str], plan: Plan | None = None) -> str:
    """Return what starts programs here: ``systemd`` or ``windows``.

    Raises
    ------
    ServiceError
        Neither; the remedy has the lines for cron.
    """
    if os.name == "nt":
        if shutil.which("schtasks", path=environ.get("PATH")):
            return "windows"
        raise ServiceError(
            "schtasks, by which Windows is told of tasks, is not there.",
            remedy="add the folder System32 of Windows to PATH, or make the task by hand (`mapshell schedule install "
            "--dry-run` prints what it must say).",
        )
    if sys.platform != "darwin" and shutil.which("systemctl", path=environ.get("PATH")):
        return "systemd"
    said = "\n" + "\n".join(lines(plan)) if plan is not None else " `mapshell schedule install` prints the line."
    raise ServiceError(
        "This system has no systemd that would start rounds.", remedy=f"give cron this (crontab -e):{said}"
    )


def install(plan: Plan, environ: Mapping[str, str], *, dry_run: bool = False, run: Run = run) -> Installed:
    """Install a plan; again, it changes what is other, and takes away what is no longer wanted.

    Raises
    ------
    ServiceError
        Nothing here starts programs, or it refuses.
    Refused
        A file of that name is not ours.
    LocalDiskError
        A file cannot be written.
    """
    if scheduler(environ, plan) == "windows":
        return tasks.install(plan, dry_run=dry_run, run=run)
    folder, wanted = unit_folder(environ), systemd.units(plan)
    done = Installed(texts=wanted)
    for name, text in wanted.items():
        file = folder / name
        old = _ours(file)
        done.files[str(file)] = "new" if old is None else "as it was" if old == text else "changed"
        if old is not None and old != text:
            before, after = systemd.lines(old), systemd.lines(text)
            done.differences += unified_diff(before, after, f"{name} (before)", name, lineterm="", n=0)
    stale = [file for file in _files(folder, plan.name) if file.name not in wanted and _ours(file) is not None]
    done.files.update({str(file): "removed" for file in stale})
    if dry_run:
        return done
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in wanted.items():
            if done.files[str(folder / name)] != "as it was":
                _write(folder / name, text)
    except OSError as error:
        raise _unwritable(error) from error
    starts = systemd.enabled(plan)
    commands = [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", *starts]]
    if stale:
        _take_away(stale, run)
    lasting = [name for name in starts if name.endswith(".service") and done.files[str(folder / name)] == "changed"]
    if lasting:
        commands.append(["systemctl", "--user", "restart", *lasting])
    _tell(commands, done, run)
    user = environ.get("USER") or system.user()
    if not Path("/var/lib/systemd/linger", user).exists():
        done.hints.append("So that it runs while you are not logged in, type once: loginctl enable-linger")
    return done


def remove(name: str, environ: Mapping[str, str], *, dry_run: bool = False, run: Run = run) -> Installed:
    """Take away what was installed for a configuration.

    Raises
    ------
    ServiceError
        Nothing here starts programs.
    LocalDiskError
        A file cannot be removed.
    """
    done = Installed()
    if scheduler(environ) == "windows":
        return tasks.remove(name, dry_run=dry_run, run=run)
    ours = [file for file in _files(unit_folder(environ), name) if _is_ours(file)]
    done.files.update({str(file): "removed" for file in ours})
    if ours and not dry_run:
        _take_away(ours, run)
        _tell([["systemctl", "--user", "daemon-reload"]], done, run)
    return done


def _take_away(files: list[Path], run: Run) -> None:
    """Stop and remove units; where no manager listens, nothing of them runs."""
    run(["systemctl", "--user", "disable", "--now", *(file.name for file in files)])
    try:
        for file in files:
            file.unlink(missing_ok=True)
            for wants in file.parent.glob("*.target.wants"):
                link = wants / file.name
                if link.is_symlink():
                    link.unlink()
    except OSError as error:
        raise _unwritable(error) from error


def _tell(commands: list[list[str]], done: Installed, run: Run) -> None:
    """Tell systemd; from the first command that fails on, they are the person's to type."""
    for number, command in enumerate(commands):
        if run(command).returncode != 0:
            done.to_type = [" ".join(each) for each in commands[number:]]
            return


def _files(folder: Path, name: str) -> list[Path]:
    names = [f"{name}{suffix}{ending}" for suffix in system.SUFFIXES for ending in _ENDINGS]
    return [folder / each for each in names if (folder / each).exists()]


def _is_ours(file: Path) -> bool:
    try:
        return systemd.read(file.name, file.read_text("utf-8")) is not None
    except (OSError, ValueError):
        return False


def _ours(file: Path) -> str | None:
    """Return the text of a unit of ours, None when there is none; one that somebody else wrote is left alone."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unwritable(error) from error
    except ValueError:  # no text at all
        text = ""
    if systemd.read(file.name, text) is None:
        raise Refused(f"{file} was not written by mapshell.", remedy="move it away, if nobody needs it.")
    return text


def _write(file: Path, text: str) -> None:
    handle, place = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        Path(place).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(place).unlink()
        raise


def _unwritable(error: OSError) -> LocalDiskError:
    return LocalDiskError(
        f"{error.filename}: {error.strerror or error}.", remedy="check who owns the folder, and its free space."
    )
