"""The lab of a month: rigs with disks and settings of their own, one database and login, an archive behind a Globus."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import uuid
from pathlib import Path
from unittest import mock

import time_machine

from mapshell.demo.lab import subject_sheet
from mapshell.demo.run import ARCHIVE
from mapshell.sandbox import service
from mapshell.sandbox.consent import code_from_page
from mapshell.sandbox.constants import NATIVE_CLIENT_ID
from mapshell.sandbox.service import SandboxAdmin
from mapshell.sandbox.spec import CollectionSpec
from pipeline import database, settings
from pipeline.globus import GlobusStorageManager
from tests.campaign.world import OURS
from tests.integration import ready

from .clock import Clock
from .disks import Disk
from .people import ANIMALS, ZONE, People

RIGS = {"rig-a": "d3e0a001-0000-4000-8000-00000000c001", "rig-b": "d3e0a001-0000-4000-8000-00000000c002"}
SECOND = "d3e0a001-0000-4000-8000-00000000c003"
TIMEOUT_S = 180
TOLD = "told.json"
"""Where the program that gets a rig's reports keeps the last one."""
_KEEP = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
KINDS = ("ephys", "video")


class World:
    """Everything of a month.  Use it as a context manager.

    Parameters
    ----------
    folder
        Made, and removed at the end.
    server
        A running server of :mod:`tests.month.servers`.
    size
        Of each rig's disk, in bytes.
    begins
        The first instant (naive UTC).
    """

    def __init__(self, folder, server, size, begins):
        self.folder, self.server, self.size, self.begins = Path(folder), server, size, begins
        self.prefix = f"m{uuid.uuid4().hex[:10]}_"
        self._held = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder.mkdir(parents=True)
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.clock = Clock(self.folder)
            self.disks = {rig: stack.enter_context(Disk(self.folder / rig, self.size)) for rig in RIGS}
            self.people = People(self.disks)
            for archive in (self.archive, self.second):
                for kind in KINDS:
                    (archive / f"raw-{kind}").mkdir(parents=True)
            (self.folder / "home").mkdir()
            self.files = {rig: self._configuration(rig) for rig in RIGS}
            self.clock.set(self.begins, self.server.follow)
            collections = {endpoint: CollectionSpec(self.folder / rig, personal=True) for rig, endpoint in RIGS.items()}
            collections |= {
                ARCHIVE: CollectionSpec(self.archive, mapped=True),
                SECOND: CollectionSpec(self.second),  # a guest collection: no further consent
            }
            with mock.patch.object(service, "spawn", self._spawn):  # the sandbox has the month's time, too
                self.sandbox = service.start(self.folder / "sandbox", collections, idle_minutes=0)
            stack.callback(service.stop, self.folder / "sandbox")
            stack.callback(self.drop_everything)
            stack.callback(database.unbind)
            self.admin = SandboxAdmin(self.sandbox)
            self.log_in()
            (self.folder / "subjects.csv").write_text(subject_sheet(tuple(sum(ANIMALS.values(), ()))), "utf-8")
            self._held = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.server.ready()
        self._held.close()

    @property
    def archive(self):
        return self.folder / "archive"

    @property
    def second(self):
        """The folder of a second archive."""
        return self.folder / "archive-2"

    def places(self):
        """Return the folders of the archive that hold anything, by alias."""
        found = {f"raw-{kind}": self.archive / f"raw-{kind}" for kind in KINDS}
        return found | (
            {"raw-ephys-2": self.second / "raw-ephys"} if any((self.second / "raw-ephys").iterdir()) else {}
        )

    def set(self, instant):
        """Let it be an instant (naive UTC), for all processes."""
        self.clock.set(instant, self.server.follow, self.clock.wait_for_sandbox)

    def log_in(self):
        """A person logs in."""
        with (
            time_machine.travel(self.clock.epoch(), tick=True),
            GlobusStorageManager(settings.load(file=self.files["rig-a"]), interactive=False) as manager,
        ):
            manager.login_with_code(code_from_page)

    def environ(self, rig):
        """Return the environment of a rig's processes."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**own, "HOME": str(self.folder / "home" / rig), "MAPSHELL_HOME": str(self.folder / "home" / rig)}

    def begin(self, rig, args, prelude="", *, follow=False):
        """Begin a command line on a rig, as its scheduler does."""
        clock = self.clock.prelude(follow=follow)
        code = f"import sys\n{clock}\n{prelude}\nfrom mapshell.cli import main\nmain(sys.argv[1:])"
        return ready.begin(code, ["--no-input", *args], cwd=self.folder / "at" / rig, env=self.environ(rig))

    def scheduled(self, rig, older_than):
        """Return what `mapshell schedule install` would let the system start on a rig: verb -> time, command line."""
        options = ("--at", "22:00", "--report-at", "07:00", "--reclaim", f"{older_than.days}d", "--dry-run")
        texts = self.run(rig, "schedule", "install", *options)["texts"]
        jobs = {}
        for text in texts.values():
            (head,) = (line for line in text.splitlines() if line.startswith("# mapshell-schedule: "))
            job = json.loads(head.partition(": ")[2])
            line = job["command"][job["command"].index("--config") :]
            verb = next(word for word in line if word.startswith("publication-")).partition("-")[2]
            assert job["at"].endswith(ZONE), job
            jobs[verb] = job["at"].partition(" ")[0], [*line, "--format", "json"]
        assert set(jobs) == {"publish", "reclaim", "report"}
        return jobs

    def run(self, rig, *args, codes=(0,)):
        """Run a command line to its end; return its document."""
        done = self.begin(rig, [*args, "--format", "json"]).end(TIMEOUT_S)
        if done.returncode not in codes or "Traceback" in done.stderr:
            raise AssertionError(
                f"{rig}: {' '.join(args)}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            )
        return json.loads(done.stdout) if done.stdout.strip() else None

    def drop_everything(self):
        """Lose the database, the lab's tables too."""
        from pipeline.database import binding, migrations
        from pipeline.database.lab_connection import LabConnection

        connection = LabConnection(lambda: database._target(self.server.settings))
        migrations.drop_everything(binding.Binding(connection, self.prefix))
        connection.close()

    def _spawn(self, argv, **options):
        python = [sys.executable, "-X", "utf8", "-c"]
        assert list(argv[:4]) == python
        return ready.spawn([*python, f"{self.clock.prelude(follow=True)}\n{argv[4]}", *argv[5:]], **options)

    def _configuration(self, rig):
        where, here = self.server.settings, self.folder / "at" / rig
        here.mkdir(parents=True)
        (self.folder / "home" / rig).mkdir(parents=True)

        def root(kind):
            return {
                "endpoint": RIGS[rig],
                "endpoint_subdir": f"/{kind}",
                "endpoint_path": str(self.folder / rig / kind),
            }

        def location(kind):
            return {"endpoint": ARCHIVE, "path": f"/raw-{kind}", "dataset_type": kind}

        document = {
            "database.backend": where.backend,
            "database.host": where.host,
            "database.port": where.port,
            "database.user": where.user,
            "database.password": where.password.get_secret_value(),
            "database.prefix": self.prefix,
            "globus.client_id": NATIVE_CLIENT_ID,
            "globus.sandbox": str(self.folder / "sandbox"),
            "globus.token_file": str(self.folder / "home/login.sqlite"),
            "globus.patience_seconds": 3,
            "notify.command": [sys.executable, "-c", _KEEP, str(here / TOLD)],
            "archive.computer": rig,
            "archive.timezone": ZONE,
            "archive.poll_seconds": 0.2,
            "archive.stall_seconds": 1.5,
            "custom": {
                "globus.local_endpoints": {f"raw-{kind}": root(kind) for kind in KINDS},
                "globus.storage_locations": {f"raw-{kind}": location(kind) for kind in KINDS},
            },
        }
        if where.name:
            document["database.name"] = where.name
        file = here / "dj_local_conf.json"
        file.write_text(json.dumps(document))
        file.chmod(0o600)
        return file
