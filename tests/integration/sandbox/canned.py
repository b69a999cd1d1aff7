"""Comparing an answer of the sandbox with one that the SDK keeps for tests: names, types and nesting."""

from __future__ import annotations

import importlib
import pkgutil

from globus_sdk.testing.data import transfer


def all_cases():
    """All canned responses of Transfer by ``module.case``."""
    found = {}
    for module in pkgutil.walk_packages(transfer.__path__, f"{transfer.__name__}."):
        if module.ispkg or module.name.rpartition(".")[2].startswith("_"):
            continue
        responses = importlib.import_module(module.name).RESPONSES
        for case in responses.cases():
            found[f"{module.name.removeprefix(transfer.__name__ + '.')}.{case}"] = responses.lookup(case)
    return found


def differences(ours, theirs, path=""):
    """Yield every field that only one of two documents has, and every value of another type."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        yield from (f"{path}.{name}: missing" for name in theirs if name not in ours)
        yield from (f"{path}.{name}: more" for name in ours if name not in theirs)
        for name in theirs:
            if name in ours:
                yield from differences(ours[name], theirs[name], f"{path}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        if bool(ours) != bool(theirs):
            yield f"{path}: {len(ours)} items, canned {len(theirs)}"
        for item in ours:
            # All items of a canned list are of one kind.
            yield from differences(item, theirs[0], f"{path}[]") if theirs else ()
    elif type(ours) is not type(theirs):
        yield f"{path}: {type(ours).__name__}, canned {type(theirs).__name__}"
