"""A small lab for one schedule: two rigs, an archive behind a real local Globus, a schema of its own on a server."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import uuid
from pathlib import Path

from mapshell.demo.run import ARCHIVE
from mapshell.sandbox import service
from mapshell.sandbox.consent import code_from_page
from mapshell.sandbox.constants import NATIVE_CLIENT_ID
from mapshell.sandbox.service import SandboxAdmin
from mapshell.sandbox.spec import CollectionSpec
from pipeline import database, settings
from pipeline.globus import GlobusStorageManager
from tests.integration import ready

from .lab import ANIMALS, ZONE, LabDisk

RIGS = {"rig-a": "d3e0a001-0000-4000-8000-00000000b001", "rig-b": "d3e0a001-0000-4000-8000-00000000b002"}
OURS = ("DJ_", "MAPSHELL_", "GLOBUS_", "PG")


class World:
    """Everything that a schedule works on.  Use it as a context manager.

    Parameters
    ----------
    folder
        Made, and removed at the end.
    server
        A running server of :mod:`tests.campaign.servers`.
    """

    def __init__(self, folder, server):
        self.folder, self.server = Path(folder), server
        self.prefix = f"c{uuid.uuid4().hex[:10]}_"
        self.further = {}  # storage locations beside the usual ones: alias -> (type of data, path)
        self.copies = {}  # type of data -> aliases that are said to hold every session of it

    def __enter__(self):
        self.folder.mkdir(parents=True)
        self.lab = LabDisk(self.folder, RIGS)
        for kind in ("ephys", "video"):
            (self.archive / f"raw-{kind}").mkdir(parents=True)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.settings = {rig: settings.load(file=self._configuration(rig)) for rig in RIGS}
        collections = {endpoint: CollectionSpec(self.folder / rig, personal=True) for rig, endpoint in RIGS.items()}
        collections[ARCHIVE] = CollectionSpec(self.archive, mapped=True)
        self.sandbox = service.start(self.folder / "sandbox", collections, idle_minutes=10)
        self.admin = SandboxAdmin(self.sandbox)
        self.store("rig-a").login_with_code(code_from_page)
        self.enter_animals()
        return self

    def __exit__(self, *_):
        database.unbind()
        service.stop(self.folder / "sandbox")
        self.server.ready()
        self.drop_everything()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def archive(self):
        return self.folder / "archive"

    def locations(self):
        """Return the type of data of each storage location, by alias."""
        return {"raw-ephys": "ephys", "raw-video": "video"} | {alias: kind for alias, (kind, _) in self.further.items()}

    def places(self, kind):
        """Return the folders of the storage locations of a type of data, by alias."""
        aliases = self.copies.get(kind) or (f"raw-{kind}",)
        return {alias: self.archive / alias for alias in aliases}

    def store(self, rig):
        """Return a Globus manager of this process."""
        return GlobusStorageManager(self.settings[rig], interactive=False)

    def environ(self, rig):
        """Return the environment of a rig's processes."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**own, "HOME": str(self.home), "MAPSHELL_HOME": str(self.home / rig)}

    def begin(self, rig, args, prelude=""):
        """Begin a command line on a rig."""
        code = f"import sys\n{prelude}\nfrom mapshell.cli import main\nmain(sys.argv[1:])"
        return ready.begin(code, ["--no-input", *args], cwd=self.folder / "at" / rig, env=self.environ(rig))

    def enter_animals(self):
        """Enter the animals, and the sessions that were recorded."""
        from pipeline import lab

        self._bind()
        for subject, h2o in ANIMALS.items():
            lab.Subject.insert1({"subject_id": subject}, skip_duplicates=True)
            row = {"subject_id": subject, "water_restriction_number": h2o}
            lab.WaterRestriction.insert1(row, skip_duplicates=True)
        for visit in self.lab.visits.values():
            self._enter(visit)

    def enter(self, visit, *, anew=True):
        """Enter a session, as a lab does before its recordings are published."""
        if anew:
            self._bind()
        self._enter(visit)

    def _bind(self):
        database.unbind()  # the server may have been killed, or its tables dropped, since
        database.bind(self.settings["rig-a"])

    def _enter(self, visit):
        from pipeline import experiment

        for subject, session in {(visit.subject, visit.session), visit.other or (visit.subject, visit.session)}:
            experiment.Session.insert1(
                {
                    "subject_id": subject,
                    "session": session,
                    "session_date": visit.day,
                    "session_time": f"{visit.start:%H:%M:%S}",
                    "session_timezone": ZONE,
                },
                skip_duplicates=True,
            )

    def drop_everything(self):
        """Lose the database, the lab's tables too."""
        from pipeline.database import binding, migrations
        from pipeline.database.lab_connection import LabConnection

        connection = LabConnection(lambda: database._target(self.server.settings))
        migrations.drop_everything(binding.Binding(connection, self.prefix))
        connection.close()

    def secrets(self):
        """Return the words that must be read nowhere."""
        words = {self.server.settings.password.get_secret_value(), self.sandbox.admin_token}
        login = self.folder / "home/login.sqlite"
        if login.exists():
            with contextlib.closing(sqlite3.connect(login, timeout=30)) as store:
                tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                for table in tables:
                    for row in store.execute(f'SELECT * FROM "{table}"'):
                        words |= set(_tokens(row))
        return {word for word in words if len(word) >= 16}

    def configure(self, **further):
        """Let the rigs know further storage locations: alias -> (type of data, path)."""
        self.further = further
        self.settings = {rig: settings.load(file=self._configuration(rig)) for rig in RIGS}

    def _configuration(self, rig):
        where, here = self.server.settings, self.folder / "at" / rig
        here.mkdir(parents=True, exist_ok=True)

        def root(kind):
            return {
                "endpoint": RIGS[rig],
                "endpoint_subdir": f"/{kind}",
                "endpoint_path": str(self.folder / rig / kind),
            }

        def location(kind, path):
            return {"endpoint": ARCHIVE, "path": path, "dataset_type": kind}

        places = {"raw-ephys": ("ephys", "/raw-ephys"), "raw-video": ("video", "/raw-video"), **self.further}

        document = {
            "database.backend": where.backend,
            "database.host": where.host,
            "database.port": where.port,
            "database.user": where.user,
            "database.password": where.password.get_secret_value(),
            "database.prefix": self.prefix,
            "globus.client_id": NATIVE_CLIENT_ID,
            # What has no root of its own, such as files that somebody fetched into a folder of his.
            "globus.local_endpoint": RIGS[rig],
            "globus.local_endpoint_subdir": "/",
            "globus.local_endpoint_local_path": str(self.folder / rig),
            "globus.sandbox": str(self.folder / "sandbox"),
            "globus.token_file": str(self.folder / "home/login.sqlite"),
            "globus.patience_seconds": 4,
            "archive.computer": rig,
            "archive.timezone": ZONE,
            "archive.pause_while_recording": False,
            "archive.poll_seconds": 0.1,
            "archive.stall_seconds": 0.6,
            "custom": {
                "globus.local_endpoints": {alias: root(kind) for alias, (kind, _) in places.items()},
                "globus.storage_locations": {alias: location(*where) for alias, where in places.items()},
            },
        }
        if where.name:
            document["database.name"] = where.name
        file = here / "dj_local_conf.json"
        file.write_text(json.dumps(document))
        file.chmod(0o600)
        return file


def _tokens(row):
    """Return the tokens in a row of a stored login."""
    for value in row:
        with contextlib.suppress(TypeError, ValueError):
            document = json.loads(value)
            names = ("access_token", "refresh_token") if isinstance(document, dict) else ()
            yield from (document[name] for name in names if document.get(name))
