"""Reading files of a collection over HTTPS, without any endpoint of one's own: whole, or from a byte on.

The token for a collection goes to that collection's own server and nowhere else: redirects are not followed, and
a ``.netrc`` is not consulted.
"""

from __future__ import annotations

import contextlib
import weakref
from dataclasses import replace
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from pipeline.errors import GlobusError, MapshellError
from pipeline.globus import demands, errors
from pipeline.globus.address import is_loopback
from pipeline.globus.calls import Caller
from pipeline.globus.errors import Doing
from pipeline.globus.stream import Stream
from pipeline.globus.transport import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from pipeline.globus.documents import Collection

_UNAUTHORIZED = 401
_CONNECTIONS = 32


class Https(Caller):
    """The part of ``pipeline.archive.ports.Store`` that reads files over HTTPS; safe to use from several threads."""

    _web: requests.Session | None = None

    def collection(self, endpoint: str, *, refresh: bool = False) -> Collection:
        """Return what Globus says about a collection (of ``GlobusStorageManager``)."""
        raise NotImplementedError

    def https_server(self, endpoint: str) -> str | None:
        """Return the address of a collection's HTTPS server; None when it has none.

        Raises
        ------
        CollectionNotFound
            Globus knows no such collection.
        """
        return self.collection(endpoint).https_server

    def may_read_https(self, endpoint: str) -> bool:
        """Tell whether files of a collection can be read over HTTPS with the present login; asks no file."""
        if self.https_server(endpoint) is None:
            return False
        try:
            self._authorization(endpoint, Doing("read over HTTPS", collection=endpoint))
        except MapshellError:
            return False
        return True

    @contextlib.contextmanager
    def open_https(self, endpoint: str, path: str, *, offset: int = 0, length: int | None = None) -> Iterator[Stream]:
        """Open one file of a collection.

        Parameters
        ----------
        endpoint
            UUID of the collection.
        path
            Absolute POSIX path in it.
        offset
            First byte.
        length
            How many bytes; None: to the end of the file.

        Yields
        ------
        Stream
            Iterates over the bytes once, in blocks; ``size`` is that of the whole file.

        Raises
        ------
        GlobusError
            The collection serves no HTTPS, or its server cannot be understood.
        RangesNotServed
            The server begins at the first byte whatever is asked for.
        LoginNeeded, PermissionDenied, RemotePathNotFound, GlobusUnavailable
            As they say; also while the bytes are read.
        """
        stream = Stream(self, endpoint, path, offset, length)
        try:
            stream.open()
            yield stream
        finally:
            stream.close()

    def request_https(self, endpoint: str, path: str, headers: dict[str, str]) -> requests.Response:
        """Send one request (for :class:`Stream`); a token that has ended is renewed once.

        Raises
        ------
        LoginNeeded
            The consent for HTTPS is missing, or the login has ended.
        requests.RequestException
            No answer.
        """
        doing = Doing("read over HTTPS", collection=endpoint, path=path)
        server = self._server(endpoint, doing)
        for renew in (False, True):
            token = self._authorization(endpoint, doing, renew=renew)
            response = self._session_of(server).get(
                server + quote(path, safe="/~"),
                headers={"Accept-Encoding": "identity", **headers},
                auth=_Bearer(token),
                allow_redirects=False,
                stream=True,
                timeout=self.patience().timeout or 60.0,
            )
            if response.status_code != _UNAUTHORIZED or renew:
                break
            response.close()
        return response

    def sentence_https(self, endpoint: str, path: str) -> str:
        """Return "Cannot read over HTTPS ..." with the names of collection and path."""
        return self._named(Doing("read over HTTPS", collection=endpoint, path=path)).sentence

    def renew_server(self, endpoint: str) -> None:
        """Ask anew where a collection's server is: a local service comes back at another port."""
        if self.settings.globus.service_file is not None:
            with contextlib.suppress(MapshellError):
                self.collection(endpoint, refresh=True)

    def told(self, error: Exception, endpoint: str, path: str) -> MapshellError:
        """Return the error of ours for what became of a request."""
        with self._lock:
            session = self._session()
            demanded = demands.required_session(error)
            if demanded:
                session.notes.pending = demanded
            named = self._named(Doing("read over HTTPS", collection=endpoint, path=path), session)
        server = self.https_server(endpoint) or ""
        return errors.translate_https(error, replace(named, url=server))

    def patience(self) -> Patience:
        """Return how long to try."""
        return self._patience or Patience(total=self.settings.globus.patience_s)

    def _server(self, endpoint: str, doing: Doing) -> str:
        server = self.https_server(endpoint)
        named = self._named(doing)
        if server is None:
            raise GlobusError(
                f"{named.sentence}: this collection serves no HTTPS.",
                remedy='fetch by a transfer instead (via="globus"), or ask the owner to switch HTTPS on.',
            )
        parts = urlsplit(server)
        secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(server))
        if not secure or not parts.hostname or "@" in parts.netloc:
            raise GlobusError(
                f"{named.sentence}: {server} is no address to which a login may be sent.",
                remedy="ask the administrator of the collection; nothing was sent.",
            )
        return server

    def _authorization(self, endpoint: str, doing: Doing, *, renew: bool = False) -> str:
        return self._call(doing, lambda session: session.https_token(endpoint.lower(), renew=renew), prepare=False)

    def _session_of(self, server: str) -> requests.Session:
        with self._lock:
            if self._web is None:
                import requests
                from requests.adapters import HTTPAdapter

                self._web = requests.Session()
                self._web.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
                for scheme in ("https://", "http://"):
                    self._web.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
                self._web.trust_env = not is_loopback(server)
                weakref.finalize(self, self._web.close)
            return self._web

    def close(self) -> None:
        """Close connections and the token file; a later operation opens them again."""
        with self._lock:
            if self._web is not None:
                self._web.close()
                self._web = None
        super().close()


class _Bearer:
    """Puts the token into the request; given as ``auth``, so that requests looks for no other login."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._token
        return request
