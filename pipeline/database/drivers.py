"""Driver connections to PostgreSQL and to MySQL or MariaDB, made alike: UTC, UTF-8, strict, bounded in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.database.quiet import dj

CONNECT_TIMEOUT_S = 10
# Longer than any statement of ours takes; a server that hangs does not hang us for ever.
_ANSWER_TIMEOUT_S = 600
_LOCK_TIMEOUT_S = 20
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SQL_MODE = (
    "NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,"
    "ONLY_FULL_GROUP_BY"
)


@dataclass(frozen=True)
class Target:
    """Where to connect; ``use_tls`` None: not on this computer itself, elsewhere as the server offers."""

    backend: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str | None = None
    use_tls: bool | None = None
    embedded: bool = False

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"

    @property
    def tls(self) -> bool | None:
        """Whether to encrypt: loopback connections need it only when asked for."""
        return False if self.use_tls is None and self.host in _LOOPBACK else self.use_tls


def quiet_config(backend: str) -> Any:
    """Make DataJoint's settings for our connections; none of its files is read.

    Deleting asks for confirmation only where somebody can answer: an unattended run must not wait for ever.
    """
    config = dj.settings.Config()
    config.database.backend = backend
    config.safemode = _somebody_answers()
    config.jobs.add_job_metadata = False
    config.provenance.capture = False
    config.display = dj.config.display
    return config


def _somebody_answers() -> bool:
    import builtins
    import sys

    if hasattr(builtins, "__IPYTHON__"):
        return True
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):
        return False


def driver_errors(backend: str) -> tuple[type[Exception], ...]:
    """Return the classes of what the driver raises."""
    if backend == "postgresql":
        import psycopg2

        return (psycopg2.Error,)
    import pymysql

    return (pymysql.MySQLError, OSError)


def is_open(raw: Any, backend: str) -> bool:
    """Tell whether the driver still holds the connection open (without asking the server)."""
    return raw.closed == 0 if backend == "postgresql" else bool(raw.open)


def connect(target: Target, adapter: Any) -> Any:
    """Open a driver connection: UTC, UTF-8, every statement its own transaction unless one is begun."""
    return _connect_postgresql(target, adapter) if target.backend == "postgresql" else _connect_mysql(target)


def _connect_postgresql(target: Target, adapter: Any) -> Any:
    import psycopg2.extensions

    options: dict[str, Any] = {"require_auth": "scram-sha-256"} if target.embedded else {}
    raw = psycopg2.connect(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        dbname=target.name or "postgres",
        sslmode={True: "require", False: "disable", None: "prefer"}[target.tls],
        connect_timeout=CONNECT_TIMEOUT_S,
        client_encoding="UTF8",
        application_name="mapshell",
        options=f"-c timezone=UTC -c lock_timeout={_LOCK_TIMEOUT_S}s",
        keepalives_idle=60,
        keepalives_interval=15,
        keepalives_count=4,
        **options,
    )
    raw.autocommit = True
    for typecaster in _binary_types():
        psycopg2.extensions.register_type(typecaster, raw)
    adapter._register_numpy_adapters()  # as the method of DataJoint does that we replace
    return raw


def _binary_types() -> tuple[Any, Any]:
    """Return uuid and bytea values as the bytes that MySQL returns and DataJoint expects."""
    import uuid

    import psycopg2.extensions

    def bytea(value: Any, cursor: Any) -> bytes | None:
        return None if value is None else bytes(psycopg2.BINARY(value, cursor))

    def uuid_bytes(value: Any, _cursor: Any) -> bytes | None:
        return None if value is None else uuid.UUID(value).bytes

    new_type = psycopg2.extensions.new_type
    return new_type((17,), "MAPSHELL_BYTES", bytea), new_type((2950,), "MAPSHELL_UUID", uuid_bytes)


def _connect_mysql(target: Target) -> Any:
    import pymysql

    options: dict[str, Any] = {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "charset": "utf8mb4",
        "autocommit": True,
        "sql_mode": _SQL_MODE,
        "init_command": "SET time_zone = '+00:00'",
        "connect_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": _ANSWER_TIMEOUT_S,
        "write_timeout": _ANSWER_TIMEOUT_S,
        "program_name": "mapshell",
    }
    if target.tls is False:
        raw = pymysql.connect(**options, ssl_disabled=True)
    else:
        try:
            raw = pymysql.connect(**options, ssl={"check_hostname": False}, ssl_disabled=False)
        except pymysql.OperationalError as error:
            # 2026: the server offers no TLS; only "as the server offers" may go on without.
            if target.tls or error.args[:1] != (2026,):
                raise
            raw = pymysql.connect(**options, ssl_disabled=True)
    with raw.cursor() as cursor:
        # As on PostgreSQL: a transaction sees what others have committed.
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {_LOCK_TIMEOUT_S}")
    return raw
