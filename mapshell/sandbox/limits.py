"""Where the service says that it is enough: tasks of one user, entries of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mapshell.sandbox.errors import ApiError

if TYPE_CHECKING:
    from mapshell.sandbox.core import Core
    from mapshell.sandbox.paths import Folder


def check_pending(core: Core, owner: str) -> None:
    """Refuse one task more than a user may have under way or waiting.

    Raises
    ------
    ApiError
        ``ClientError.Conflict.TooManyPendingJobs``, status 409.
    """
    most = core.realism.pending_tasks
    if most is not None and core.tasks.count_open(owner) >= most:
        raise ApiError(
            409,
            "ClientError.Conflict.TooManyPendingJobs",
            f"You have {most} tasks that have not completed yet, which is as many as are allowed",
        )


def check_listing(folder: Folder, entries: int, most: int | None) -> None:
    """Refuse to list a folder that has too many entries.

    Raises
    ------
    ApiError
        ``ExternalError.DirListingFailed.SizeLimit``, status 502.
    """
    if most is not None and entries > most:
        raise ApiError(
            502,
            "ExternalError.DirListingFailed.SizeLimit",
            f"Directory too large\nEndpoint: {folder.spec.display_name} ({folder.collection_id})\n"
            f"Message: The directory has more than {most} entries",
        )
