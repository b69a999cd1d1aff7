"""A lab in which every name lies where the field puts it, each with the recording, videos or results that it is of."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mapshell.demo.sorting import write_kilosort
from mapshell.demo.videos import avi
from pipeline.archive.dates import find_date, mdY
from pipeline.archive.naming import parse_file, parse_folder, parse_probe, parse_video, start_time

from .metas import Pool, age, serial_of, write_pair
from .names import Line, lines

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from pipeline.archive.naming import FolderName

ONEBOX, DASHES, SHANKS = "OB01", "OL301", "MR01"
"""Animals of recordings whose names tell none."""

_UNDATED = datetime.fromisoformat("2023-05-01T10:00:00")
_SESSION = re.compile(r"(?:catgt_)?.+_g[0-9]+")


@dataclass
class NamesLab:
    """Where the lab's files are: ``ephys`` and ``video`` have folders of animals, ``drive`` has none.

    ``usual`` puts what the field lists without its animal below the animal's folder, as the archive does.
    """

    ephys: Path
    drive: Path
    video: Path
    usual: bool = False
    pool: Pool = field(default_factory=Pool)
    animals: dict[str, int] = field(default_factory=dict)
    placed: dict[Line, Path] = field(default_factory=dict)
    apart: dict[str, str] = field(default_factory=dict)

    def make(self) -> NamesLab:
        """Make every line."""
        for line in lines():
            self.placed[line] = self._place(line)
        return self

    def sheet(self, path: Path, without: tuple[str, ...] = ()) -> Path:
        """Write the sheet of the animals."""
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["subject_id", "water_restriction_number"])
            rows.writerows([number, h2o] for h2o, number in self.animals.items() if h2o not in without)
        return path

    def files(self) -> dict[str, Path]:
        """Return all files, by their subpaths."""
        return {
            path.relative_to(root).as_posix(): path
            for root in (self.ephys, self.drive, self.video)
            for path in sorted(root.rglob("*"))
            if path.is_file() and ".mapshell" not in path.parts
        }

    # -- where a name lies -------------------------------------------------------------------------------------

    def _place(self, line: Line) -> Path:
        *folders, last = line.name.split("/")
        video = parse_video(last)
        if video is not None:
            return self._film(line, video.h2o, video.date)
        if not folders and "bitcode" in last:
            path = self.ephys / self._animal(last.split("_")[0]) / last
            return self._write(path, _UNDATED.replace(year=2019))
        if not folders and (name := parse_file(last)) is not None:
            return self._onebox(line, name)
        top = line.name.split("/")[0]
        if _SESSION.fullmatch(top):
            return self._record(line, self._top(top), line.name)
        if " " in top:
            self.apart[top] = self._animal(folders[1].rsplit("_g", 1)[0])
            return self._record(line, self.drive / top, "/".join(line.name.split("/")[1:]))
        return self._record(line, self.ephys / self._animal(top), "/".join(line.name.split("/")[1:]))

    def _top(self, name: str) -> Path:
        """Return the folder that a session's folder without an animal's lies in."""
        run = name.removeprefix("catgt_").rsplit("_g", 1)[0]
        found = find_date(run)
        h2o = SHANKS if found is None else found[0] or DASHES
        self._animal(h2o)
        self.apart[name] = h2o
        return self.ephys / h2o if self.usual else self.drive

    def _animal(self, h2o: str) -> str:
        self.animals.setdefault(h2o, 480001 + len(self.animals))
        return h2o

    # -- what lies there ---------------------------------------------------------------------------------------

    def _film(self, line: Line, h2o: str, day: date | None) -> Path:
        path = self.video / line.name
        if "/" not in line.name:
            assert day is not None
            path = self.video / h2o / mdY(day) / "video" / line.name
        self._animal(h2o)
        when = datetime.combine(day, _UNDATED.time()) if day else _UNDATED
        return self._write(path, when, avi(2) if path.suffix == ".avi" else None)

    def _onebox(self, line: Line, name) -> Path:
        """Place a file that is named without its folders: of a OneBox, or beside CatGT's output of such a run."""
        run = f"{name.run}_g{name.gate or 0}"
        place = self.ephys / self._animal(ONEBOX)
        if name.stream == "obx":
            path = place / run / line.name
            write_pair(path, self.pool.take("nidq"), self._start(None, run), onebox=True)
            return path
        inner = f"{run}_imec{name.probe}" if name.stream == "imec" else ""
        return self._write(place / f"catgt_{run}" / inner / line.name, self._start(None, run))

    def _record(self, line: Line, place: Path, name: str) -> Path:
        """Make the recording that a path below ``place`` is of."""
        path = place / name
        parts = name.split("/")
        session = "/".join(parts[:2]) if "_g" not in parts[0] else parts[0]
        start = self._start(parse_folder(f"{place.name}/{session}", "ephys"), session)
        if "." in parts[-1] and not _SESSION.fullmatch(parts[-1]) and parse_probe(parts[-1]) is None:
            self._around(line, path, start)
            return path if path.exists() else self._write(path, start)
        probe = next((folder for folder in parts if parse_probe(folder)), None)
        stem = session.removeprefix("catgt_")
        trigger = "tcat" if session.startswith("catgt_") else "t0"
        number = 0
        if probe is not None:
            stem, number = probe.rsplit("_imec", 1)[0], int(probe.rsplit("_imec", 1)[1])
        where = place / session / (probe or f"{stem}_imec0")
        self._pair(where / f"{stem}_{trigger}.imec{number}.ap.bin", "probe", start)
        if len(parts) > 2:
            for each in write_kilosort(path, f"{stem}.ap.bin", channels=4, seconds=0.01, when=start):
                age(each, start)
            self._write(path / "temp_wh.dat", start)
        return path

    def _around(self, line: Line, path: Path, start: datetime) -> None:
        """Make the recording that a file is of, or lies beside."""
        name = path.name
        if ".nidq." in name:
            self._pair(path.with_name(name.split(".nidq.")[0] + ".nidq.bin"), "nidq", start)
            return
        of_band = re.match(r"(.+_t)([0-9]+)(\.imec([0-9]*)\.ap)", name)
        if of_band and (not name.endswith(".bin") or not of_band[4]):
            kind = "probe" if of_band[4] else "oldest"
            binary = path.with_name(f"{of_band[0]}.bin")
            self._pair(binary, kind, start)
            if of_band[2] != "0":  # the trigger before
                before = f"{of_band[1]}{int(of_band[2]) - 1}{of_band[3]}.bin"
                self._pair(path.with_name(before), kind, start - timedelta(minutes=1), binary)
            return
        if line.kind == "split shanks":
            self._pair(path, "incomplete", start)
            parent = path.with_name(re.sub(r"imec1(\d\d)\d", lambda m: f"imec{int(m[1])}", name))
            self._pair(parent, "incomplete", start)
            parent.unlink()  # its meta stays alone, as where shanks are split
            return
        self._pair(path, "probe", start)
        if line.kind == "four probes":
            for number in range(3):
                other = re.sub(r"_imec3$", f"_imec{number}", path.parent.name)
                self._pair(path.parent.parent / other / name.replace("imec3", f"imec{number}"), "probe", start)
            self._pair(path.with_name(name.replace(".ap.", ".lf.")), "lf", start, path)

    def _pair(self, binary: Path, kind: str, start: datetime, partner: Path | None = None) -> None:
        """Write a pair, unless another line did; ``partner`` is of the same probe."""
        if not binary.exists():
            write_pair(binary, self.pool.take(kind), start, serial=serial_of(partner) if partner else None)

    def _write(self, path: Path, start: datetime, data: bytes | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data or f"{path.name}\n".encode() * 20)
        return age(path, start)

    def _start(self, folder: FolderName | None, run: str) -> datetime:
        """Return when a recording began: by its name where that tells, each undated run on a day of its own."""
        if folder is None or not folder.dates:
            return _UNDATED + timedelta(days=sum(run.removeprefix("catgt_").encode()) % 1000)
        day = datetime.combine(folder.dates[0], _UNDATED.time())
        clock = start_time(folder.ident)
        if clock is not None:
            return datetime.combine(day, clock)
        return day.replace(hour=14 if folder.ident else 9, minute=30)
