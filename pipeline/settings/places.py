"""Where in the configuration something stands, so that a person can go there and correct it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pipeline.settings.text import Source

if TYPE_CHECKING:
    from pipeline.settings.types import Settings


def place_of_alias(settings: Settings, key: str, alias: str) -> str:
    """Return "FILE, line N" of an alias below a key, or the environment variable that holds it.

    The file is read anew; when it has changed meanwhile, or cannot be read, its name alone is told.
    """
    origin = settings.origins.get(key, "")
    if origin.startswith("environment "):
        return f"environment variable {origin.removeprefix('environment ')}"
    if settings.file is None:
        return "the configuration"
    try:
        text = settings.file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return str(settings.file)
    source = Source(text, settings.file)
    above = source.line_of(key)
    if above is None:
        return str(settings.file)
    start = sum(len(line) + 1 for line in text.split("\n")[: above - 1])
    found = re.compile(re.escape(json.dumps(alias))).search(text, start)
    return str(settings.file) if found is None else f"{settings.file}, line {text.count(chr(10), 0, found.start()) + 1}"
