"""The whole table, in the order in which it is run."""

from __future__ import annotations

from .table_endpoints import COLLECTIONS, NOT_SERVED
from .table_files import FILES, LISTING, WHO
from .table_tasks import ENDED, RUNNING
from .table_transfers import CHECKSUMS, LOCAL_USERS, SKIPPING, SYNC, TRANSFERS

CHAPTERS = (
    WHO, LISTING, FILES, TRANSFERS, CHECKSUMS, SYNC, SKIPPING, LOCAL_USERS, ENDED, RUNNING, COLLECTIONS, NOT_SERVED
)  # fmt: skip
