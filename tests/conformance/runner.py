"""Plays the table's chapters in a world: the sandbox, or the real service."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .driver import LOOPBACK
from .rows import Chapter, Row, Seen, faults, filled, printed_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SOURCE_TIME = datetime(2024, 3, 5, 6, 7, 8, tzinfo=UTC)
_YEAR = re.compile(r"(.*)@(\d{4})")


@dataclass
class World:
    """Where the table is played.

    Parameters
    ----------
    environment
        Environment of the command lines.
    values
        What placeholders stand for; ``src_id``, ``dst_id``, ``src_base`` and ``dst_base`` among them.
    source
        The folder of this computer that the source collection shows at ``src_base``.
    destination
        The same for the destination; None when it lies elsewhere: then sizes are asked for.
    traits
        What rows may need: see :class:`Row`.
    loopback
        No command line may connect to another computer.
    pause, patience
        Seconds between two looks at a task, and until it is given up.
    """

    environment: Mapping[str, str]
    values: dict[str, str]
    source: Path
    destination: Path | None = None
    traits: frozenset[str] = frozenset()
    loopback: bool = True
    pause: float = 0.02
    patience: float = 30.0


@dataclass(frozen=True)
class Played:
    """A row as it came out."""

    chapter: str
    row: Row
    line: str
    seen: Seen
    faults: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        """Tell all that helps to see what is wrong."""
        said = "\n".join(self.faults)
        printed = f"--- exit {self.seen.code}, stdout:\n{self.seen.out}--- stderr:\n{self.seen.err}"
        return f"{self.chapter}: {self.row.name}\n$ globus {self.line}\n{said}\n{printed}"


class Globus:
    """Runs command lines of ``globus`` in one long-lived process."""

    def __init__(self, environment: Mapping[str, str], folder: Path, *, loopback: bool = True) -> None:
        self._environment, self._folder = dict(environment), folder
        self.outside: list[str] = []
        self._number = 0
        command = [sys.executable, "-X", "utf8", str(Path(__file__).with_name("driver.py"))]
        self._process = subprocess.Popen(
            [*command, LOOPBACK] if loopback else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __enter__(self) -> Globus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._pipe(self._process.stdin).close()
        self._pipe(self._process.stdout).close()
        self._process.wait(timeout=30)

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def __call__(self, *args: str, stdin: str = "") -> Seen:
        """Run one command line."""
        self._number += 1
        order = {
            "number": self._number,
            "args": args,
            "stdin": stdin,
            "environment": self._environment,
            "folder": str(self._folder),
        }
        pipe = self._pipe(self._process.stdin)
        pipe.write(json.dumps(order) + "\n")
        pipe.flush()
        while True:  # past the answer to an order that Ctrl-C left unread
            answer = json.loads(self._pipe(self._process.stdout).readline())
            if answer["number"] == self._number:
                break
        self.outside += answer["outside"]
        return Seen(answer["code"], answer["out"], answer["err"])


class Player:
    """Plays chapters and keeps what earlier rows told: ids of tasks."""

    def __init__(self, world: World, globus: Globus, *, real: bool = False) -> None:
        self.world, self.globus = world, globus
        self.submitted: list[str] = []
        self._real = real  # only rows that make sense at the real service

    def play(self, chapter: Chapter) -> Iterator[Played]:
        """Run the rows of a chapter that fit the world, one after the other."""
        rows = [
            row
            for row in chapter.rows
            if (not row.needs or row.needs in self.world.traits) and (row.real or not self._real)
        ]
        name = chapter.name.replace(" ", "-")
        values = {**self.world.values, "long": "x" * 129, "mark": f"{self.world.values['run']} {name}"}
        for side in ("src", "dst"):
            values[f"{side}_path"] = f"{values[f'{side}_base'].rstrip('/')}/{name}"
            values[side] = f"{values[f'{side}_id']}:{values[f'{side}_path']}"
        self._write(name, chapter.files)
        if any(row.task or row.there or "{dst" in row.line for row in rows):
            made = self.globus("mkdir", values["dst"])
            assert made.code == 0, made
        for row in rows:
            yield self._row(chapter, name, row, values)

    def _row(self, chapter: Chapter, folder: str, row: Row, values: dict[str, str]) -> Played:
        self._write(folder, row.files)
        line = filled(row.line, values)
        if self._real and line.split()[0] in {"transfer", "delete", "rm"} and "--notify" not in line:
            line += " --notify off"  # nobody wants a mail for each of them
        limit = time.monotonic() + self.world.patience
        while True:
            seen = self.globus(*shlex.split(line), stdin=row.stdin)
            found = faults(row, seen, values)
            if not (row.patient and found) or time.monotonic() > limit:
                break
            time.sleep(self.world.pause)
        if row.task or row.keep:
            value = printed_id(seen.out)
            if value is None:
                found.append("no id is printed")
            else:
                values[row.task or row.keep] = value
                if row.task:
                    self.submitted.append(value)
                if row.task and row.ends is not None and (status := self._status(value)) != row.ends:
                    found.append(f"the task ended as {status}, expected {row.ends}")
        found += self._files(folder, row, values)
        if self.world.loopback and self.globus.outside:
            found.append(f"it went elsewhere: {self.globus.outside}")
            self.globus.outside.clear()
        return Played(chapter.name, row, line, seen, tuple(found))

    def _status(self, task: str) -> str:
        """Wait for the end of a task."""
        limit = time.monotonic() + self.world.patience
        while True:
            status = self.globus("task", "show", task, "-F", "unix", "--jmespath", "status").out.strip()
            if status != "ACTIVE" or time.monotonic() > limit:
                return status
            time.sleep(self.world.pause)

    def _write(self, folder: str, files: Mapping[str, str]) -> None:
        (self.world.source / folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            dated = _YEAR.fullmatch(name)
            instant = SOURCE_TIME if dated is None else SOURCE_TIME.replace(year=int(dated[2]))
            path = self.world.source / folder / (name if dated is None else dated[1])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode())
            os.utime(path, (instant.timestamp(), instant.timestamp()))

    def _files(self, folder: str, row: Row, values: Mapping[str, str]) -> list[str]:
        found = []
        for name, content in row.there.items():
            if self.world.destination is not None:
                path = self.world.destination / folder / name
                if not path.is_file() or path.read_bytes() != content.encode():
                    found.append(f"{name} is not at the destination with its content")
            else:
                size = self._size(f"{values['dst']}/{name}")
                if size != len(content.encode()):
                    found.append(f"{name} has {size} bytes at the destination, expected {len(content.encode())}")
        for name in row.gone:
            if self.world.destination is not None:
                there = (self.world.destination / folder / name).exists()
            else:
                there = self._size(f"{values['dst']}/{name}") is not None
            if there:
                found.append(f"{name} is at the destination")
        return found

    def _size(self, path: str) -> int | None:
        told = self.globus("stat", path, "-F", "json").out
        try:
            return int(json.loads(told)["size"])
        except (ValueError, KeyError, TypeError):
            return None
