"""A job that starts in the wrong folder finds no settings: it must not look healthy."""

from __future__ import annotations

import os
import subprocess
import sys


def test_without_settings_nothing_is_called_well(tmp_path):
    home = {name: str(tmp_path / name.lower()) for name in ("HOME", "APPDATA", "LOCALAPPDATA", "USERPROFILE")}
    xdg = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")}

    def mapshell(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mapshell", *args],
            cwd=tmp_path,
            env={**os.environ, **home, **xdg},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    try:
        done = mapshell("publication-verify")
        assert done.returncode == 5
        assert "Warning: no dj_local_conf.json was found" in done.stderr
        assert "Error: No storage location is known" in done.stderr
        assert done.stdout == ""
    finally:
        mapshell("services", "stop")
