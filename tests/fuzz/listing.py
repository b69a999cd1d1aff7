"""A service on this computer that answers with whatever it was given, and the product's own way to read it.

The answers go through the real SDK over HTTP, and what is read is walked as an archive is walked.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from globus_sdk.token_storage import TokenStorageData

from pipeline.archive.lister import Lister
from pipeline.globus import GlobusStorageManager
from pipeline.globus.pace import Pace
from pipeline.globus.tokens import namespace, open_store
from pipeline.globus.transport import Patience
from pipeline.settings import GlobusSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.archive.ports import RemoteEntry
    from pipeline.errors import MapshellError

CLIENT = "b7e2c0de-5a4d-4b0c-9d3a-5a6d0b0c0001"
ME = "5ab0d0de-0000-4000-8000-000000000001"
LAB = "5f0e4cb1-0000-4000-8000-000000000002"
GUEST = json.dumps({"id": LAB, "display_name": "Lab", "entity_type": "GCSv5_guest_collection"}).encode()
EMPTY = b'{"DATA": [], "length": 0}'
_SCOPES = {
    "transfer.api.globus.org": "urn:globus:auth:scope:transfer.api.globus.org:all",
    "auth.globus.org": "openid profile email",
}
_ERROR = b'"code"'


class Listing:
    """The service and a manager that is logged in; use it with ``with``."""

    def __init__(self) -> None:
        self._answers: deque[bytes] = deque()
        answers = self._answers

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                body = answers.popleft() if answers else EMPTY
                self.send_response(404 if body.lstrip()[1:].startswith(_ERROR) else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format, *args):  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-listing-")

    def __enter__(self) -> Listing:
        self._thread.start()
        url = f"http://127.0.0.1:{self._server.server_port}/"
        file = Path(self._folder.name) / "home" / "tokens.db"
        settings = Settings(
            globus=GlobusSettings(client_id=CLIENT, auth_url=url, transfer_url=url, token_file=file),
        )
        store = open_store(file, namespace(url, CLIENT, unattended=False))
        store.store_token_data_by_resource_server(
            {
                server: TokenStorageData(server, ME, scope, "access", "refresh", 4_000_000_000, "Bearer")
                for server, scope in _SCOPES.items()
            }
        )
        store.close()
        patience = Patience(retries=0, pause=0.001, total=5, timeout=5)
        self._manager = GlobusStorageManager(
            settings, interactive=False, patience=patience, environ={}, pace=Pace(rate=1e6)
        )
        self._answers.append(GUEST)
        self._manager.collection(LAB)
        self._lister = Lister(self._manager, threads=1)
        return self

    def __exit__(self, *_: object) -> None:
        self._lister.close()
        self._manager.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()

    def walk(self, data: bytes) -> Iterator[tuple[str, RemoteEntry | MapshellError]]:
        """Walk an archive whose answers are the lines of ``data``, and then empty folders."""
        self._answers.clear()
        self._answers.extend(data.split(b"\n")[:20])
        return self._lister.trees(LAB, "/archive", ["SC038"])
