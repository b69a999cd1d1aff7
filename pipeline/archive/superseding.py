"""Archived files whose bytes a person replaces on purpose: the old ones get another name at the archive, and stay.

``<name>.superseded-<8 hex digits>`` is a file of the session like any other: in the index, in the manifest, with its
SHA1.  Moving it there is a generation of its own; the new bytes follow as the next one, like every new file.
"""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.archive.aside import aside_name
from pipeline.archive.evidence import lasting, records
from pipeline.archive.gate import wrong_checksum
from pipeline.archive.known import differing
from pipeline.archive.paths import check_subpath
from pipeline.archive.plan import Plan
from pipeline.archive.relocate import Rename, begin, relocation
from pipeline.archive.round import refusal
from pipeline.archive.scan import unchanged

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.archive.acceptance import Acceptance
    from pipeline.archive.journal import Outcome
    from pipeline.archive.manifest import FileEntry
    from pipeline.archive.round import Flight, Round
    from pipeline.archive.session import LocalFile
    from pipeline.archive.submit import Prepared


def unlike(indexed: Mapping[str, FileEntry], sha1s: Mapping[str, str | None]) -> set[str]:
    """Return files whose bytes at the archive were read, never proved, and are not those of this computer."""
    return {subpath for subpath, sha1 in sha1s.items() if sha1 is not None and sha1 != indexed[subpath].sha1}


def doubtful(files: Sequence[LocalFile], indexed: Mapping[str, FileEntry]) -> list[LocalFile]:
    """Return files of which the index knows only what the archive has, and that have the size of it."""
    entries = ((file, indexed.get(file.subpath)) for file in files)
    return [file for file, entry in entries if entry and entry.sha1 and not entry.proved and entry.size == file.size]


def to_supersede(plan: Plan, indexed: Mapping[str, FileEntry], other: Collection[str] = ()) -> Plan:
    """Return a plan in which changed files are no conflicts any more: their archived bytes are to be moved aside.

    What the archive has without the index's knowing its checksum stays a conflict: nobody knows what would be replaced.
    ``other`` are files of which the archive has other bytes of the same size.
    """
    known = {subpath for subpath, entry in indexed.items() if entry.sha1 is not None}
    return Plan(
        tuple(
            replace(item, action="supersede", reason=f"{item.reason}; the archived bytes are moved aside")
            if (item.action == "conflict" and item.subpath in known) or item.subpath in other
            else item
            for item in plan.items
        )
    )


def supersede(round_: Round, prepared: Prepared, acceptance: Acceptance) -> Flight | Outcome:
    """Move the archived bytes of changed files aside at the archive, after a look at those that will take their place.

    Raises
    ------
    MapshellError
        The archive is not as the index says, and nothing was renamed; or the next round brings it to an end.
    """
    known, session = prepared.known, prepared.session
    assert known is not None  # noqa: S101  # what is not archived cannot be superseded
    changed = {item.subpath for item in prepared.plan.only("supersede")}
    files = [file for file in session.files if file.subpath in changed]
    wrong = [*_contradicted(round_, prepared, files), *unchanged(files)]
    if wrong:  # what takes their place must be sound before anything moves
        return refusal(round_, session, differing(known, "refused"), wrong)
    names = {subpath: check_subpath(aside_name(subpath, "superseded")) for subpath in sorted(changed)}
    sizes = {entry.subpath: entry.size for entry in known.files}
    renames = [Rename(old, new, size=sizes[old]) for old, new in names.items()]
    acceptance.superseded.update(names)
    said = _records(round_, acceptance, names, known.generation + 1)
    evidence = {**lasting(known.evidence), "superseded": [*records(known.evidence, "superseded"), *said]}
    return begin(round_, relocation(known, renames, evidence=evidence), session, more=True)


def _contradicted(round_: Round, prepared: Prepared, files: Sequence[LocalFile]) -> list[Any]:
    """Read the files that are to take the place of archived ones; name those that are not what their metas say."""
    claims = prepared.verdict.claims
    wait(round_.hasher.start(*files))
    sha1s = {file.subpath: round_.hasher.finish(file) for file in files}
    return [wrong_checksum(name, claims[name], sha1) for name, sha1 in sha1s.items() if claims.get(name, sha1) != sha1]


def _records(round_: Round, acceptance: Acceptance, names: Mapping[str, str], generation: int) -> list[dict[str, Any]]:
    who, now = acceptance.who(), round_.clock.now()
    return [
        {
            "file": old,
            "as": new,
            "because": acceptance.because,
            "by": who,
            "at": f"{now:%Y-%m-%dT%H:%M:%S}Z",
            "generation": generation,
        }
        for old, new in names.items()
    ]
