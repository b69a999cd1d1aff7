"""A promise that was broken."""

from __future__ import annotations

from dataclasses import dataclass

from .look import text

INDEX = ("file_size", "file_mtime", "file_sha1", "file_generation", "file_type")


@dataclass(frozen=True)
class Violation:
    """A promise that was broken: which, and how."""

    invariant: str
    what: str

    def __str__(self):
        return f"{self.invariant}: {self.what}"


def same_rows(before, after):
    """Return what differs between the rows of a session then and now; rows that were added are no difference."""
    found = []
    for subpath, row in before.items():
        now = after.get(subpath, {})
        if now.get("file_sha1") != row["file_sha1"]:  # replaced on purpose: the row has another name
            others = (after[name] for name in after if name.startswith(f"{subpath}.superseded-"))
            now = next((other for other in others if other["file_sha1"] == row["file_sha1"]), now)
        found += [
            f"{subpath}: {n} was {row[n]!r}, is {now.get(n)!r}" for n in INDEX if text(row[n]) != text(now.get(n))
        ]
    return found
