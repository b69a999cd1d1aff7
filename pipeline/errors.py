"""The exception tree of the library: every error names the thing, the cause and the remedy.

Exit codes are not decided here; ``mapshell.errors`` maps these classes to them.
"""

from __future__ import annotations


class MapshellError(Exception):
    """Base of every error that a user can cause or mend.

    Parameters
    ----------
    message
        What happened, naming the thing and the cause, in one or two sentences without a final newline.
    remedy
        What to do next: a command or an action.  Shown under the message.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  Remedy: {self.remedy}"

    @property
    def kind(self) -> str:
        """The kind of error as a rule's name: ``login-needed``."""
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in type(self).__name__).lstrip("-")


class ConfigError(MapshellError):
    """The configuration is missing, broken or contradicts itself."""


class UsageError(MapshellError):
    """An option, restriction or argument names something that does not exist or does not fit."""


class ServiceError(MapshellError):
    """A local service (embedded database, sandbox) is not running or could not be started."""


class DatabaseError(MapshellError):
    """The database refused or failed."""


class DatabaseUnavailable(DatabaseError):
    """The database cannot be reached."""


class DatabaseReadOnly(DatabaseError):
    """The account may not write what this command must write."""


class SchemaVersionError(DatabaseError):
    """The database's tables are of another version than this program can use."""


class LeaseLost(MapshellError):
    """Another process took a session over, or went on with it, while we worked on it: we must not write any more."""


class LoginNeeded(MapshellError):
    """No usable Globus login: token missing, expired, revoked, or a consent or fresh session is needed."""


class OtherLogin(LoginNeeded):
    """A transfer was submitted under another Globus identity, which alone can see it."""


class GlobusError(MapshellError):
    """A Globus service, collection or task failed.

    ``refused`` marks the definite no to a submission: nothing of it will ever run.
    """

    refused = False


class GlobusUnavailable(GlobusError):
    """The Globus service itself cannot be reached, or is out of order or overloaded for longer than we wait."""


class ServiceFull(GlobusError):
    """Globus takes no further task of this login until some that wait have ended."""


class RoundOver(MapshellError):
    """The round is to end early: nothing more is begun, what is under way goes on by itself."""


class CollectionNotFound(GlobusError):
    """The collection UUID is unknown to Globus."""


class CollectionOffline(GlobusError):
    """The endpoint behind a collection does not answer."""


class PermissionDenied(GlobusError):
    """The identity may not read or write there."""


class RemotePathNotFound(GlobusError):
    """The path does not exist in the collection."""


class RangesNotServed(GlobusError):
    """An HTTPS server sends a file from its first byte only, whatever is asked for."""


class QuotaExceeded(GlobusError):
    """The destination has no room left."""


class NameRefused(MapshellError):
    """A file or folder name cannot be archived or followed safely (outside a root, not representable)."""


class Refused(MapshellError):
    """The gate refused a session: still recording, defects in its files, ambiguous folders."""


class Conflict(MapshellError):
    """A destination already holds different bytes; nothing was overwritten."""


class IntegrityError(MapshellError):
    """Bytes are not what a checksum, size or manifest says."""


class LocalDiskError(MapshellError):
    """A local file or folder is unreadable, unwritable, or the disk is full."""


class DiskBusy(LocalDiskError):
    """Something writes to a disk, an acquisition most likely: nothing is read from it or sent until it rests."""


class DriveGone(LocalDiskError):
    """A loose drive was disconnected while something read from it; what is under way waits for it."""
