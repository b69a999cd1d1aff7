"""Which session got a folder of this computer, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.archive.session import Root, SessionKey

INDEXED, FORMER = "index", "former name"
"""Who got a folder by no rule of matching: files of it are archived, as of that session or under a former name."""


class Given(NamedTuple):
    """A folder on this computer, the session that got it, and the rule of matching (or what else) that decided so."""

    root: Root
    folder: str
    key: SessionKey
    rule: str
