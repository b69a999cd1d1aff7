"""Local roots of aliases that are no storage location: nothing below them is ever archived, so they are named."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.archive.find import Stray
from pipeline.archive.session import Root
from pipeline.locations import configured, known
from pipeline.settings.places import place_of_alias

if TYPE_CHECKING:
    from pipeline.settings import Settings

_KEY = "globus.local_endpoints"
_NEAR = 0.75
"""How alike two aliases must be for one to be a slip of the other."""


def unknown_roots(settings: Settings) -> list[Stray]:
    """Return the roots whose alias neither database nor configuration knows as a storage location.

    One that is nearly a known alias is a slip that a person must correct (``refused``); others, which a file may have
    for another program, are only told.
    """
    aliases = {*known(), *configured(settings)}
    shared = {root.local_path for root in settings.globus.shared_roots}  # the flat keys name no alias
    strays = []
    for each in settings.globus.local_roots:
        if each.alias in aliases or each.local_path in shared:
            continue
        folded = {name.casefold() for name in aliases}
        near = difflib.get_close_matches(each.alias.casefold(), folded, n=1, cutoff=_NEAR)
        meant = next((name for name in sorted(aliases) if near and name.casefold() == near[0]), None)
        where = place_of_alias(settings, _KEY, each.alias)
        strays.append(
            Stray(
                ".",
                Root(each.alias, each.endpoint, each.globus_path, Path(each.local_path)),
                f"there is no storage location {each.alias} ({where}), so nothing that lies there is archived",
                f"did you mean {meant}?"
                if meant
                else f"say where its archive lies (mapshell storage add {each.alias} UUID:/PATH), or remove the root.",
                refused=meant is not None,
            )
        )
    return strays
