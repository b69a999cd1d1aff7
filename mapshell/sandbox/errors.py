"""Errors as the real services send them: an exception that knows its document."""

from __future__ import annotations

import secrets
import string
import uuid
from typing import Any

_LETTERS = string.ascii_letters + string.digits


def request_id() -> str:
    """Nine letters and digits, as Transfer numbers its requests."""
    return "".join(secrets.choice(_LETTERS) for _ in range(9))


class ApiError(Exception):
    """A Transfer error document on its way to the client.

    Parameters
    ----------
    status
        HTTP status.
    code
        Globus error code, such as ``"ClientError.NotFound"``.
    message
        Text for people.
    extra
        Further fields of the document, such as ``required_scopes``.
    """

    def __init__(self, status: int, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extra = extra

    def document(self, resource: str) -> dict[str, Any]:
        """Return the body for the answer to a request of ``resource``."""
        return {
            "code": self.code,
            "message": self.message,
            "request_id": request_id(),
            "resource": resource,
            **self.extra,
        }


def bad_request(message: str, detail: str = "") -> ApiError:
    """Transfer's answer to a request that it cannot read; ``detail`` refines the code, as ``.NoTransferItems``."""
    return ApiError(400, "ClientError.BadRequest" + detail, message)


class OAuthError(Exception):
    """An error of the OAuth2 token endpoint."""

    def __init__(self, status: int, error: str, description: str | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description

    def document(self) -> dict[str, Any]:
        """Return the body of the answer."""
        document: dict[str, Any] = {"error": self.error}
        if self.description:
            document["error_description"] = self.description
        return document


class AuthError(Exception):
    """An error of Auth's resource API (JSON with an ``errors`` list)."""

    def __init__(self, status: int, code: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail

    def document(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {
            "errors": [
                {
                    "status": str(self.status),
                    "id": str(uuid.uuid4()),
                    "code": self.code,
                    "detail": self.detail,
                    "title": self.title,
                }
            ],
            "error_description": self.title,
            "error": self.title.lower().replace(" ", "_"),
        }


def unauthorized() -> AuthError:
    """Auth's answer to a missing or dead token."""
    return AuthError(401, "UNAUTHORIZED", "Unauthorized", "Call must be authenticated")


def forbidden(detail: str = "Call must be authorized") -> AuthError:
    """Auth's answer to a token without the needed scope."""
    return AuthError(403, "FORBIDDEN", "Forbidden", detail)
