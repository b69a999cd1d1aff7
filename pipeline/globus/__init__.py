"""``GlobusStorageManager``: login, file operations and transfer tasks on Globus.

>>> from pipeline.globus import GlobusStorageManager
>>> manager = GlobusStorageManager()                        # doctest: +SKIP
>>> manager.ls(manager.endpoint("raw-ephys"), "/SC038")     # doctest: +SKIP

Created at a Python prompt or in a notebook it logs in by asking; anywhere else nothing ever asks, and an operation
that needs a login raises ``LoginNeeded``.  Safe to use from several threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import LoginNeeded, UsageError
from pipeline.globus import demands
from pipeline.globus.errors import Doing
from pipeline.globus.files import Files
from pipeline.globus.https import Https
from pipeline.globus.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.globus.asked_once import AskedOnce
    from pipeline.globus.documents import Collection
    from pipeline.globus.login import Session
    from pipeline.globus.pace import Pace
    from pipeline.globus.transport import Patience
    from pipeline.settings import Settings

__all__ = ["GlobusStorageManager"]


class GlobusStorageManager(Files, Tasks, Https):
    """One Globus login and what it can do (implements ``pipeline.archive.ports.Store``).

    Parameters
    ----------
    settings
        The settings; those at hand by default.
    interactive
        Log in by asking when there is no login; None: when somebody types at a Python prompt or in a notebook.
    encrypt
        Whether transfers are encrypted on their way.
    patience
        How long to try when the service does not answer.
    environ
        Environment variables; the process's own by default.
    pace
        How fast requests may follow each other; one of its own by default.
    asked
        What managers of the same login have heard of its consents; nothing by default.

    Raises
    ------
    ConfigError
        No client id is configured (only when logging in at once; else the first operation says so).
    LoginNeeded
        Somebody was asked and did not log in.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        interactive: bool | None = None,
        encrypt: bool = True,
        patience: Patience | None = None,
        environ: Mapping[str, str] | None = None,
        pace: Pace | None = None,
        asked: AskedOnce | None = None,
    ) -> None:
        super().__init__(settings, patience=patience, environ=environ, pace=pace, asked=asked)
        self.encrypt = encrypt
        self._collections: dict[str, Collection] = {}
        if interactive is None:
            from pipeline.globus.flows import interactive_python

            interactive = interactive_python()
        if interactive:
            self.login()

    def siblings(self, number: int) -> list[GlobusStorageManager]:
        """Return further managers of the same login, one for each thread; together they keep to one pace.

        Whoever asks for them closes them.
        """
        return [
            type(self)(
                self.settings,
                interactive=False,
                encrypt=self.encrypt,
                patience=self._patience,
                environ=self._environ,
                pace=self._pace,
                asked=self._asked,
            )
            for _ in range(number)
        ]

    # --- login ----------------------------------------------------------------------------------------------------

    def login(self, *, browser: bool | None = None, force: bool = False) -> bool:
        """Log in, with the consents for all configured collections; return whether that was necessary.

        Parameters
        ----------
        browser
            Use a browser on this computer; False: show an address and ask for the code; None: whichever fits.
        force
            Log in even though there is a login, and forget what is known about collections.

        Raises
        ------
        ConfigError
            No client id is configured, or Globus does not know it.
        GlobusError
            Globus cannot be reached.
        LoginNeeded
            The login was not completed, or a needed consent was refused.
        """
        from pipeline.globus import flows

        if browser is None:
            browser = flows.browser_likely(self._environ)
        return self._log_in(flows.in_browser() if browser else flows.with_code(flows.ask_on_terminal), force=force)

    def login_with_code(self, authorize: Callable[[str], str], *, force: bool = False) -> bool:
        """Log in by a function that takes the address of the login page and returns the code that it gives.

        The function may be called twice in the first login of a configuration (see ``Session.login``).  Errors as for
        ``login``.
        """
        from pipeline.globus import flows

        return self._log_in(flows.with_code(authorize), force=force)

    def _log_in(self, how: Any, *, force: bool) -> bool:
        return self._call(Doing("log in"), lambda session: session.login(how, force=force), prepare=False)

    def logout(self) -> bool:
        """Revoke the login at Globus and delete its tokens here; return whether there was one.

        Raises
        ------
        GlobusError
            Globus cannot be reached; the tokens are kept, since they could still be used.
        """
        return self._call(Doing("log out"), lambda session: session.logout(), prepare=False)

    def whoami(self) -> dict[str, Any]:
        """Return who is logged in and what they may do, as plain data.

        Raises
        ------
        LoginNeeded
            Nobody is logged in, or the login has been revoked.
        """

        def ask(session: Session) -> dict[str, Any]:
            if not session.logged_in():
                raise LoginNeeded("Nobody is logged in to Globus on this computer.", remedy=demands.LOGIN)
            person = session.person()
            consents = session.consents()
            return {
                **person,
                "identity": session.identity,
                "client_id": session.client_id,
                "unattended": session.unattended,
                "auth_url": session.address.auth_url,
                "transfer_url": session.address.transfer_url,
                "token_file": str(self.settings.globus.token_file),
                "access_token_expires": session.expires(),
                "collections": [
                    {"id": each, "name": session.name(each), "aliases": aliases, "consent": consents[each]}
                    for each, aliases in session.configured.items()
                ],
                "local_endpoints": sorted({root.endpoint for root in self.settings.globus.local_roots}),
            }

        return self._call(Doing("ask who is logged in"), ask, prepare=False)

    def is_logged_in(self) -> bool:
        """Tell whether there is a login on this computer, without asking Globus."""
        return self._call(Doing("look at the login"), lambda session: session.logged_in(), prepare=False)

    @property
    def identity(self) -> str:
        """UUID of the identity that submits.

        Raises
        ------
        LoginNeeded
            Nobody is logged in.
        """
        found = self._call(Doing("look at the login"), lambda session: session.identity, prepare=False)
        if not found:
            raise LoginNeeded("Nobody is logged in to Globus on this computer.", remedy=demands.LOGIN)
        return found

    # --- collections ----------------------------------------------------------------------------------------------

    def endpoint(self, alias: str) -> str:
        """Return the UUID of the storage location ``alias``.

        Raises
        ------
        UsageError
            There is none in the settings.
        """
        for location in self.settings.globus.storage_locations:
            if location.alias == alias:
                return location.endpoint
        known = ", ".join(each.alias for each in self.settings.globus.storage_locations) or "none"
        raise UsageError(f"There is no storage location {alias!r} (known: {known}).", remedy="see mapshell config show")

    def collection(self, endpoint: str, *, refresh: bool = False) -> Collection:
        """Return what Globus says about a collection: name, kind, HTTPS server, whether it is online.

        Asked once a manager; ``refresh`` asks again.

        Raises
        ------
        CollectionNotFound
            Globus knows no such collection.
        """
        endpoint = endpoint.lower()
        if refresh or endpoint not in self._collections:
            doing = Doing("look at the collection", collection=endpoint)
            self._collections[endpoint] = self._call(doing, lambda session: session.learn(endpoint), prepare=False)
        return self._collections[endpoint]
