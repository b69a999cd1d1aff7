"""From found keys and the environment to ``Settings``.  Pure: no disk is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import folders
from pipeline.errors import ConfigError
from pipeline.settings import lab, unused
from pipeline.settings.globus import FlatRoot, Places, local_roots, shared_root, storage_locations
from pipeline.settings.keys import KEYS
from pipeline.settings.text import Found, Source, read_keys
from pipeline.settings.types import (
    DEFAULT_ALIASES,
    DEFAULT_PORTS,
    ArchiveSettings,
    Backend,
    DatabaseSettings,
    GlobusSettings,
    LocalRoot,
    NotifySettings,
    ReportSettings,
    Settings,
)
from pipeline.settings.values import convert, from_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,31}")
_STAGING = re.compile(r"[A-Za-z0-9._-]{1,64}")


def parse(text: str, *, file: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a configuration text under an environment, whose variables win.

    Parameters
    ----------
    text
        Contents of ``dj_local_conf.json``; empty when there is no file.
    file
        Where the text comes from, for messages; relative folders in it start at its folder.
    environ
        Environment variables.

    Raises
    ------
    ConfigError
        Anything that a person must correct; the message names file, line or variable, the remedy says how.
    """
    found = read_keys(text, file) if file is not None or text.strip() else Found(Source("", None))
    file_base = file.parent if file else folders.working(environ)
    places = Places(file_base, folders.home(environ))
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    raw: dict[str, tuple[Any, Source]] = {}
    for key in KEYS:
        variable = next((name for name in key.variables if environ.get(name, "").strip()), None)
        value: Any = None
        if variable is not None:
            place = f"environment variable {variable}"
            stated = from_environment(key, environ[variable], place=place)
            value = convert(key, stated, place=place, base=folders.working(environ), home=places.home)
            origins[key.name] = f"environment {variable}"
        elif key.name in found.keys:
            place = found.source.place(key.name)
            value = convert(key, found.keys[key.name], place=place, base=file_base, home=places.home)
            origins[key.name] = f"file {file}" if file else "file"
        if value is None:
            value, origins[key.name] = key.default, "default"
        values[key.name] = value
        if key.kind == "structure":
            raw[key.name] = (value, found.source if variable is None else _Variable(variable, None))
    _keep_own_sandbox(values, origins)
    _check_simple(values, origins, found.source)
    database = _database(values, origins, found, environ)
    globus = _globus(values, origins, found.source, raw, places, environ)
    archive = ArchiveSettings(
        leave_out=values["archive.leave_out"],
        layouts={"ephys": values["archive.ephys_layouts"], "video": values["archive.video_layouts"]},
        staging_name=values["archive.staging_name"],
        quiet_seconds=values["archive.quiet_seconds"],
        hash_threads=values["archive.hash_threads"],
        poll_seconds=values["archive.poll_seconds"],
        stall_seconds=values["archive.stall_seconds"],
        hash_mb_per_second=values["archive.hash_mb_per_second"],
        pause_while_recording=values["archive.pause_while_recording"],
        wait_for_quiet=values["archive.wait_for_quiet"],
        computer_name=values["archive.computer"],
        timezone_name=values["archive.timezone"],
    )
    values |= {
        "database.embedded": database.embedded,
        "database.backend": database.backend,
        "database.port": None if database.embedded else database.port,
        "globus.token_file": globus.token_file,
        "globus.service_file": globus.service_file,
    }
    return Settings(
        file=file,
        database=database,
        globus=globus,
        archive=archive,
        report=ReportSettings(values["report.missed_after"], values["report.full_within"]),
        notify=NotifySettings(values["notify.command"] or (), values["notify.timeout"]),
        origins=origins,
        foreign=tuple(found.foreign),
        warnings=(
            *found.warnings,
            *_unused_host(database, origins),
            *unused.lab_prefix(database, values),
            *unused.variables(environ),
        ),
        values=values,
    )


class _Variable(Source):
    """An environment variable as the place where something stands; ``text`` is its name."""

    def place(self, key: str) -> str:
        del key  # the variable's name says it
        return f"environment variable {self.text}"


def _place(name: str, origins: Mapping[str, str], source: Source) -> str:
    origin = origins[name]
    return (
        f"environment variable {origin.removeprefix('environment ')}"
        if origin.startswith("environment")
        else source.place(name)
    )


def _check_simple(values: Mapping[str, Any], origins: Mapping[str, str], source: Source) -> None:
    prefix, staging = values["database.prefix"], values["archive.staging_name"]
    if not _PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"{_place('database.prefix', origins, source)}: {prefix!r} cannot begin the names of schemas.",
            remedy="use small letters, digits and underscores, beginning with a letter, at most 32: mapshell_",
        )
    lab_prefix = values["database.lab_prefix"]
    if lab_prefix is not None and not lab.is_prefix(lab_prefix):
        raise ConfigError(
            f"{_place('database.lab_prefix', origins, source)}: {lab_prefix!r} cannot begin the names of schemas.",
            remedy="write what the names of the lab's schemas begin with: map_v2_",
        )
    if not _STAGING.fullmatch(staging) or staging in {".", ".."}:
        raise ConfigError(
            f"{_place('archive.staging_name', origins, source)}: {staging!r} is not the name of a folder.",
            remedy="use letters, digits, dots, hyphens and underscores: .mapshell",
        )
    for pattern in values["archive.leave_out"]:
        if "/" in pattern or "\\" in pattern:
            raise ConfigError(
                f"{_place('archive.leave_out', origins, source)}: {pattern!r} holds a slash.",
                remedy="each pattern is compared with single names of files and folders, such as *.tmp or .phy",
            )


def _general(origins: Mapping[str, str]) -> bool:
    """Whether the host comes from DataJoint's own variable, which many people set for all their work.

    It does not displace a database that a folder's file names: a demo must never write into the lab's server.
    """
    return origins["database.host"] == "environment DJ_HOST"


def _rank(origin: str) -> int:
    return 2 if origin.startswith("environment") else 1 if origin.startswith("file") else 0


def _database(
    values: Mapping[str, Any], origins: dict[str, str], found: Found, environ: Mapping[str, str]
) -> DatabaseSettings:
    host, embedded, source = values["database.host"], values["database.embedded"], found.source
    prefix = values["database.prefix"]
    if host is not None and embedded is not None:
        host_rank, embedded_rank = _rank(origins["database.host"]), _rank(origins["database.embedded"])
        if host_rank == embedded_rank:
            raise ConfigError(
                f"{_place('database.host', origins, source)}: database.embedded is set as well; only one can be meant.",
                remedy="keep database.host for the lab's server, or database.embedded for a database in a folder.",
            )
        host, embedded = (host, None) if host_rank > embedded_rank and not _general(origins) else (None, embedded)
    if host is None:
        folder = embedded or folders.data_folder(environ) / "database"
        return DatabaseSettings(
            backend="postgresql", port=DEFAULT_PORTS["postgresql"], schema_prefix=prefix, embedded=folder
        )
    backend: Backend = values["database.backend"] or "mysql"
    return DatabaseSettings(
        backend=backend,
        host=host,
        port=values["database.port"] or DEFAULT_PORTS[backend],
        user=values["database.user"],
        password=values["database.password"],
        name=values["database.name"],
        use_tls=values["database.use_tls"],
        schema_prefix=prefix,
        lab_schemas=lab.schemas(values["database.lab_prefix"], found.schemas, prefix),
    )


def _globus(
    values: Mapping[str, Any],
    origins: Mapping[str, str],
    source: Source,
    raw: Mapping[str, tuple[Any, Source]],
    places: Places,
    environ: Mapping[str, str],
) -> GlobusSettings:
    flat = FlatRoot(
        values["globus.local_endpoint"],
        values["globus.local_endpoint_subdir"],
        values["globus.local_endpoint_local_path"],
    )
    shared = shared_root(flat, source)
    value, at = raw["globus.local_endpoints"]
    own = local_roots(value, flat, at, places, "globus.local_endpoints")
    value, at = raw["globus.storage_locations"]
    locations = storage_locations(value, at, "globus.storage_locations")
    aliases = [location.alias for location in locations] or list(DEFAULT_ALIASES)
    served = {root.alias for root in own}
    spread = tuple(
        LocalRoot(alias, root.endpoint, root.globus_path, root.local_path, root.upload_only)
        for root in shared
        for alias in aliases
        if alias not in served
    )
    service_file = _service_file(values, origins, source)
    token_file = values["globus.token_file"]
    if token_file is None:
        # A local service has logins of its own; they live and go with its folder.
        token_file = (service_file.parent if service_file else folders.data_folder(environ)) / "globus-tokens.db"
    return GlobusSettings(
        client_id=values["globus.client_id"],
        client_secret=values["globus.client_secret"],
        auth_url=values["globus.auth_url"],
        transfer_url=values["globus.transfer_url"],
        service_file=service_file,
        token_file=token_file,
        local_roots=own + spread,
        patience_s=values["globus.patience_seconds"],
        requests_per_second=values["globus.requests_per_second"],
        storage_locations=locations,
        shared_roots=shared,
    )


def _keep_own_sandbox(values: dict[str, Any], origins: dict[str, str]) -> None:
    """Forget the addresses in the SDK's own variables where a folder's file names its sandbox.

    A shell that was pointed at another sandbox, for another program, must not lead a demo there.
    """
    if _rank(origins["globus.sandbox"]) != 1:
        return
    for name in ("globus.auth_url", "globus.transfer_url"):
        if origins[name].startswith("environment GLOBUS_SDK_"):
            values[name], origins[name] = None, "default"


def _service_file(values: Mapping[str, Any], origins: Mapping[str, str], source: Source) -> Path | None:
    folder, service_file = values["globus.sandbox"], values["globus.service_file"]
    if folder is None:
        return service_file if isinstance(service_file, Path) else None
    if service_file is not None and _rank(origins["globus.sandbox"]) == _rank(origins["globus.service_file"]):
        raise ConfigError(
            f"{_place('globus.sandbox', origins, source)}: globus.service_file is set as well; only one can be meant.",
            remedy="keep globus.sandbox.",
        )
    if service_file is not None and _rank(origins["globus.service_file"]) > _rank(origins["globus.sandbox"]):
        return Path(service_file)
    return Path(folder) / "state.json"


def _unused_host(database: DatabaseSettings, origins: Mapping[str, str]) -> list[str]:
    if database.embedded is None or not _general(origins):
        return []
    return [
        (
            "environment variable DJ_HOST is not used: database.embedded names the database of this folder. "
            "Remedy: remove database.embedded, or set MAPSHELL_DATABASE_HOST."
        )
    ]
