"""Faults of collections and tokens: settings that change, consents that go, tokens that end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.sandbox.constants import data_access_scope
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from mapshell.sandbox.accounts import Accounts
    from mapshell.sandbox.collections import Collections
    from mapshell.sandbox.faults import Fault
    from mapshell.sandbox.spec import CollectionSpec
    from mapshell.sandbox.tokens import Tokens

_MINUTES = 10


class CoreEffects:
    """Spoils the collections and tokens of a sandbox."""

    def __init__(self, collections: Collections, tokens: Tokens, accounts: Accounts) -> None:
        self._collections = collections
        self._tokens = tokens
        self._accounts = accounts

    def check(self, fault: Fault) -> None:
        """Refuse a fault of something that is not there.

        Raises
        ------
        UsageError
            The sandbox has no such collection or person, or the collection needs no consent.
        """
        self._identity(fault)
        if fault.collection is None:
            return
        spec = self._collections.all().get(fault.collection.lower())
        if spec is None:
            known = ", ".join(self._collections.all()) or "none yet"
            raise UsageError(f"The sandbox has no collection {fault.collection}.", remedy=f"Its collections: {known}.")
        if fault.kind == "consent-required" and not spec.mapped:
            raise UsageError(
                f"The collection {fault.collection} is not mapped: it needs no consent.",
                remedy="Choose a mapped collection, or make it one: UUID=FOLDER,mapped",
            )

    def apply(self, fault: Fault, *, again: bool = False) -> dict[str, Any] | None:
        """Spoil it; return the settings of the collection that brings it back, None where nothing does.

        With ``again`` it was spoilt all the time, and logins since then are good.
        """
        if fault.scope == "token":
            how = "expire" if fault.kind == "token-expired" else "revoke"
            tokens = fault.tokens or ("access" if how == "expire" else "all")
            kind = None if tokens == "all" else tokens
            self._tokens.end_all(kind=kind, how=how, identity_id=self._identity(fault))
            return None
        collection = str(fault.collection).lower()
        if fault.kind == "consent-required":
            self._tokens.withdraw_consents(data_access_scope(collection), identity_id=self._identity(fault))
            return None
        spec = self._collections.peek(collection)
        if spec is None:  # forgotten meanwhile
            return None
        if fault.kind == "session-required" and not again:
            # Nobody's login of before is fresh enough; the next one is.
            self._tokens.sessions.expire()
        changes = _changes(fault, spec)
        before = spec.to_json()
        self._collections.change(collection, changes)
        return {name: before[name] for name in changes}

    def undo(self, fault: Fault, before: dict[str, Any]) -> None:
        """Bring a collection back."""
        collection = str(fault.collection).lower()
        if self._collections.peek(collection) is not None:
            self._collections.change(collection, before)

    def _identity(self, fault: Fault) -> str | None:
        if fault.identity is None:
            return None
        found = self._accounts.find(fault.identity)
        if found is None:
            known = ", ".join(person.username for person in self._accounts.people())
            raise UsageError(f"The sandbox knows nobody called {fault.identity!r}.", remedy=f"It knows {known}.")
        return found.id


def _changes(fault: Fault, spec: CollectionSpec) -> dict[str, Any]:
    if fault.kind == "permission":
        return {"deny": [*spec.deny, *fault.paths]} if fault.paths else {"denied": True}
    if fault.kind == "session-required":
        needs = {"mfa": fault.mfa, "domains": list(fault.domains)}
        session = {name: value for name, value in needs.items() if value}
        return {
            "fresh_session": 60 * (fault.minutes or _MINUTES),
            "session_requires": {**spec.session_requires, **session},
        }
    simple: dict[str, dict[str, Any]] = {
        "offline": {"offline": True},
        "read-only": {"read_only": True},
        "quota": {"quota": fault.bytes},
        "missing": {"missing": True},
        "no-https": {"https": False},
        "no-times": {"keeps_times": False},
    }
    return simple[fault.kind]
