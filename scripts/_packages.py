"""Packages of Debian's (and Ubuntu's) that the launchers may fetch, where the user may install packages."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# The bare server and its helper programs. The package `mariadb-server` would also set up and start a service of the
# system, and this project wants neither: its tests run a server of their own, in a temporary folder.
MARIADB = ("mariadb-server-core", "mariadb-client-core")
# Moves the clock of that server, for the month that passes in minutes.
FAKETIME = "libfaketime"


def administrator() -> list[str] | None:
    """Return what to put before a command so that it runs as root without a question; None where that is impossible."""
    if sys.platform == "win32":
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        asked = subprocess.run(["sudo", "-n", "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if asked.returncode == 0:
            return ["sudo", "-n"]
    return None


def apt_install(prefix: Sequence[str], packages: Sequence[str]) -> str | None:
    """Install Debian packages; return None when that went well, else the end of what apt-get said."""
    environment = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
    install = [*environment, "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    failure = _run(install)
    if failure is None:
        return None
    refused = _run([*environment, "apt-get", "update", "--quiet"])  # an image without package lists, or with old ones
    return refused or _run(install)


def find_mariadb() -> str | None:
    """Return the path of the MariaDB server program."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/usr/libexec"])
    return shutil.which("mariadbd", path=places)


def provide_mariadb() -> str | None:
    """See to it that the MariaDB server program is there; return None, or the reason why it cannot be had."""
    if find_mariadb():
        return None
    if sys.platform == "win32" or not shutil.which("apt-get"):
        return "mariadbd is not on the PATH, and this computer has no apt-get to install it with"
    prefix = administrator()
    if prefix is None:
        return f"mariadbd is not on the PATH; install it with: sudo apt-get install {' '.join(MARIADB)}"
    print(f"Installing the Debian packages {' and '.join(MARIADB)} (no service is started) ...", flush=True)
    failure = apt_install(prefix, MARIADB)
    if failure is None and find_mariadb():
        return None
    return f"apt-get could not install {' and '.join(MARIADB)}:\n{failure or 'mariadbd is still not there'}"


def provide_faketime() -> str | None:
    """See to it that libfaketime is there; return None, or the reason why it cannot be had."""
    if _has_faketime():
        return None
    prefix = administrator()
    if prefix is None or not shutil.which("apt-get"):
        return f"libfaketime is not installed; on Debian or Ubuntu: sudo apt-get install {FAKETIME}"
    print(f"Installing the Debian package {FAKETIME} ...", flush=True)
    failure = apt_install(prefix, [FAKETIME])
    if failure is None and _has_faketime():
        return None
    return f"apt-get could not install {FAKETIME}:\n{failure or 'its library is still not there'}"


def _has_faketime() -> bool:
    return any(Path("/").glob("usr/lib*/**/faketime/libfaketimeMT.so.1"))


def _run(command: Sequence[str]) -> str | None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=Path("/"),
        check=False,
    )
    return None if done.returncode == 0 else "\n".join(done.stdout.strip().splitlines()[-15:]) or "no output"
