"""How requests are sent: at a pace, retried a bounded number of times, and to this computer never through a proxy."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from globus_sdk.transport import RequestsTransport, RetryCheckResult, RetryConfig, RetryContext
from requests.adapters import HTTPAdapter

from pipeline.globus.address import is_loopback

if TYPE_CHECKING:
    import requests

    from pipeline.globus.pace import Pace

_ENDPOINT_RETRIES = 2
"""How often a request is repeated when an endpoint, not the service, does not answer: often it is switched off."""

_TOO_MANY = 429

_started: ContextVar[float] = ContextVar("_started")
_renewed: ContextVar[bool] = ContextVar("_renewed")  # whether this request was answered by a 401 before


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try.

    Parameters
    ----------
    retries
        How often a request is repeated after a network error, 429, 500, 502, 503 or 504.
    pause
        The longest pause between two attempts, in seconds; a ``Retry-After`` of the service counts up to this.
    total
        No further attempt is begun after this many seconds.
    timeout
        How long to wait for a connection and for each piece of the answer, in seconds; None: as the SDK's
        ``GLOBUS_SDK_HTTP_TIMEOUT`` says, 60 by default.
    """

    retries: int = 7
    pause: float = 30.0
    total: float = 100.0
    timeout: float | None = None


class _Paced(HTTPAdapter):
    """Sends each request, repeated ones too, when the pace allows."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request; see requests."""
        self._pace.wait()
        response = super().send(*args, **kwargs)
        if response.status_code == _TOO_MANY:
            said = response.headers.get("Retry-After", "")
            self._pace.slow_down(float(said) if said.isdecimal() else 1.0)
        return response


class BoundedTransport(RequestsTransport):
    """The SDK's transport, which notes when a request began, and keeps a pace if there is one."""

    def __init__(self, patience: Patience, url: str, pace: Pace | None = None) -> None:
        super().__init__(http_timeout=patience.timeout)
        if pace is not None:
            for scheme in ("https://", "http://"):
                self.session.mount(scheme, _Paced(pace))
        if is_loopback(url):
            self.session.trust_env = False

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request; see the SDK."""
        token, renewed = _started.set(time.monotonic()), _renewed.set(False)
        try:
            return super().request(*args, **kwargs)
        finally:
            _started.reset(token)
            _renewed.reset(renewed)


def retry_config(patience: Patience) -> RetryConfig:
    """Return the SDK's retry rules with our bounds; each client needs one of its own."""

    def within_time(ctx: RetryContext) -> RetryCheckResult:
        del ctx
        spent = time.monotonic() - _started.get(time.monotonic())
        return RetryCheckResult.do_not_retry if spent >= patience.total else RetryCheckResult.no_decision

    def endpoint_answered(ctx: RetryContext) -> RetryCheckResult:
        if ctx.attempt < _ENDPOINT_RETRIES or ctx.response is None or ctx.response.status_code not in {502, 504}:
            return RetryCheckResult.no_decision
        try:
            code = str(ctx.response.json().get("code", ""))
        except (ValueError, AttributeError):
            return RetryCheckResult.no_decision
        of_endpoint = code.startswith(("ExternalError", "EndpointError"))
        return RetryCheckResult.do_not_retry if of_endpoint else RetryCheckResult.no_decision

    def token_expired(ctx: RetryContext) -> RetryCheckResult:
        # The SDK renews a token after the first failure of a request alone, which may have been another one.
        caller = ctx.caller_info
        if ctx.response is None or ctx.response.status_code != 401 or caller is None or caller.authorizer is None:
            return RetryCheckResult.no_decision
        before = _renewed.get(True)
        _renewed.set(True)
        if before or not ctx.attempt or not caller.authorizer.handle_missing_authorization():
            return RetryCheckResult.no_decision
        return RetryCheckResult.do_retry

    config = RetryConfig(max_retries=patience.retries, max_sleep=patience.pause)
    config.checks.register_check(token_expired)
    config.checks.register_check(within_time)
    config.checks.register_check(endpoint_answered)
    return config
