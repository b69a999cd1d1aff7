"""What verify saw: every session with its verdict, every difference with what would mend it; for programs and in words.

*Present* means listed at the archive with its size; *verified* means that the checksum of its bytes was compared.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from pipeline.archive.paths import visible
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipeline.archive.drift import Drift
    from pipeline.archive.session import SessionRef
    from pipeline.errors import MapshellError

Checksum = Literal["sample", "all"]
Verdict = Literal["present", "verified", "drift", "not checked"]

NOTHING = (
    "Nothing is archived yet as far as this database knows; there is nothing to compare. What the archive has all the "
    "same is found by `mapshell publication-discover`."
)
MOST_NAMED = 100
"""Files without a known SHA1 that are kept by name; the rest is counted."""


@dataclass(slots=True)
class SessionCheck:
    """One session at one storage location, as it was found.

    ``size``, ``verified_size`` and ``manifest_size`` in bytes, ``looked_at`` in UTC; ``described`` is the subpath of
    the newest manifest that the index knows.  ``present`` counts files that are listed with their
    size; ``verified`` those whose bytes were read back in this run and have the SHA1 of the index; ``unknown`` those of
    which nobody knows a SHA1 (``unknown_names`` the first of them); ``first`` those that were read for the first time,
    whose SHA1 is known from now on, ``first_size`` their bytes; ``learnt`` those whose size was; ``left`` names what
    transfers of ours left or put
    aside; ``under_way`` counts files that are being published now; ``errors`` say why something could not be looked at;
    ``lost`` what to do when the lab's tables no longer have the session.
    """

    session: SessionRef
    alias: str
    dataset: str
    files: int
    size: int
    looked_at: datetime
    described: str = ""
    manifest_size: int | None = None
    present: int = 0
    verified: int = 0
    verified_size: int = 0
    how: str = ""
    first: int = 0
    first_size: int = 0
    learnt: int = 0
    unknown: int = 0
    unknown_names: list[str] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    more_extra: int = 0
    left: list[str] = field(default_factory=list)
    under_way: int = 0
    errors: list[MapshellError] = field(default_factory=list)
    lost: str = ""

    @property
    def verdict(self) -> Verdict:
        """One word: differences first, then what could not be looked at; *verified* only when every file was."""
        if self.drift:
            return "drift"
        if self.errors:
            return "not checked"
        return "verified" if self.verified == self.files and self.files else "present"

    @property
    def seen(self) -> bool:
        """Whether anything of it could be looked at: if not, nobody knows how much is present."""
        return not self.errors or bool(self.present or self.drift or self.manifest_size is not None)

    @property
    def comparison(self) -> str:
        """How it was compared."""
        return f"presence; SHA1 of {self.verified} files, {self.how}" if self.how else "presence"


@dataclass(frozen=True, slots=True)
class Stray:
    """A file or folder in an animal's folder that belongs to no session of the index; ``size`` in bytes."""

    alias: str
    subpath: str
    files: int
    size: int
    names: tuple[str, ...]
    message: str
    remedy: str


@dataclass(slots=True, repr=False)
class VerifyReport:
    """What a comparison of archive and index came to; ``str()`` is its sum, ``repr()`` names what differs too.

    ``not_reached`` counts sessions that were not looked at, ``left_files`` and ``left_size`` (bytes) files that were
    not read back, because a limit (``limit``: ``time`` or ``bytes``) ended the run before; ``too_large`` names files
    that are larger than the limit of bytes: no run reads them.  ``animals`` names what lies beside the folders of the
    index's animals.  ``unrecorded`` is why results could not be written down; ``stopped`` the error that ended the run
    early.
    """

    checksum: Checksum | None = None
    sessions: list[SessionCheck] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    animals: dict[str, list[str]] = field(default_factory=dict)
    not_reached: int = 0
    left_files: int = 0
    left_size: int = 0
    limit: str = ""
    too_large: list[str] = field(default_factory=list)
    unrecorded: MapshellError | None = None
    stopped: MapshellError | None = None

    def __iter__(self) -> Any:
        return iter(self.sessions)

    @property
    def drift(self) -> list[Drift]:
        """All differences."""
        return [each for session in self.sessions for each in session.drift]

    @property
    def whole(self) -> bool:
        """Whether nothing differs, and everything that was asked for and within the limits could be looked at.

        With checksums that includes that every file has a known one, to compare its bytes with.
        """
        wrong = any(check.verdict in ("drift", "not checked") for check in self.sessions)
        unproved = self.checksum is not None and any(check.unknown or check.first for check in self.sessions)
        return not (wrong or unproved or self.strays or self.too_large or self.stopped)

    def __str__(self) -> str:
        if not (self.sessions or self.not_reached or self.stopped):
            return NOTHING
        seen = [c for c in self.sessions if c.seen]
        said = [self._compared(seen)] if seen else ["No session was compared with the archive."]
        if self.checksum is not None and seen:
            verified = sum(c.verified for c in self.sessions)
            read = human_bytes(sum(c.verified_size for c in self.sessions))
            said.append(f"Verified now by SHA1: {_many(verified, 'file')} ({read}).")
        if learnt := sum(c.learnt for c in seen):
            said.append(f"Size learnt: {_many(learnt, 'file')}.")
        if first := sum(c.first for c in seen):
            read = human_bytes(sum(c.first_size for c in seen))
            said.append(f"Read for the first time: {_many(first, 'file')} ({read}), whose SHA1 is known from now on.")
        unknown = sum(c.unknown for c in seen)
        if unknown:
            said.append(f"Without a known SHA1: {_many(unknown, 'file')}, listed only.")
        said.extend(self._wrong(seen))
        if lost := sum(bool(c.lost) for c in self.sessions):
            said.append(f"Without session in the lab's tables: {lost:,}.")
        said.extend(self._left())
        return " ".join(said)

    def _compared(self, seen: Sequence[SessionCheck]) -> str:
        present, files = sum(c.present for c in seen), sum(c.files for c in seen)
        much = f"{_many(files, 'file')}, {human_bytes(sum(c.size for c in seen))}"
        compared = f"Compared {_many(len(seen), 'session')} ({much}) with the archive."
        return f"{compared} Present: {present:,} of {files:,} files."

    def _wrong(self, seen: Sequence[SessionCheck]) -> Iterable[str]:
        kinds = Counter(each.kind for each in self.drift)
        if kinds:
            words = ", ".join(f"{count:,} {KINDS[kind]}" for kind, count in sorted(kinds.items()))
            yield f"Drift in {_many(sum(bool(c.drift) for c in self.sessions), 'session')}: {words}."
        elif seen:
            yield "No drift."
        if self.strays:
            yield f"Of no session in the index: {_many(len(self.strays), 'file or folder', 'files or folders')}."
        partly = sum(bool(c.errors) for c in seen)
        if partly:
            yield f"Not checked to the end: {_many(partly, 'session')}."
        if unseen := len(self.sessions) - len(seen):
            yield f"Could not be looked at: {_many(unseen, 'session')}."

    def _left(self) -> Iterable[str]:
        if self.not_reached:
            yield f"Not reached within the limits: {_many(self.not_reached, 'session')}; the next run begins with them."
        if self.left_files:
            left = f"{_many(self.left_files, 'file')}, {human_bytes(self.left_size)}"
            yield f"Not read back within the limits: {left}; the next run begins with them."
        if self.too_large:
            yield f"Larger than the limit of bytes: {_many(len(self.too_large), 'file')}, never read back."
        if self.unrecorded is not None:
            yield f"Not written down: {self.unrecorded.message}"

    def __repr__(self) -> str:
        lines = []
        for check in self.sessions:
            if check.verdict in ("drift", "not checked"):
                lines.append(f"{check.verdict}: {check.session}, {check.alias}")
                lines.extend(f"    {visible(each.subpath)}: {visible(each.message)}" for each in check.drift)
                lines.extend(f"    {visible(error.message)}" for error in check.errors)
        lines.extend(
            f"no session: {visible(stray.subpath)} ({stray.alias}): {visible(stray.message)}" for stray in self.strays
        )
        if self.stopped is not None:
            lines.append(f"stopped: {self.stopped.message}")
        return "\n".join([*lines, str(self)])

    def _repr_html_(self) -> str:
        cells = "".join(
            "<tr>"
            + "".join(
                f"<td>{escape(str(cell))}</td>"
                for cell in (c.verdict, c.session, c.alias, c.files, c.present if c.seen else "", c.verified, c.unknown)
            )
            + "</tr>"
            for c in self.sessions
        )
        wrong = "".join(
            f"<li><code>{escape(visible(each.subpath))}</code>: {escape(visible(each.message))}"
            f"<br>{escape(visible(each.remedy))}</li>"
            for each in self.drift
        )
        heads = "".join(f"<th>{word}</th>" for word in _HEADS)
        return f"<table><tr>{heads}</tr>{cells}</table><ul>{wrong}</ul><p>{escape(str(self))}</p>"


_HEADS = ("Verdict", "Session", "Archive", "Files", "Present", "Verified", "Without SHA1")

KINDS = {
    "missing": "missing",
    "size": "of another size",
    "bytes": "with other bytes",
    "extra": "unknown to the index",
    "manifest": "without manifest",
    "newer": "newer than the index",
    "name": "with a name that cannot be followed",
}
"""The kinds of drift, in words."""


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def document(report: VerifyReport) -> dict[str, Any]:
    """Return the report as JSON data."""
    return {
        "checksum": report.checksum,
        "sessions": [session_document(check) for check in report.sessions],
        "no_session": [
            {
                "alias": stray.alias,
                "name": stray.subpath,
                "files": stray.files,
                "bytes": stray.size,
                "names": list(stray.names),
                "reason": stray.message,
                "remedy": stray.remedy,
            }
            for stray in report.strays
        ],
        "unknown_animals": report.animals,
        "not_reached": report.not_reached,
        "not_read_back": {"files": report.left_files, "bytes": report.left_size},
        "limit": report.limit,
        "too_large": report.too_large,
        "unrecorded": None if report.unrecorded is None else report.unrecorded.message,
        "stopped": None if report.stopped is None else report.stopped.message,
    }


def session_document(check: SessionCheck) -> dict[str, Any]:
    """Return one session as JSON data."""
    return {
        "verdict": check.verdict,
        "h2o": check.session.h2o,
        "subject_id": check.session.subject_id,
        "session": check.session.session,
        "session_date": check.session.session_date.isoformat(),
        "alias": check.alias,
        "without_session": bool(check.lost),
        "looked_at": check.looked_at.isoformat() + "Z",
        **facts(check),
    }


def facts(check: SessionCheck) -> dict[str, Any]:
    """Return what was seen of a session as JSON data; ``publication.Verification`` keeps it."""
    return {
        "how": check.comparison,
        "files": check.files,
        "bytes": check.size,
        "present": check.present if check.seen else None,
        "verified": check.verified,
        "verified_bytes": check.verified_size,
        "size_learnt": check.learnt,
        "read_first": {"files": check.first, "bytes": check.first_size},
        "without_sha1": {"files": check.unknown, "names": check.unknown_names},
        "drift": [
            {"kind": each.kind, "file": each.subpath, "reason": each.message, "remedy": each.remedy}
            for each in check.drift
        ],
        "more_unknown_to_the_index": check.more_extra,
        "left_over": check.left,
        "being_published": check.under_way,
        "errors": [{"reason": error.message, "remedy": error.remedy} for error in check.errors],
    }
