"""How a person logs in: through a browser on this computer, or by copying a code from any browser.

Prompts go to standard error: standard output is data.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING, Any

from globus_sdk.login_flows import (
    CommandLineLoginFlowManager,
    LocalServerEnvironmentalLoginError,
    LocalServerLoginError,
    LocalServerLoginFlowManager,
    LoginFlowManager,
)
from globus_sdk.login_flows.local_server_login_flow_manager.local_server import (
    DEFAULT_HTML_TEMPLATE,
    RedirectHandler,
    RedirectHTTPServer,
)

from pipeline.errors import LoginNeeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from globus_sdk import NativeAppAuthClient, OAuthTokenResponse
    from globus_sdk.gare import GlobusAuthorizationParameters

_TEXT_BROWSERS = {"lynx", "www-browser", "links", "elinks", "w3m"}


class Flow(LoginFlowManager):
    """The one flow manager of an application: does what ``how`` says; asks nobody while that is None."""

    def __init__(self, client: NativeAppAuthClient, *, program: str) -> None:
        super().__init__(client, request_refresh_tokens=True, native_prefill_named_grant=program)
        self.client = client
        self.program = program
        self.how: Callable[[Flow, GlobusAuthorizationParameters], OAuthTokenResponse] | None = None

    def run_login_flow(self, auth_parameters: GlobusAuthorizationParameters) -> OAuthTokenResponse:
        """Log in; see the SDK.

        Raises
        ------
        LoginNeeded
            Nobody may be asked now.
        """
        if self.how is None:
            raise LoginNeeded("A Globus login is needed, and nobody can be asked here.", remedy="run: mapshell login")
        return self.how(self, auth_parameters)


def with_code(
    authorize: Callable[[str], str],
) -> Callable[[Flow, GlobusAuthorizationParameters], OAuthTokenResponse]:
    """Return the flow in which ``authorize`` gets the address of the login page and returns the code."""

    def run(flow: Flow, parameters: GlobusAuthorizationParameters) -> OAuthTokenResponse:
        manager = _CodeFlow(flow.client, request_refresh_tokens=True, native_prefill_named_grant=flow.program)
        manager.authorize = authorize
        return manager.run_login_flow(parameters)

    return run


class _CodeFlow(CommandLineLoginFlowManager):
    authorize: Callable[[str], str]
    _url = ""

    def print_authorize_url(self, authorize_url: str) -> None:
        self._url = authorize_url

    def prompt_for_code(self) -> str:
        code = self.authorize(self._url).strip()
        if not code:
            raise LoginNeeded("No code was entered, so nobody is logged in.", remedy="run: mapshell login")
        return code


def ask_on_terminal(url: str) -> str:
    """Show the address of the login page and read the code that it gives.

    Raises
    ------
    LoginNeeded
        There is nobody: the input has ended.
    """
    sys.stderr.write(f"\nOpen this address in a browser, on any computer, and log in:\n\n  {url}\n\n")
    sys.stderr.flush()
    try:
        # input() writes its prompt to standard output, which is data; a notebook replaces input(), so it must be it.
        with contextlib.redirect_stdout(sys.stderr):
            return input("Paste the code that it shows: ")
    except (EOFError, RuntimeError, OSError) as error:  # RuntimeError: a notebook run by a program
        raise LoginNeeded(
            "A code from the login page was expected, but the input has ended.",
            remedy="run mapshell login in a terminal",
        ) from error


def browser_likely(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Tell whether a browser that the person sees is likely on this very computer."""
    if environ.get("SSH_TTY") or environ.get("SSH_CONNECTION"):
        return False
    if platform.startswith(("win", "darwin")):
        return True
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return getattr(browser, "name", "") not in _TEXT_BROWSERS


def in_browser(
    open_page: Callable[[str], bool] = webbrowser.open,
) -> Callable[[Flow, GlobusAuthorizationParameters], OAuthTokenResponse]:
    """Return the flow that opens the login page here and is told the code by the browser.

    ``open_page`` gets the address; when it cannot open it, the person is asked for the code.
    """

    def run(flow: Flow, parameters: GlobusAuthorizationParameters) -> OAuthTokenResponse:
        manager = _BrowserFlow(flow.client, request_refresh_tokens=True, native_prefill_named_grant=flow.program)
        manager.open_page = open_page
        try:
            return manager.run_login_flow(parameters)
        except LocalServerEnvironmentalLoginError:
            return with_code(ask_on_terminal)(flow, parameters)
        except LocalServerLoginError as error:
            raise LoginNeeded(f"The login was not completed in the browser: {error}.", remedy="log in again") from error

    return run


class _BrowserFlow(LocalServerLoginFlowManager):
    """The SDK's flow, which also shows the address, ends its server whatever happens, and prints no requests."""

    open_page: Callable[[str], bool]

    def run_login_flow(self, auth_parameters: GlobusAuthorizationParameters) -> OAuthTokenResponse:
        with self.background_local_server() as server:
            host, port = server.server_address[:2]
            name = host.decode() if isinstance(host, bytes) else host
            url = self._get_authorize_url(auth_parameters, f"http://{name}:{port}")
            if not self.open_page(url):
                raise LocalServerEnvironmentalLoginError("no browser")
            sys.stderr.write(f"Log in to Globus in the browser window that has opened. None has? Open:\n\n  {url}\n\n")
            sys.stderr.flush()
            code = server.wait_for_code()
        if isinstance(code, BaseException):
            raise LocalServerLoginError(str(code)) from code
        return self.login_client.oauth2_exchange_code_for_tokens(code)

    @contextlib.contextmanager
    def background_local_server(self) -> Iterator[RedirectHTTPServer]:
        server = RedirectHTTPServer(("127.0.0.1", 0), _QuietHandler, DEFAULT_HTML_TEMPLATE)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _QuietHandler(RedirectHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Print nothing: the request line holds the code."""


def interactive_python() -> bool:
    """Tell whether somebody types at a Python prompt or in a notebook (not: runs a program on a terminal)."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        return True
    if not (hasattr(sys, "ps1") or sys.flags.interactive):
        return False
    try:
        return sys.stdin.isatty()
    except (ValueError, AttributeError):  # closed, or none at all
        return False
