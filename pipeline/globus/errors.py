"""From what the SDK raises to errors that name the collection, the path, the identity, the cause and the remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.paths import visible
from pipeline.errors import (
    CollectionNotFound,
    CollectionOffline,
    ConfigError,
    GlobusError,
    GlobusUnavailable,
    LocalDiskError,
    LoginNeeded,
    MapshellError,
    PermissionDenied,
    QuotaExceeded,
    RemotePathNotFound,
    ServiceFull,
)
from pipeline.globus.demands import LOGIN, consent_needed, describe_session, required_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from globus_sdk import AuthAPIError, GlobusAPIError, NetworkError

    _Test = Callable[[int, str, str], bool]  # of status, code, what the service said in lower case
    _Make = Callable[["Doing", str], MapshellError]

CHECK_STATUS = "try again later; https://status.globus.org tells about outages."
_FULL = re.compile(r"quota exceeded|disk quota|over quota|no space left on device")
_LONGEST = 400  # characters of the service's own words


@dataclass(frozen=True, slots=True)
class Doing:
    """What was being done, for messages.

    ``what`` completes "Cannot ..."; ``collection`` names a collection for people, ``path`` is in it, ``identity`` is
    who asks, ``url`` the address of the service, ``contact`` whom to ask about the collection, ``tokens`` the file with
    the tokens.
    """

    what: str
    collection: str = ""
    path: str = ""
    identity: str = ""
    url: str = ""
    contact: str = ""
    tokens: str = ""

    @property
    def sentence(self) -> str:
        """Return "Cannot list /x in raw-ephys (...)"."""
        text = f"Cannot {visible(self.what)}"
        if self.path:
            text += f" {visible(self.path)}"
        if self.collection:
            text += f" in {self.collection}" if self.path else f" {self.collection}"
        return text

    @property
    def who(self) -> str:
        """Return "as UUID", or nothing."""
        return f" as {self.identity}" if self.identity else ""


def translate(error: Exception, doing: Doing) -> MapshellError:
    """Return the error of ours that tells what an exception of the SDK, of SQLite or of a bad answer means."""
    import sqlite3

    import globus_sdk
    from globus_sdk.token_storage import TokenValidationError

    if isinstance(error, MapshellError):
        return error
    if isinstance(error, TokenValidationError):
        return _token_error(error)
    if isinstance(error, globus_sdk.AuthAPIError):
        return _auth_error(error, doing)
    if isinstance(error, globus_sdk.GlobusAPIError):
        return _api_error(error, doing)
    if isinstance(error, globus_sdk.NetworkError):
        return _network_error(error, doing)
    if isinstance(error, sqlite3.Error):
        return LocalDiskError(
            f"Cannot use the file with the Globus tokens{doing.tokens and f', {visible(doing.tokens)}'}: {error}.",
            remedy="check the free space, and that no other program holds the file.",
        )
    if type(error).__module__.partition(".")[0] == "jwt":
        return GlobusError(
            f"{doing.sentence}: the proof of identity that Globus sent cannot be accepted ({_short(str(error))}).",
            remedy="set this computer's clock right, then log in again.",
        )
    return GlobusError(
        f"{doing.sentence}: the service gave an answer that cannot be understood ({type(error).__name__}: "
        f"{_short(str(error))}).",
        remedy=CHECK_STATUS,
    )


def translate_https(error: Exception, doing: Doing) -> MapshellError:
    """Return the error of ours for a refusal (as the SDK's error), or no answer, of a collection's HTTPS server."""
    import globus_sdk
    import requests

    if isinstance(error, MapshellError):
        return error
    if not isinstance(error, globus_sdk.GlobusAPIError):
        failed = error if isinstance(error, requests.RequestException) else requests.ConnectionError(error)
        return translate(globus_sdk.exc.convert_request_exception(failed), doing)
    status, said = error.http_status, _short(error.message or error.http_reason or "")
    if status == 401:
        return LoginNeeded(
            f"{doing.sentence}: the login is not accepted there ({said}).", remedy="run: mapshell login --force"
        )
    if status == 403 and not required_session(error) and error.code != "ConsentRequired":
        return _denied(doing, said)
    if status == 404:
        return _path_missing(doing, said)
    if 300 <= status < 400:
        return GlobusError(
            f"{doing.sentence}: {doing.url} leads on to another address, to which no login is sent.",
            remedy="tell the administrator of the collection.",
        )
    return translate(error, doing)


def not_understood(doing: Doing, text: str) -> GlobusError:
    """Return the error for an answer that is no JSON document of the expected kind."""
    shown = " ".join(text.split())[:80]
    return GlobusError(
        f"{doing.sentence}: {doing.url or 'the service'} gave an answer that cannot be understood: {shown!r}.",
        remedy="look whether a proxy or a login page of the network stands between; " + CHECK_STATUS,
    )


def _token_error(error: Exception) -> MapshellError:
    from globus_sdk.token_storage.validating_token_storage import (
        ExpiredTokenError,
        IdentityMismatchError,
        UnmetScopeRequirementsError,
    )

    if isinstance(error, IdentityMismatchError):
        return LoginNeeded(
            f"This computer is logged in to Globus as {error.stored_id}, but the login was made as {error.new_id}.",
            remedy="log in as the first, or change for good: mapshell logout, then mapshell login",
        )
    if isinstance(error, ExpiredTokenError):
        return LoginNeeded("The Globus login has expired.", remedy=LOGIN)
    if isinstance(error, UnmetScopeRequirementsError):
        return LoginNeeded("The Globus login lacks a consent that is needed now.", remedy=LOGIN)
    return LoginNeeded("Nobody is logged in to Globus on this computer.", remedy=LOGIN)


def _auth_error(error: AuthAPIError, doing: Doing) -> MapshellError:
    raw = error.raw_json if isinstance(error.raw_json, dict) else {}
    kind = str(raw.get("error", ""))
    said = _short(str(raw.get("error_description") or error.message or error.http_reason))
    if kind == "invalid_grant" and "log in" in doing.what:
        return LoginNeeded(f"Globus did not accept the code: {said}.", remedy="log in again, with a fresh code.")
    if kind == "invalid_grant":
        return LoginNeeded("The Globus login has expired or was revoked.", remedy=LOGIN)
    if kind in {"invalid_client", "unauthorized_client"}:
        return ConfigError(
            f"Globus does not know this program's client id, or refuses its secret ({said}).",
            remedy="check globus.client_id, and the environment variable MAPSHELL_GLOBUS_CLIENT_SECRET if you use it.",
        )
    if "scope" in f"{kind} {error.code} {said}".lower():
        return LoginNeeded(
            f"Globus does not know a consent that was asked for: {said}.", remedy="run: mapshell login --force"
        )
    if error.http_status in {401, 403}:
        return LoginNeeded(f"Globus does not accept the login any more ({said}).", remedy=LOGIN)
    return _kind(error.http_status)(
        f"{doing.sentence}: Globus Auth answered {error.http_status}: {said}.", remedy=CHECK_STATUS
    )


def _api_error(error: GlobusAPIError, doing: Doing) -> MapshellError:
    status, code = error.http_status, error.code or ""
    said = _short(error.message or error.http_reason)
    demanded = required_session(error)
    if demanded:
        return LoginNeeded(f"{doing.sentence}: Globus demands {describe_session(demanded)}.", remedy=LOGIN)
    if code == "ConsentRequired":
        return consent_needed([doing.collection or "a collection"])
    if status == 401:
        return LoginNeeded(f"Globus does not accept the login any more ({said}).", remedy=LOGIN)
    if error.raw_json is None:
        return _kind(status)(
            f"{doing.sentence}: {doing.url or 'the service'} answered {status} {error.http_reason}.",
            remedy=CHECK_STATUS,
        )
    for test, make in _RULES:
        if test(status, code, said.lower()):
            return make(doing, said)
    return _kind(status)(
        f"{doing.sentence}: Globus answered {status} ({code or 'no code'}): {said}", remedy=CHECK_STATUS
    )


def _kind(status: int) -> type[GlobusError]:
    """Tell a service that is out of order from one that refuses this very request."""
    return GlobusUnavailable if status >= 500 else GlobusError


def _network_error(error: NetworkError, doing: Doing) -> MapshellError:
    import globus_sdk

    at = doing.url or "the Globus service"
    remedy = "check the network and the firewall; " + CHECK_STATUS
    if "127.0.0.1" in at or "localhost" in at:
        remedy = "run: mapshell services start"
    if isinstance(error, globus_sdk.GlobusTimeoutError):
        return GlobusUnavailable(f"{doing.sentence}: {at} did not answer in time.", remedy=remedy)
    cause = error.underlying_exception
    reason = "refused the connection" if "refused" in str(cause).lower() else f"broke off ({type(cause).__name__})"
    return GlobusUnavailable(f"{doing.sentence}: {at} {reason}.", remedy=remedy)


def _collection_missing(doing: Doing, said: str) -> MapshellError:
    return CollectionNotFound(
        f"Globus knows no collection {doing.collection}." if doing.collection else f"{doing.sentence}: {said}",
        remedy="correct the UUID (see the collection's overview at https://app.globus.org), or ask its owner.",
    )


def _path_missing(doing: Doing, said: str) -> MapshellError:
    if not doing.path:
        return GlobusError(f"{doing.sentence}: {said}", remedy="check the id, and who is logged in: mapshell whoami")
    return RemotePathNotFound(
        f"There is no {visible(doing.path)} in {doing.collection}.", remedy="check the path and the storage location."
    )


def _no_room(doing: Doing, said: str) -> MapshellError:
    return QuotaExceeded(
        f"{doing.sentence}: no room is left there ({said}).", remedy="ask the owner of the collection for more room."
    )


def _denied(doing: Doing, said: str) -> MapshellError:
    return PermissionDenied(
        f"{doing.sentence}{doing.who}: permission denied ({said})",
        remedy=f"ask the owner of the collection{doing.contact and f' ({doing.contact})'} for access, or log in as "
        "someone who has it: mapshell whoami",
    )


def _offline(doing: Doing, said: str) -> MapshellError:
    return CollectionOffline(
        f"{doing.sentence}: the endpoint does not answer ({said})",
        remedy="start Globus Connect Personal on that computer and unpause it, or ask the collection's administrator.",
    )


def _no_folder(doing: Doing, said: str) -> MapshellError:
    del said
    return GlobusError(f"{doing.sentence}: it is not a folder.", remedy="check the path.")


def _too_large(doing: Doing, said: str) -> MapshellError:
    return GlobusError(
        f"{doing.sentence}: the folder has more entries than Globus lists ({said}).",
        remedy="split the folder; Globus lists at most 100,000 entries of one.",
    )


def _full(doing: Doing, said: str) -> MapshellError:
    return ServiceFull(
        f"{doing.sentence}: Globus has as many tasks of this login waiting as it takes ({said}).",
        remedy="wait until some have ended, then run the same again; nothing is sent twice.",
    )


def _exists(doing: Doing, said: str) -> MapshellError:
    return GlobusError(f"{doing.sentence}: it exists already ({said}).", remedy="nothing was changed; look at it.")


def _busy(doing: Doing, said: str) -> MapshellError:
    return GlobusUnavailable(
        f"{doing.sentence}: Globus asks to send fewer requests ({said}).",
        remedy="wait a minute; other programs of the same login count too.",
    )


def _tail(*words: str) -> _Test:
    """Match the last part of a dotted code."""
    return lambda _status, code, _said: code.rpartition(".")[2] in words


# The first that fits; codes are those of the Transfer API, whose status is 502 for errors of endpoints.
_RULES: tuple[tuple[_Test, _Make], ...] = (
    (lambda status, code, _said: code in {"EndpointNotFound", "EndpointDeleted"} or status == 410, _collection_missing),
    (lambda _status, code, said: "quota" in code.lower() or bool(_FULL.search(said)), _no_room),
    (_tail("Exists"), _exists),
    (_tail("TooManyPendingJobs"), _full),
    (_tail("NotDirectory"), _no_folder),
    (_tail("SizeLimit", "DirectoryTooLarge"), _too_large),
    (_tail("PermissionDenied", "EndpointPermissionDenied", "LoginFailed", "Forbidden"), _denied),
    (_tail("NotFound", "TaskNotFound"), _path_missing),
    (_tail("GCDisconnected", "GCPaused", "ConnectFailed", "Timeout"), _offline),
    (
        lambda status, code, _said: status in {502, 504} and code.startswith(("ExternalError", "EndpointError")),
        _offline,
    ),
    (lambda status, _code, _said: status == 404, _path_missing),
    (lambda status, _code, _said: status == 403, _denied),
    (lambda status, _code, _said: status == 429, _busy),
)


def _short(text: str) -> str:
    """Return the service's words on one line, without a dot at the end."""
    line = " ".join(text.replace("\\r\\n", " ").split()).rstrip(".")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
