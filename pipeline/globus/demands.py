"""What Globus demands of the person: consents and fresh sessions, read from its errors."""

from __future__ import annotations

import json
import re
from typing import Any

from pipeline.errors import LoginNeeded

LOGIN = "run: mapshell login"
_SCOPE_OF_COLLECTION = re.compile(r"/scopes/([0-9a-fA-F-]{36})/data_access")


def consent_needed(collections: list[str], *, how: str = "") -> LoginNeeded:
    """Return the error for collections (named for people) whose data the person has not allowed us to touch."""
    names = ", ".join(sorted(collections))
    return LoginNeeded(f"Globus needs your consent to work with {names}{how and ' '}{how}.", remedy=LOGIN)


def required_session(error: Exception) -> dict[str, Any] | None:
    """Return what a service demands of the next login (a session by another identity, MFA ...), None for nothing.

    Transfer puts it in ``authorization_parameters``, or as JSON into the text of a collection's refusal.
    """
    import globus_sdk

    if not isinstance(error, globus_sdk.GlobusAPIError):
        return None
    found = error.raw_json.get("authorization_parameters") if isinstance(error.raw_json, dict) else None
    if not isinstance(found, dict):
        found = _embedded(error.message or "")
    if not found or not any(key.startswith(("session_required", "prompt")) for key in found):
        return None
    return found


def _embedded(text: str) -> dict[str, Any] | None:
    at = text.find('"authorization_parameters"')
    start = text.find("{", at)
    if at < 0 or start < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text[start:])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def of_next_login(demanded: dict[str, Any]) -> dict[str, Any]:
    """Return what ``required_session`` found as the parameters of a login that satisfies it.

    Without ``prompt`` a browser that is still logged in would bring the old session back.
    """
    lists = ("session_required_identities", "session_required_single_domain", "session_required_policies")
    kept: dict[str, Any] = {"prompt": "login"}
    for key, value in demanded.items():
        if value and (key.startswith("session_") or key == "prompt"):
            kept[key] = value.split(",") if key in lists and isinstance(value, str) else value
    return kept


def missing_consents(error: Exception) -> list[str] | None:
    """Return the UUIDs of collections that lack consent; empty when the error does not name them, None otherwise."""
    import globus_sdk

    if not isinstance(error, globus_sdk.GlobusAPIError) or error.code != "ConsentRequired":
        return None
    return [each.lower() for each in _SCOPE_OF_COLLECTION.findall(" ".join(required_scopes(error)))]


def required_scopes(error: Exception) -> list[str]:
    """Return the scopes that a ``ConsentRequired`` error asks for."""
    import globus_sdk

    return (
        list(error.info.consent_required.required_scopes or ()) if isinstance(error, globus_sdk.GlobusAPIError) else []
    )


def describe_session(demanded: dict[str, Any]) -> str:
    """Return what ``required_session`` found as words."""
    words = ["a fresh login"]
    for key, text in (
        ("session_required_single_domain", "with an identity of"),
        ("session_required_identities", "as"),
        ("session_required_policies", "that satisfies the policy"),
    ):
        value = demanded.get(key)
        if value:
            words.append(f"{text} {' or '.join(map(str, value)) if isinstance(value, list) else value}")
    if demanded.get("session_required_mfa"):
        words.append("with a second factor")
    said = demanded.get("session_message")
    return " ".join(words) + (f" ({str(said).strip().rstrip('.')})" if said else "")
