"""Settings of this computer: one file ``dj_local_conf.json`` and environment variables, which win.

>>> from pipeline import settings
>>> settings.parse("{}", file=None, environ={}).database.schema_prefix
'mapshell_'

The file is looked for from the working directory upwards, then in the person's configuration folder; the variable
``MAPSHELL_CONFIG`` names another.  Both spellings of the Globus keys are read, at the top of the file or under
``custom``.  Keys of DataJoint and of other programs are left alone.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import folders
from pipeline.errors import ConfigError
from pipeline.settings.parse import parse
from pipeline.settings.types import (
    DEFAULT_ALIASES,
    ArchiveSettings,
    DatabaseSettings,
    GlobusSettings,
    LocalRoot,
    NotifySettings,
    ReportSettings,
    Secret,
    Settings,
    StorageLocation,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DEFAULT_ALIASES",
    "FILE_NAME",
    "ArchiveSettings",
    "DatabaseSettings",
    "GlobusSettings",
    "LocalRoot",
    "NotifySettings",
    "ReportSettings",
    "Secret",
    "Settings",
    "StorageLocation",
    "check_folders",
    "find",
    "load",
    "parse",
]

FILE_NAME = "dj_local_conf.json"
CONFIG_VARIABLE = "MAPSHELL_CONFIG"
_LARGEST = 16 * 1024 * 1024  # bytes; no configuration is that large, whatever stands under its name


def find(start: Path | None = None, environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the configuration file that counts at ``start`` (default: the working directory), None without one.

    Raises
    ------
    ConfigError
        ``MAPSHELL_CONFIG`` names a file that is not there.
    """
    environ = os.environ if environ is None else environ
    named = environ.get(CONFIG_VARIABLE, "").strip()
    if named:
        file = Path(named).expanduser().absolute()
        if not file.is_file():
            raise ConfigError(
                f"environment variable {CONFIG_VARIABLE}: there is no file {file}.",
                remedy="correct or remove the variable, or write the file with: mapshell config init",
            )
        return file
    folder = (start or folders.working(environ)).absolute()
    for candidate in (
        *(each / FILE_NAME for each in (folder, *folder.parents)),
        folders.config_folder(environ) / FILE_NAME,
    ):
        if _is_file(candidate):
            return candidate
    return None


def load(start: Path | None = None, environ: Mapping[str, str] | None = None, *, file: Path | None = None) -> Settings:
    """Find and read the settings.  No file at all is fine: the defaults hold.

    Parameters
    ----------
    start
        Folder where the search begins; the working directory by default.
    environ
        Environment variables; the process's own by default.
    file
        A file to read instead of searching.

    Raises
    ------
    ConfigError
        The file cannot be read, or something in it or in the environment must be corrected.
    """
    environ = os.environ if environ is None else environ
    if file is None:
        file = find(start, environ)
    elif not file.is_file():
        raise ConfigError(
            f"there is no file {file}.", remedy="name another file, or write it with: mapshell config init"
        )
    settings = parse(_read(file) if file else "", file=file.absolute() if file else None, environ=environ)
    _check_timezone(settings)
    return _warn_of_readers(settings)


def check_folders(settings: Settings) -> None:
    """Look whether every local root is a folder of this computer that can be read.

    Raises
    ------
    ConfigError
        The first root that is missing, is no folder, or may not be read, with the alias and the key.
    """
    for root in settings.globus.local_roots:
        path = root.local_path
        flat = any(root.local_path == shared.local_path for shared in settings.globus.shared_roots)
        key = "globus.local_endpoint_local_path" if flat else "globus.local_endpoints"
        where = f"{settings.file or settings.origins.get(key, 'configuration')}, {key}, {root.alias}"
        if not path.exists():
            raise ConfigError(
                f"{where}: the folder {path} does not exist on this computer.",
                remedy="connect the drive, make the folder, or correct the path.",
            )
        if not path.is_dir():
            raise ConfigError(
                f"{where}: {path} is a file, not a folder.", remedy="name the folder with the recordings."
            )
        if not os.access(path, os.R_OK | os.X_OK):
            raise ConfigError(
                f"{where}: the folder {path} may not be read by this account.",
                remedy="give the account the right to read it.",
            )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder above that may not be entered holds no file for us
        return False


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read: {error.strerror or error}.",
            remedy="give this account the right to read the file.",
        ) from None
    if len(content) > _LARGEST:
        raise ConfigError(f"{file}: is no configuration; it is too large.", remedy="move it away.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(f"{file}: is written as UTF-16.", remedy="save it as UTF-8 in your editor.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{file}, line {line}: a character that is not UTF-8.", remedy="save the file as UTF-8 in your editor."
        ) from None


def _warn_of_readers(settings: Settings) -> Settings:
    """Add a warning when everybody on this computer can read a password in the file."""
    origin = settings.origins.get("database.password", "")
    if settings.file is None or os.name == "nt" or not origin.startswith("file") or not settings.database.password:
        return settings
    if not settings.file.stat().st_mode & 0o004:
        return settings
    warning = (
        f"{settings.file}, database.password: every account of this computer can read the password. "
        f"Remedy: chmod 600 '{settings.file}', or set the environment variable DJ_PASS instead."
    )
    return replace(settings, warnings=(*settings.warnings, warning))


def _check_timezone(settings: Settings) -> None:
    from zoneinfo import ZoneInfo

    name = settings.archive.timezone_name
    if name is None:
        return
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        where = settings.origins.get("archive.timezone", "configuration").removeprefix("file ")
        raise ConfigError(
            f"{where}, archive.timezone: {name!r} is no time zone.",
            remedy="write a name such as America/New_York or Europe/Berlin.",
        ) from None
