"""Row 2: what a publish asks of Globus, request by request."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.load import check

from . import days
from .contenders import GlobusCli
from .instrument import Aim, Measured, Options, Table, scratch
from .lab import computer, corner, lab, pace, speeds
from .processes import timed
from .row_publish import by_client

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.load.place import Place

ASKING = (sys.executable, "-m", "tests.bench.asking")
FOR_EACH_TASK = 10
_LINE = re.compile(r'"(GET|POST|PUT|DELETE) (\S+) HTTP/')


@dataclass(frozen=True)
class Asked:
    """The requests of one publish: method and path with its query, in their order."""

    seconds: float
    requests: Sequence[tuple[str, str]]

    def having(self, method: str, part: str) -> list[str]:
        """Return the paths of requests of a kind."""
        return [path for each, path in self.requests if each == method and part in path]

    @property
    def tasks(self) -> int:
        return len(self.having("POST", "/transfer/v0.10/transfer"))

    @property
    def polls(self) -> list[str]:
        return [path for path in self.having("GET", "/task_list") if "task_id" in path]

    @property
    def listed(self) -> Counter[str]:
        """How often each folder was listed."""
        return Counter(parse_qs(urlsplit(path).query)["path"][0] for path in self.having("GET", "/ls?"))

    @property
    def kinds(self) -> Counter[str]:
        """How many requests there were of each kind."""
        return Counter(self._kind(method, path) for method, path in self.requests)

    def _kind(self, method: str, path: str) -> str:
        if path in self.polls:
            return "tasks looked at"
        return f"{method} {urlsplit(path).path.rpartition('/')[2]}"


def measure(options: Options) -> list[Table]:
    """Count without added latency and with the real service's."""
    sessions, files = options.size(20, 3), options.size(50, 6)
    with scratch(options) as template, lab(options) as at:
        days.recordings(template, sessions, files, seconds=0.01)
        client = GlobusCli(at)
        tables = []
        for speed in speeds(options):
            pace(at, speed, options)
            options.tell(f"requests of publishing, {speed}")
            asked, needed = ours(at, template, sessions)
            at.admin.reset_counts()
            by_client(at, template, client)
            tables.append(table(f"publish {sessions} sessions of {files} files, {speed}", asked, needed, _total(at)))
        return tables


def ours(at: Place, template: Path, sessions: int) -> tuple[Asked, int]:
    """Publish; return the requests, and how many folders had to be listed.

    Those are: of each animal before the first departs (does something lie there?), each folder that received files,
    and of each animal twice for each task of manifests (are their names free, and do they lie there now?).
    """
    with corner(at) as own:
        rig = computer(own)
        days.lay(template, rig)
        days.enter(rig, sessions)
        file, command = own.folder / "asked.txt", rig.command("publication-publish")
        line = [*ASKING, str(file), "--no-input", *command.args]
        seconds = timed(line, folder=command.folder, environ=command.environ).seconds
        files = check.archived(own, [rig], sessions)
        found = [match.groups() for match in map(_LINE.search, file.read_text().splitlines()) if match]
        asked = Asked(seconds, [(method, path) for method, path in found if "/nonce" not in path])
        check.must(len(asked.requests) == own.admin.total(), "not every request was written down")
        folders = {path.parent for path in rig.ephys.rglob("*") if path.is_file()}
        animals = {path.parts[0] for path in (each.relative_to(rig.ephys) for each in folders)}
        check.must(files > 0 and bool(animals), "nothing was published")
        return asked, len(folders) + len(animals) * (1 + 2 * (asked.tasks - sessions))


def table(title: str, asked: Asked, needed: int, others: int) -> Table:
    """Hold the requests against what has to be asked."""
    listings, polls = sum(asked.listed.values()), len(asked.polls)
    rest = (len(asked.requests) - polls) / asked.tasks
    measured = {
        "mapshell": len(asked.requests),
        "mapshell, each task, without polling": rest,
        "mapshell, polling": polls,
        "one question each second": asked.seconds,
        "mapshell, listings": listings,
        "listings that are needed": needed,
        "globus-cli (one task, checks nothing)": others,
    }
    folder, most = max(asked.listed.items(), key=lambda each: each[1])
    notes = (
        f"{asked.tasks} tasks. " + ", ".join(f"{kind} {count}" for kind, count in asked.kinds.most_common()),
        f"listed most often: {folder} ({most} times)",
    )
    aims = (
        Aim("mapshell, each task, without polling", None, FOR_EACH_TASK, "calls"),
        Aim("mapshell, polling", "one question each second", 1.0),
        Aim("mapshell, listings", "listings that are needed", 1.0),
    )
    return Table(title, tuple(Measured(name, (value,)) for name, value in measured.items()), aims, "calls", notes)


def _total(at: Place) -> int:
    return at.admin.total("transfer/")
