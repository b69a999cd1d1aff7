"""Where the bad night is played: breaks what an act breaks, publishes by the product's own code, tells the outcome."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapshell.demo import run as demo
from mapshell.demo.proof import compare
from pipeline.errors import ServiceError
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mapshell.context import Context
    from mapshell.demo.lab import Lab
    from mapshell.demo.night import Act, Visit
    from mapshell.sandbox.client import SandboxAdmin
    from pipeline.report import Report

_WIDTH = 79
_KILL_WITHIN_S = 60.0


@dataclass
class Run:
    """What one run of publishing came to, in the product's words; ``killed`` has the exit code instead."""

    state: str
    reason: str = ""
    remedy: str = ""
    files: int = 0
    bytes: int = 0
    killed: int | None = None


@dataclass
class Played:
    """One act as it went: runs, requests that met a fault (and how often), transfers of the data that were made."""

    title: str
    broken: str
    session: str
    runs: list[Run] = field(default_factory=list)
    met: dict[str, int] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)
    as_expected: bool = True


class Stage:
    """The rig, its archive and its sandbox, on which acts are played."""

    def __init__(self, inside: Context, folder: Path, lab: Lab) -> None:
        self._inside = inside
        self._folder = folder
        self._lab = lab
        self._out = inside.output

    @property
    def _admin(self) -> SandboxAdmin:
        from mapshell.sandbox import service

        info = service.status(self._folder / demo.SANDBOX)
        if info is None:
            raise ServiceError("The sandbox of the demo has ended.", remedy="run the demo again.")
        return info.admin

    def play(self, act: Act, number: int) -> Played:
        """Break what the act breaks, publish, mend, publish again; say what happened."""
        admin, visit = self._admin, act.visit
        played = Played(act.title, act.broken, f"{visit.h2o} session {visit.session}, {visit.kind}")
        before = {task["task_id"] for task in admin.tasks()}
        cursor = admin.log(limit=1)["cursor"]
        self._out.say()
        self._out.say(f"{number}. {act.title:<45}{played.session:>30}", style="bold")
        self._tell("Broken", act.broken)
        admin.add_faults(*act.faults)
        try:
            first = self._killed(visit, before) if act.kill else self._publish(visit)
            disk = self._on_disk(visit)
        finally:
            played.met = dict(_met(admin.log(cursor)["entries"]))
            admin.clear_faults()
        self._release(before)
        self._say(first, played, len(act.expected))
        while len(played.runs) < len(act.expected):
            self._tell("Disk", disk)
            self._say(self._publish(visit), played, len(act.expected))
        made = [task for task in admin.tasks() if task["task_id"] not in before]
        played.tasks = [task["status"] for task in reversed(made) if str(task["label"]).startswith("mapshell publish")]
        self._tell("Globus", self._summary(played))
        played.as_expected = tuple(run.state for run in played.runs) == act.expected and len(played.tasks) == act.tasks
        if not played.as_expected:
            self._out.warn(f"expected: {', then '.join(act.expected)}, with {act.tasks} transfers.")
        return played

    def rest(self) -> str:
        """Publish everything once more, undisturbed; returns the product's sum."""
        self._out.say()
        self._out.say("Morning: publication-publish for everything", style="bold")
        said = str(self._round(("ephys", "video"), []))
        self._tell("Says", said)
        return said

    # One run -------------------------------------------------------------------------------------------------------

    def _round(self, kinds: Sequence[Any], restrictions: list[Any]) -> Report:
        from pipeline.rounds import publish_round

        return publish_round(self._inside.settings, self._inside.globus, kinds, restrictions)

    def _publish(self, visit: Visit) -> Run:
        from pipeline.subjects import resolve

        chosen = [{"subject_id": resolve(visit.h2o), "session": visit.session}]
        report = self._round((visit.kind,), chosen)
        (outcome,) = report.outcomes
        return Run(outcome.state, outcome.reason, outcome.remedy, outcome.files, outcome.size)

    def _killed(self, visit: Visit, before: set[str]) -> Run:
        """Publish in a process of its own, and kill that once the service works on its transfer."""
        root = str(Path(__file__).resolve().parents[2])
        code = f"import sys; sys.path.insert(0, {root!r}); from mapshell.cli import main; main(sys.argv[1:])"
        words = ["publication-publish", "--subject", visit.h2o, "--session", str(visit.session), "--type", visit.kind]
        child = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-c", code, *words],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait(lambda: child.poll() is not None or self._under_way(before))
        finally:
            child.kill()
            child.wait()
        return Run("killed", killed=child.returncode)

    def _new(self, before: set[str]) -> list[dict[str, Any]]:
        return [task for task in self._admin.tasks() if task["task_id"] not in before]

    def _under_way(self, before: set[str]) -> bool:
        from pipeline import publication

        there = any(task["files_transferred"] for task in self._new(before))
        # Once the journal knows the task, the next run must find it again rather than submit a second one.
        return there and bool(publication.Transfer() & {"state": "submitted"})

    def _wait(self, true: Callable[[], bool]) -> None:
        limit = self._inside.clock.monotonic() + _KILL_WITHIN_S
        while not true():
            if self._inside.clock.monotonic() > limit:
                raise ServiceError("The transfer of the demo did not begin.", remedy="run the demo again.")
            self._inside.clock.sleep(0.05)

    def _release(self, before: set[str]) -> None:
        for task in self._new(before):
            if task["status"] in {"ACTIVE", "INACTIVE"}:
                self._admin.control_task(task["task_id"], "release")

    # What is said --------------------------------------------------------------------------------------------------

    def _on_disk(self, visit: Visit) -> str:
        """Say how much of a session is at the archive, byte by byte, and what the index says of it."""
        sessions = [session for session in self._lab.sessions if session.h2o == visit.h2o]
        files = sessions[visit.session - 1].of_kind(visit.kind)
        there = self._folder / "archive" / f"raw-{visit.kind}"
        found = Counter(compare(self._lab.path(file), there / file.subpath) for file in files)
        from pipeline import publication
        from pipeline.subjects import resolve

        rows = publication.archived_table(visit.kind)() & {"subject_id": resolve(visit.h2o), "session": visit.session}
        return (
            f"{found['same']} of {len(files)} files whole at the archive, {found['different']} broken;"
            f" rows in the index: {len(rows)}"
        )

    def _say(self, run: Run, played: Played, runs: int) -> None:
        played.runs.append(run)
        title = "Run" if runs == 1 else f"Run {len(played.runs)}"
        if run.killed is not None:
            self._tell(title, f"killed (exit {run.killed})")
        elif run.state == "archived":
            self._tell(title, f"archived: {run.files} files, {human_bytes(run.bytes)}, each checked at the archive")
        else:
            self._tell(title, f"{run.state}: {run.reason}")
            if run.remedy:
                self._tell("", f"Remedy: {run.remedy}")

    def _summary(self, played: Played) -> str:
        """Say what the service saw: faults that were met, transfers that were made."""
        met = [f"{count} x {what}" for what, count in played.met.items()]
        made = f"{len(played.tasks)} transfer{'' if len(played.tasks) == 1 else 's'} ({', then '.join(played.tasks)})"
        return "; ".join([*met, made])

    def _tell(self, title: str, text: str) -> None:
        lead = f"   {title:<8}"
        for each in textwrap.wrap(text, _WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead)):
            self._out.say(each)


def _met(entries: Sequence[dict[str, Any]]) -> Counter[str]:
    """Count the requests that met a fault or were refused, as they are told."""
    told: Counter[str] = Counter()
    for entry in entries:
        if entry["type"] == "request" and (entry["fault"] or entry["status"] == 401):
            last = entry["kind"].rpartition("/")[2]
            answer = "no answer" if entry["status"] is None else str(entry["status"])
            told[f"{answer} to {entry['method']} {last}"] += 1
    return told
