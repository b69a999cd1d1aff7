"""A computer whose account is an ordinary user's: root may read everything, and so would show nothing.

Where the tests run as root, the commands are forked and become a user without any right of root's; the rig's folder,
which that user owns, then lies outside of the test run's own folder, into which only root may look.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.publish.bench import Bench
from tests.integration.rig import make_rig

NOBODY = 65534

# Whatever is imported later must be known by now: the libraries may lie where only root may look.
_BECOME = """
import contextlib, encodings, importlib, pkgutil, warnings
import mapshell, pipeline
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    own = [path for path in sys.path if path.endswith("lib-dynload")]
    for path, prefix in ((encodings.__path__, "encodings."), (own, "")):
        for found in pkgutil.iter_modules(path):
            if "test" not in found.name:
                with contextlib.suppress(ImportError):
                    importlib.import_module(prefix + found.name)
    for package in (mapshell, pipeline):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    for name in {needed!r}:
        importlib.import_module(name)
import os
os.setgroups([])
os.setgid({user})
os.setuid({user})
"""
_NEEDED = (
    "asyncio",
    "concurrent.futures.thread",
    "globus_sdk.scopes",
    "globus_sdk.token_storage",
    "getpass",
    "http.client",
    "json",
    "jwt.algorithms",
    "platformdirs.unix",
    "sqlite3",
    "stringprep",
    "zoneinfo",
)


class OrdinaryBench(Bench):
    """A bench whose commands an ordinary user gives."""

    def command_of_user(self, *args: str, check: int | None = None):
        """Run a command line as that user; return what ``subprocess.run`` returns."""
        prelude = _BECOME.format(needed=_NEEDED, user=NOBODY) if os.geteuid() == 0 else ""
        return self.rig.run(*args, prelude=prelude, check=check)

    def publish_as_user(self, *args: str, check: int) -> dict[str, Any]:
        """Publish as that user; return the document, with the sessions by name."""
        words = ("publication-publish", "--type", "ephys", "--format", "json", *args)
        return self.read(self.command_of_user(*words, check=check).stdout)

    def hand_over(self, user: int = NOBODY) -> None:
        """Give everything below the rig's folder to that user (who then works alone), or to another one."""
        if os.geteuid() == 0:
            for path in [self.rig.folder, *self.rig.folder.rglob("*")]:
                os.chown(path, user, user, follow_symlinks=False)


@contextmanager
def ordinary_bench(database_settings, lab, monkeypatch):
    """Make a bench for an ordinary user."""
    if sys.platform == "win32":
        pytest.skip("NO ORDINARY USER: permissions of POSIX are tried where there are such")
    folder = Path(tempfile.mkdtemp(prefix="mapshell-user-"))
    folder.chmod(0o755)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(folder / "user"))
    try:
        for rig in make_rig(database_settings, lab, folder, monkeypatch):
            bench = OrdinaryBench(rig)
            try:
                yield bench
            finally:
                bench.hand_over(0)
    finally:
        for path in [p for p in folder.rglob("*") if p.is_dir()]:
            path.chmod(0o755)
        shutil.rmtree(folder)
