"""Login in a browser: the page that asks, its answer, the code to copy by hand."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from mapshell.sandbox import constants, pages
from mapshell.sandbox.codes import Login
from mapshell.sandbox.errors import AuthError, OAuthError
from mapshell.sandbox.pages import Problem
from mapshell.sandbox.web import route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.routing import Route

    from mapshell.sandbox.accounts import Identity
    from mapshell.sandbox.core import Core
    from mapshell.sandbox.demands import Demand
    from mapshell.sandbox.web import Call, Handler

# No other page may show it in a frame of its own, and have it clicked.
_PAGE_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def _html(text: str, status: int = 200) -> Response:
    from starlette.responses import HTMLResponse

    return HTMLResponse(text, status, headers=_PAGE_HEADERS)


def _bad_request(detail: str) -> Problem:
    return Problem("Error processing OAuth2 request", detail, "OAUTH_AUTH_REQUEST_FAILURE")


def _problem(core: Core, query: Mapping[str, str]) -> Problem | None:
    """Tell what is wrong with a request for a login, None when nothing is."""
    try:
        client_id = str(uuid.UUID(query.get("client_id", "")))
    except ValueError:
        return _bad_request("client_id is not a registered client (a UUID is expected).")
    if not _redirect_allowed(core, client_id, query.get("redirect_uri", "")):
        return _bad_request(
            "Mismatching redirect URI: redirect_uri must be the page that shows the code, a server on this computer, "
            "or an address registered for the client."
        )
    if query.get("response_type") != "code":
        return _bad_request("response_type must be 'code'.")
    if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
        return _bad_request("code_challenge_method must be S256.")
    if not query.get("code_challenge") and not core.accounts.is_confidential(client_id):
        return _bad_request("A native client must use PKCE: code_challenge is missing.")
    try:
        core.tokens.check_scope(query.get("scope", ""), client_id)
    except OAuthError as error:
        return _bad_request(f"{error.error}: {error.description}.")
    except AuthError as error:
        return Problem(error.title, error.detail, error.code)
    return _session_problem(core, query)


def _session_problem(core: Core, query: Mapping[str, str]) -> Problem | None:
    known = {policy for demand in _demands(core) for policy in demand.policies}
    strange = [each for each in _listed(query, "session_required_policies") if each not in known]
    if strange:
        return _bad_request(f"There is no authentication policy {strange[0]}.")
    if not _candidates(core, query):
        wanted = [
            *_listed(query, "session_required_identities"),
            *_listed(query, "session_required_single_domain"),
            *(name for demand in _policies(core, query) for name in (*demand.domains, *demand.identities)),
        ]
        return Problem(
            "Identity required",
            f"None of the sandbox's identities is what the application asks for: {', '.join(wanted)}.",
            "REQUIRED_IDENTITY_MISSING",
        )
    return None


def _redirect_allowed(core: Core, client_id: str, uri: str) -> bool:
    if uri in {constants.REAL_CODE_PAGE, f"{core.auth_url}/v2/web/auth-code", *core.accounts.redirects(client_id)}:
        return True
    try:
        parts = urlsplit(uri)
        there = parts.hostname or "", parts.port
    except ValueError:  # it is no address, or its port none
        return False
    return parts.scheme in {"http", "https"} and there[0] in _LOOPBACK


def _listed(query: Mapping[str, str], name: str) -> list[str]:
    return [each.strip().lower() for each in query.get(name, "").split(",") if each.strip()]


def _demands(core: Core) -> list[Demand]:
    found = (spec.session_demand for spec in core.collections.all().values())
    return [demand for demand in found if demand is not None]


def _policies(core: Core, query: Mapping[str, str]) -> list[Demand]:
    wanted = set(_listed(query, "session_required_policies"))
    return [demand for demand in _demands(core) if wanted & set(demand.policies)]


def _candidates(core: Core, query: Mapping[str, str]) -> list[Identity]:
    """Return who may log in, given what the application asks for; whom it hints at first."""
    ids, domains = _listed(query, "session_required_identities"), _listed(query, "session_required_single_domain")
    policies = _policies(core, query)
    found = [
        person
        for person in core.accounts.people()
        if (not ids or person.id in ids or person.username in ids)
        and (not domains or person.domain in domains)
        and all(demand.concerns(person.id, person.domain) for demand in policies)
    ]
    hint = query.get("login_hint", "").strip().lower()
    return sorted(found, key=lambda person: hint not in {person.id, person.username}) if hint else found


def _chosen(core: Core, query: Mapping[str, str]) -> Identity | None:
    candidates = _candidates(core, query)
    name = query.get("identity", "").strip().lower()
    if not name:
        return candidates[0]
    return next((person for person in candidates if name in {person.id, person.username}), None)


def _authenticate(core: Core, query: Mapping[str, str], client_id: str, person: Identity) -> str:
    """Let a person prove who they are, if their browser has not just done so; returns the session's id."""
    policies = _policies(core, query)
    mfa = query.get("session_required_mfa", "").lower() in {"true", "1"} or any(each.mfa for each in policies)
    known = core.tokens.sessions.in_browser(person)
    stale = (
        known is None
        or (mfa and not known.mfa)
        or not all(demand.met([known], time.time()) for demand in policies)
        or "login" in query.get("prompt", "").split()
    )
    core.accounts.used(person.id)
    return core.tokens.sessions.authenticate(client_id, person, fresh=stale, mfa=mfa)


def _page(core: Core, call: Call) -> Response:
    problem = _problem(core, call.query)
    if problem is not None:
        return _html(pages.problem(problem), 400)
    return _html(pages.consent(call.query, _candidates(core, call.query)))


def _answer(core: Core, call: Call) -> Response:
    """Take the page's answer: redirect with a code.  The form's fields may also stand in the query."""
    from starlette.responses import RedirectResponse

    query = {**call.query, **call.form()}
    problem = _problem(core, query)
    person = None if problem else _chosen(core, query)
    if person is None:
        problem = problem or Problem(
            "Identity required",
            f"{query.get('identity')} cannot log in here: there is no such identity in the sandbox, or it is not what "
            "the application asks for.",
            "REQUIRED_IDENTITY_MISSING",
        )
        return _html(pages.problem(problem), 400)
    answer: dict[str, str] = {"state": query["state"]} if "state" in query else {}
    if query.get("decision") == "deny":
        answer |= {"error": "access_denied", "error_description": "The resource owner denied the request."}
    else:
        answer["code"] = _code(core, query, person)
    target = query["redirect_uri"]
    # Some clients put the address of the page together from a base URL, which they expect to end with a slash.
    if target in {constants.REAL_CODE_PAGE, f"{core.auth_url}v2/web/auth-code"}:
        target = f"{core.auth_url}/v2/web/auth-code"
    return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{urlencode(answer)}", 302)


def _code(core: Core, query: Mapping[str, str], person: Identity) -> str:
    client_id = str(uuid.UUID(query["client_id"]))
    return core.tokens.codes.new(
        Login(
            client_id=client_id,
            identity_id=person.owner_id,
            redirect_uri=query["redirect_uri"],
            scope=query["scope"],
            challenge=query.get("code_challenge"),
            offline=query.get("access_type") == "offline",
            state=query.get("state"),
            nonce=query.get("nonce"),
            session=_authenticate(core, query, client_id, person),
        )
    )


def _code_page(core: Core, call: Call) -> Response:  # noqa: ARG001 - all handlers have one form
    return _html(pages.code(call.query.get("code"), call.query.get("error_description")))


def _logout_page(core: Core, call: Call) -> Response:  # noqa: ARG001 - all handlers have one form
    core.tokens.sessions.end_browser()
    return _html(pages.logged_out())


def redeem(core: Core, form: Mapping[str, str], client_id: str) -> tuple[Login, dict[str, Any]]:
    """Exchange a code for tokens; returns what was agreed to and the answer.

    Raises
    ------
    OAuthError
        ``invalid_grant``: the code, the redirect or the verifier does not fit.
    """
    login = core.tokens.codes.redeem(
        code=form.get("code", ""),
        client_id=client_id,
        redirect_uri=form.get("redirect_uri", ""),
        verifier=form.get("code_verifier"),
    )
    document = core.tokens.issue(
        client_id, login.identity_id, login.scope, offline=login.offline, session=login.session
    )
    if login.state is not None:
        document["state"] = login.state
    return login, document


def routes(core: Core) -> list[Route]:
    """All pages of Auth."""
    table: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/v2/oauth2/authorize", _page),
        ("POST", "/v2/oauth2/authorize", _answer),
        ("GET", "/v2/web/auth-code", _code_page),
        ("GET", "/v2/web/logout", _logout_page),
    )
    return [route(core, method, constants.AUTH_PREFIX + path, handler) for method, path, handler in table]
