"""What the checks of collections, folders and archives are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.doctor.findings import Finding, Subject, failure, ok, warning
from pipeline.errors import CollectionOffline, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.archive.session import Location
    from pipeline.doctor.world import World
    from pipeline.settings import LocalRoot

_KINDS = {
    "GCP_mapped_collection": "Globus Connect Personal",
    "GCP_guest_collection": "guest collection of Globus Connect Personal",
    "GCSv5_mapped_collection": "mapped collection",
    "GCSv5_guest_collection": "guest collection",
}


def roots(world: World) -> Sequence[Subject]:
    """Return the local folders, each once, whatever aliases they serve."""
    found: dict[tuple[str, str, Path], list[LocalRoot]] = {}
    for root in world.settings.globus.local_roots:
        found.setdefault((root.endpoint, root.globus_path, root.local_path), []).append(root)
    names = [" and ".join(dict.fromkeys(root.alias for root in group)) for group in found.values()]
    return [
        Subject(
            key=f"{endpoint}:{path} {folder}",
            name=name if names.count(name) == 1 else f"{name} ({folder})",
            endpoint=endpoint,
            thing=group[0],
        )
        for name, ((endpoint, path, folder), group) in zip(names, found.items(), strict=True)
    ]


def archives(world: World) -> Sequence[Subject]:
    """Return the storage locations."""
    _ = world.settings  # without them nobody knows
    return [Subject(f"archive {place.alias}", place.alias, place.endpoint, place) for place in world.locations.values()]


def collections(world: World) -> Sequence[Subject]:
    """Return the collections of local folders and archives, each once, with whose they are."""
    names: dict[str, list[str]] = {}
    for root in world.settings.globus.local_roots:
        names.setdefault(root.endpoint, []).append("this computer")
    for place in world.locations.values():
        names.setdefault(place.endpoint, []).append(place.alias)
    return [
        Subject(endpoint, " and ".join(dict.fromkeys(each)), endpoint, endpoint) for endpoint, each in names.items()
    ]


def known(world: World, subject: Subject) -> Iterable[Finding]:
    """Ask Globus about a collection: whether it knows it, its kind, whether it is online."""
    found = world.store(subject.endpoint).collection(subject.endpoint, refresh=True)
    kind = _KINDS.get(found.kind, found.kind or "collection")
    facts = {"id": found.id, "name": found.name, "kind": found.kind, "online": found.online}
    if found.online is False:
        yield failure(
            CollectionOffline(
                f"{found.name} ({subject.endpoint}) is not connected to Globus, or is paused.",
                remedy="start Globus Connect Personal on that computer and unpause it"
                + (f"; it belongs to {found.contact}." if found.contact else "."),
            ),
            **facts,
        )
        return
    said = [kind, *(["online"] if found.online else []), *(["high assurance"] if found.high_assurance else [])]
    yield ok(f"{found.name} ({subject.endpoint}): {', '.join(said)}", **facts)


def listed_locations(world: World, _: Subject) -> Iterable[Finding]:
    """Look where archives lie: the database's word and the configuration's must agree."""
    from pipeline.locations import configured, contradiction
    from pipeline.locations import known as in_database

    mine: dict[str, Location] = configured(world.settings)
    there = in_database() if world.has_tables else {}
    world.locations = {**mine, **there}
    clash = [alias for alias in mine if alias in there and mine[alias] != there[alias]]
    for alias in clash:
        yield failure(contradiction(world.settings, mine[alias], there[alias]), alias=alias)
    if not world.locations:
        yield failure(
            ConfigError(
                "No storage location is known: neither the database nor the configuration says where an archive lies.",
                remedy="say it once for all computers, `mapshell storage add raw-ephys UUID:/PATH`, or run: mapshell "
                "config init",
            )
        )
    elif not clash:
        said = [f"{alias} in the {'database' if alias in there else 'configuration'}" for alias in world.locations]
        yield ok(", ".join(said), aliases=list(world.locations))


def folders_of_aliases(world: World, _: Subject) -> Iterable[Finding]:
    """Look whether every archive gets something from here, and every local folder has an archive."""
    from pipeline.unknown_roots import unknown_roots

    own = world.settings.globus
    if not own.local_roots:
        yield ok("none: nothing is published from this computer")
        return
    strays = unknown_roots(world.settings) if world.has_tables else []
    for stray in strays:
        yield warning(f"{stray.root.local_path}: {stray.reason}.", stray.remedy or "", alias=stray.root.alias)
    if not strays:
        yield ok(", ".join(dict.fromkeys(f"{root.local_path} ({root.alias})" for root in own.local_roots)))
