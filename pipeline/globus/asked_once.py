"""What Auth says of a login's consents, asked for once by managers that begin together."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import globus_sdk
    from globus_sdk.token_storage import ScopeRequirementsValidator

FRESH = 10.0
"""For how long an answer is told to others (s)."""


class AskedOnce:
    """The newest answer, for all managers of one login; safe to use from several threads.

    ``clock`` gives seconds that only grow.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._at = float("-inf")
        self._identity = ""
        self._answer: globus_sdk.GetConsentsResponse | None = None

    def ask(
        self,
        identity: str,
        ask: Callable[[], globus_sdk.GetConsentsResponse],
        enough: Callable[[globus_sdk.GetConsentsResponse], bool],
    ) -> globus_sdk.GetConsentsResponse:
        """Return what another manager has just heard where it is ``enough``, else ask."""
        with self._lock:  # whoever asks at the same time waits for the same answer
            known = self._answer if self._identity == identity and self._clock() - self._at <= FRESH else None
            # A consent that it lacks may have been given meanwhile; one that was withdrawn, the service refuses itself.
            if known is not None and enough(known):
                return known
            self._answer = ask()
            self._identity, self._at = identity, self._clock()
            return self._answer


class SharedConsents:
    """Stands for an ``AuthClient`` where the SDK's validator asks for consents."""

    def __init__(self, auth: globus_sdk.AuthClient, asked: AskedOnce, validator: ScopeRequirementsValidator) -> None:
        self._auth = auth
        self._asked = asked
        self._validator = validator

    def get_consents(self, identity_id: Any, **more: Any) -> globus_sdk.GetConsentsResponse:
        """Return the consents of an identity; see the SDK."""
        return self._asked.ask(
            str(identity_id), lambda: self._auth.get_consents(identity_id, **more), self._meets_what_is_needed
        )

    def _meets_what_is_needed(self, answer: globus_sdk.GetConsentsResponse) -> bool:
        forest = answer.to_forest()
        return all(forest.meets_scope_requirements(list(each)) for each in self._needed())

    def _needed(self) -> list[Any]:
        every = self._validator.scope_requirements.values()
        return [scopes for scopes in every if any(scope.dependencies for scope in scopes)]
