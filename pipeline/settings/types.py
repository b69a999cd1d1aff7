"""The settings as plain frozen data; ``pipeline.settings`` makes them from a file and the environment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Backend = Literal["mysql", "postgresql"]
DatasetType = Literal["ephys", "video"]

DATASET_TYPES: tuple[DatasetType, ...] = get_args(DatasetType)
DEFAULT_ALIASES: dict[str, DatasetType] = {"raw-ephys": "ephys", "raw-video": "video"}
DEFAULT_PORTS: dict[Backend, int] = {"mysql": 3306, "postgresql": 5432}
DEFAULT_REQUESTS_PER_SECOND = 18.0
DEFAULT_LEAVE_OUT = ("temp_wh.dat", ".phy", "Thumbs.db", ".DS_Store")
STAGING_NAME = ".mapshell"


class Secret:
    """A password or key that never shows itself; ``get_secret_value()`` gives the text."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        """Return the text itself: for handing to a server, never for showing."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('********')"

    def __str__(self) -> str:
        return "********"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be pickled")


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Which database server to use.

    ``embedded`` is the folder of the embedded PostgreSQL; it is None when a server is configured by ``host``.
    ``backend`` "mysql" covers MariaDB.  ``use_tls`` None means: as the server offers.  ``lab_schemas`` pairs each group
    of the lab's own tables ("lab", "experiment", "ephys", "tracking") with the schema that is read for it, and
    "publication" with the predecessor's; empty when these tables are ours, None when the server is to be looked at.
    """

    backend: Backend = "postgresql"
    host: str | None = None
    port: int = 5432
    user: str | None = None
    password: Secret | None = None
    name: str | None = None
    use_tls: bool | None = None
    schema_prefix: str = "mapshell_"
    embedded: Path | None = None
    lab_schemas: tuple[tuple[str, str], ...] | None = ()

    def lab_schema(self, group: str) -> str | None:
        """Return the schema of a group of tables as the configuration names it; None when it does not."""
        return dict(self.lab_schemas or ()).get(group)


@dataclass(frozen=True, slots=True)
class LocalRoot:
    """One folder of this computer that is also a folder of a Globus collection.

    ``endpoint`` is the collection's UUID in lower case, ``globus_path`` its POSIX path there ("/x", or "/~/x" under
    the collection's default folder, no slash at the end), ``local_path`` the same folder on disk.  Nothing is
    ever fetched to the endpoint of an ``upload_only`` root, by whichever of its roots.
    """

    alias: str
    endpoint: str
    globus_path: str
    local_path: Path
    upload_only: bool = False


@dataclass(frozen=True, slots=True)
class StorageLocation:
    """A place of the archive: its alias, collection UUID in lower case, POSIX path there, and what it holds."""

    alias: str
    endpoint: str
    path: str
    dataset_type: DatasetType


@dataclass(frozen=True, slots=True)
class GlobusSettings:
    """Login and folders of this computer.

    ``local_roots`` lists every root by alias; ``shared_roots`` are those of the flat keys, which serve any alias that
    has none of its own.  ``patience_s`` (s) is how long a request that Globus does not answer is repeated,
    ``requests_per_second`` how many are sent at most; 0 for no limit.
    ``service_file`` is the state file of a local Globus service, which tells ``auth_url`` and
    ``transfer_url`` at run time; an explicit URL wins over it.
    """

    client_id: str | None = None
    client_secret: Secret | None = None
    auth_url: str | None = None
    transfer_url: str | None = None
    service_file: Path | None = None
    token_file: Path | None = None
    local_roots: tuple[LocalRoot, ...] = ()
    storage_locations: tuple[StorageLocation, ...] = ()
    patience_s: float = 100.0
    requests_per_second: float = DEFAULT_REQUESTS_PER_SECOND
    shared_roots: tuple[LocalRoot, ...] = ()

    @property
    def upload_only(self) -> frozenset[str]:
        """The endpoints to which nothing is fetched: one root that is marked so is enough."""
        return frozenset(root.endpoint for root in (*self.local_roots, *self.shared_roots) if root.upload_only)

    def roots(self, alias: str) -> tuple[LocalRoot, ...]:
        """Return the local roots of an alias; the flat keys' root when it has none of its own."""
        own = tuple(root for root in self.local_roots if root.alias == alias)
        return own or tuple(replace(root, alias=alias) for root in self.shared_roots)


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """How recordings are found and sent.

    ``leave_out`` holds fnmatch patterns on single components of relative POSIX paths; ``layouts`` further folder
    patterns per kind ("ephys", "video"); ``quiet_seconds`` (s) how old the last change of a file must be;
    ``poll_seconds`` (s) the longest pause between two questions to Globus; ``stall_seconds`` (s) how long a
    transfer that only meets errors is waited for; ``hash_mb_per_second`` (10**6 bytes/s) how fast files are read
    for checksums at most, None for no limit; ``pause_while_recording`` whether nothing is read or sent while a file
    grows on the same disk, and ``wait_for_quiet`` (s) how long a run waits for that; ``timezone_name`` an IANA
    name, None for the computer's own (see ``timezone``); ``computer_name`` what other computers call this one, None
    for its own name (see ``computer``).
    """

    leave_out: tuple[str, ...] = DEFAULT_LEAVE_OUT
    layouts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    staging_name: str = STAGING_NAME
    quiet_seconds: int = 60
    hash_threads: int = 2
    poll_seconds: float = 10.0
    stall_seconds: float = 300.0
    hash_mb_per_second: float | None = None
    pause_while_recording: bool = True
    wait_for_quiet: float = 3600.0
    timezone_name: str | None = None
    computer_name: str | None = None

    @property
    def computer(self) -> str:
        """Name of this computer in journal, leases and states."""
        import socket

        return self.computer_name or socket.gethostname()

    @property
    def timezone(self) -> str:
        """IANA name of the lab's time zone; the computer's when none is configured."""
        from pipeline.settings.timezone import local_timezone

        return self.timezone_name or local_timezone()


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What the morning report judges by.

    ``missed_after`` (h) is how long a computer that told no next time may be without a round, ``full_within`` (days)
    how soon a disk must be full to be told.
    """

    missed_after: float = 30.0
    full_within: float = 7.0


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Who gets the report: a program with its arguments, empty for nobody, and how long it may take (s)."""

    command: tuple[str, ...] = ()
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings at hand, where each came from, and what was left alone.

    ``values`` and ``origins`` are keyed by the dotted names of ``pipeline.settings.keys.KEYS``; an origin is
    "file …", "environment NAME" or "default".  ``foreign`` names the keys of the file that belong to others.
    ``warnings`` are for the person, once.
    """

    file: Path | None = None
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    globus: GlobusSettings = field(default_factory=GlobusSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    origins: Mapping[str, str] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
