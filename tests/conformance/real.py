"""The table, and one publication, against the real service: for those who have an account, and on their word only."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import publishing
from .arguments import arguments
from .ours import in_a_sandbox
from .report import Comparison, Report
from .rows import printed_id
from .runner import Globus, Player, World
from .table import CHAPTERS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from .arguments import Place
    from .rows import Chapter, Seen

#: Set by the tests of this very mode: the folder of a sandbox that stands for the real service.
STAND_IN = "MAPSHELL_TEST_REAL_SERVICE"
_PROBE = "probe.txt"
_ELSEWHERE = ("GLOBUS_SDK_SERVICE_URL_", "GLOBUS_SDK_ENVIRONMENT")

WHAT = """\
This runs against the real Globus, as you, with your quota:

  - {rows} command lines of `globus` (whoami, ls, mkdir, transfer, task, delete, ...), about {minutes} minutes;
  - one synthetic recording day of a few megabytes, published and fetched again by mapshell{publish}.

It writes into two new folders and nowhere else, and deletes at the end what it made there, by name:

  source        {src}/{fresh}
                which on this computer is {local}
  destination   {dst}/{fresh}

Your other tasks, collections and files are not touched. A sandbox runs the same lines beside it; what differs is
written to {report}.
"""


class Stopped(Exception):
    """The trial cannot go on; the message says why and what to do."""


def main(args: Sequence[str]) -> int:
    """Do it; return 0 when reality is as the sandbox, 1 when not, 2 when it could not be tried."""
    given = arguments(args)
    try:
        trial = Trial(given)
        report = trial.report
        try:
            trial.run()
        finally:
            for note in report.notes:
                print(f"Note: {note}")
    except Stopped as reason:
        print(f"Stopped: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; what was made has been deleted, but for what is noted above.", file=sys.stderr)
        return 130
    given.report.write_text(report.markdown(), encoding="utf-8")
    print(f"{report.summary()}\nWritten to {given.report}")
    return 0 if report.well else 1


def real_environment() -> dict[str, str]:
    """Return the environment in which nothing but the real service is reached."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_ELSEWHERE)}
    stand_in = kept.pop(STAND_IN, None)
    if stand_in:
        from mapshell.sandbox.service import status

        info = status(stand_in)
        if info is None:
            raise Stopped(f"no sandbox runs in {stand_in}, which {STAND_IN} names.")
        kept |= info.environment
    return {**kept, "TZ": "UTC", "COLUMNS": "200"}


class Trial:
    """One run: looks before it writes, writes below two new folders, and cleans up."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        self._environment = real_environment()
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        self._fresh = f"mapshell-conformance-{stamp}-{secrets.token_hex(3)}"
        self._chapters: list[Chapter] = [
            each
            for each in CHAPTERS
            if any(row.real for row in each.rows) and each.name in (given.chapter or [each.name])
        ]
        self._local: Path = (given.local or Path(given.source.path)).expanduser()
        self._made_there = False
        self._app: publishing.Application | None = None
        self.report = Report("The real Globus, compared with the sandbox")

    def run(self) -> None:
        """Run all of it."""
        stands_in = os.environ.get(STAND_IN)
        with Globus(self._environment, Path.cwd(), loopback=bool(stands_in)) as globus:
            who = self._who(globus)
            ends = [self._collection(globus, place) for place in (self._given.source, self._given.destination)]
            self._app = None if self._given.no_publish else publishing.application()
            if not self._local.is_dir():
                raise Stopped(
                    f"{self._local} is no folder of this computer. The source must be a collection of this computer, "
                    "such as Globus Connect Personal; say where its folder lies: --local DIR"
                )
            self._confirm()
            world = self._world(who, *ends)
            self._make_source(world)
            try:
                self._begin(globus, world)
                self._play(globus, world)
                if self._app is not None:
                    with tempfile.TemporaryDirectory(prefix="mapshell-real-", ignore_cleanup_errors=True) as folder:
                        self.report.steps = publishing.publish(world, globus, self._app, Path(folder))
                elif not self._given.no_publish:
                    self.report.notes.append(
                        "Nothing was published: your settings name no application (globus.client_id); "
                        "docs/petrel_archiving.md tells how to register one."
                    )
            finally:
                self._clean(globus, world)

    def _who(self, globus: Globus) -> dict[str, Any]:
        seen = globus("whoami", "-F", "json")
        if seen.code:
            program = Path(sys.executable).with_name("globus")
            raise Stopped(f"you are not logged in to Globus. Run: {program} login\n{seen.err}")
        found: dict[str, Any] = json.loads(seen.out)
        return found

    def _collection(self, globus: Globus, place: Place) -> dict[str, Any]:
        seen = globus("api", "transfer", "GET", f"/v0.10/endpoint/{place.collection}")
        if seen.code:
            raise Stopped(f"there is no collection {place.collection} for you.\n{seen.err}")
        found: dict[str, Any] = json.loads(seen.out)
        return found

    def _confirm(self) -> None:
        rows = sum(row.real for chapter in self._chapters for row in chapter.rows)
        publish = "" if self._app else " (left out: your settings name no globus.client_id)"
        told = WHAT.format(
            rows=rows,
            minutes=max(1, round(rows / 12)),
            publish=" (left out, as you say)" if self._given.no_publish else publish,
            src=self._given.source,
            dst=self._given.destination,
            fresh=self._fresh,
            local=self._local / self._fresh,
            report=self._given.report,
        )
        print(told, flush=True)
        if self._given.yes:
            return
        if not sys.stdin.isatty():
            raise Stopped("nobody is there to agree. Say --yes if that is what you want.")
        if input("Go on? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise Stopped("as you say; nothing was done.")

    def _world(self, who: Mapping[str, Any], source: Mapping[str, Any], destination: Mapping[str, Any]) -> World:
        values = {
            "run": self._fresh,
            "src_id": self._given.source.collection,
            "dst_id": self._given.destination.collection,
            "src_base": f"{self._given.source.path}/{self._fresh}",
            "dst_base": f"{self._given.destination.path}/{self._fresh}",
            "src_name": str(source["display_name"]),
            "dst_name": str(destination["display_name"]),
            "username": str(who["preferred_username"]),
            "user_id": str(who["sub"]),
            "name": "<any>",
            "email": "<any>",
        }
        kinds = {"GCP_mapped_collection": "personal", "GCSv5_mapped_collection": "mapped"}
        traits = frozenset(
            {kinds.get(str(source["entity_type"]), ""), kinds.get(str(destination["entity_type"]), "guest")}
        )
        pace = (0.05, 30.0) if os.environ.get(STAND_IN) else (3.0, 900.0)
        return World(
            self._environment,
            values,
            self._local / self._fresh,
            None,
            traits,
            loopback=False,
            pause=pace[0],
            patience=pace[1],
        )

    def _make_source(self, world: World) -> None:
        try:
            world.source.mkdir()
        except OSError as error:
            raise Stopped(f"the folder {world.source} cannot be made: {error.strerror}.") from error

    def _begin(self, globus: Globus, world: World) -> None:
        """See that the source is what it is said to be; make the folder at the destination."""
        (world.source / _PROBE).write_bytes(b"mapshell\n")
        seen = self._try(globus, "ls", "src", world)
        if seen.out.split() != [_PROBE]:
            raise Stopped(
                f"{self._local} is not what the collection shows at {self._given.source}: a file that was put there is "
                "not listed. Say where it lies on this computer: --local DIR"
            )
        (world.source / _PROBE).unlink()
        self._try(globus, "mkdir", "dst", world)
        self._made_there = True

    @staticmethod
    def _try(globus: Globus, command: str, side: str, world: World) -> Seen:
        path = f"{world.values[f'{side}_id']}:{world.values[f'{side}_base']}"
        seen = globus(command, path)
        if seen.code:
            place = {"src": "source", "dst": "destination"}[side]
            said = f"the {place} cannot be used: globus {command} {path}\n{seen.out}{seen.err}".rstrip()
            if side == "src" and "HTTP status:      404" in said:
                said += (
                    f"\nThe folder was made in {world.source.parent}. Does the collection show another one? --local DIR"
                )
            raise Stopped(said)
        return seen

    def _play(self, globus: Globus, world: World) -> None:
        """Play the chapters here and in a sandbox of our own, and compare."""
        ours = in_a_sandbox(self._chapters)
        player = Player(world, globus, real=True)
        try:
            for chapter in self._chapters:
                print(f"  {chapter.name} ...", flush=True)
                for played in player.play(chapter):
                    self.report.rows.append(Comparison(played, ours.get((chapter.name, played.row.name))))
        finally:
            for task in player.submitted:
                globus("task", "cancel", task)

    def _clean(self, globus: Globus, world: World) -> None:
        """Delete by name what was made, here and there; what somebody else put there stays."""
        made = [*(chapter.name.replace(" ", "-") for chapter in self._chapters), publishing.FOLDER]
        for name in made:
            shutil.rmtree(world.source / name, ignore_errors=True)
        (world.source / _PROBE).unlink(missing_ok=True)
        try:
            world.source.rmdir()
        except OSError:
            if world.source.exists():
                self.report.notes.append(f"Left behind: {world.source}")
        if self._made_there:
            self._clean_there(globus, f"{world.values['dst_id']}:{world.values['dst_base']}", made)

    def _clean_there(self, globus: Globus, place: str, made: list[str]) -> None:
        listed = globus("ls", "-a", "-F", "json", place)
        there = [] if listed.code else [each["name"] for each in json.loads(listed.out)["DATA"]]
        ours = [name for name in made if name in there]
        if ours:
            options = ("--recursive", "--ignore-missing", "--notify", "off", "--batch", "-", "-F", "json")
            sent = globus("delete", *options, place, stdin="".join(f"{name}\n" for name in ours))
            globus("task", "wait", "--timeout", "600", printed_id(sent.out) or "")
        # The folder itself goes only when nothing is in it: what somebody else put there is not ours.
        left = globus("ls", "-a", place)
        if left.code == 0 and not left.out.strip():
            globus("rm", "-r", "--notify", "off", "--timeout", "600", place)
            left = globus("ls", place)
        if left.code == 0:
            self.report.notes.append(f"Left behind: {place}")
