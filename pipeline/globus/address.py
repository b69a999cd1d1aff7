"""Where Globus is: the real services, those that the environment names, or a local service found by its state file.

Nothing secret is sent to a local service before it has answered with the nonce of its state file: a port that
somebody else got meanwhile never sees a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.errors import ConfigError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.services import ServiceState
    from pipeline.settings import Settings

_SDK_VARIABLES = {"auth": "GLOBUS_SDK_SERVICE_URL_AUTH", "transfer": "GLOBUS_SDK_SERVICE_URL_TRANSFER"}
_NONCE_TIMEOUT_S = 10.0
START = "run: mapshell services start"


@dataclass(frozen=True, slots=True)
class Address:
    """Base URLs (with a slash at the end), and the name under which tokens for them are kept.

    ``realm`` is the Auth URL, or the state file of a local service, whose port may change from start to start.
    """

    auth_url: str
    transfer_url: str
    realm: str


def is_loopback(url: str) -> bool:
    """Tell whether a URL leads to this computer alone."""
    host = (urlsplit(url).hostname or "").lower()
    return host in {"localhost", "::1"} or host.startswith("127.")


def resolve(settings: Settings, environ: Mapping[str, str]) -> Address:
    """Find the services; a local one is asked for its nonce first.

    The SDK's own variables (``GLOBUS_SDK_SERVICE_URL_AUTH``, ``..._TRANSFER``) win over the settings file, as
    environment variables do everywhere; they lose only to this program's own variables, and to a sandbox that a
    folder's settings file names.

    Raises
    ------
    ConfigError
        A URL is none, or would carry tokens unencrypted over a network.
    ServiceError
        The local service does not run, or something else answers at its address.
    """
    from globus_sdk.config import get_service_url

    urls: dict[str, str] = {}
    service: ServiceState | None = None
    own_sandbox = settings.origins.get("globus.sandbox", "").startswith("file")
    for name, chosen in (("auth", settings.globus.auth_url), ("transfer", settings.globus.transfer_url)):
        own = settings.origins.get(f"globus.{name}_url", "").startswith("environment")
        from_sdk = "" if own_sandbox else environ.get(_SDK_VARIABLES[name], "").strip()
        if chosen and (own or not from_sdk):
            urls[name] = _checked(chosen, f"globus.{name}_url")
        elif from_sdk:
            urls[name] = _checked(from_sdk, f"environment variable {_SDK_VARIABLES[name]}")
        elif settings.globus.service_file is not None:
            service = service or _running(settings)
            urls[name] = _checked(str(service.data.get(f"{name}_url", "")), str(settings.globus.service_file))
        else:
            urls[name] = _checked(get_service_url(name), "the Globus SDK")
    if service is not None and "auth_url" in service.data:
        _verify(service, _checked(str(service.data["auth_url"]), str(settings.globus.service_file)))
        return Address(urls["auth"], urls["transfer"], f"local service {settings.globus.service_file}")
    return Address(urls["auth"], urls["transfer"], urls["auth"])


def _checked(url: str, where: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"{where}: {url!r} is no web address.", remedy="write it as https://host/ or remove it.")
    if parts.scheme == "http" and not is_loopback(url):
        raise ConfigError(
            f"{where}: {url} would send logins over the network unencrypted.",
            remedy="use https; plain http is for services on this computer (127.0.0.1).",
        )
    return url.rstrip("/") + "/"


def _running(settings: Settings) -> ServiceState:
    from pipeline.services import read_state

    file = settings.globus.service_file
    state = read_state(file) if file is not None else None
    if state is None:
        raise ServiceError(f"The local Globus service of {file} is not running.", remedy=START)
    return state


def _verify(service: ServiceState, auth_url: str) -> None:
    """Ask the service for its nonce, without any credentials."""
    import secrets

    import requests

    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy and no .netrc between us and this computer
            answer = session.get(f"{auth_url}nonce", timeout=_NONCE_TIMEOUT_S, allow_redirects=False)
            text = answer.text.strip().strip('"') if answer.ok else ""
    except requests.RequestException as error:
        raise ServiceError(
            f"The local Globus service at {auth_url} does not answer ({type(error).__name__}).", remedy=START
        ) from error
    if not secrets.compare_digest(text.encode(), service.nonce.encode()):
        raise ServiceError(
            f"Something else answers at {auth_url}, where the local Globus service should be.",
            remedy="stop and start the local services: mapshell services stop; mapshell services start",
        )
