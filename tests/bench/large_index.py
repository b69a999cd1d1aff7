"""The tables of a large lab, as years of publishing leave them: index, journal and the lab's own rows."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import large_lab

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pipeline.archive.manifest import Manifest
    from pipeline.settings import Settings

AT_ONCE = 100
"""Sessions in one transaction; nobody measures this."""


def bind(config: str) -> Settings:
    """Use the database of a computer of the benchmark; its tables are made."""
    from pipeline import database, settings

    loaded = settings.load(file=Path(config))
    database.bind(loaded)
    return loaded


def fill(config: str, sessions: int, files: int, new: Collection[int] = ()) -> None:
    """Enter sessions, and archive all but the new ones in the index, without sending anything."""
    from pipeline import database, publication
    from pipeline.rows import file_rows

    bind(config)
    enter(sessions)
    numbers = iter(sorted({*range(sessions)} - {*new}))
    while some := [large_lab.manifest(number, files) for number in islice(numbers, AT_ONCE)]:
        with database.transaction():
            describe(some)
            rows = (row for one in some for row in file_rows(one, one.files))
            database.bulk_insert(publication.DataSet.PhysicalFile, rows)
            journal(some)


def enter(sessions: int) -> None:
    """Enter animals and sessions, and where the archive lies."""
    from pipeline import database, experiment, lab, publication
    from pipeline.locations import location_row

    refs = [large_lab.ref(number) for number in range(sessions)]
    animals = {one.subject_id: one.h2o for one in refs}
    names = [{"subject_id": number, "water_restriction_number": h2o} for number, h2o in animals.items()]
    with database.transaction():
        database.insert_if_absent(publication.GlobusStorageLocation, location_row(large_lab.LOCATION))
        database.bulk_insert(lab.Subject, ({"subject_id": number} for number in animals))
        database.bulk_insert(lab.WaterRestriction, names)
        database.bulk_insert(
            experiment.Session,
            (
                {
                    "subject_id": one.subject_id,
                    "session": one.session,
                    "session_date": one.session_date,
                    "session_time": one.session_time,
                    "session_timezone": one.timezone,
                }
                for one in refs
            ),
        )


def describe(manifests: Iterable[Manifest]) -> None:
    """Write datasets and archived rows."""
    from pipeline import database, publication
    from pipeline.rows import archived_row, dataset_row

    some = list(manifests)
    database.bulk_insert(publication.DataSet, map(dataset_row, some))
    database.bulk_insert(publication.ArchivedRawEphys, map(archived_row, some))


def journal(manifests: Iterable[Manifest]) -> None:
    """Write the transfers that brought them, which have ended: a task for the files and one for the manifest each."""
    from pipeline import database, publication

    entries = [entry for one in manifests for entry in _transfers(one)]
    database.bulk_insert(publication.Transfer, (row for row, _ in entries))
    database.bulk_insert(publication.Transfer.Session, (part for _, part in entries))


def _transfers(one: Manifest) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    from pipeline.archive.journal import Entry, Part, Source, request_to_json
    from pipeline.archive.ports import TransferItem, TransferRequest
    from pipeline.rows import transfer_row

    sources = tuple(Source(file.subpath, f"/ephys/{file.subpath}", file.size, file.mtime * 10**9) for file in one.files)
    sent = tuple(TransferItem(f"/ephys/{f.subpath}", f"/raw-ephys/{f.subpath}", f.sha1) for f in one.files)
    told = TransferItem(f"/ephys/.mapshell/{one.name}", f"/raw-ephys/{one.subpath}", None)
    for purpose, items, part in (("publish", sent, Part(one, sources)), ("manifest", (told,), Part(one))):
        task = uuid.uuid5(uuid.NAMESPACE_URL, f"{one.name}/{purpose}")
        place = large_lab.LOCATION.endpoint
        request = TransferRequest(str(task), place, place, f"mapshell {purpose} {one.name}", items)
        began = large_lab.ARCHIVED_AT - timedelta(hours=1)
        entry = Entry(task, purpose, "done", request, (part,), "rig", str(uuid.UUID(int=1)), began, str(task))
        ended = {"task_id": task, "submitted_at": began, "ended_at": large_lab.ARCHIVED_AT}
        yield (
            {**transfer_row(entry, request_to_json(request)), **ended},
            {
                "transfer_id": task,
                "subject_id": one.session.subject_id,
                "session": one.session.session,
                "globus_alias": one.alias,
                "generation": one.generation,
                "payload": part.pack(),
            },
        )
