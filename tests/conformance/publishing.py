"""One recording day, published to the real archive and fetched again by the product itself, and what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mapshell.demo.lab import Lab, LabSession

    from .runner import Globus, World

FOLDER = "publish"
BACK = "retrieved"
_DEEPEST = "20"
#: What a person's own environment may say here; above all not which database to use: a trial is no entry of a lab's.
_KEPT = ("MAPSHELL_HOME", "MAPSHELL_GLOBUS_CLIENT_SECRET", "MAPSHELL_GLOBUS_TOKEN_FILE")
_OURS = ("MAPSHELL_", "DJ_")


@dataclass(frozen=True)
class Step:
    """One thing that was done, whether it went well, and what was said."""

    name: str
    well: bool
    said: str


@dataclass(frozen=True)
class Application:
    """The registered application with which ``mapshell`` logs in."""

    client_id: str
    token_file: Path | None = None


def application() -> Application | None:
    """Return the application of this person's own settings; None when they name none."""
    from mapshell.context import Context

    found = Context().settings.globus
    return Application(found.client_id, found.token_file) if found.client_id else None


def publish(world: World, globus: Globus, app: Application, place: Path) -> list[Step]:
    """Make a lab's recording days, publish one of them, fetch it again, and look at what arrived.

    Parameters
    ----------
    world
        Where; the recordings are made in a folder of its source.
    globus
        With it the archive is listed.
    app
        The application that logs in.
    place
        A folder for configuration and database, which nobody else uses.
    """
    from mapshell.demo.lab import make_lab
    from pipeline import embedded

    lab = make_lab(world.source / FOLDER, now=datetime.now(UTC), timezone="UTC")
    session = lab.good[0]
    file = place / "dj_local_conf.json"
    file.write_text(json.dumps(configuration(world, app), indent=2), encoding="utf-8")
    one = ("--type", "ephys", "--subject", session.h2o, "--session", "1")
    commands = (
        ("login",),
        ("ingest-subjects", str(lab.sheet)),
        ("ingest-recordings", "--subject", session.h2o),
        ("publication-publish", *one),
        ("publication-retrieve", *one, "--to", str(lab.kind_root("ephys") / BACK)),
    )
    steps: list[Step] = []
    try:
        for command in commands:
            steps.append(_run(command, file, world.environment))
            # A day that still records is skipped, and said so (3): for us that is well.
            if not steps[-1].well:
                return steps
        return [*steps, arrived(world, globus, session), came_back(lab, session)]
    finally:
        embedded.stop(place / "database")


def configuration(world: World, app: Application) -> dict[str, Any]:
    """Return the ``dj_local_conf.json`` of the trial: a database of its own, the two folders."""
    values = world.values
    source = {
        "endpoint": values["src_id"],
        "endpoint_subdir": f"{values['src_base']}/{FOLDER}/ephys",
        "endpoint_path": str(world.source / FOLDER / "ephys"),
    }
    archive = {"endpoint": values["dst_id"], "path": f"{values['dst_base']}/{FOLDER}", "dataset_type": "ephys"}
    return {
        "database.embedded": "database",
        "globus.client_id": app.client_id,
        **({"globus.token_file": str(app.token_file)} if app.token_file else {}),
        "archive.timezone": "UTC",
        "custom": {
            "globus.local_endpoints": {"raw-ephys": source},
            "globus.storage_locations": {"raw-ephys": archive},
        },
    }


def _run(command: tuple[str, ...], file: Path, environment: Mapping[str, str]) -> Step:
    kept = {name: value for name, value in environment.items() if not name.startswith(_OURS) or name in _KEPT}
    asked = command == ("login",) and sys.stdin.isatty()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mapshell", *command, "--config", str(file)],
        env=kept,
        cwd=file.parent,
        stdin=None if asked else subprocess.DEVNULL,
        stdout=None if asked else subprocess.PIPE,  # a login talks with the person
        stderr=None if asked else subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    well = done.returncode in ({0, 3} if command[0] == "ingest-recordings" else {0})
    return Step(f"mapshell {' '.join(command)}", well, done.stdout or "")


def arrived(world: World, globus: Globus, session: LabSession) -> Step:
    """Compare the archive's listing, names and sizes, with what was made."""
    place = f"{world.values['dst_id']}:{world.values['dst_base']}/{FOLDER}"
    seen = globus("ls", "-r", "--recursive-depth-limit", _DEEPEST, "-F", "json", place)
    name = f"globus ls -r {place}"
    if seen.code:
        return Step(name, False, seen.err)
    sizes = {each["name"]: each["size"] for each in json.loads(seen.out)["DATA"] if each["type"] == "file"}
    wrong = [file.subpath for file in session.of_kind("ephys") if sizes.get(file.subpath) != file.size]
    if not any(".manifest-" in each for each in sizes):
        wrong.append("the session's manifest")
    said = "Not there, or of another size: " + ", ".join(wrong) if wrong else f"{len(sizes)} files, as made"
    return Step(name, not wrong, said)


def came_back(lab: Lab, session: LabSession) -> Step:
    """Compare what was fetched, byte by byte, with what was made."""
    files = session.of_kind("ephys")
    back = lab.kind_root("ephys") / BACK
    wrong = [
        file.subpath
        for file in files
        if not (back / file.subpath).is_file() or (back / file.subpath).read_bytes() != lab.path(file).read_bytes()
    ]
    said = "Not as made: " + ", ".join(wrong) if wrong else f"{len(files)} files, byte by byte as made"
    return Step("comparison of what was fetched", not wrong, said)
