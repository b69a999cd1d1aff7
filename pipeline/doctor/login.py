"""Globus itself: whether it answers, what time it has, who is logged in and what that person has consented to."""

from __future__ import annotations

from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pipeline.doctor import clock
from pipeline.doctor.findings import Finding, Subject, failure, ok, warning
from pipeline.doctor.world import REQUEST_S
from pipeline.errors import ConfigError, GlobusError, GlobusUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests

    from pipeline.doctor.world import World

_GRAIN = timedelta(seconds=1)
"""How exactly a ``Date`` header tells the time."""

_LARGEST = 1_000_000
_DOCUMENT = ".well-known/openid-configuration"


def client(world: World, _: Subject) -> Iterable[Finding]:
    """Look whether the lab's client id is configured."""
    from pipeline.globus.login import REGISTER

    own = world.settings.globus
    if not own.client_id:
        yield failure(ConfigError("No Globus client id is configured (globus.client_id).", remedy=REGISTER))
    elif own.client_secret:
        yield ok(f"client {own.client_id} with a secret: nobody needs to log in", client_id=own.client_id)
    else:
        yield ok(f"client {own.client_id}, for people who log in", client_id=own.client_id)


def service(world: World, _: Subject) -> Iterable[Finding]:
    """Ask Globus' login service for what it tells everybody; its answer has the time, too."""
    import requests

    from pipeline.globus.address import is_loopback, resolve

    world.start_globus(world.settings)
    address = resolve(world.settings, world.environ)
    with requests.Session() as session:
        if is_loopback(address.auth_url):
            session.trust_env = False
        before = world.clock.now()
        try:
            answer = session.get(
                address.auth_url + _DOCUMENT, timeout=REQUEST_S, allow_redirects=False, stream=True, auth=_nobody
            )
            world.globus_time = (before, world.clock.now(), answer.headers.get("Date", ""))
            body = answer.raw.read(_LARGEST, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise GlobusUnavailable(
                f"Globus cannot be reached at {address.auth_url} ({type(error).__name__}).",
                remedy="run: mapshell services start"
                if is_loopback(address.auth_url)
                else "check the network, a proxy (HTTPS_PROXY) and the firewall (TCP port 443); "
                "https://status.globus.org tells about outages.",
            ) from error
    if not answer.ok or not _is_globus(body):
        raise GlobusError(
            f"{address.auth_url} answers, but not as Globus does (status {answer.status_code}).",
            remedy="look whether a proxy or a login page of the network stands between, and at globus.auth_url.",
        )
    yield ok(f"{address.auth_url} answers", auth_url=address.auth_url, transfer_url=address.transfer_url)


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send no login: none of a ``.netrc`` either."""
    return request


def _is_globus(body: bytes) -> bool:
    import json

    try:
        document = json.loads(body)
    except ValueError:
        return False
    return isinstance(document, dict) and "issuer" in document


def time_of_globus(world: World, _: Subject) -> Iterable[Finding]:
    """Compare this computer's time with that of the answer."""
    before, after, said = world.globus_time
    try:
        theirs = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return  # it told no time
    theirs = theirs.replace(tzinfo=UTC) if theirs.tzinfo is None else theirs.astimezone(UTC)
    grain = _GRAIN + (after - before) / 2
    yield clock.compare(before + (after - before) / 2, theirs.replace(tzinfo=None), "Globus'", grain)


def person(world: World, _: Subject) -> Iterable[Finding]:
    """Ask Globus who is logged in."""
    found = world.store().whoami()
    world.identity = str(found["identity"])
    world.consents = {str(each["id"]): each for each in found["collections"]}
    name = found["username"] or world.identity
    facts = {"username": found["username"], "identity": world.identity, "unattended": found["unattended"]}
    yield ok(f"{name} ({world.identity})" + (", unattended" if found["unattended"] else ""), **facts)


def consents(world: World, _: Subject) -> Iterable[Finding]:
    """Look whether the consents for all collections have been given."""
    from pipeline.globus.demands import consent_needed

    given = [each["name"] for each in world.consents.values() if each["consent"] == "given"]
    lacking = [each["name"] for each in world.consents.values() if each["consent"] == "missing"]
    if lacking:
        yield failure(consent_needed(lacking), missing=lacking)
    elif world.consents:
        yield ok(f"given for {', '.join(given)}" if given else "no collection needs one", given=given)
    else:
        yield warning(
            "No collection is configured, so no consent can be asked for.",
            "say where the recordings and the archive lie: mapshell config init",
        )
