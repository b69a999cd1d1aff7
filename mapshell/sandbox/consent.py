"""Consent without a browser: says "Allow" on the sandbox's page, as a person would (for tests and demos)."""

from __future__ import annotations

import html
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from pipeline.errors import ServiceError

_TIMEOUT_S = 30


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def opener(*handlers: Any) -> urllib.request.OpenerDirector:
    """Return an opener that goes straight to this computer."""
    # A proxy of the environment must not be asked about this computer.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)


def code_from_page(authorize_url: str, identity: str | None = None) -> str:
    """Say "Allow" on the consent page and return the code.

    Parameters
    ----------
    authorize_url
        What the login flow says to open in a browser.
    identity
        Username of who logs in; by default the sandbox's default person.

    Raises
    ------
    ServiceError
        The sandbox refused: its page says why.
    """
    form = {"decision": "allow", **({"identity": identity} if identity else {})}
    request = urllib.request.Request(authorize_url, data=urlencode(form).encode(), method="POST")  # noqa: S310 - http only
    try:
        with opener(_NoRedirect).open(request, timeout=_TIMEOUT_S):
            pass
    except urllib.error.HTTPError as error:
        with error:
            location = error.headers.get("Location", "")
            code = parse_qs(urlsplit(location).query).get("code")
            if code:
                return code[0]
            page = error.read().decode("utf-8", "replace")
        text = html.unescape(page.partition("<p>")[2].partition("</p>")[0]) or f"status {error.code}"
        raise ServiceError(
            f"The sandbox refused the login: {text}", remedy="Check the scopes that are asked for."
        ) from None
    except OSError as error:
        raise ServiceError(f"The sandbox does not answer: {error}", remedy="Run: mapshell sandbox start") from error
    raise ServiceError("The sandbox did not redirect.", remedy="Check that the URL is the authorize URL of a login.")
