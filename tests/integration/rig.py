"""A rig for publishing: a synthetic lab on disk, its sessions in a database, an archive behind a real local Globus."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapshell.demo.run import ARCHIVE, RIG, configuration
from mapshell.sandbox import service
from mapshell.sandbox.consent import code_from_page
from mapshell.sandbox.service import SandboxAdmin
from mapshell.sandbox.spec import CollectionSpec
from pipeline import database, services, settings
from pipeline.globus import GlobusStorageManager
from pipeline.rounds import publish_round
from tests.integration import made_before, ready

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Rig:
    """A rig computer, its archive and its database."""

    folder: Path
    lab: object
    settings: object
    sandbox: object
    environ: dict

    @property
    def admin(self):
        return SandboxAdmin(self.sandbox)

    @property
    def rig(self):
        return self.folder / "rig"

    @property
    def archive(self):
        return self.folder / "archive"

    def globus(self):
        return GlobusStorageManager(self.settings, interactive=False)

    def publish(self, *restrictions, types=("ephys", "video"), **options):
        """Publish in this process, as populate and the command do."""
        database.bind(self.settings)
        return publish_round(self.settings, self.globus, types, restrictions, **options)

    def run(self, *args, prelude="", check=None):
        """Run a command line in a process of its own, as a person or cron does."""
        code = f"import sys\n{prelude}\nfrom mapshell.cli import main\nmain(sys.argv[1:])"
        done = ready.run(code, args, cwd=self.folder, env=self.environ, timeout=120)
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def files(self, where="rig"):
        """Return every file below the rig or the archive, by subpath, without what is ours."""
        base = self.folder / where
        return {
            path.relative_to(base).as_posix().replace("raw-", "", 1): path
            for path in sorted(base.rglob("*"))
            if path.is_file() and ".mapshell" not in path.parts
        }

    def archived(self):
        """Return the archive's data files, without manifests and what was set aside."""
        ours = (".manifest-", ".unfinished-", ".quarantined-")
        return {name: path for name, path in self.files("archive").items() if not any(part in name for part in ours)}

    def manifests(self):
        there = self.files("archive").items()
        return {name: path for name, path in there if ".manifest-" in name and ".unfinished-" not in name}

    def tasks(self):
        """Return all tasks that the service ever got."""
        return self.admin.tasks()


def make_rig(database_settings, pristine_lab, tmp_path, monkeypatch, entering=None):
    shutil.copytree(pristine_lab.root, tmp_path / "rig")
    for name in ("archive/raw-ephys", "archive/raw-video"):
        (tmp_path / name).mkdir(parents=True)
    file = write_configuration(tmp_path, database_settings.database)
    monkeypatch.setenv("MAPSHELL_HOME", str(tmp_path / "home"))
    loaded = settings.load(file=file)
    place = tmp_path / ".mapshell" / "sandbox"
    logged_in = made_before.lend_login(loaded, place)
    sandbox = service.start(
        place,
        {
            RIG: CollectionSpec(tmp_path / "rig", personal=True),
            ARCHIVE: CollectionSpec(tmp_path / "archive", mapped=True),
        },
        idle_minutes=5,
    )
    try:
        if not logged_in:
            GlobusStorageManager(loaded, interactive=False).login_with_code(code_from_page)
            made_before.keep_login(loaded, place)
        database.bind(loaded)
        (entering or enter)(pristine_lab)
        yield Rig(tmp_path, pristine_lab, loaded, sandbox, dict(os.environ))
    finally:
        end(place)


def end(place):
    """End a sandbox that nobody needs any more, without waiting until it has put everything away."""
    state = services.read_state(place / "state.json")
    if state is not None:
        os.kill(state.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        wait_until(lambda: not services.is_alive(state))
        services.remove_state(place / "state.json")


def write_configuration(folder, where):
    """Write dj_local_conf.json for a database of the tests."""
    document = configuration()
    del document["database.embedded"]
    document |= {
        "database.backend": where.backend,
        "database.host": where.host,
        "database.port": where.port,
        "database.user": where.user,
        "database.password": where.password.get_secret_value(),
        "database.prefix": where.schema_prefix,
        "archive.poll_seconds": 0.2,
    }
    if where.name:
        document["database.name"] = where.name
    if where.lab_schemas:
        document["database.lab_prefix"] = dict(where.lab_schemas)["lab"].removesuffix("lab")
    file = folder / "dj_local_conf.json"
    file.write_text(json.dumps(document))
    file.chmod(0o600)
    return file


def enter(lab_):
    """Enter the lab's subjects and sessions: all that publishing needs."""
    from pipeline import experiment, lab

    numbers: dict[int, int] = {}
    for animal in lab_.subjects:
        lab.Subject.insert1({"subject_id": animal.subject_id})
        lab.WaterRestriction.insert1({"subject_id": animal.subject_id, "water_restriction_number": animal.h2o})
    for session in lab_.sessions:
        number = numbers[session.subject_id] = numbers.get(session.subject_id, 0) + 1
        experiment.Session.insert1(
            {
                "subject_id": session.subject_id,
                "session": number,
                "session_date": session.start.date(),
                "session_time": f"{session.start:%H:%M:%S}",
                "session_timezone": lab_.timezone,
            }
        )


def wait_until(true, seconds=20):
    """Wait, bounded, until something that another process does has happened."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)  # leaves the processor to those who are waited for
