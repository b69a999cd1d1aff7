"""Fixed names of the sandbox: clients, identities and scopes that are the same everywhere."""

from __future__ import annotations

#: A native (public) client for the demo.  Any other UUID is accepted as a native client too.
NATIVE_CLIENT_ID = "b7e2c0de-5a4d-4b0c-9d3a-5a6d0b0c0001"
#: A confidential client for unattended rigs.  Its secret is public: it opens nothing but a sandbox on this computer.
CONFIDENTIAL_CLIENT_ID = "b7e2c0de-5a4d-4b0c-9d3a-5a6d0b0c0002"
CONFIDENTIAL_CLIENT_SECRET = "sandbox-secret-of-the-demo"  # noqa: S105 - public on purpose, see above

#: The person who is logged in unless another identity is chosen on the consent page.
DEFAULT_USERNAME = "rig@sandbox.example"
DEFAULT_IDENTITY_ID = "5ab0d0de-0000-4000-8000-000000000001"
#: A second person: tasks and consents of one are not seen by the other.
SECOND_USERNAME = "colleague@sandbox.example"
SECOND_IDENTITY_ID = "5ab0d0de-0000-4000-8000-000000000002"
IDENTITY_PROVIDER_ID = "5ab0d0de-0000-4000-8000-0000000000ff"
CLIENT_IDENTITY_DOMAIN = "clients.auth.globus.org"

AUTH_SERVER = "auth.globus.org"
TRANSFER_SERVER = "transfer.api.globus.org"
GROUPS_SERVER = "groups.api.globus.org"
TRANSFER_ALL = f"urn:globus:auth:scope:{TRANSFER_SERVER}:all"
#: Identity of the Transfer service itself: dependent consents belong to it.
TRANSFER_CLIENT_ID = "2fbdda78-a599-4cb5-ac3d-1fbcfbc6a754"
GCS_VERSION = "5.4.80"
REAL_CODE_PAGE = "https://auth.globus.org/v2/web/auth-code"

ACCESS_TOKEN_SECONDS = 172_800
REFRESH_TOKEN_SECONDS = 180 * 86_400
CODE_SECONDS = 600
TASK_DEADLINE_SECONDS = 86_400

AUTH_PREFIX = "/auth"
TRANSFER_PREFIX = "/transfer"
HTTPS_PREFIX = "/https"
ADMIN_PREFIX = "/sandbox"


def data_access_scope(collection_id: str) -> str:
    """Scope by which Transfer may touch the data of a mapped collection."""
    return f"https://auth.globus.org/scopes/{collection_id}/data_access"


def https_scope(collection_id: str) -> str:
    """Scope of HTTPS reads from a collection."""
    return f"https://auth.globus.org/scopes/{collection_id}/https"
