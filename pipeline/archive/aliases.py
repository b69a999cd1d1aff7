"""Names under which a session was archived before it was reassigned: in its manifest's evidence, for good.

Each record tells the session that it was, and its folders, old name and new.  Rigs keep the old names: by these records
a folder there is known to be the session's, whatever it is called.  Pure.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.archive.evidence import LASTING, records
from pipeline.archive.paths import is_safe
from pipeline.archive.relocate.plan import in_folders
from pipeline.archive.session import SessionRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from pipeline.archive.session import SessionKey

MOST = 1000
"""Records, and folders of all of them together, that are believed."""

_H2O, _INT16, _INT32 = 16, 2**15, 2**31


def alias(
    was: SessionRef, folders: Mapping[str, str], *, at: datetime, by: Mapping[str, str], computer: str, because: str
) -> dict[str, Any]:
    """Return the record of a reassignment; ``folders`` are those with another name now, old to new."""
    return {
        "subject_id": was.subject_id,
        "session": was.session,
        "h2o": was.h2o,
        "date": was.session_date.isoformat(),
        "folders": dict(sorted(folders.items())),
        "at": f"{at:%Y-%m-%dT%H:%M:%S}Z",
        "by": dict(by),
        "computer": computer,
        "because": because,
    }


def aliases_in(evidence: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the records of a session's evidence, oldest first; those that cannot be true count as none."""
    found, names = [], 0
    for record in records(evidence, "aliases")[:MOST]:
        if _wrong(record):
            continue
        names += len(record["folders"])
        if names > MOST:  # each of them is followed through all later records
            break
        found.append(record)
    return found


def doubtful(evidence: Mapping[str, Any]) -> str:
    """Say why what a manifest tells of earlier names cannot be true; empty when nothing speaks against it."""
    told = evidence.get("aliases", [])
    if not isinstance(told, list) or len(told) > MOST or not all(isinstance(record, dict) for record in told):
        return "its earlier names are no list of records"
    if len(aliases_in(evidence)) < len(told) and not any(map(_wrong, told)):
        return "its earlier names are too many"
    return next(filter(None, map(_wrong, told)), "")


def _wrong(record: Mapping[str, Any]) -> str:
    subject_id, session, h2o, folders = (record.get(name) for name in ("subject_id", "session", "h2o", "folders"))
    if (
        type(subject_id) is not int
        or type(session) is not int
        or not (0 <= subject_id < _INT32 and 0 < session < _INT16)
    ):
        return "it was of a session whose numbers are none"
    if not isinstance(h2o, str) or not 0 < len(h2o) <= _H2O or not is_safe(h2o) or not _is_day(record.get("date")):
        return "it was of an animal or a day that is none"
    if not isinstance(folders, dict) or len(folders) > MOST:
        return "its earlier names are no folders"
    names = [*folders, *folders.values()]
    if not all(isinstance(name, str) and is_safe(name) for name in names):
        return "its earlier names are no folders"
    return ""


def _is_day(said: Any) -> bool:
    try:
        return isinstance(said, str) and bool(date.fromisoformat(said))
    except ValueError:
        return False


def session_of(record: Mapping[str, Any]) -> SessionRef:
    """Return the session that a record tells of."""
    return SessionRef(record["subject_id"], record["session"], record["h2o"], date.fromisoformat(record["date"]))


def with_new_names(evidence: Mapping[str, Any], folders: Mapping[str, str]) -> dict[str, Any]:
    """Return evidence whose records of files (accepted, superseded) name them as they are named now."""

    def renamed(record: dict[str, Any]) -> dict[str, Any]:
        said = {name: in_folders(record[name], folders) for name in ("file", "as") if isinstance(record.get(name), str)}
        return {**record, **said}

    kinds = {kind: records(evidence, kind) for kind in LASTING if kind != "aliases" and records(evidence, kind)}
    return {**evidence, **{kind: [renamed(record) for record in those] for kind, those in kinds.items()}}


def local_names(evidence: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the folder at the archive now for each name that it had before, however often it was renamed."""
    names: dict[str, str] = {}
    for record in aliases_in(evidence):
        folders = record["folders"]
        names = {old: in_folders(now, folders) for old, now in names.items()} | folders
    return {old: now for old, now in names.items() if old != now}


def former(evidence: Mapping[str, Any] | None) -> Iterator[tuple[SessionKey, Callable[[str], str]]]:
    """Yield the sessions that a session was before, each with what gives its files the names that they have now."""
    told = aliases_in(evidence)
    for position, record in enumerate(told):
        since = [later["folders"] for later in told[position:]]

        def now(subpath: str, since: list[dict[str, str]] = since) -> str:
            for folders in since:
                subpath = in_folders(subpath, folders)
            return subpath

        yield session_of(record).key, now
