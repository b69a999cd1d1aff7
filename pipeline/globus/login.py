"""One Globus login: the SDK's application and clients for it, log-in, log-out.

Not thread-safe, as the SDK's applications are not; ``pipeline.globus`` holds a lock around every use.
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import globus_sdk
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.globus_app import ClientApp, GlobusAppConfig, UserApp
from globus_sdk.scopes import AuthScopes, Scope
from globus_sdk.token_storage import ScopeRequirementsValidator

from pipeline.errors import ConfigError, LoginNeeded
from pipeline.globus.asked_once import AskedOnce, SharedConsents
from pipeline.globus.consents import Consents
from pipeline.globus.demands import consent_needed, of_next_login
from pipeline.globus.errors import Doing, translate
from pipeline.globus.flows import Flow
from pipeline.globus.tokens import Notes, namespace, open_store
from pipeline.globus.transport import BoundedTransport, Patience, retry_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from globus_sdk import OAuthTokenResponse
    from globus_sdk.token_storage import TokenStorageData

    from pipeline.globus.address import Address
    from pipeline.globus.pace import Pace
    from pipeline.settings import LocalRoot, Settings, StorageLocation

    How = Callable[[Flow, GlobusAuthorizationParameters], OAuthTokenResponse]

PROGRAM = "mapshell"
REGISTER = (
    'register mapshell once for your lab (docs/petrel_archiving.md, "Register a client"), then set globus.client_id '
    "in dj_local_conf.json or the environment variable MAPSHELL_GLOBUS_CLIENT_ID"
)


class Session(Consents):
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
    asked
        What others of the same login have heard of its consents.

    Raises
    ------
    ConfigError
        There is no client id, or the token file is damaged or readable by others.
    LocalDiskError
        The token file cannot be opened.
    """

    def __init__(
        self,
        settings: Settings,
        address: Address,
        patience: Patience,
        pace: Pace | None = None,
        asked: AskedOnce | None = None,
    ) -> None:
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
        self._asked = asked or AskedOnce()
        # Every alias of a collection; a collection may serve several.
        self.configured: dict[str, list[str]] = {}
        places: list[StorageLocation | LocalRoot] = [*own.storage_locations, *own.local_roots]
        for place in places:
            aliases = self.configured.setdefault(place.endpoint, [])
            if place.alias not in aliases:
                aliases.append(place.alias)
        self.archives = {place.endpoint for place in own.storage_locations}
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
        self.forget_requirements()
        self.flow: Flow | None = None
        base: dict[str, Any] = {
            "token_storage": self.store,
            "request_refresh_tokens": True,
            # The SDK's own handlers ask on the terminal, wherever they run.
            "token_validation_error_handler": None,
            "auto_redrive_gares": False,
        }
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
                shared = SharedConsents(self.auth, self._asked, validator)
                validator.consent_client = cast("globus_sdk.AuthClient", shared)
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

    @property
    def identity(self) -> str:
        """UUID of who is logged in; empty when nobody is.  A client is its own identity."""
        return self.client_id.lower() if self.unattended else (self.app.token_storage.identity_id or "")

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
        pending = self.notes.pending
        parameters = GlobusAuthorizationParameters.from_dict(of_next_login(pending)) if pending else None
        self.require_known()
        if self.flow is not None:
            self.flow.how = how
        try:
            before = self.store.get_token_data_by_resource_server()
            self.app.login(auth_params=parameters, force=True)
            self._drop_stale(before)
            self.notes.pending = None
            self.ensure()
            self.require_known()
            if self.app.login_required():
                self.app.login(force=True)
            lacking = self.lacking()
        finally:
            if self.flow is not None:
                self.flow.how = None
        if lacking:
            raise consent_needed([self.name(each) for each in lacking])
        return True

    def _drop_stale(self, before: Mapping[str, TokenStorageData]) -> None:
        """Drop tokens of collections that a login has not renewed: they look good, and may have been revoked."""
        now = self.store.get_token_data_by_resource_server()
        for server, data in before.items():
            if server in now and now[server].access_token == data.access_token:
                self.store.remove_token_data(server)

    def _sufficient(self) -> bool:
        """Tell whether the present login does all that is needed; also looks anew at the kinds of the collections."""
        if self.notes.pending or self.app.login_required():
            return False
        try:
            if not self.unattended:
                self.auth.userinfo()
            for each in self.configured:
                self.look(each)
            self.require_known()
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
