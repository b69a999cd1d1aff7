"""Which consents a login needs, has, and asks for: of collections for transfers, and for reading over HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import globus_sdk
from globus_sdk.scopes import GCSCollectionScopes, TransferScopes
from globus_sdk.token_storage.validating_token_storage import MissingTokenError

from pipeline.errors import CollectionNotFound, LoginNeeded, PermissionDenied
from pipeline.globus.demands import consent_needed
from pipeline.globus.documents import Collection, collection
from pipeline.globus.errors import Doing, not_understood, translate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from globus_sdk.globus_app import ClientApp, UserApp

    from pipeline.globus.address import Address
    from pipeline.globus.tokens import Notes

AGAIN = "run: mapshell login --force"


class Consents:
    """The part of a login (:class:`pipeline.globus.login.Session`) that concerns collections and their consents.

    ``configured`` has the aliases of every configured collection, ``archives`` those that are storage locations.
    """

    address: Address
    app: ClientApp | UserApp
    auth: globus_sdk.AuthClient
    transfer: globus_sdk.TransferClient
    notes: Notes
    configured: dict[str, list[str]]
    archives: set[str]
    unattended: bool

    def forget_requirements(self) -> None:
        """Begin anew, with no consent required."""
        self._consents: set[str] = set()
        self._prepared: set[str] = set()
        self._over_https: set[str] = set()

    @property
    def identity(self) -> str:
        """UUID of who is logged in; empty when nobody is."""
        raise NotImplementedError

    def logged_in(self) -> bool:
        """Tell whether there are tokens, without asking anybody."""
        raise NotImplementedError

    def name(self, endpoint: str) -> str:
        """Return a collection's name for people: aliases, display name, UUID."""
        known = self.notes.collections().get(endpoint, {}).get("name")
        within = f"{known}, {endpoint}" if known else endpoint
        aliases = " and ".join(self.configured.get(endpoint, ()))
        return f"{aliases} ({within})" if aliases else f"{known} ({endpoint})" if known else endpoint

    def learn(self, endpoint: str) -> Collection:
        """Ask Globus about a collection, and remember its name, whom to ask, and which consents it needs."""
        response = self.transfer.get_endpoint(endpoint)
        document = response.data
        if not isinstance(document, dict) or str(document.get("id")).lower() != endpoint.lower():
            doing = Doing("look at the collection", collection=self.name(endpoint), url=self.address.transfer_url)
            raise not_understood(doing, response.text)  # remembered, it would be believed for ever
        found = collection(document)
        facts = {
            "name": found.name,
            "needs_consent": found.needs_consent,
            "https": found.https_server is not None,
            "contact": found.contact,
        }
        self.notes.remember(endpoint, facts)
        return found

    def contact(self, endpoint: str) -> str:
        """Return whom to ask about a collection, as far as is known."""
        return str(self.notes.collections().get(endpoint, {}).get("contact") or "")

    def ensure(self, endpoint: str = "") -> None:
        """Require the consents for all configured collections, and for ``endpoint``, before anything is done.

        Which kind a collection is, is asked once and remembered on disk.
        """
        fresh = [each for each in dict.fromkeys((*self.configured, endpoint)) if each and each not in self._prepared]
        known = {each: self.notes.collections().get(each, {}) for each in fresh}
        for each in fresh:  # all are looked at before the first consent is required: looking needs none
            if "needs_consent" not in known[each]:
                known[each] |= self.look(each)
        for each in fresh:
            self._require(each, known[each])
            self._prepared.add(each)

    def look(self, endpoint: str) -> dict[str, Any]:
        """Learn which consents a collection needs; one that is unknown or hidden needs none."""
        try:
            return {"needs_consent": self.learn(endpoint).needs_consent}
        except globus_sdk.GlobusAPIError as error:
            # Unknown or hidden: whatever is done there will say so itself.
            told = translate(error, Doing("look at the collection", collection=self.name(endpoint)))
            if not isinstance(told, (CollectionNotFound, PermissionDenied)):
                raise
            # Asking for its consent would spoil the whole login.
            self.notes.remember(endpoint, {"needs_consent": False, "wanted": False, "https": False})
            return {"needs_consent": False}

    def _require(self, endpoint: str, known: dict[str, Any]) -> None:
        if (known.get("needs_consent") or known.get("wanted")) and endpoint not in self._consents:
            self.transfer.add_app_data_access_scope(endpoint)
            self._consents.add(endpoint)

    def want(self, endpoints: Iterable[str]) -> None:
        """Note collections that have turned out to need consent, so that the next login asks for it."""
        for each in endpoints:
            self.notes.remember(each, {"wanted": True})

    def https_token(self, endpoint: str, *, renew: bool = False) -> str:
        """Return the ``Authorization`` header for a collection's HTTPS server; ``renew`` when the last was refused.

        Raises
        ------
        LoginNeeded
            The consent was never given, or has ended; the next login asks for it.
        """
        self._require_https(endpoint)
        try:
            authorizer = self.app.get_authorizer(endpoint)
            if renew:
                authorizer.handle_missing_authorization()
            return authorizer.get_authorization_header() or ""
        except MissingTokenError as error:
            if not self.logged_in():
                raise
            self.notes.remember(endpoint, {"https_wanted": True})
            raise consent_needed([self.name(endpoint)], how="over HTTPS") from error
        except globus_sdk.AuthAPIError as error:
            told = translate(error, Doing("read over HTTPS", collection=self.name(endpoint)))
            raise (LoginNeeded(told.message, remedy=AGAIN) if isinstance(told, LoginNeeded) else told) from error

    def _require_https(self, endpoint: str) -> None:
        if endpoint not in self._over_https:
            self.app.add_scope_requirements({endpoint: [GCSCollectionScopes(endpoint).https]})
            self._over_https.add(endpoint)

    def lacking(self) -> list[str]:
        """Ask Globus which of the needed consents have not been given; UUIDs of their collections."""
        if self.unattended or not self._consents:
            return []
        forest = self.auth.get_consents(self.identity).to_forest()
        return [
            each
            for each in sorted(self._consents)
            if not forest.meets_scope_requirements(
                TransferScopes.all.with_dependency(GCSCollectionScopes(each).data_access)
            )
        ]

    def require_known(self) -> None:
        """Require what is known without asking: the configured collections and those that have demanded it.

        Archives that serve HTTPS are to be read that way as well.
        """
        for each, known in self.notes.collections().items():
            if each in self.configured or known.get("wanted"):
                self._require(each, known)
            if known.get("https") and (each in self.archives or known.get("https_wanted")):
                self._require_https(each)

    def consents(self) -> dict[str, str]:
        """Return, for each configured collection, "given", "missing" or "not needed"; asks the service."""
        self.ensure()
        lacking = self.lacking()
        return {
            each: "missing" if each in lacking else "given" if each in self._consents else "not needed"
            for each in self.configured
        }
