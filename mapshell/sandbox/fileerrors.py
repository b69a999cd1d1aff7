"""How Transfer tells what went wrong at an endpoint: offline, missing, denied, and the file system's own words."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from mapshell.sandbox.errors import ApiError

if TYPE_CHECKING:
    from mapshell.sandbox.paths import Folder


def check_online(folder: Folder, failure: str) -> None:
    """Refuse when the endpoint behind the collection is down.

    Raises
    ------
    ApiError
        ``ExternalError.<failure>.GCDisconnected`` or ``.ConnectFailed``, status 502.
    """
    if not folder.spec.offline:
        return
    if folder.spec.personal:
        raise ApiError(
            502,
            f"ExternalError.{failure}.GCDisconnected",
            "The Globus Connect Personal endpoint is not currently connected to Globus",
        )
    raise ApiError(
        502,
        f"ExternalError.{failure}.ConnectFailed",
        f"Could not connect to data channel or server\nEndpoint: {endpoint_name(folder)}\n"
        "Message: The operation timed out",
    )


def endpoint_name(folder: Folder) -> str:
    """Name a collection as error messages do."""
    return f"{folder.spec.display_name} ({folder.collection_id})"


def not_found(folder: Folder, path: str, code: str = "ClientError.NotFound") -> ApiError:
    """Answer for a path that is not there."""
    return ApiError(
        404,
        code,
        f"Path not found, Error (list)\nEndpoint: {endpoint_name(folder)}\nServer: 127.0.0.1:443\n"
        f"Message: No such file or directory\n---\nDetails: Error: '{path}' not found\\r\\n"
        "550-GlobusError: v=1 c=PATH_NOT_FOUND\\r\\n550-GridFTP-Errno: 2\\r\\n"
        "550-GridFTP-Reason: System error in stat\\r\\n"
        "550-GridFTP-Error-String: No such file or directory\\r\\n550 End.\\r\\n\n",
    )


def permission_denied(folder: Folder, path: str, command: str) -> ApiError:
    """Answer for a path that may not be read or written."""
    return ApiError(
        403,
        "EndpointPermissionDenied",
        f"Denied by endpoint, Error ({command})\nEndpoint: {endpoint_name(folder)}\nServer: 127.0.0.1:443\n"
        f"Command: {command.upper()} {path}\nMessage: Fatal FTP Response\n---\n"
        "Details: 550-GlobusError: v=1 c=PERMISSION_DENIED\\r\\n550 End.\\r\\n\n",
    )


def exists(folder: Folder, path: str, failure: str, command: str) -> ApiError:
    """Answer for a name that is taken; ``command`` is what the server was told."""
    return ApiError(
        502,
        f"ExternalError.{failure}.Exists",
        f"Path already exists, Error ({failure.removesuffix('Failed').lower()})\nEndpoint: {endpoint_name(folder)}\n"
        f"Command: {command} {path}\nMessage: Fatal FTP Response\n---\n"
        "Details: 550-GlobusError: v=1 c=PATH_EXISTS\\r\\n550 End.\\r\\n\n",
    )


def not_supported(message: str) -> ApiError:
    """Answer for an operation that the collection has not."""
    return ApiError(409, "NotSupported", message)


def check_writable(folder: Folder, path: str, command: str) -> None:
    """Refuse to write to a read-only collection.

    Raises
    ------
    ApiError
        ``EndpointPermissionDenied``.
    """
    if folder.spec.read_only:
        raise permission_denied(folder, path, command)


def failed(folder: Folder, path: str, command: str, failure: str, error: OSError) -> ApiError:
    """Translate what the file system said into the service's answer."""
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return permission_denied(folder, path, command)
    message = f"Error ({command})\nEndpoint: {endpoint_name(folder)}\nMessage: {error.strerror}"
    return ApiError(502, f"ExternalError.{failure}", message)
