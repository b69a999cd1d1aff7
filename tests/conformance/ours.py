"""The table in a sandbox that is thrown away: what the real service is compared with."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from .runner import Globus, Player, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .rows import Chapter
    from .runner import Played


def in_a_sandbox(chapters: Sequence[Chapter]) -> dict[tuple[str, str], Played]:
    """Play chapters in a sandbox that is thrown away."""
    from mapshell.sandbox import constants
    from mapshell.sandbox.service import CollectionSpec, start, stop

    source, destination = (str(uuid.UUID(int=number)) for number in (31, 32))
    with tempfile.TemporaryDirectory(prefix="mapshell-ours-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for each in ("rig", "archive", "home"):
            (folder / each).mkdir()
        info = start(
            folder / "state",
            {
                source: CollectionSpec(folder / "rig", name="Rig", personal=True),
                destination: CollectionSpec(folder / "archive", name="Archive"),
            },
        )
        client = constants.CONFIDENTIAL_CLIENT_ID
        environment = {
            **os.environ,
            **info.environment,
            **dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(folder / "home")),
            "GLOBUS_CLI_CLIENT_ID": client,
            "GLOBUS_CLI_CLIENT_SECRET": constants.CONFIDENTIAL_CLIENT_SECRET,
            "TZ": "UTC",
            "COLUMNS": "200",
        }
        values = {
            "run": "ours",
            "src_id": source,
            "dst_id": destination,
            "src_base": "",
            "dst_base": "",
            "src_name": "Rig",
            "dst_name": "Archive",
            "username": f"{client}@{constants.CLIENT_IDENTITY_DOMAIN}",
            "user_id": client,
            "name": "<any>",
            "email": "<any>",
        }
        world = World(environment, values, folder / "rig", folder / "archive", frozenset({"guest", "personal"}))
        try:
            with Globus(environment, folder) as globus:
                player = Player(world, globus, real=True)
                return {(each.chapter, each.row.name): each for chapter in chapters for each in player.play(chapter)}
        finally:
            stop(folder / "state")
