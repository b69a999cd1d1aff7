"""Local roots and storage locations, from any spelling in which labs have written them.

Pure.  A root is an object (``endpoint``, ``endpoint_subdir``, ``endpoint_path``) or a list of such objects under its
alias; a location an object, the text ``UUID:/path``, or an entry ``[alias, endpoint, path]`` of a list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError
from pipeline.settings.text import Source, describe, plain, suggest
from pipeline.settings.types import DATASET_TYPES, DEFAULT_ALIASES, DatasetType, LocalRoot, StorageLocation
from pipeline.settings.values import as_globus_path, as_path, as_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
# What each field may be called, the recommended spelling first.
_ROOT_FIELDS = {
    "endpoint": "endpoint",
    "endpoint_subdir": "globus_path",
    "globus_path": "globus_path",
    "endpoint_path": "local_path",
    "local_path": "local_path",
    "upload_only": "upload_only",
}
_LOCATION_FIELDS = {
    "endpoint": "endpoint",
    "globus_endpoint": "endpoint",
    "path": "path",
    "globus_path": "path",
    "dataset_type": "dataset_type",
}


@dataclass(frozen=True, slots=True)
class Places:
    """Folders that relative paths and ``~`` stand for."""

    base: Path
    home: Path


@dataclass(frozen=True, slots=True)
class FlatRoot:
    """The flat keys: one root for every alias.  Any part may be missing."""

    endpoint: str | None
    subdir: str | None
    local_path: Path | None


def shared_root(flat: FlatRoot, source: Source) -> tuple[LocalRoot, ...]:
    """Return the root of the flat keys (alias ``*``), none when they are absent or give only the endpoint.

    Raises
    ------
    ConfigError
        One of the keys is missing.
    """
    if flat.subdir is None and flat.local_path is None:
        return ()  # an endpoint alone is a default for the entries of globus.local_endpoints
    for missing, present, name in (
        (flat.endpoint, "globus.local_endpoint_local_path", "globus.local_endpoint"),
        (flat.local_path, "globus.local_endpoint_subdir", "globus.local_endpoint_local_path"),
        (flat.subdir, "globus.local_endpoint_local_path", "globus.local_endpoint_subdir"),
    ):
        if missing is None:
            raise ConfigError(
                f"{source.place(present)}: {name} is missing beside it.",
                remedy=f"add {name}: the three keys of a local endpoint belong together.",
            )
    endpoint, subdir, path = flat.endpoint, flat.subdir, flat.local_path
    if endpoint is None or subdir is None or path is None:  # pragma: no cover - the loop above has refused it
        return ()
    subpath = as_globus_path(subdir, source.place("globus.local_endpoint_subdir"))
    return (LocalRoot("*", endpoint, subpath, path),)


def local_roots(value: Any, flat: FlatRoot, source: Source, places: Places, key: str) -> tuple[LocalRoot, ...]:
    """Return the roots written per alias; an entry without ``endpoint`` takes the flat key's.

    Raises
    ------
    ConfigError
        A wrong type, an unknown or missing field, a UUID or path that is none, one root written twice.
    """
    roots: list[LocalRoot] = []
    for alias, entry in _entries(value, source, key, repeats=True):
        for item in entry if isinstance(entry, list) else [entry]:
            place = f"{source.place(key)}, {alias}"
            fields = _fields(item, _ROOT_FIELDS, place)
            endpoint = fields.get("endpoint", flat.endpoint)
            for name, content in (
                ("endpoint", endpoint),
                ("endpoint_subdir", fields.get("globus_path")),
                ("endpoint_path", fields.get("local_path")),
            ):
                if content is None:
                    raise ConfigError(f"{place}: {name} is missing.", remedy=f'add "{name}" to the entry of {alias}.')
            upload_only = fields.get("upload_only", False)
            if not isinstance(upload_only, bool):
                raise ConfigError(
                    f"{place}, upload_only: expected true or false; found {describe(upload_only)}.",
                    remedy="write true or false without quotation marks.",
                )
            root = LocalRoot(
                alias,
                as_uuid(endpoint, f"{place}, endpoint"),
                as_globus_path(fields["globus_path"], f"{place}, endpoint_subdir"),
                as_path(fields["local_path"], f"{place}, endpoint_path", base=places.base, home=places.home),
                upload_only,
            )
            if any(
                (root.alias == other.alias and root.local_path == other.local_path)
                or (root.alias, root.endpoint, root.globus_path) == (other.alias, other.endpoint, other.globus_path)
                for other in roots
            ):  # fmt: skip
                raise ConfigError(
                    f"{place}: the folder {root.local_path} is given twice for {alias}.",
                    remedy="keep one of the entries; each has its own folder on disk and its own in Globus.",
                )
            roots.append(root)
    return tuple(roots)


def storage_locations(value: Any, source: Source, key: str) -> tuple[StorageLocation, ...]:
    """Return where archives lie.

    Raises
    ------
    ConfigError
        As for ``local_roots``; also an alias that is written twice, or whose contents cannot be told from its name.
    """
    locations: list[StorageLocation] = []
    for alias, entry in _entries(value, source, key, repeats=False):
        place = f"{source.place(key)}, {alias}"
        fields = _fields(_location_object(entry, place), _LOCATION_FIELDS, place)
        for name in ("endpoint", "path"):
            if fields.get(name) is None:
                raise ConfigError(f"{place}: {name} is missing.", remedy=f'add "{name}" to the entry of {alias}.')
        locations.append(
            StorageLocation(
                alias,
                as_uuid(fields["endpoint"], f"{place}, endpoint"),
                as_globus_path(fields["path"], f"{place}, path"),
                _dataset_type(alias, fields.get("dataset_type"), place),
            )
        )
    return tuple(locations)


def _location_object(entry: Any, place: str) -> Any:
    """Return the short forms ``"UUID:/path"`` and ``[endpoint, path, dataset_type]`` as an object."""
    if isinstance(entry, str):
        endpoint, colon, path = entry.partition(":")
        return {"endpoint": endpoint, "path": path} if colon else {"endpoint": endpoint}
    if not isinstance(entry, list):
        return entry
    if not 2 <= len(entry) <= 3:
        raise ConfigError(f"{place}: expected a collection and a path.", remedy='write "UUID:/path", or an object.')
    return dict(zip(("endpoint", "path", "dataset_type"), entry, strict=False))


def dataset_type_of(alias: str) -> DatasetType | None:
    """Return what an alias holds as far as its name tells: ``raw-ephys`` ephys, ``raw-video`` video."""
    if alias in DEFAULT_ALIASES:
        return DEFAULT_ALIASES[alias]
    told: list[DatasetType] = [each for each in DATASET_TYPES if each in alias.lower()]
    return told[0] if len(told) == 1 else None


def _dataset_type(alias: str, value: Any, place: str) -> DatasetType:
    told = dataset_type_of(alias) if value is None else next((each for each in DATASET_TYPES if each == value), None)
    if told is None:
        raise ConfigError(
            f"{place}: what the location holds is "
            + ("not said." if value is None else f"{describe(value)}, which is not known."),
            remedy=f'add "dataset_type": {" or ".join(f"{chr(34)}{each}{chr(34)}" for each in DATASET_TYPES)}.',
        )
    return told


def _entries(value: Any, source: Source, key: str, *, repeats: bool) -> Iterator[tuple[str, Any]]:
    """Yield alias and entry of a mapping or of a list of ``[alias, ...]``; ``repeats`` allows one alias again there."""
    place = source.place(key)
    if value is None:
        return
    pairs: list[tuple[Any, Any]]
    if isinstance(value, dict):
        twice = getattr(value, "repeated", ())
        if twice:
            remedy = "write several folders of one alias as a list: [{...}, {...}]." if repeats else "keep one of them."
            raise ConfigError(f"{place}: the alias {twice[0]} is written twice.", remedy=remedy)
        pairs = list(value.items())
    elif isinstance(value, list) and all(isinstance(each, list) and each for each in value):
        names = ("endpoint", "endpoint_subdir", "endpoint_path")
        pairs = [(each[0], dict(zip(names, each[1:], strict=False)) if repeats else each[1:]) for each in value]
    else:
        raise ConfigError(
            f"{place}: expected an object with one entry for each alias; found {describe(value)}.",
            remedy='write {"raw-ephys": {"endpoint": "...", ...}, "raw-video": {...}}.',
        )
    seen: dict[str, str] = {}
    for alias, entry in pairs:
        if not isinstance(alias, str) or not ALIAS.fullmatch(alias):
            raise ConfigError(
                f"{place}: {describe(alias)} is not usable as an alias.",
                remedy="use up to 32 letters, digits, hyphens, dots and underscores, such as raw-ephys.",
            )
        other = seen.get(alias.lower())
        if other is not None and not (repeats and other == alias):
            raise ConfigError(f"{place}: the alias {alias} is written twice.", remedy="keep one of the entries.")
        seen[alias.lower()] = alias
        yield alias, entry


def _fields(entry: Any, names: dict[str, str], place: str) -> dict[str, Any]:
    """Return an entry's fields under our names, refusing unknown ones and two spellings of one field."""
    if not isinstance(entry, dict):
        raise ConfigError(
            f"{place}: expected an object; found {describe(entry)}.",
            remedy="write {" + ", ".join(f'"{name}": ...' for name in dict.fromkeys(names)) + "}.",
        )
    fields: dict[str, Any] = {}
    for written, content in entry.items():
        name = names.get(written)
        if name is None:
            raise ConfigError(f"{place}: there is no field {plain(written)[:80]}.", remedy=suggest(written, names))
        if name in fields or written in getattr(entry, "repeated", ()):
            raise ConfigError(f"{place}: {written} is given twice.", remedy="keep one of the two lines.")
        fields[name] = content
    return fields
