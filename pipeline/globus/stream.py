"""The bytes of one file as they come over HTTPS: what the server's answers mean, and going on when they break off."""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING, Any

from pipeline.errors import GlobusError, GlobusUnavailable, MapshellError, RangesNotServed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from pipeline.globus.https import Https

BLOCK = 1024 * 1024
"""Bytes that are handed on at once."""
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_ERROR_BYTES = 65_536
_PASSING = frozenset({429, 500, 502, 503, 504})
_OK, _PARTIAL, _BEYOND = 200, 206, 416


class Stream:
    """The bytes of one file, read once; when the connection breaks, it goes on where it was.

    ``size`` is that of the whole file in bytes.  Made by :meth:`Https.open_https`.
    """

    sleep = staticmethod(time.sleep)

    def __init__(self, store: Https, endpoint: str, path: str, offset: int, length: int | None) -> None:
        self._store, self._endpoint, self._path = store, endpoint, path
        self._at = offset
        self._end: int | None = None if length is None else offset + length
        self._response: requests.Response | None = None
        self._tag: tuple[str | None, str | None] | None = None
        self._patience = store.patience()
        self._failed = 0
        self._since = time.monotonic()
        self.size = -1

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes in blocks."""
        import requests
        import urllib3

        while self._end is None or self._at < self._end:
            try:
                block = self._next()
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                self.close()
                self._pause(error)
                self.open()
                continue
            if not block:
                break
            self._at += len(block)
            self._failed, self._since = 0, time.monotonic()
            yield block
        self.close()

    def _next(self) -> bytes:
        """Return the next block, empty at the end."""
        import urllib3

        if self._response is None or self._end is None:
            return b""
        block: bytes = self._response.raw.read(min(BLOCK, self._end - self._at), decode_content=False)
        if not block and self._at < self._end:
            raise urllib3.exceptions.ProtocolError("the answer ended early")
        return block

    def open(self) -> None:
        """Ask for the bytes from here on, again and again within the bounds of patience."""
        import requests

        while self._response is None:
            try:
                response = self._store.request_https(self._endpoint, self._path, self._range())
            except requests.RequestException as error:
                self._pause(error)
                self._store.renew_server(self._endpoint)
                continue
            try:
                self._accept(response)
            except BaseException:
                response.close()
                raise

    def _accept(self, response: requests.Response) -> None:
        status = response.status_code
        if status in _PASSING:
            said = _refusal(response)
            self._pause(said, response.headers.get("Retry-After", ""))
        elif status == _BEYOND:
            self._end_of_file(response)
        elif status in {_OK, _PARTIAL}:
            self._begin(response)
            self._response = response
        else:
            raise self._store.told(_refusal(response), self._endpoint, self._path)

    def _range(self) -> dict[str, str]:
        if self._end is not None:
            return {"Range": f"bytes={self._at}-{max(self._at, self._end - 1)}"}
        return {"Range": f"bytes={self._at}-"} if self._at else {}

    def _begin(self, response: requests.Response) -> None:
        """Read from the head of an answer what follows; refuse what does not fit."""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise self._odd(f"its bytes are encoded ({response.headers['Content-Encoding']})")
        if response.status_code == _OK:
            length = response.headers.get("Content-Length", "")
            if not length.isdecimal():
                raise self._odd("it does not say how long the file is")
            first, size = 0, int(length)
        else:
            found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
            if found is None or not found[1] or not found[3].isdecimal():
                raise self._odd("it does not say which bytes it sends")
            first, size = int(found[1]), int(found[3])
        if first != self._at:
            raise RangesNotServed(
                f"{self._sentence()}: the server sends bytes from {first} on, not from {self._at}.",
                remedy="read the file from its beginning; the server knows no byte ranges.",
            )
        self._same_file(response, size)
        self._end = size if self._end is None else min(self._end, size)

    def _end_of_file(self, response: requests.Response) -> None:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        size = int(found[3]) if found is not None and found[3].isdecimal() else None
        if size is None or self._at != size:
            raise self._odd(f"it refuses the bytes from {self._at} on; the file has {size or 'an unknown number'}")
        self._same_file(response, size)
        self._end = size
        self._response = response

    def _same_file(self, response: requests.Response, size: int) -> None:
        """Refuse to go on with a file that is not the one that was begun."""
        tag = (response.headers.get("ETag"), response.headers.get("Last-Modified"))
        if self.size >= 0 and (size, tag) != (self.size, self._tag):
            raise GlobusError(
                f"{self._sentence()}: the file changed while it was read.",
                remedy="read it again when nobody writes there.",
            )
        self.size, self._tag = size, tag

    def _pause(self, error: Exception, said: str = "") -> None:
        """Wait before the next attempt, ever longer.

        Raises
        ------
        GlobusUnavailable
            It has been tried often or long enough without one byte.
        """
        bounds = self._patience
        if self._failed >= bounds.retries or time.monotonic() - self._since > bounds.total:
            told = self._store.told(error, self._endpoint, self._path)
            raise told if isinstance(told, GlobusError) else GlobusUnavailable(told.message, remedy=told.remedy)
        asked = float(said) if said.isdecimal() else 0.25 * 2**self._failed
        self._failed += 1
        self.sleep(min(asked, bounds.pause))

    def _odd(self, why: str) -> MapshellError:
        return GlobusError(
            f"{self._sentence()}: the server's answer cannot be used: {why}.",
            remedy="look whether a proxy stands between, or tell the administrator of the collection.",
        )

    def _sentence(self) -> str:
        return self._store.sentence_https(self._endpoint, self._path)

    def close(self) -> None:
        """Drop the connection unless it was read to its end."""
        if self._response is not None:
            self._response.close()
            self._response = None


def _refusal(response: requests.Response) -> Exception:
    """Return an answer that is a refusal as the SDK's error, which reads Globus' documents."""
    import globus_sdk

    body: Any = b""
    with contextlib.suppress(Exception):  # whatever became of the body, the status is known
        body = response.raw.read(_ERROR_BYTES, decode_content=True)
    response.close()
    vars(response).update(_content=body, _content_consumed=True)  # bounded, unlike response.content
    return globus_sdk.GlobusAPIError(response)
