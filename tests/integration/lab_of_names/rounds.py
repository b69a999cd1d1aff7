"""One computer of the lab of names: what it enters and publishes, and where every file on its disk has got to."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from mapshell.cli import main
from pipeline import settings

if TYPE_CHECKING:
    from pathlib import Path

    from .lab import NamesLab

LEFT_OUT = ("temp_wh.dat",)


@dataclass
class Computer:
    """A computer with a configuration, the roots of a lab, and the archive that it publishes to."""

    folder: Path
    lab: NamesLab
    archive: Path

    @property
    def file(self) -> Path:
        return self.folder / "dj_local_conf.json"

    def configure(self, **entries: Any) -> Any:
        """Change entries of dj_local_conf.json (``archive_`` for ``archive.``); return the settings."""
        document = json.loads(self.file.read_text())
        document |= {name.replace("_", ".", 1): value for name, value in entries.items()}
        self.file.write_text(json.dumps(document))
        return settings.load(file=self.file)

    def run(self, *args: Any, codes: tuple[int, ...] = (0,)) -> Any:
        """Run a command line; return its JSON document (and check that nothing crashed)."""
        stdout, stderr = io.StringIO(), io.StringIO()
        line = ["--config", str(self.file), "--no-input", *map(str, args), "--format", "json"]
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr), pytest.raises(SystemExit) as end:
            main(line)
        assert end.value.code in codes, f"{args}: exit {end.value.code}\n{stdout.getvalue()}\n{stderr.getvalue()}"
        assert "Traceback" not in stderr.getvalue()
        return json.loads(stdout.getvalue())

    def ingest(self, *args: str, codes: tuple[int, ...] = (0, 3)) -> Any:
        return self.run("ingest-recordings", *args, codes=codes)

    def publish(self, *args: str, codes: tuple[int, ...] = (0, 3)) -> Any:
        return self.run("publication-publish", *args, codes=codes)

    def there(self) -> dict[str, Path]:
        """Return the archive's data files, by subpath."""
        return {
            path.relative_to(top).as_posix(): path
            for top in sorted(self.archive.iterdir())
            for path in sorted(top.rglob("*"))
            if path.is_file() and ".manifest-" not in path.name
        }

    def manifests(self) -> list[str]:
        return sorted(path.name for path in self.archive.rglob("*.manifest-*.json"))

    def files(self) -> dict[str, Path]:
        """Return this computer's files, by subpath."""
        return self.lab.files()

    def open_files(self) -> set[str]:
        """Return the files on the disk that are not archived; those that are must be the same, byte for byte."""
        there = self.there()
        here = self.files()
        for name in here.keys() & there.keys():
            assert here[name].read_bytes() == there[name].read_bytes(), name
        return {name for name in here.keys() - there.keys() if not name.endswith(LEFT_OUT)}

    def account(self, ingested: Any, published: Any) -> None:
        """Check that every file is archived, or told with a reason and a remedy that a person can act on."""
        told: dict[str, str] = {}
        for skip in ingested["skipped"]:
            told[skip["folder"]] = skip["remedy"]
        for stray in published["folders_without_session"]:
            told[stray["folder"]] = stray["remedy"]
        for session in published["sessions"]:
            if session["state"] in ("refused", "recording", "archived with changes"):
                told |= dict.fromkeys(session["folders"], session["remedy"])
        silent = {name for name in self.open_files() if not any(self._within(name, each) for each in told)}
        assert not silent, f"nobody told of {sorted(silent)}\nbut of {told}"
        assert all(told.values()), told

    @staticmethod
    def _within(name: str, folder: str) -> bool:
        return name == folder or name.startswith(f"{folder}/")
