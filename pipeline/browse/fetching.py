"""Any file or folder of a collection fetched to this computer: by the machinery of retrieve, with its proofs.

What the index knows is compared with its SHA1; of anything else only the size is known, and that is said.
"""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING, Literal

from pipeline.archive.checksums import ChecksumCache, Hasher
from pipeline.archive.fetch import Fetching, Item, Site
from pipeline.archive.haul import Patient
from pipeline.archive.lister import Lister
from pipeline.archive.paths import check_subpath
from pipeline.archive.retrieve import plan
from pipeline.archive.retrieve import retrieve as run
from pipeline.archive.session import Location, SessionRef
from pipeline.browse.known import rows_of
from pipeline.browse.looking import Obstacle, look, tree
from pipeline.errors import UsageError
from pipeline.folders import cache_folder
from pipeline.retrievals import FileJournal, folder
from pipeline.retrieved import Retrieved, RetrievedFile
from pipeline.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.archive.ports import Clock, Progress, Store
    from pipeline.browse.place import Place
    from pipeline.settings import Settings

_NOBODY = SessionRef(0, 0, "files", date(1970, 1, 1))
"""Files that are fetched by their place alone are of no session."""


def get(
    settings: Settings,
    store: Callable[[], Store],
    sources: Sequence[Place],
    to: str,
    locations: Mapping[str, Location],
    *,
    via: Literal["globus", "https"] | None,
    recursive: bool,
    overwrite: bool,
    dry_run: bool,
    clock: Clock,
    progress: Progress,
) -> Retrieved:
    """Fetch files and (``recursive``) folders into a folder of this computer, each under its own name.

    Parameters
    ----------
    settings, store
        This computer's settings, and what gives the Globus manager.
    sources, to
        What, and the folder that receives it.
    locations
        The storage locations, by alias.
    via
        By a transfer or over HTTPS; None: by a transfer where the folder lies in a root of this computer's endpoint,
        else over HTTPS.
    recursive, overwrite, dry_run
        Enter folders; replace files that differ; only say what would be done.
    clock, progress
        Time, and who is told how it goes.

    Raises
    ------
    UsageError
        A folder without ``recursive``, or a place that cannot be used.
    RemotePathNotFound, GlobusError, LoginNeeded, LocalDiskError
        Nothing can be done before that is mended; running it again goes on.
    """
    way = via or _way(settings, to, locations)
    site = Targets(settings, locations.values(), to, way).named
    items = []
    with Lister(store()) as lister:
        for source in dict.fromkeys(sources):
            items += _items(store(), lister, source, site, locations, recursive=recursive)
    cache = ChecksumCache(cache_folder(os.environ) / "sha1.sqlite")
    journal = folder(os.environ)
    with Hasher(cache, threads=settings.archive.hash_threads) as hasher:
        fetching = Fetching(
            store=store,
            patient=Patient(clock, progress, settings.archive.poll_seconds, settings.archive.stall_seconds),
            hasher=hasher,
            cache=cache,
            journal=FileJournal(journal, settings.archive.staging_name),
            staging=settings.archive.staging_name,
            computer=settings.archive.computer,
            threads=settings.archive.hash_threads,
            overwrite=overwrite,
        )
        further: list[Item] = []
        stopped = None
        if dry_run:
            plan(fetching, items, way)
        else:
            further, stopped = run(fetching, items, way, journal)
    return Retrieved(
        files=[_file(item) for item in [*items, *further]],
        targets=[str(site)],
        via=way,
        tasks=list(dict.fromkeys(fetching.tasks)),
        notes=fetching.notes,
        dry_run=dry_run,
        stopped=stopped,
    )


def _way(settings: Settings, to: str, locations: Mapping[str, Location]) -> Literal["globus", "https"]:
    try:
        Targets(settings, locations.values(), to, "globus")
    except UsageError:
        return "https"
    return "globus"


def _items(
    store: Store,
    lister: Lister,
    source: Place,
    site: Site,
    locations: Mapping[str, Location],
    *,
    recursive: bool,
) -> list[Item]:
    seen = look(store, source)
    if not seen.folder:
        files = [seen]
    elif not recursive:
        raise UsageError(f"{source} is a folder.", remedy="fetch all that is in it: --recursive.")
    else:
        files = []
        for found in tree(lister, source):
            if isinstance(found, Obstacle):
                raise found.error
            if found.folder and found.link:
                raise UsageError(f"{found.place} is a link to a folder.", remedy="fetch the others by name.")
            if not found.folder:
                files.append(found)
    base = source.parent
    location = Location(source.alias or source.endpoint, source.endpoint, base.path, "ephys")
    known = rows_of([file.place for file in files], locations)
    items = []
    for file in files:
        subpath = check_subpath("/".join(file.place.parts[len(base.parts) :]))
        row = known.get(file.place.path)
        size, mtime, sha1 = file.size, file.mtime or 0, None
        if row is not None and row["file_size"] is not None:  # what is there otherwise is not what was archived
            size, mtime, sha1 = row["file_size"], row["file_mtime"], row["file_sha1"]
        items.append(Item(location, _NOBODY, subpath, size, mtime, sha1, site))
    return items


def _file(item: Item) -> RetrievedFile:
    return RetrievedFile(
        key=item.session.key,
        h2o="",
        session_date="",
        dataset_type=item.location.dataset_type,
        alias=item.location.alias,
        subpath=item.subpath,
        file_type="",
        size=item.size,
        place=str(item.path),
        path=item.path,
        verdict=item.verdict,
        reason=item.reason,
        remedy=item.remedy,
        bad=item.bad,
    )
