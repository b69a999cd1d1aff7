"""Probes that the database knows and that have no files, and files of probes that it does not know: only told."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from pipeline import ephys
from pipeline.archive.filenames import parse_file, parse_probe
from pipeline.database.binding import is_there

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from pipeline.archive.find import LocalSession
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.session import SessionKey, SessionRef

_CHUNK = 200


@dataclass(frozen=True, slots=True)
class ProbeGap:
    """How the files of a session differ from ``ephys.ProbeInsertion``, by insertion number (1 is ``imec0``)."""

    ref: SessionRef
    alias: str
    without_files: tuple[int, ...] = ()
    without_insertion: tuple[int, ...] = ()

    def __str__(self) -> str:
        said = []
        if self.without_files:
            some = "has" if len(self.without_files) == 1 else "have"
            said.append(f"{_probes(self.without_files)} {some} an insertion, but no files")
        if self.without_insertion:
            some = "has" if len(self.without_insertion) == 1 else "have"
            said.append(f"{_probes(self.without_insertion)} {some} files, but no insertion in the database")
        return f"{self.ref}: {'; '.join(said)}"


def _probes(numbers: Iterable[int]) -> str:
    return ", ".join(f"imec{number - 1}" for number in numbers)


def insertion_numbers(subpaths: Iterable[str]) -> set[int]:
    """Return the numbers of the insertions of which there are files: recordings, or anything in a probe's folder."""
    found: set[int] = set()
    folders: set[str] = set()
    for subpath in subpaths:
        *parents, name = subpath.split("/")
        folders.update(parents[2:])
        file = parse_file(name) if ".imec" in name else None
        if file is not None and file.insertion_number is not None:
            found.add(file.insertion_number)
    probes = (parse_probe(folder) for folder in folders)
    return found | {probe.insertion_number for probe in probes if probe is not None}


def gaps(alias: str, here: Sequence[LocalSession], indexed: Mapping[SessionKey, Manifest]) -> Iterator[ProbeGap]:
    """Compare the insertions of sessions with their files, here and in the index; yield those that differ."""
    if not is_there(ephys.ProbeInsertion):  # a lab's own tables may have none
        return
    chosen = {session.ref.key: session for session in here if session.files}
    entered = _entered(list(chosen))
    for key, session in chosen.items():
        known = indexed.get(key)
        names = {file.subpath for file in session.files} | {entry.subpath for entry in (known.files if known else ())}
        recorded, inserted = insertion_numbers(names), entered.get(key, set())
        if recorded != inserted:
            missing, unknown = tuple(sorted(inserted - recorded)), tuple(sorted(recorded - inserted))
            yield ProbeGap(session.ref, alias, missing, unknown)


def _entered(keys: Collection[SessionKey]) -> dict[SessionKey, set[int]]:
    found: dict[SessionKey, set[int]] = defaultdict(set)
    rest = iter(keys)
    while chunk := list(islice(rest, _CHUNK)):
        query = ephys.ProbeInsertion() & [{"subject_id": key[0], "session": key[1]} for key in chunk]
        for row in query.proj().to_dicts():
            found[row["subject_id"], row["session"]].add(row["insertion_number"])
    return found
