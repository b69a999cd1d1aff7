"""Scope strings: ``a[b *c] d`` as a tree, and which resource server a scope belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapshell.sandbox.constants import AUTH_SERVER, RESOURCE_SERVERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_OPENID = frozenset({"openid", "email", "profile"})
_URN = re.compile(r"urn:globus:auth:scope:(?P<server>[A-Za-z0-9.\-]+):(?P<name>[A-Za-z0-9_.\-]+)")
_URL = re.compile(r"https://auth\.globus\.org/scopes/(?P<server>[0-9a-f\-]{36})/(?P<name>[A-Za-z0-9_.\-]+)")
_TOKEN = re.compile(r"\s+|\*|\[|\]|[^\s*\[\]]+")


class ScopeError(ValueError):
    """A scope string that cannot be read, or names a scope that nobody offers."""


@dataclass(frozen=True)
class ScopeNode:
    """One requested scope with the scopes that it depends on."""

    name: str
    dependencies: tuple[ScopeNode, ...] = ()


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
    found: dict[str, ScopeNode] = {}
    while position < len(tokens) and tokens[position] != "]":
        # The star marks a dependency that may be refused; here nobody refuses.
        if tokens[position] == "*":
            position += 1
            continue
        name = tokens[position]
        if name == "[":
            raise ScopeError("a bracket without a scope before it")
        position += 1
        dependencies: tuple[ScopeNode, ...] = ()
        if position < len(tokens) and tokens[position] == "[":
            dependencies, position = _parse_list(tokens, position + 1, depth=depth + 1)
            if position >= len(tokens):
                raise ScopeError("a bracket is not closed")
            position += 1
        found[name] = _merged(found.get(name), ScopeNode(name, dependencies))
    if depth == 0 and position < len(tokens):
        raise ScopeError("a closing bracket too many")
    return tuple(found.values()), position


def _merged(first: ScopeNode | None, second: ScopeNode) -> ScopeNode:
    if first is None:
        return second
    children = {child.name: child for child in first.dependencies}
    for child in second.dependencies:
        children[child.name] = _merged(children.get(child.name), child)
    return ScopeNode(first.name, tuple(children.values()))


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
        if server in RESOURCE_SERVERS or offers(server, name):
            return server
    raise ScopeError(f"unknown scope {scope}")


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
        _check(node.dependencies, offers)
    return dict(sorted(groups.items(), key=lambda group: group[0] != AUTH_SERVER))


def _check(nodes: Iterable[ScopeNode], offers: Callable[[str, str], bool]) -> None:
    for node in nodes:
        resource_server(node.name, offers)
        _check(node.dependencies, offers)
