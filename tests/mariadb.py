"""MariaDB from Debian's packages: whether it is here, a folder made for a server, and the command that serves it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MISSING = "NO MARIADB: it is not installed, or MAPSHELL_TEST_MARIADB=absent; only PostgreSQL is tested"


def found() -> bool:
    """Say whether both programs are here, and may be used."""
    programs = all(_find(name) for name in ("mariadbd", "mariadb-install-db"))
    return programs and os.environ.get("MAPSHELL_TEST_MARIADB") != "absent"


def prepare(folder: Path, *, log_at_commit: int = 0) -> tuple[list[str], int]:
    """Make an empty server's folder; return the command that serves it, and its port.

    Parameters
    ----------
    folder
        Made.
    log_at_commit
        0: what was committed may be lost with the server; 2: only with the computer.
    """
    folder.mkdir(parents=True)
    user = ["--user=root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    data = f"--datadir={folder / 'data'}"
    install = [_find("mariadb-install-db"), "--no-defaults", data, "--auth-root-authentication-method=normal"]
    made = subprocess.run(
        [*install, "--skip-test-db", *user],
        # Temporary tables of two servers bear the same names.
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        _find("mariadbd"),
        "--no-defaults",
        data,
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder / 's'}",
        f"--pid-file={folder / 'pid'}",
        f"--tmpdir={folder}",
        # As a lab's server is set up by default: the product must do without the administrator's help.
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_general_ci",
        "--default-time-zone=+05:00",
        "--skip-name-resolve",
        # Nobody here waits for the disk.
        f"--innodb-flush-log-at-trx-commit={log_at_commit}",
        "--innodb-doublewrite=0",
        "--innodb-buffer-pool-size=32M",
        *user,
    ]
    return command, port


def _find(name: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return shutil.which(name, path=path) or ""
