"""One Globus login: the SDK's application and clients for it, consents, log-in, log-out.

Not thread-safe, as the SDK's applications are not; ``pipeline.globus`` holds a lock around every use.
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import globus_sdk
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.globus_app import ClientApp, GlobusAppConfig, UserApp
from globus_sdk.scopes import AuthScopes, GCSCollectionScopes, Scope, TransferScopes
from globus_sdk.token_storage import ScopeRequirementsValidator

from pipeline.errors import CollectionNotFound, ConfigError, LoginNeeded, PermissionDenied
from pipeline.globus.demands import consent_needed
from pipeline.globus.documents import Collection, collection
from pipeline.globus.errors import Doing, translate
from pipeline.globus.flows import Flow
from pipeline.globus.tokens import Notes, namespace, open_store
from pipeline.globus.transport import BoundedTransport, Patience, retry_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from globus_sdk import OAuthTokenResponse

    from pipeline.globus.address import Address
    from pipeline.globus.pace import Pace
    from pipeline.settings import LocalRoot, Settings, StorageLocation

    How = Callable[[Flow, GlobusAuthorizationParameters], OAuthTokenResponse]

PROGRAM = "mapshell"
REGISTER = (
    'register mapshell once for your lab (docs/petrel_archiving.md, "Register a client"), then set globus.client_id '
    "in dj_local_conf.json or the environment variable MAPSHELL_GLOBUS_CLIENT_ID"
)


class Session:
    """The login of one client id at one Globus.

    Parameters
    ----------
    settings
        Client id, secret, token file and the configured collections.
    address
        Where Globus is; a local service has been verified already.
    patience
        How long requests are tried.
    pace
        How fast requests to the Transfer service follow each other.

    Raises
    ------
    ConfigError
        There is no client id, or the token file is damaged or readable by others.
    LocalDiskError
        The token file cannot be opened.
    """

    transfer: globus_sdk.TransferClient
    auth: globus_sdk.AuthClient

    def __init__(self, settings: Settings, address: Address, patience: Patience, pace: Pace | None = None) -> None:
        own = settings.globus
        if not own.client_id:
            raise ConfigError("No Globus client id is configured (globus.client_id).", remedy=REGISTER)
        if own.token_file is None:
            raise ConfigError(
                "No place for the Globus tokens is configured.", remedy="set globus.token_file in dj_local_conf.json."
            )
        self.address = address
        self.client_id = own.client_id
        self.unattended = bool(own.client_secret)
        self._secret = own.client_secret
        self._patience = patience
        self._pace = pace
        # Every alias of a collection; a collection may serve several.
        self.configured: dict[str, list[str]] = {}
        places: list[StorageLocation | LocalRoot] = [*own.storage_locations, *own.local_roots]
        for place in places:
            aliases = self.configured.setdefault(place.endpoint, [])
            if place.alias not in aliases:
                aliases.append(place.alias)
        name = namespace(address.realm, own.client_id, unattended=self.unattended)
        self.store = open_store(own.token_file, name)
        self.notes = Notes(own.token_file, name)
        self._clients: list[Any] = []
        self._transports: list[BoundedTransport] = []
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        """Make application and clients anew, with no requirement but the two services."""
        self._close_clients()
        self._consents: set[str] = set()
        self._prepared: set[str] = set()
        self.flow: Flow | None = None
        base: dict[str, Any] = {
            "token_storage": self.store,
            "request_refresh_tokens": True,
            # The SDK's own handlers ask on the terminal, wherever they run.
            "token_validation_error_handler": None,
            "auto_redrive_gares": False,
        }
        self.app: ClientApp | UserApp
        service = self._service(self.address.auth_url)
        login_client: globus_sdk.AuthLoginClient
        if self._secret:
            login_client = confidential = globus_sdk.ConfidentialAppAuthClient(
                self.client_id, self._secret.get_secret_value(), **service
            )
            self.app = ClientApp(PROGRAM, login_client=confidential, config=GlobusAppConfig(**base))
        else:
            login_client = native = globus_sdk.NativeAppAuthClient(self.client_id, **service)
            self.flow = Flow(native, program=f"{PROGRAM} on {platform.node()}" if platform.node() else PROGRAM)
            config = GlobusAppConfig(**base, login_flow_manager=self.flow)
            self.app = UserApp(PROGRAM, login_client=native, config=config)
        scopes: list[Scope] = [AuthScopes.openid]
        if not self.unattended:
            scopes += [AuthScopes.profile, AuthScopes.email]
        self.auth = globus_sdk.AuthClient(
            app=self.app, app_scopes=scopes, **self._service(self.address.auth_url, named=False)
        )
        self.transfer = globus_sdk.TransferClient(app=self.app, **self._service(self.address.transfer_url, named=False))
        # The client that the application made for itself knows nothing of our address and bounds.
        for validator in self.app.token_storage.validators:
            if isinstance(validator, ScopeRequirementsValidator):
                validator.consent_client = self.auth
        self._clients = [login_client, self.app, self.auth, self.transfer]

    def _service(self, url: str, *, named: bool = True) -> dict[str, Any]:
        pace = self._pace if url == self.address.transfer_url else None
        transport = BoundedTransport(self._patience, url, pace)
        self._transports.append(transport)
        arguments = {"base_url": url, "transport": transport, "retry_config": retry_config(self._patience)}
        return {**arguments, "app_name": PROGRAM} if named else arguments

    def _close_clients(self) -> None:
        for each in (*self._clients, *self._transports):
            each.close()
        self._clients, self._transports = [], []

    def close(self) -> None:
        """Close connections and the token file."""
        self._close_clients()
        self.store.close()

    # --- collections and consents ---------------------------------------------------------------------------------

    @property
    def identity(self) -> str:
        """UUID of who is logged in; empty when nobody is.  A client is its own identity."""
        return self.client_id.lower() if self.unattended else (self.app.token_storage.identity_id or "")

    def name(self, endpoint: str) -> str:
        """Return a collection's name for people: aliases, display name, UUID."""
        known = self.notes.collections().get(endpoint, {}).get("name")
        within = f"{known}, {endpoint}" if known else endpoint
        aliases = " and ".join(self.configured.get(endpoint, ()))
        return f"{aliases} ({within})" if aliases else f"{known} ({endpoint})" if known else endpoint

    def learn(self, endpoint: str) -> Collection:
        """Ask Globus about a collection, and remember its name and whether it needs consent."""
        found = collection(self.transfer.get_endpoint(endpoint).data)
        self.notes.remember(endpoint, {"name": found.name, "needs_consent": found.needs_consent})
        return found

    def ensure(self, endpoint: str = "") -> None:
        """Require the consents for all configured collections, and for ``endpoint``, before anything is done.

        Which kind a collection is, is asked once and remembered on disk.
        """
        fresh = [each for each in dict.fromkeys((*self.configured, endpoint)) if each and each not in self._prepared]
        known = {each: self.notes.collections().get(each, {}) for each in fresh}
        for each in fresh:  # all are looked at before the first consent is required: looking needs none
            if "needs_consent" not in known[each]:
                known[each] |= self._look(each)
        for each in fresh:
            self._require(each, known[each])
            self._prepared.add(each)

    def _look(self, endpoint: str) -> dict[str, Any]:
        try:
            return {"needs_consent": self.learn(endpoint).needs_consent}
        except globus_sdk.GlobusAPIError as error:
            # Unknown or hidden: whatever is done there will say so itself.
            told = translate(error, Doing("look at the collection", collection=self.name(endpoint)))
            if not isinstance(told, (CollectionNotFound, PermissionDenied)):
                raise
            # Asking for its consent would spoil the whole login.
            self.notes.remember(endpoint, {"needs_consent": False, "wanted": False})
            return {"needs_consent": False}

    def _require(self, endpoint: str, known: dict[str, Any]) -> None:
        if (known.get("needs_consent") or known.get("wanted")) and endpoint not in self._consents:
            self.transfer.add_app_data_access_scope(endpoint)
            self._consents.add(endpoint)

    def want(self, endpoints: Iterable[str]) -> None:
        """Note collections that have turned out to need consent, so that the next login asks for it."""
        for each in endpoints:
            self.notes.remember(each, {"wanted": True})

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

    # --- log in, log out ------------------------------------------------------------------------------------------

    def login(self, how: How, *, force: bool = False) -> bool:
        """Log in, asking for all consents at once; return whether that was necessary.

        The very first login of a configuration may show a second page of consents: only a login can tell which
        collections need one.

        Raises
        ------
        LoginNeeded
            The login was not completed, or a needed consent was refused.
        """
        self._build()
        if force:
            self.notes.forget()
        elif self._sufficient():
            return False
        parameters = GlobusAuthorizationParameters.from_dict(self.notes.pending) if self.notes.pending else None
        self._require_known()
        if self.flow is not None:
            self.flow.how = how
        try:
            self.app.login(auth_params=parameters, force=True)
            self.notes.pending = None
            self.ensure()
            if self.app.login_required():
                self.app.login(force=True)
            lacking = self.lacking()
        finally:
            if self.flow is not None:
                self.flow.how = None
        if lacking:
            raise consent_needed([self.name(each) for each in lacking])
        return True

    def _require_known(self) -> None:
        """Require what is known without asking: the configured collections and those that have demanded it."""
        for each, known in self.notes.collections().items():
            if each in self.configured or known.get("wanted"):
                self._require(each, known)

    def _sufficient(self) -> bool:
        """Tell whether the present login does all that is needed; also looks anew at the kinds of the collections."""
        if self.notes.pending or self.app.login_required():
            return False
        try:
            if not self.unattended:
                self.auth.userinfo()
            for each in self.configured:
                self._look(each)
            self._require_known()
            return not self.app.login_required()
        except globus_sdk.AuthAPIError:
            return False  # revoked
        except globus_sdk.GlobusAPIError as error:
            if isinstance(translate(error, Doing("look at a collection")), LoginNeeded):
                return False
            raise

    def grant(self, scopes: Iterable[str]) -> None:
        """Give a client's own consent to what is required, and to ``scopes``: nobody needs to be asked."""
        self.app.login(auth_params=GlobusAuthorizationParameters(required_scopes=list(scopes)), force=True)

    def logged_in(self) -> bool:
        """Tell whether there are tokens, without asking anybody."""
        return self.unattended or self.store.get_token_data(globus_sdk.TransferClient.resource_server) is not None

    def logout(self) -> bool:
        """Revoke the tokens at the service and delete them; return whether there were any."""
        there = bool(self.store.get_token_data_by_resource_server())
        self.app.logout(sweep=True)
        self.notes.pending = None
        self._build()
        return there

    # --- facts ----------------------------------------------------------------------------------------------------

    def expires(self) -> datetime | None:
        """Return when the present access token ends, in UTC; None without one.  It is renewed silently."""
        data = self.store.get_token_data(globus_sdk.TransferClient.resource_server)
        return None if data is None else datetime.fromtimestamp(data.expires_at_seconds, UTC).replace(tzinfo=None)

    def person(self) -> dict[str, Any]:
        """Ask who is logged in: username, name and e-mail."""
        if self.unattended:
            self.app.get_authorizer(globus_sdk.TransferClient.resource_server)
            return {"username": f"{self.identity}@clients.auth.globus.org", "name": PROGRAM, "email": None}
        info = self.auth.userinfo()
        return {"username": info.get("preferred_username"), "name": info.get("name"), "email": info.get("email")}

    def consents(self) -> dict[str, str]:
        """Return, for each configured collection, "given", "missing" or "not needed"; asks the service."""
        self.ensure()
        lacking = self.lacking()
        return {
            each: "missing" if each in lacking else "given" if each in self._consents else "not needed"
            for each in self.configured
        }
