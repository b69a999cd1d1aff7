"""A computer that fetches: two small archived sessions, what they were on the rig, and empty folders to fetch to."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mapshell.demo.run import ARCHIVE, RIG
from pipeline import database, publication, settings
from pipeline.holdings import tables
from pipeline.retrieving import retrieve
from tests.integration.publish.bench import SC038, Bench, write

if TYPE_CHECKING:
    from pathlib import Path

ONE = {"subject_id": SC038, "session": 1}
TWO = {"subject_id": SC038, "session": 2}
BOTH = {"subject_id": SC038}
SIDE_FILES = (
    "SC038_050120_g0_fyi.txt",
    "SC038_050120_g0_imec0/imec0_ks2/amplitudes.npy",
    "SC038_050120_g0_imec0/imec0_ks2/params.py",
    "SC038_050120_g0_imec0/imec0_ks2/with space #%é.npy",
    "SC038_050120_g0_imec0/imec0_ks2/deeper/still/rez.mat",
)
"""Files of the first session besides its recording."""
RETRIEVE = ("publication-retrieve", "--subject", "SC038", "--type", "ephys")


@dataclass
class Home:
    """Two archived sessions whose files are gone from the rig; ``originals`` has them."""

    bench: Bench
    originals: dict[str, bytes] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)

    @property
    def rig(self):
        return self.bench.rig

    @property
    def root(self) -> Path:
        """The local root of raw-ephys."""
        return self.bench.ephys

    def retrieve(self, restriction: Any = BOTH, **options: Any):
        """Fetch in this process, as the tables' method does; errors that end it are in the result."""
        database.bind(self.rig.settings)
        table = publication.ArchivedRawEphys() & restriction
        return retrieve(self.rig.settings, self.rig.globus, (table,), **{"raises": False, **options})

    def command(self, *args: str, code: int, prelude: str = "") -> dict[str, Any]:
        """Fetch by the command line in a process of its own; return its document."""
        done = self.rig.run(*RETRIEVE, "--format", "json", *args, prelude=prelude, check=code)
        assert "Traceback" not in done.stderr
        return json.loads(done.stdout)

    def everything(self):
        return tables(("ephys",))

    def here(self, base: Path | None = None) -> dict[str, Path]:
        """Return every file below a folder, what is ours included, by subpath."""
        base = base or self.root
        return {path.relative_to(base).as_posix(): path for path in sorted(base.rglob("*")) if path.is_file()}

    def assert_same(self, base: Path | None = None, only: Any = None) -> None:
        """Check that the folder holds the files (that ``only`` accepts), byte for byte, with times, and no other."""
        base = base or self.root
        wanted = {name: data for name, data in self.originals.items() if only is None or only(name)}
        there = self.here(base)
        assert set(there) == set(wanted)
        for name, path in there.items():
            assert path.read_bytes() == wanted[name], name
            assert int(path.stat().st_mtime) == self.times[name], name
        assert not [path for path in base.rglob("*") if path.name == ".mapshell"]

    def no_partial(self, *bases: Path) -> None:
        """Whatever bears a final name is whole."""
        for base in bases or (self.root,):
            for name, path in self.here(base).items():
                if ".mapshell/" not in name:
                    assert path.read_bytes() == self.originals[name], name

    def journal(self) -> list[Path]:
        return sorted((self.rig.folder / "home" / "data" / "retrievals").rglob("*.json.gz"))

    def tasks(self) -> list[dict[str, Any]]:
        return [task for task in self.rig.tasks() if task["label"].startswith("mapshell retrieve")]

    def verdicts(self, result: Any) -> dict[str, str]:
        return {each.subpath: each.verdict for each in result}

    def at_archive(self, name: str) -> Path:
        return self.bench.archive / name

    def pick(self, pattern: str) -> str:
        """Return the one subpath that ends so."""
        (name,) = [each for each in self.originals if each.endswith(pattern)]
        return name

    def configure(self, change: Any) -> None:
        """Change dj_local_conf.json."""
        file = self.rig.folder / "dj_local_conf.json"
        document = json.loads(file.read_text())
        change(document)
        file.write_text(json.dumps(document))
        self.rig.settings = settings.load(file=file)

    def impatient(self) -> None:
        """Give up early on what only meets errors, and on a service that does not answer."""
        self.rig.environ["MAPSHELL_ARCHIVE_STALL_SECONDS"] = "0.5"
        self.rig.environ["MAPSHELL_GLOBUS_PATIENCE_SECONDS"] = "1"
        self.configure(lambda document: document.update({"archive.stall_seconds": 0.5, "globus.patience_seconds": 1}))


def make_home(bench: Bench) -> Home:
    """Publish two small sessions and clear the rig."""
    home = Home(bench)
    first = bench.session("one")
    for name in SIDE_FILES:
        write(first / name, name.encode() * 50)
    bench.session("two")
    report = bench.publish()
    assert report.whole, report
    for name, path in home.here().items():
        home.originals[name] = path.read_bytes()
        home.times[name] = int(path.stat().st_mtime)
    shutil.rmtree(home.root / "SC038")
    assert home.originals
    return home


def first_session(name: str) -> bool:
    return name.startswith("SC038/SC038_050120")


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


__all__ = ["ARCHIVE", "BOTH", "ONE", "RIG", "TWO", "Home", "first_session", "is_root", "make_home", "sha1"]
