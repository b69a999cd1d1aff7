"""Scope strings: ``a[b *c] d`` as a tree, and which resource server a scope belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mapshell.sandbox.constants import AUTH_SERVER, GROUPS_SERVER, TRANSFER_SERVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_OPENID = frozenset({"openid", "email", "profile"})
# Scopes of Globus' own services, by the name in the scope.  Those that the sandbox does not serve can be asked for all
# the same: clients ask for all that they may ever need in one login.
_SERVICES: dict[str, frozenset[str]] = {
    AUTH_SERVER: frozenset(
        {
            "manage_projects",
            "view_authentications",
            "view_clients",
            "view_clients_and_scopes",
            "view_consents",
            "view_identities",
            "view_identity_set",
        }
    ),
    TRANSFER_SERVER: frozenset({"all", "gcp_install"}),
    GROUPS_SERVER: frozenset({"all", "view_my_groups_and_memberships"}),
    "nexus.api.globus.org": frozenset({"groups"}),
    "search.api.globus.org": frozenset({"all", "globus_connect_server", "ingest", "search"}),
    "524230d7-ea86-4a52-8312-86065a9e0417": frozenset({"timer"}),
    "eec9b274-0c81-4334-bdc2-54e90e689b9a": frozenset(
        {"all", "manage_flows", "view_flows", "run", "run_status", "run_manage"}
    ),
    "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9": frozenset({"all"}),
}
# Services whose tokens go by another name than their scopes.
_NAMED = {
    "eec9b274-0c81-4334-bdc2-54e90e689b9a": "flows.globus.org",
    "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9": "funcx_service",
}
_URN = re.compile(r"urn:globus:auth:scope:(?P<server>[A-Za-z0-9.\-]+):(?P<name>[A-Za-z0-9_.\-]+)")
_URL = re.compile(r"https://auth\.globus\.org/scopes/(?P<server>[0-9a-f\-]{36})/(?P<name>[A-Za-z0-9_.\-]+)")
_DEEPEST = 20
_TOKEN = re.compile(r"\s+|\*|\[|\]|[^\s*\[\]]+")


class ScopeError(ValueError):
    """A scope string that cannot be read, or names a scope that nobody offers."""


@dataclass(frozen=True)
class ScopeNode:
    """One requested scope with the scopes that it depends on.

    ``optional`` (written as a star) makes the consent for a dependency revocable without its parent's.
    """

    name: str
    dependencies: tuple[ScopeNode, ...] = ()
    optional: bool = field(default=False, compare=False)


def parse(text: str) -> tuple[ScopeNode, ...]:
    """Read a scope string; scopes asked for twice are merged.

    Raises
    ------
    ScopeError
        The brackets do not fit.
    """
    tokens = [token for token in _TOKEN.findall(text) if not token.isspace()]
    nodes, rest = _parse_list(tokens, 0, depth=0)
    if rest != len(tokens):
        raise ScopeError(f"unbalanced brackets in {text!r}")
    return nodes


def _parse_list(tokens: list[str], position: int, *, depth: int) -> tuple[tuple[ScopeNode, ...], int]:
    if depth > _DEEPEST:
        raise ScopeError("scopes are nested too deeply")
    found: dict[str, ScopeNode] = {}
    while position < len(tokens) and tokens[position] != "]":
        optional = tokens[position] == "*"
        if optional:
            position += 1
            if position >= len(tokens):
                raise ScopeError("a star without a scope after it")
        name = tokens[position]
        if name in {"[", "]", "*"}:
            raise ScopeError(f"{name!r} where a scope is expected")
        position += 1
        dependencies: tuple[ScopeNode, ...] = ()
        if position < len(tokens) and tokens[position] == "[":
            dependencies, position = _parse_list(tokens, position + 1, depth=depth + 1)
            if position >= len(tokens):
                raise ScopeError("a bracket is not closed")
            position += 1
        found[name] = _merged(found.get(name), ScopeNode(name, dependencies, optional))
    if depth == 0 and position < len(tokens):
        raise ScopeError("a closing bracket too many")
    return tuple(found.values()), position


def _merged(first: ScopeNode | None, second: ScopeNode) -> ScopeNode:
    if first is None:
        return second
    children = {child.name: child for child in first.dependencies}
    for child in second.dependencies:
        children[child.name] = _merged(children.get(child.name), child)
    return ScopeNode(first.name, tuple(children.values()), first.optional and second.optional)


def resource_server(scope: str, offers: Callable[[str, str], bool]) -> str:
    """Tell which resource server a scope belongs to.

    Parameters
    ----------
    scope
        One scope without dependencies.
    offers
        Asked about a collection: does the collection with this id offer a scope of that name?

    Raises
    ------
    ScopeError
        Nobody offers the scope.
    """
    if scope in _OPENID:
        return AUTH_SERVER
    match = _URN.fullmatch(scope) or _URL.fullmatch(scope)
    if match is not None:
        server, name = match["server"], match["name"]
        if name in _SERVICES.get(server, ()) or offers(server, name):
            return _NAMED.get(server, server)
    raise ScopeError(f"unknown scope {scope}")


def unknown(nodes: Iterable[ScopeNode], offers: Callable[[str, str], bool]) -> list[str]:
    """Return the scopes that nobody offers, dependencies included, in the order of the request."""
    found: list[str] = []
    for node in nodes:
        try:
            resource_server(node.name, offers)
        except ScopeError:
            found.append(node.name)
        found += unknown(node.dependencies, offers)
    return list(dict.fromkeys(found))


def by_resource_server(nodes: Iterable[ScopeNode], offers: Callable[[str, str], bool]) -> dict[str, list[str]]:
    """Group the requested scopes: one token is made for each resource server (Auth's first).

    Raises
    ------
    ScopeError
        A scope or dependency is unknown.
    """
    groups: dict[str, list[str]] = {}
    for node in nodes:
        groups.setdefault(resource_server(node.name, offers), []).append(node.name)
        for name in unknown(node.dependencies, offers):
            raise ScopeError(f"unknown scope {name}")
    return dict(sorted(groups.items(), key=lambda group: group[0] != AUTH_SERVER))
