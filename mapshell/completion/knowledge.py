"""What completion knows of the lab: small, plain, kept in a file so that a terminal's Tab needs no database."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "completion.json"
_LARGEST = 20_000_000  # bytes; a larger file is not ours


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session as a person may name it; ``day`` is YYYY-MM-DD."""

    subject: str
    number: int
    day: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Subjects (water restrictions), sessions by subject and number, aliases of storage locations."""

    subjects: tuple[str, ...] = ()
    sessions: tuple[KnownSession, ...] = ()
    aliases: tuple[str, ...] = ()


def ask_database() -> Knowledge:
    """Return what the bound database knows, in a few queries."""
    from pipeline import experiment, lab, publication
    from pipeline.database.reading import columns

    h2os = dict(columns(lab.WaterRestriction(), ("subject_id", "water_restriction_number")))
    subjects = sorted(map(str, h2os.values()))
    rows = columns(experiment.Session(), ("subject_id", "session", "session_date"))
    found = sorted((str(h2os[who]), number, f"{day:%Y-%m-%d}") for who, number, day in rows if who in h2os)
    aliases = sorted(str(name) for (name,) in columns(publication.GlobusStorageLocation(), ("globus_alias",)))
    return Knowledge(tuple(subjects), tuple(KnownSession(*each) for each in found), tuple(aliases))


def keep(knowledge: Knowledge, file: Path) -> None:
    """Write it for the next Tab; that it cannot be written is no error."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(asdict(knowledge), stream, ensure_ascii=False)
        new.replace(file)


def renew(file: Path, *, older_than: float = 3600.0) -> None:
    """Write down what the bound database knows now, unless that was done a short while (s) ago."""
    with suppress(OSError):
        if time.time() - file.stat().st_mtime < older_than:
            return
    keep(ask_database(), file)


def recall(file: Path) -> Knowledge:
    """Return what was kept last; nothing when there is no such file, or when it is not ours."""
    try:
        if file.stat().st_size > _LARGEST:
            return Knowledge()
        data = json.loads(file.read_text(encoding="utf-8"))
        return Knowledge(
            tuple(str(name) for name in data["subjects"]),
            tuple(KnownSession(str(e["subject"]), int(e["number"]), str(e["day"])) for e in data["sessions"]),
            tuple(str(name) for name in data["aliases"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Knowledge()
