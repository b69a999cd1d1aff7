"""Where the load is carried: a database server, a sandbox with the service's limits, rigs that share both."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mapshell.demo.lab import subject_sheet
from mapshell.demo.run import ARCHIVE, TIMEZONE
from mapshell.sandbox import service
from mapshell.sandbox.client import SandboxAdmin
from mapshell.sandbox.consent import code_from_page
from mapshell.sandbox.constants import NATIVE_CLIENT_ID
from mapshell.sandbox.spec import CollectionSpec
from pipeline import embedded, settings
from pipeline.globus import GlobusStorageManager
from pipeline.settings.types import DatabaseSettings, Secret
from tests import conftest, mariadb

from .watch import Command, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mapshell.demo.days import LabSubject

    from .watch import Figures

#: Tasks of one person that the real service lets wait; it runs three of them at a time.
PENDING, RUNNING = 100, 3
#: Settings of the computers, unless they have others.
HASTE = {"archive.pause_while_recording": False, "archive.poll_seconds": 1}


@dataclass
class Place:
    """Everything but the rigs."""

    folder: Path
    database: DatabaseSettings
    sandbox: service.SandboxInfo
    told: Callable[[Figures], None]
    prefix: str
    figures: list[Figures] = field(default_factory=list)

    @property
    def admin(self) -> SandboxAdmin:
        return SandboxAdmin(self.sandbox)

    @property
    def archive(self) -> Path:
        return self.folder / "archive" / "raw-ephys"

    def run(self, title: str, *commands: Command) -> list[Figures]:
        """Run commands at the same time, each in a process of its own; keep what they cost, and return it."""
        self.admin.reset_counts()
        done = watched(title, commands)
        calls = self.admin.total()
        for each in done:  # what the rigs asked together cannot be told apart
            each.calls = calls if len(done) == 1 else None
        done[0].calls = calls
        self.figures.extend(done)
        for each in done:
            self.told(each)
        return done


@dataclass
class Computer:
    """A rig: a folder with its recordings and configuration, a home of its own."""

    place: Place
    name: str
    prefix: str

    @property
    def folder(self) -> Path:
        return self.place.folder / self.name

    @property
    def ephys(self) -> Path:
        return self.folder / "rig" / "ephys"

    def command(self, *args: str) -> Command:
        """Return a command line of this computer, as a process that is not begun yet."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith(conftest._OURS)}
        environ |= {"MAPSHELL_HOME": str(self.folder / "home"), "PYTHONPATH": str(conftest.__file__).rsplit("/", 2)[0]}
        return Command(self.name, (*args, "--format", "json"), self.folder, environ)

    def run(self, title: str, *args: str) -> Figures:
        return self.place.run(title, self.command(*args))[0]

    def enter(self, subjects: Sequence[LabSubject]) -> None:
        """Enter the animals, and the sessions whose recordings lie here, as a person does."""
        sheet = self.folder / "subjects.csv"
        sheet.write_bytes(subject_sheet(tuple(subjects)).encode())
        self.run("ingest-subjects", "ingest-subjects", str(sheet))
        self.run("ingest-recordings", "ingest-recordings")


def computer(
    place: Place, name: str, prefix: str = "", settings_of_its_own: Mapping[str, object] | None = None
) -> Computer:
    """Make a computer with a collection of its own; all share the login, and those of one prefix the database."""
    prefix = prefix or place.prefix
    own = Computer(place, name, prefix)
    own.ephys.mkdir(parents=True)
    collection = str(uuid.uuid4())
    document = {
        "database.backend": place.database.backend,
        "database.host": place.database.host,
        "database.port": place.database.port,
        "database.user": place.database.user,
        "database.password": place.database.password.get_secret_value(),
        "database.prefix": prefix,
        "globus.client_id": NATIVE_CLIENT_ID,
        "globus.sandbox": str(place.sandbox.folder),
        "globus.token_file": str(place.folder / "login" / "tokens.db"),
        "archive.computer": name,
        "archive.timezone": TIMEZONE,
        **(HASTE if settings_of_its_own is None else settings_of_its_own),
        "custom": {
            "globus.local_endpoints": {
                "raw-ephys": {"endpoint": collection, "endpoint_subdir": "/ephys", "endpoint_path": "rig/ephys"}
            },
            "globus.storage_locations": {
                "raw-ephys": {"endpoint": ARCHIVE, "path": "/raw-ephys", "dataset_type": "ephys"}
            },
        },
    }
    if place.database.name:
        document["database.name"] = place.database.name
    file = own.folder / "dj_local_conf.json"
    file.write_text(json.dumps(document))
    file.chmod(0o600)
    place.admin.put_collection(collection, CollectionSpec(own.folder / "rig", personal=True))
    with GlobusStorageManager(settings.load(file=file), interactive=False) as manager:
        manager.login_with_code(code_from_page)
    return own


@contextmanager
def place(
    folder: Path, database: str | DatabaseSettings, told: Callable[[Figures], None], prefix: str = "load_"
) -> Iterator[Place]:
    """Start a database server (unless one is given) and a sandbox in an empty folder; at the end all of it is gone."""
    (folder / "archive" / "raw-ephys").mkdir(parents=True)
    os.environ.setdefault(conftest.OWNER, str(os.getpid()))
    try:
        sandbox = service.start(
            folder / "sandbox",
            {ARCHIVE: CollectionSpec(folder / "archive", mapped=True)},
            idle_minutes=0,
            realism={"pending_tasks": PENDING, "running_tasks": RUNNING},
        )
        server = _server(folder, database) if isinstance(database, str) else database
        yield Place(folder, server, sandbox, told, prefix)
    finally:
        service.stop(folder / "sandbox")
        if (folder / "mariadb").exists():
            conftest._stop_mariadb(folder / "mariadb")
        embedded.delete(folder / "postgresql")
        shutil.rmtree(folder, ignore_errors=True)


def _server(folder: Path, kind: str) -> DatabaseSettings:
    """Start the tests' servers: the embedded PostgreSQL, or a private MariaDB; neither waits for the disk."""
    if kind == "mariadb":
        if not mariadb.found():
            raise SystemExit("MariaDB is not installed: leave --database out, or install mariadb-server-core.")
        state = conftest._start_mariadb(folder / "mariadb")
        port = int(state.data["port"])
        return DatabaseSettings(backend="mysql", host="127.0.0.1", port=port, user="root", password=Secret(""))
    address = embedded.start(folder / "postgresql", idle_minutes=0)
    conftest._hurry(folder / "postgresql", address)
    return conftest.account(address)
