"""The steps of the demo; what is archived is archived by the product's own code."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapshell.context import Context, Options
from mapshell.sandbox.constants import NATIVE_CLIENT_ID
from pipeline.errors import ServiceError, UsageError
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mapshell.output import Output
    from pipeline.report import Report

RIG = "d3e0a001-0000-4000-8000-00000000a001"
ARCHIVE = "d3e0a001-0000-4000-8000-00000000a002"
CONFIGURATION = "dj_local_conf.json"
SANDBOX, DATABASE, LOGIN = ".mapshell/sandbox", ".mapshell/database", ".mapshell/login/tokens.db"
TIMEZONE = "America/New_York"
_SDK_ADDRESSES = "GLOBUS_SDK_SERVICE_URL_"
_IDLE_MINUTES = 30


def run(context: Context, folder: Path, gigabytes: float | None, *, only_prepare: bool = False) -> None:
    """Make the lab under ``folder`` (or go on with the one that is there) and publish its recording days.

    With ``only_prepare`` logging in and publishing is left to the person.
    """
    folder = folder.expanduser().absolute()
    out, began = context.output, time.monotonic()
    prepare(folder)
    out.say()
    sheet = step(out, "Recording days", lambda: _make_lab(folder, gigabytes), _describe_lab)
    inside = context_inside(context, folder)
    step(out, "Database", inside.database, lambda _: "PostgreSQL, on this computer alone")
    step(out, "Globus", lambda: start_globus(folder), lambda _: "a sandbox: no account, no internet")
    if not only_prepare:
        step(out, "Login", lambda: log_in(inside), str)
    step(out, "Ingest", lambda: ingest(inside, sheet), str)
    out.say()
    if only_prepare:
        out.say(f"Nothing is archived yet. Go to {short(folder)}, and type: {program()} shell", style="bold")
        return
    _publish(inside, folder, began)


def context_inside(context: Context, folder: Path) -> Context:
    """Return a context with the settings of a demo's folder, whatever other sandbox this shell was pointed at."""
    environ = {name: value for name, value in context.environ.items() if not name.startswith(_SDK_ADDRESSES)}
    out = context.output
    return Context(Options(config=folder / CONFIGURATION, format=out.format, quiet=out.quiet), environ=environ)


def is_demo(folder: Path) -> bool:
    """Say whether a folder is that of a demo."""
    return (folder / CONFIGURATION).is_file() and (folder / ".mapshell").is_dir()


def stop(out: Output, folder: Path) -> None:
    """End the local services of a demo."""
    folder = folder.expanduser().absolute()
    if not is_demo(folder):
        raise UsageError(f"{folder} is not the folder of a demo.", remedy="name it: `mapshell demo --stop --dir DIR`.")
    end_services(folder)
    out.say(f"The services of {folder} are stopped; any command run there starts them again.")


def end_services(folder: Path) -> None:
    """End the sandbox and the database of a demo's folder, if they run."""
    from mapshell.sandbox import service
    from pipeline import embedded

    service.stop(folder / SANDBOX)
    embedded.stop(folder / DATABASE)


def step(out: Output, title: str, work: Any, describe: Any) -> Any:
    """Do one step, and say what came of it and how long it took; returns what ``work`` returned."""
    began = time.monotonic()
    result = work()
    out.say(f"  {title:<16}{describe(result)}  ({time.monotonic() - began:.1f} s)")
    return result


def prepare(folder: Path, further: Mapping[str, Any] | None = None) -> None:
    """Write the configuration of a demo's folder, with further settings; refuse one that holds something else."""
    file = folder / CONFIGURATION
    partial = file.with_suffix(".part")
    if folder.exists() and any(folder.iterdir()) and not is_demo(folder) and not _is_begun(folder, partial):
        raise UsageError(
            f"{folder} is not empty and is not the folder of a demo; nothing was touched.",
            remedy="choose another one: `mapshell demo --dir DIR`.",
        )
    for name in ("rig/ephys", "rig/video", "archive/raw-ephys", "archive/raw-video"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / ".mapshell").mkdir(mode=0o700, exist_ok=True)
    if not file.exists():
        partial.write_text(json.dumps({**configuration(), **(further or {})}, indent=2) + "\n", encoding="utf-8")
        partial.replace(file)


def _is_begun(folder: Path, partial: Path) -> bool:
    """Say whether a demo was ended there before its configuration was written: our empty folders, and part of it."""
    ours = {"rig", "archive", ".mapshell", partial.name}
    every = folder.rglob("*")  # ends with the first that is not ours: it may be a disk full of recordings
    return all(path.relative_to(folder).parts[0] in ours and (path.is_dir() or path == partial) for path in every)


def configuration() -> dict[str, Any]:
    """Return the ``dj_local_conf.json`` of a demo's folder."""

    def root(kind: str) -> dict[str, str]:
        return {"endpoint": RIG, "endpoint_subdir": f"/{kind}", "endpoint_path": f"rig/{kind}"}

    def location(kind: str) -> dict[str, str]:
        return {"endpoint": ARCHIVE, "path": f"/raw-{kind}", "dataset_type": kind}

    return {
        "database.embedded": DATABASE,
        "globus.client_id": NATIVE_CLIENT_ID,
        "globus.sandbox": SANDBOX,
        "globus.token_file": LOGIN,
        "archive.timezone": TIMEZONE,
        # One of its recordings goes on for ever, on the one disk that there is.
        "archive.pause_while_recording": False,
        "custom": {
            "globus.local_endpoints": {"raw-ephys": root("ephys"), "raw-video": root("video")},
            "globus.storage_locations": {"raw-ephys": location("ephys"), "raw-video": location("video")},
        },
    }


def _make_lab(folder: Path, gigabytes: float | None) -> Path:
    """Make the recording days, unless an earlier demo made them; return the sheet of the animals."""
    from datetime import UTC, datetime

    from mapshell.demo.lab import make_lab

    sheet = folder / "rig" / "subjects.csv"
    if not sheet.exists():
        for kind in ("ephys", "video"):  # what an interrupted demo began is not a lab
            shutil.rmtree(folder / "rig" / kind, ignore_errors=True)
        make_lab(folder / "rig", gigabytes=gigabytes, now=datetime.now(UTC), timezone=TIMEZONE)
    return sheet


def _describe_lab(sheet: Path) -> str:
    sizes = [path.stat().st_size for path in sheet.parent.glob("*/*/**/*") if path.is_file()]
    return f"{len(sizes)} files, {human_bytes(sum(sizes))}, on a rig in {short(sheet.parent)}"


def start_globus(folder: Path) -> None:
    """Start the sandbox, with the rig's and the archive's collections."""
    from mapshell.sandbox import service
    from mapshell.sandbox.spec import CollectionSpec

    service.start(
        folder / SANDBOX,
        {
            RIG: CollectionSpec(folder / "rig", name="rig-1 (demo)", personal=True),
            ARCHIVE: CollectionSpec(folder / "archive", name="archive (demo)", mapped=True),
        },
        idle_minutes=_IDLE_MINUTES,
    )


def log_in(inside: Context) -> str:
    """Log in as a person would, the sandbox's consent page answered by us."""
    from mapshell.sandbox import service
    from pipeline.globus import GlobusStorageManager

    with GlobusStorageManager(inside.settings, interactive=False) as manager:
        manager.login_with_code(service.consent)
        return str(manager.whoami()["username"])


def ingest(inside: Context, sheet: Path) -> str:
    """Enter the animals and sessions; say how many the database knows now."""
    from pipeline import ephys, experiment, lab
    from pipeline.ingest.recordings import ingest_recordings
    from pipeline.ingest.subjects import ingest_subjects

    ingest_subjects(sheet, dry_run=False)
    ingest_recordings(inside.settings)
    return f"{len(lab.Subject())} animals, {len(experiment.Session())} sessions, {len(ephys.ProbeInsertion())} probes"


def _publish(inside: Context, folder: Path, began: float) -> None:
    from mapshell.publishing import show
    from pipeline.rounds import publish_round

    with inside.output.progress() as progress:
        report: Report = publish_round(inside.settings, inside.globus, ("ephys", "video"), progress=progress)
    show(inside.output, report)
    if report.stopped is not None:
        raise report.stopped
    if not any(outcome.state == "archived" for outcome in report.outcomes):
        raise ServiceError("Nothing was archived.", remedy="read above why, mend it, and run the demo again.")
    out = inside.output
    out.say(f"Done in {time.monotonic() - began:.0f} s. The archive: {short(folder / 'archive')}")
    out.say()
    out.say(f"Try next, in {short(folder)}:", style="bold")
    commands = list(next_commands())
    width = max(len(command) for command, _ in commands) + 3
    for command, what in commands:
        out.say(f"  {command:<{width}}{what}")
    out.say()


def next_commands() -> Iterator[tuple[str, str]]:
    """Yield the three commands to try next, as they can be typed here, each with what it shows."""
    yield f"{program()} publication-status", "every session, its state and why"
    yield f"{program()} publication-publish", "again: nothing is sent twice"
    yield f"{program()} demo --stop", "end the database and the sandbox"


def program() -> str:
    """Return mapshell as it can be typed here."""
    return "mapshell" if shutil.which("mapshell") else str(Path(sys.executable).with_name("mapshell"))


def short(path: Path) -> str:
    """Return a path as it can be typed here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
