"""Where service rows are measured: one server and one sandbox, and for every run a corner that nobody used before."""

from __future__ import annotations

import json
import shutil
import uuid
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mapshell.demo.run import ARCHIVE
from mapshell.sandbox.realism import REALISTIC
from mapshell.sandbox.spec import CollectionSpec
from pipeline import database
from pipeline.database import binding, migrations
from pipeline.database.lab_connection import LabConnection
from tests.load import place as load_place

from .instrument import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.load.place import Computer, Place

    from .instrument import Options

#: The computers of the benchmark have the settings that everybody has, and where the service counts no requests
#: they keep to no limit, like everybody beside them.
AS_INSTALLED: Mapping[str, object] = {}
UNCOUNTED: Mapping[str, object] = {"globus.requests_per_second": 0}
SPEEDS = ("no added latency", "--realistic")
_DELAYS = ("latency", "task_delay", "file_delay")


@contextmanager
def lab(options: Options) -> Iterator[Place]:
    """Start a database server (unless the options name one) and a sandbox; at the end both are gone."""
    with (
        scratch(options) as folder,
        load_place.place(folder / "lab", options.server or options.database, lambda _: None) as at,
    ):
        yield at


def speeds(options: Options) -> tuple[str, ...]:
    """Return the speeds at which a row is measured: both, or the second where it shall only be seen to work."""
    return SPEEDS[1:] if options.quick else SPEEDS


def pace(at: Place, speed: str, options: Options) -> None:
    """Let the sandbox answer at once, or with the delays and limits of the real service (a tenth of them if quick)."""
    realistic = speed == SPEEDS[1]
    haste = {name: getattr(REALISTIC, name) / 10 for name in _DELAYS} if realistic and options.quick else {}
    at.admin.set_realism(realistic=realistic, **haste)


@contextmanager
def corner(at: Place) -> Iterator[Place]:
    """Give an empty archive, schemas and folder of their own, which share nothing with earlier ones but the servers."""
    name = uuid.uuid4().hex[:8]
    own = replace(at, folder=at.folder / f"corner-{name}", prefix=f"b{name}_", figures=[])
    own.archive.mkdir(parents=True)
    serve(own)
    try:
        yield own
    finally:
        drop(own)
        shutil.rmtree(own.folder, ignore_errors=True)


def serve(own: Place) -> None:
    """Let the archive's collection show the archive of a corner."""
    own.admin.put_collection(ARCHIVE, CollectionSpec(own.archive.parent, mapped=True))


def drop(own: Place) -> None:
    """Remove the tables of a corner."""
    connection = LabConnection(lambda: database._target(own.database))
    migrations.drop_everything(binding.Binding(connection, own.prefix))
    connection.close()


def computer(own: Place, name: str = "rig") -> Computer:
    """Make a computer of a corner."""
    counted = own.admin.realism()["request_limit"] is not None
    return load_place.computer(own, name, settings_of_its_own=AS_INSTALLED if counted else UNCOUNTED)


def collection(rig: Computer) -> str:
    """Return the id of a computer's own collection, whose root is the folder ``rig``."""
    document = json.loads((rig.folder / "dj_local_conf.json").read_text())
    return str(document["custom"]["globus.local_endpoints"]["raw-ephys"]["endpoint"])


def pairs(folder: Path) -> list[tuple[str, str]]:
    """Return the files below a rig's folder of recordings: path in its collection, path in the archive's."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [(f"/ephys/{name}", f"/raw-ephys/{name}") for name in names]
