"""Where the data of the embedded PostgreSQL live and how they are made: folder, passwords, first set-up."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipeline import embedded_programs
from pipeline.embedded_programs import SystemUser, open_folder, options_for
from pipeline.errors import ServiceError
from pipeline.services import write_private

DATABASE = "mapshell"
ROLE = "mapshell"
SUPERUSER = "postgres"
MAJOR_VERSION = "18"
_INITDB_TIMEOUT_S = 300


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
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
        capture_output=True,
        cwd="/",
        check=False,
        **options_for(user),
    )
    return done.returncode == 0


def _place_elsewhere(folder: Path, user: SystemUser) -> Path:
    place = embedded_programs.PRIVATE_ROOT / f"database-{secrets.token_hex(8)}"
    open_folder(embedded_programs.PRIVATE_ROOT)
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
            **options_for(user),
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
