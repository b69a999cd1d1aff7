"""A rig on which a test puts its own recordings: tiny sessions, each spoilt in its own way, and what became of them."""

from __future__ import annotations

import contextlib
import io
import json
import os
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mapshell.cli import main
from mapshell.demo.metas import Probe
from mapshell.demo.recordings import write_recording
from mapshell.demo.run import ARCHIVE
from pipeline import settings
from pipeline.work import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

SC038, SC048 = 480133, 502716
PROBE = Probe(0, "NP2.0", "19122519691", 4)
DAY = datetime.fromisoformat("2020-05-01T10:00:00")
LONG_AGO = 1_500_000_000
EPHYS = ("ephys",)


@dataclass
class Bench:
    """A rig without recordings, and what a test needs to fill it."""

    rig: Any
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def ephys(self) -> Path:
        return self.rig.rig / "ephys"

    @property
    def archive(self) -> Path:
        return self.rig.archive / "raw-ephys"

    # -- what is there -----------------------------------------------------------------------------------------

    def enter(self, name: str, day: date, at: str | None = "10:00:00", number: int | None = None, subject: int = SC038):
        """Enter a session into the database and remember its key by a name."""
        from pipeline import experiment

        number = number or len(self.keys) + 1
        row = {"subject_id": subject, "session": number, "session_date": day, "session_time": at}
        experiment.Session.insert1({**row, "session_timezone": "America/New_York"})
        self.keys[name] = (subject, number)

    def record(self, run: str, start: datetime, folder: str = "", base: Path | None = None, **options: Any) -> Path:
        """Write a tiny recording of one probe of the second generation; return its session folder."""
        gate = options.get("gate", 0)
        place = (base or self.ephys) / "SC038" / (folder or f"{run}_g{gate}")
        write_recording(place, run, probes=(PROBE,), start=start, seconds=0.01, channels=2, nidq=False, **options)
        return place

    def session(self, name: str, **options: Any) -> Path:
        """Enter a session on a day of its own and record it; return its folder."""
        start = DAY + timedelta(days=len(self.keys))
        self.enter(name, start.date(), f"{start:%H:%M:%S}")
        return self.record(f"SC038_{start:%m%d%y}", start, **options)

    # -- what becomes of it ------------------------------------------------------------------------------------

    def publish(self, *restrictions: Any, **options: Any):
        return self.rig.publish(*restrictions, types=EPHYS, **options)

    def outcomes(self, report: Any) -> dict[str, Any]:
        """Return a report's outcomes by the names of the sessions."""
        names = {key: name for name, key in self.keys.items()}
        return {names[outcome.key]: outcome for outcome in report.outcomes}

    def run(self, *args: str, check: int) -> tuple[str, str]:
        """Run a command line in this process (faster than ``rig.run``); return what it writes to stdout and stderr."""
        stdout, stderr = io.StringIO(), io.StringIO()
        file = self.rig.folder / "dj_local_conf.json"
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr), pytest.raises(SystemExit) as end:
            main(["--config", str(file), "--no-input", *args])
        assert end.value.code == check, f"exit {end.value.code}\n{stdout.getvalue()}\n{stderr.getvalue()}"
        assert "Traceback" not in stderr.getvalue()
        return stdout.getvalue(), stderr.getvalue()

    def tell(self, *args: str, check: int) -> str:
        """Run publication-publish and return what a person reads on stderr."""
        return self.run("publication-publish", "--type", "ephys", *args, check=check)[1]

    def command(self, *args: str, check: int) -> dict[str, Any]:
        """Run publication-publish and return its document, with the sessions by name."""
        stdout, _ = self.run("publication-publish", "--type", "ephys", "--format", "json", *args, check=check)
        return self.read(stdout)

    def read(self, text: str) -> dict[str, Any]:
        """Read the document of publication-publish, with the sessions by name."""
        document = json.loads(text)
        names = {key: name for name, key in self.keys.items()}
        rows = document.get("sessions", [])
        document["sessions"] = {names[row["subject_id"], row["session"]]: row for row in rows}
        return document

    def set_ident(self, name: str, ident: str) -> None:
        self.run("session-ident", str(self.keys[name][0]), str(self.keys[name][1]), ident, check=0)

    # -- what is at the archive, and in the index --------------------------------------------------------------

    def there(self) -> dict[str, Path]:
        """Return the files at the archive without manifests, by subpath."""
        return {name.removeprefix("ephys/"): path for name, path in self.rig.archived().items()}

    def here(self, folder: Path, base: Path | None = None) -> dict[str, Path]:
        """Return the files of a folder on the rig, by subpath."""
        root = base or self.ephys
        return {p.relative_to(root).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}

    def indexed(self) -> dict[str, dict[str, Any]]:
        """Return the files in the index, by subpath."""
        from pipeline import publication

        return {row["file_subpath"]: row for row in publication.DataSet.PhysicalFile.to_dicts()}

    def archived_keys(self) -> set[tuple[int, int]]:
        from pipeline import publication

        return {(row["subject_id"], row["session"]) for row in publication.ArchivedRawEphys.to_dicts()}

    def assert_archived(self, *folders: Path, base: Path | None = None) -> None:
        """Every file of these folders is at the archive, byte for byte, and in the index."""
        there, indexed = self.there(), self.indexed()
        for folder in folders:
            for subpath, path in self.here(folder, base).items():
                assert there[subpath].read_bytes() == path.read_bytes(), subpath
                assert indexed[subpath]["file_size"] == path.stat().st_size

    def assert_untouched(self, *folders: Path) -> None:
        """Nothing of these folders is at the archive or in the index."""
        prefixes = tuple(folder.relative_to(self.ephys).as_posix() + "/" for folder in folders)
        assert not [name for name in {*self.there(), *self.indexed()} if name.startswith(prefixes)]

    def release(self) -> None:
        """Let all transfers that a test holds go on."""
        self.rig.admin.clear_faults()
        for task in self.rig.tasks():
            self.rig.admin.control_task(task["task_id"], "release")

    # -- another configuration ---------------------------------------------------------------------------------

    def add_root(self, endpoint: str, subdir: str, path: str) -> None:
        """Give this computer a further local root of raw-ephys."""
        file = self.rig.folder / "dj_local_conf.json"
        document = json.loads(file.read_text())
        roots = document["custom"]["globus.local_endpoints"]
        first = roots["raw-ephys"] if isinstance(roots["raw-ephys"], list) else [roots["raw-ephys"]]
        roots["raw-ephys"] = [*first, {"endpoint": endpoint, "endpoint_subdir": subdir, "endpoint_path": path}]
        file.write_text(json.dumps(document))
        self.rig.settings = settings.load(file=file)


class Meddler(SystemClock):
    """A clock during whose first wait something happens: transfers are under way then."""

    def __init__(self, bench: Bench, meddle: Callable[[], None]) -> None:
        self._bench = bench
        self._meddle: Callable[[], None] | None = meddle
        bench.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")

    def sleep(self, seconds: float) -> None:
        if self._meddle is not None:
            self._meddle()
            self._meddle = None
            self._bench.release()
        super().sleep(min(seconds, 0.1))


def old(path: Path) -> Path:
    """Let a file look as if nobody had written to it for long."""
    os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)
    return path


def write(path: Path, data: bytes) -> Path:
    """Write a file that is old enough to be archived."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return old(path)


def only(folder: Path, pattern: str) -> Path:
    """Return the one file of this pattern below a folder."""
    (path,) = folder.rglob(pattern)
    return path


def edit(path: Path, **lines: str | None) -> None:
    """Change lines of a meta; None removes one."""
    kept = [line for line in path.read_text().splitlines() if line.split("=", 1)[0] not in lines]
    kept += [f"{key}={value}" for key, value in lines.items() if value is not None]
    path.write_text("\n".join(kept) + "\n")
    old(path)


def at(day: datetime, clock: str) -> datetime:
    """Return a day at a time of day."""
    return datetime.combine(day.date(), time.fromisoformat(clock))


__all__ = [
    "ARCHIVE",
    "DAY",
    "EPHYS",
    "PROBE",
    "SC038",
    "SC048",
    "Bench",
    "Meddler",
    "at",
    "edit",
    "old",
    "only",
    "write",
]
