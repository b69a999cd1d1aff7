"""How the service is asked: one session, one lock, and every failure told as an error of ours."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pipeline.errors import ConfigError, MapshellError
from pipeline.globus import demands, errors
from pipeline.globus.asked_once import AskedOnce
from pipeline.globus.errors import Doing
from pipeline.globus.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.globus.login import Session
    from pipeline.globus.transport import Patience
    from pipeline.settings import Settings

T = TypeVar("T")


class Caller:
    """Asks Globus: opens the session when it is first needed, and lets one thread in at a time.

    Parameters as for ``GlobusStorageManager``.
    """

    def __init__(
        self,
        settings: Settings | None,
        *,
        patience: Patience | None = None,
        environ: Mapping[str, str] | None = None,
        pace: Pace | None = None,
        asked: AskedOnce | None = None,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        if settings is None:
            from pipeline.settings import load

            settings = load(environ=self._environ)
        self.settings = settings
        self._patience = patience
        self._pace = pace or Pace(settings.globus.requests_per_second)
        self._asked = asked or AskedOnce()
        self._lock = threading.RLock()
        self._open: list[Session] = []  # none or one
        self._finalizer = weakref.finalize(self, _close, self._open)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and the token file; a later operation opens them again."""
        with self._lock:
            _close(self._open)

    def _session(self) -> Session:
        if not self._open:
            from pipeline.globus.address import resolve
            from pipeline.globus.login import Session
            from pipeline.globus.transport import Patience

            patience = self._patience or Patience(total=self.settings.globus.patience_s)
            try:
                address = resolve(self.settings, self._environ)
                self._open.append(Session(self.settings, address, patience, self._pace, self._asked))
            except ValueError as error:  # what the SDK finds wrong in its own variables
                raise ConfigError(
                    f"The Globus SDK cannot be set up: {error}",
                    remedy="check globus.client_id, and the environment variables whose names begin with GLOBUS_SDK_; "
                    f"if that is not it, delete {self.settings.globus.token_file} and log in again.",
                ) from error
        return self._open[0]

    def _call(self, doing: Doing, function: Callable[[Session], T], *, prepare: bool = True) -> T:
        """Run a function on the session, under the lock; every failure becomes a ``MapshellError``."""
        import sqlite3

        import globus_sdk
        import jwt
        from globus_sdk.token_storage.validating_token_storage import UnmetScopeRequirementsError

        def attempt() -> T:
            if prepare:
                session.ensure(doing.collection.lower())
            return function(session)

        with self._lock:
            session = self._session()
            try:
                try:
                    return attempt()
                except (globus_sdk.GlobusAPIError, UnmetScopeRequirementsError) as error:
                    scopes = demands.required_scopes(error)
                    if not session.unattended or not (scopes or isinstance(error, UnmetScopeRequirementsError)):
                        raise
                    session.grant(scopes)
                    return attempt()
            except MapshellError:
                raise
            except (
                globus_sdk.GlobusError,
                sqlite3.Error,
                jwt.PyJWTError,
                LookupError,
                TypeError,
                ValueError,
                RecursionError,  # an answer that is lists in lists without end
            ) as error:
                raise self._explained(error, doing, session) from error

    def _explained(self, error: Exception, doing: Doing, session: Session) -> MapshellError:
        """Translate, note what the next login must bring, and leave a local service that has gone."""
        import globus_sdk
        from globus_sdk.token_storage.validating_token_storage import UnmetScopeRequirementsError

        if isinstance(error, globus_sdk.GlobusConnectionError) and self.settings.globus.service_file is not None:
            _close(self._open)  # it may come back at another port
        demanded = demands.required_session(error)
        if demanded:
            session.notes.pending = demanded
        lacking = demands.missing_consents(error)
        if isinstance(error, UnmetScopeRequirementsError) and session.logged_in():
            try:
                lacking = session.lacking()
            except globus_sdk.GlobusError as other:
                return errors.translate(other, self._named(doing))
        if lacking:
            session.want(lacking)
            return demands.consent_needed([session.name(each) for each in lacking])
        return errors.translate(error, self._named(doing, session))

    def _named(self, doing: Doing, session: Session | None = None) -> Doing:
        """Return what was being done with the names of collection, identity and service filled in."""
        session = session or (self._open[0] if self._open else None)
        if session is None:
            return doing
        url = session.address.auth_url if doing.what.startswith("log ") else session.address.transfer_url
        endpoint = doing.collection.lower()
        name, contact = (session.name(endpoint), session.contact(endpoint)) if endpoint else ("", "")
        tokens = str(self.settings.globus.token_file or "")
        return Doing(doing.what, name, doing.path, session.identity, url, contact, tokens)

    def _ask(self, doing: Doing, method: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Call one method of the SDK's ``TransferClient`` and return the JSON object that was answered."""
        response = self._call(doing, lambda session: getattr(session.transfer, method)(*args, **kwargs))
        try:
            answer = response.data
        except RecursionError as error:  # lists in lists without end
            raise errors.not_understood(self._named(doing), response.text) from error
        if not isinstance(answer, dict):
            raise errors.not_understood(self._named(doing), response.text)
        return answer

    def _items(self, doing: Doing, answer: dict[str, Any]) -> list[dict[str, Any]]:
        items, length = answer.get("DATA"), answer.get("length")
        if not isinstance(items, list) or (isinstance(length, int) and length != len(items)):
            raise errors.not_understood(self._named(doing), f"a list of {length} items that is cut or missing")
        return items

    def _read(self, doing: Doing, function: Callable[[dict[str, Any]], T], document: dict[str, Any]) -> T:
        try:
            return function(document)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise errors.not_understood(self._named(doing), str(error)) from error


def caused_by(error: MapshellError, word: str) -> bool:
    """Tell whether the service's code, which led to ``error``, ends in ``word``."""
    code = getattr(error.__cause__, "code", None)
    return isinstance(code, str) and code.rpartition(".")[2] == word


def _close(sessions: list[Session]) -> None:
    while sessions:
        sessions.pop().close()
