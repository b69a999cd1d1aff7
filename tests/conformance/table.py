"""The whole table, in the order in which it is run."""

from __future__ import annotations

from .table_endpoints import COLLECTIONS, NOT_SERVED
from .table_files import FILES, LISTING, NAMES, WHO
from .table_tasks import ENDED, RUNNING
from .table_transfers import CHECKSUMS, LOCAL_USERS, SKIPPING, SYNC, TRANSFERS

_FILES = (WHO, LISTING, FILES, NAMES)
_TRANSFERS = (TRANSFERS, CHECKSUMS, SYNC, SKIPPING, LOCAL_USERS)
CHAPTERS = (*_FILES, *_TRANSFERS, ENDED, RUNNING, COLLECTIONS, NOT_SERVED)
