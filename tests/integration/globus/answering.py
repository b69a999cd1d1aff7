"""A server that answers as a test says, and a manager that is logged in there."""

from __future__ import annotations

import pytest
from globus_sdk.token_storage import TokenStorageData

from pipeline.globus import GlobusStorageManager
from pipeline.globus.tokens import namespace, open_store
from pipeline.globus.transport import Patience
from pipeline.settings import GlobusSettings, Settings

from .scripted import Scripted, says

CLIENT = "b7e2c0de-5a4d-4b0c-9d3a-5a6d0b0c0001"
ME = "5ab0d0de-0000-4000-8000-000000000001"
LAB = "5f0e4cb1-0000-4000-8000-000000000002"
GUEST = says(200, {"id": LAB, "display_name": "Lab", "entity_type": "GCSv5_guest_collection"})
SCOPES = {
    "transfer.api.globus.org": "urn:globus:auth:scope:transfer.api.globus.org:all",
    "auth.globus.org": "openid profile email",
}


@pytest.fixture
def service():
    scripted = Scripted()
    yield scripted
    scripted.close()


@pytest.fixture
def settings(service, tmp_path):
    return Settings(
        globus=GlobusSettings(
            client_id=CLIENT,
            auth_url=service.url,
            transfer_url=service.url,
            token_file=tmp_path / "home" / "tokens.db",
        )
    )


def log_in(settings, expires=4_000_000_000):
    store = open_store(settings.globus.token_file, namespace(settings.globus.auth_url, CLIENT, unattended=False))
    store.store_token_data_by_resource_server(
        {
            server: TokenStorageData(server, ME, scope, "access", "refresh", expires, "Bearer")
            for server, scope in SCOPES.items()
        }
    )
    store.close()


@pytest.fixture
def manager(settings, service):
    """A manager that is logged in and knows the collection ``LAB``."""
    log_in(settings)
    patience = Patience(retries=3, pause=0.01, total=20, timeout=5)
    with GlobusStorageManager(settings, interactive=False, patience=patience, environ={}) as made:
        service.answers.append(GUEST)
        made.collection(LAB)
        service.answers.clear()
        service.seen.clear()
        yield made
