"""Where the data of the embedded PostgreSQL live and how they are made: folder, passwords, first set-up."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.embedded.programs import SystemUser, as_argument, options_for
from pipeline.errors import ServiceError
from pipeline.private.files import read_private
from pipeline.services import write_private

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = "mapshell"
ROLE = "mapshell"
SUPERUSER = "postgres"
MAJOR_VERSION = "18"
_INITDB_TIMEOUT_S = 300


def data_folder(folder: Path) -> Path:
    """Where the data of this embedded database lie."""
    return folder / "data"


def prepare_folder(folder: Path, user: SystemUser | None) -> Path:
    """Make the private folder; parents of it are left as they are.

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
        if user is not None and folder.stat().st_uid != 0:
            raise ServiceError(
                f"The embedded database in {folder} belongs to another user (id {folder.stat().st_uid}).",
                remedy="Work as that user, or name another folder: database.embedded.",
            )
        folder.chmod(0o700)
    except OSError as error:
        raise ServiceError(
            f"Cannot use {folder} for the embedded database: {error.strerror or error}.",
            remedy="Check its permissions and free space, or name another folder: database.embedded.",
        ) from error
    return data_folder(folder)


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
        The file is missing or unreadable, or others can read it.
    """
    try:
        raw = json.loads(read_private(folder / "secret.json"))
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
        data_in_work, password = work / "data", work / "password"
        work.mkdir(mode=0o700)
        data_in_work.mkdir(mode=0o700)
        write_private(password, read_secrets(folder).superuser.encode())
        if user is not None:
            for path in (work, data_in_work, password):
                os.chown(path, user.uid, user.gid)
        done = subprocess.run(
            [
                str(programs / "initdb"),
                f"--pgdata={as_argument(data_in_work, user)}",
                f"--username={SUPERUSER}",
                "--pwfile=../password",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--wal-segsize=4",
                # Written back once the server is up, by the supervisor: nobody waits for the disk on the first start.
                "--no-sync",
            ],
            capture_output=True,
            timeout=_INITDB_TIMEOUT_S,
            cwd=data_in_work,
            check=False,
            **options_for(user),
        )
        if done.returncode != 0:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise ServiceError(
                f"The embedded database could not be created in {data}: {reason[-1] if reason else 'initdb failed'}",
                remedy="Check the free space there, or name another folder: database.embedded.",
            )
        data_in_work.rename(data)
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
