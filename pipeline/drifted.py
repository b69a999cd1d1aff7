"""Where the newest verification found that the archive differs from the index: no screen may call that archived."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline import publication
from pipeline.database.quiet import dj

if TYPE_CHECKING:
    from pipeline.archive.session import Location

DIFFERS = "the archive differs from the index"
"""How what is said of such a session begins."""

LOOK_AGAIN = "look again with `mapshell publication-verify`"

_LOSS = ("missing", "size", "bytes", "manifest")
"""Kinds of drift by which a session is no longer whole; foreign files take nothing from it."""


def drifted(location: Location, dataset: str = "") -> dict[str, str]:
    """Return, in words, what each dataset of a location had lost when it was last looked at, by dataset.

    Two queries, whatever the number of sessions; datasets that are whole are left out.
    """
    looks = publication.Verification() & {"globus_alias": location.alias}
    looks = looks & {"dataset_name": dataset} if dataset else looks
    newest = {
        row["dataset_name"]: row["newest"]
        for row in dj.U("dataset_name").aggr(looks, newest="max(verified_at)").to_dicts()
    }
    found = {}
    for row in (looks & {"verdict": "drift"}).to_dicts():
        if row["verified_at"] == newest[row["dataset_name"]]:
            from pipeline.verified import KINDS  # hardly ever wanted

            kinds = Counter(each["kind"] for each in row["report"]["drift"])
            counts = [f"{kinds[kind]} {KINDS[kind]}" for kind in _LOSS if kinds[kind]]
            if counts:
                seen = f"seen {row['verified_at']:%Y-%m-%d %H:%M} UTC; {LOOK_AGAIN}"
                found[row["dataset_name"]] = f"{DIFFERS}: {', '.join(counts)} ({seen})"
    return found
