"""Where the project's Python environment may live: in the clone, or, where that is not ours to write, in a cache."""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path


def environments(root: Path) -> list[Path]:
    """List the folders that may hold the environment of the clone at `root`, best first."""
    named = os.environ.get("MAPSHELL_VENV")
    if named:
        return [Path(named).absolute()]
    name = f"{root.name}-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
    return [
        root / ".venv",
        *(cache / "mapshell" / "environments" / name for cache in _caches()),
        _private_temp() / name,
    ]


def usable(folder: Path) -> bool:
    """Tell whether we may make, fill and mend the environment in this folder."""
    private = _private_temp()
    if private in folder.parents and not _own_private(private):
        return False
    if folder.is_symlink() or os.path.lexists(folder):
        return _owner(folder) == _me() and os.access(folder, os.W_OK | os.X_OK)
    above = folder.parent
    while not os.path.lexists(above) and above != above.parent:
        above = above.parent
    return above.is_dir() and os.access(above, os.W_OK | os.X_OK)


def trusted(folder: Path, root: Path) -> bool:
    """Tell whether programs found in this folder may be run: it is ours, the system's, or of the clone's owner."""
    owner = _owner(folder)
    return owner is not None and owner in {_me(), 0, _owner(root)}


def empty(folder: Path, *, keep: str) -> None:
    """Delete what an environment's folder holds, except the file that is our lock."""
    for entry in folder.iterdir():
        if entry.name == keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def give_home() -> None:
    """Name a private temporary folder in HOME where the user has no home at all, as in a container run under a bare id.

    Without it pip stops, and so does every other program that looks for `~`.
    """
    if sys.platform != "win32" and not os.path.expanduser("~").startswith("/") and _own_private(_private_temp()):  # noqa: PTH111
        os.environ["HOME"] = str(_private_temp())


def _caches() -> list[Path]:
    """List the user's cache folder, if the user has one: HOME may be unset, or lead nowhere."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return [Path(local)] if local else []
    named = os.environ.get("XDG_CACHE_HOME", "")
    if named.startswith("/"):
        return [Path(named)]
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    if not home.startswith("/") or not Path(home).is_dir():
        return []
    return [Path(home) / ("Library/Caches" if sys.platform == "darwin" else ".cache")]


def _private_temp() -> Path:
    return Path(tempfile.gettempdir()) / f"mapshell-{_me()}"


def _own_private(folder: Path) -> bool:
    """Make a folder in the common temporary folder that nobody else can fill with programs for us to run."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    if sys.platform == "win32":
        return True  # the temporary folder is the user's own there
    return folder.is_dir() and not folder.is_symlink() and found.st_uid == _me() and not found.st_mode & 0o022


def _owner(folder: Path) -> int | None:
    try:
        return folder.stat().st_uid
    except OSError:
        return None


def _me() -> int:
    return 0 if sys.platform == "win32" else os.geteuid()  # Windows gives every file the owner 0
