"""Where the product keeps what belongs to one person: configuration, data, logs.

The folders follow each system's custom; the environment variable ``MAPSHELL_HOME`` puts all of them under one
folder (unattended rigs, portable installations).  Nothing here makes a folder or reads one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME_VARIABLE = "MAPSHELL_HOME"
APPLICATION = "mapshell"


def home(environ: Mapping[str, str]) -> Path:
    """Return the person's home folder: ``HOME`` or ``USERPROFILE`` of ``environ``, else what the system says."""
    named = environ.get("HOME") or environ.get("USERPROFILE")
    return Path(named) if named else Path.home()


def working(environ: Mapping[str, str]) -> Path:
    """Return the working directory; the home folder where it has been removed under us."""
    try:
        return Path.cwd()
    except OSError:
        return home(environ)


def _named(environ: Mapping[str, str], part: str) -> Path | None:
    base = environ.get(HOME_VARIABLE)
    return Path(base).expanduser().absolute() / part if base else None


def config_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the person's own ``dj_local_conf.json``."""
    import platformdirs

    return _named(environ, "config") or platformdirs.user_config_path(APPLICATION, appauthor=False)


def data_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of what must not be lost: the embedded database, tokens."""
    import platformdirs

    return _named(environ, "data") or platformdirs.user_data_path(APPLICATION, appauthor=False)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of what can be computed again: checksums by path, size and mtime."""
    import platformdirs

    return _named(environ, "cache") or platformdirs.user_cache_path(APPLICATION, appauthor=False)


def log_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the log file."""
    import platformdirs

    return _named(environ, "log") or platformdirs.user_log_path(APPLICATION, appauthor=False)
