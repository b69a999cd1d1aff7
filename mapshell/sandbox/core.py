"""The sandbox put together: everything that the routes need, made once for each process."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from mapshell.sandbox import constants
from mapshell.sandbox.accounts import Accounts
from mapshell.sandbox.collections import Collections
from mapshell.sandbox.database import Database
from mapshell.sandbox.effects import CoreEffects
from mapshell.sandbox.engine import Engine
from mapshell.sandbox.faultbook import FaultBook
from mapshell.sandbox.keys import SigningKey
from mapshell.sandbox.listening import Names
from mapshell.sandbox.pace import Pace
from mapshell.sandbox.paths import Folder
from mapshell.sandbox.realism import META_KEY, Realism
from mapshell.sandbox.requestlog import RequestLog
from mapshell.sandbox.tasks import TaskStore
from mapshell.sandbox.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DATABASE_NAME = "sandbox.db"


class Core:
    """State and workers of one sandbox.

    Parameters
    ----------
    folder
        The folder that holds its database.
    base_url
        ``http://127.0.0.1:PORT`` (set later, when the port is known).
    nonce, admin_token
        What the state file says; the nonce proves who answers, the token opens ``/sandbox/...``.
    """

    def __init__(self, folder: Path, base_url: str = "", *, nonce: str, admin_token: str) -> None:
        self.base_url = base_url
        self.nonce = nonce
        self.admin_token = admin_token
        self.database = Database(folder / DATABASE_NAME)
        self.collections = Collections(self.database)
        self.accounts = Accounts(self.database)
        self.tokens = Tokens(self.database, self.collections.offers)
        self.key = SigningKey(self.database)
        self.tasks = TaskStore(self.database)
        self.realism = Realism.from_json(json.loads(self.database.meta(META_KEY) or "{}"))
        self.engine = Engine(self.tasks, self.collections, Pace(self.realism))
        self.faults = FaultBook(self.database, CoreEffects(self.collections, self.tokens, self.accounts))
        #: Held from looking at a user's tasks until a new one is stored.
        self.submitting = threading.Lock()
        self.requests = RequestLog()
        self.names = Names()
        self.request_stop: Callable[[], None] = lambda: None

    @property
    def auth_url(self) -> str:
        """Base URL of Auth."""
        return self.base_url + constants.AUTH_PREFIX

    @property
    def transfer_url(self) -> str:
        """Base URL of Transfer."""
        return self.base_url + constants.TRANSFER_PREFIX

    def set_realism(self, realism: Realism) -> None:
        """Behave more, or less, like a service far away from now on; a restart keeps it."""
        self.database.set_meta(META_KEY, json.dumps(realism.to_json()))
        self.realism = realism
        self.engine.set_realism(realism)

    def https_url(self, collection_id: str) -> str:
        """Return the base URL of a collection's HTTPS server (plain HTTP here: it never leaves this computer)."""
        return f"{self.base_url}{constants.HTTPS_PREFIX}/{collection_id}"

    def folder(self, collection_id: str) -> Folder:
        """Return the folder of a collection.

        Raises
        ------
        ApiError
            ``EndpointNotFound``.
        """
        return Folder(collection_id.lower(), self.collections.get(collection_id))

    def display_name(self, collection_id: str | None) -> str | None:
        """Return the name of a collection, None when it is unknown."""
        spec = self.collections.all().get(collection_id or "")
        return None if spec is None else spec.display_name
