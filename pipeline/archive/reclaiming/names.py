"""The names of what reclaim writes into folders of recordings: left out of every walk, for ever.  Pure."""

from __future__ import annotations

from typing import Final

NAMES: Final = {"ephys": "mapshell-reclaimed-ephys.json", "video": "mapshell-reclaimed-video.json"}
"""The tombstone's name, for each type of data."""

TOMBSTONES: Final = frozenset(NAMES.values())

UNFINISHED: Final = frozenset(f".{name}.new" for name in TOMBSTONES)
"""What a tombstone is called while it is written."""

OWN: Final = TOMBSTONES | UNFINISHED
"""All names of ours in folders of recordings."""
