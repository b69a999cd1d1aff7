"""Recognises a foreign package named ``pipeline`` that Python would find instead of ours, without running it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

MARKER = 'PRODUCT = "mapshell"'


def foreign_pipeline() -> Path | None:
    """Return the folder or file of a foreign ``pipeline``; None when Python finds ours."""
    loaded = sys.modules.get("pipeline")
    if loaded is not None:
        if getattr(loaded, "PRODUCT", None) == "mapshell":
            return None
        return Path(getattr(loaded, "__file__", None) or "pipeline")
    spec = importlib.util.find_spec("pipeline")
    if spec is None:
        return Path("pipeline")  # none at all: an installation that is not whole
    if spec.origin is None:  # a folder without __init__.py
        return Path(next(iter(spec.submodule_search_locations or ["pipeline"])))
    origin = Path(spec.origin)
    if origin.parent.parent == Path(__file__).parent.parent:
        return None  # it lies beside us
    try:
        return None if MARKER in origin.read_text(encoding="utf-8", errors="replace") else origin
    except OSError:
        return origin


def message(found: Path) -> str:
    """Return what to tell the person."""
    folder = found.parent if found.name == "__init__.py" else found
    return (
        f"Error: Python finds another package named pipeline before the one of mapshell: {folder}\n"
        "Remedy: run the command `mapshell` from another folder, remove that folder from PYTHONPATH, "
        "or install mapshell by itself: pipx install mapshell"
    )
