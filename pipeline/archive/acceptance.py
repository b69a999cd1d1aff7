"""What the gate refuses, rule by rule, and which of it a person may have archived all the same.

Whatever is accepted is written down: rule, file, what was found, why, and by whom, in the archived row's evidence and
in the manifest.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline.archive.acceptance_rules import ACCEPTABLE, BY_NAME
from pipeline.archive.drift import quoted
from pipeline.archive.paths import printable
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.archive.ports import Drive
    from pipeline.archive.scan import Defect
    from pipeline.archive.session import DatasetType, SessionRef

MOST_WORDS = 2000
"""Characters of a reason at most."""


def checked_rules(names: Iterable[str]) -> frozenset[str]:
    """Return the rules that a person names.

    Raises
    ------
    UsageError
        One does not exist, or may never be accepted.
    """
    chosen = [name.strip().lower().replace("_", "-") for name in names]
    for name in chosen:
        rule = BY_NAME.get(name)
        if rule is None:
            near = difflib.get_close_matches(name, BY_NAME, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise UsageError(
                f"There is no rule {name!r} that could be accepted.",
                remedy=f"{hint}`mapshell publication-publish --accept help` lists all rules.",
            )
        if not rule.acceptable:
            raise UsageError(
                f"The rule {name} ({rule.words}) can never be accepted.", remedy=f"{rule.why[0].upper()}{rule.why[1:]}."
            )
    return frozenset(chosen)


def checked_reason(because: str, what: str = "accepted") -> str:
    """Return a person's reason for what is ``what``, in one line.

    Raises
    ------
    UsageError
        It is empty, too long, or holds characters that no database stores.
    """
    said = " ".join(because.split())
    if not said:
        example = "the acquisition crashed at 11:40" if what == "accepted" else "sorted again, with the right probe map"
        raise UsageError(
            f"What is {what} needs a reason.",
            remedy=f'say why, for whoever reads it in ten years: --because "{example}".',
        )
    if len(said) > MOST_WORDS:
        raise UsageError(
            f"The reason has {len(said):,} characters.", remedy=f"say it in {MOST_WORDS:,} characters at most."
        )
    if "\0" in said or not _is_text(said):
        raise UsageError(
            "The reason holds characters that cannot be stored.", remedy="write it in plain text, in one line."
        )
    return said


def _is_text(said: str) -> bool:
    try:
        said.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a person accepts for one session: the rules, the reason, and who it is.

    ``person`` tells who is logged in to Globus (``identity``, ``username``); it is asked once, when something is
    accepted.  ``used`` collects the rules that the session really breaks.  With ``supersede`` changed files take the
    place of archived ones; ``superseded`` collects which.
    """

    rules: frozenset[str]
    because: str
    account: str
    computer: str
    person: Callable[[], Mapping[str, str]]
    used: set[str] = field(default_factory=set)
    supersede: bool = False
    superseded: set[str] = field(default_factory=set)

    @property
    def unused(self) -> tuple[str, ...]:
        """The rules that no file to be archived breaks: nothing was accepted under them."""
        return tuple(sorted(self.rules - self.used))

    def who(self) -> dict[str, str]:
        """Return the person, the account and the computer."""
        return {**self.person(), "account": self.account, "computer": self.computer}

    def records(
        self, defects: Sequence[Defect], claims: Mapping[str, str], *, generation: int, at: datetime
    ) -> list[dict[str, Any]]:
        """Return what was accepted, as JSON data for manifest and row; ``claims`` are SHA1 of metas, by subpath."""
        if not defects:
            return []
        who = self.who()
        return [
            {
                "rule": defect.rule,
                "file": defect.subpath,
                "found": defect.message,
                "because": self.because,
                "by": who,
                "at": f"{at:%Y-%m-%dT%H:%M:%S}Z",
                "generation": generation,
                **({"meta_sha1": claims[defect.subpath]} if defect.rule == "checksum" else {}),
            }
            for defect in defects
        ]


def divided(defects: Iterable[Defect], rules: Collection[str]) -> tuple[tuple[Defect, ...], tuple[Defect, ...]]:
    """Return the defects that remain, and those that are accepted."""
    every = tuple(defects)
    return tuple(d for d in every if d.rule not in rules), tuple(d for d in every if d.rule in rules)


def records_in(evidence: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return what was accepted of a session, as the evidence of its row or manifest tells it.

    A manifest may come from anywhere: what is no list of records counts as none.
    """
    found = evidence.get("accepted") if isinstance(evidence, dict) else None
    return [record for record in found if isinstance(record, dict)] if isinstance(found, list) else []


def rules_in(evidence: Any) -> tuple[str, ...]:
    """Return the rules under which defects of a session were accepted, each once."""
    return tuple(sorted({printable(f"{record.get('rule')}", 40) for record in records_in(evidence)}))


def folders_in(evidence: Any) -> tuple[str, ...]:
    """Return the session's folders that the evidence of its row names; what is no list of names counts as none."""
    found = evidence.get("folders") if isinstance(evidence, dict) else None
    return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()


def as_evidence(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the evidence of a manifest that is not final: what was accepted, and nothing when nothing was."""
    return {"accepted": list(records)} if records else {}


def command(ref: SessionRef, kind: DatasetType, options: Iterable[str], drive: Drive | None = None) -> str:
    """Return the command line that publishes one session with these options, from a drive if it lies on one."""
    root = f" --root {quoted(str(drive.path))}" if drive else ""
    chosen = f"--type {kind} --subject {quoted(ref.h2o)} --session {ref.session}"
    return " ".join([f"mapshell publication-publish{root}", chosen, *options, '--because "WHY"'])


def as_it_is(defects: Sequence[Defect], beyond: Iterable[str]) -> tuple[str, ...]:
    """Return the rules that must be accepted to archive a session as it is; none when that is not possible."""
    rules = {defect.rule for defect in defects} | set(beyond)
    return tuple(sorted(rules)) if defects and rules <= ACCEPTABLE else ()


def with_command(
    defects: Sequence[Defect], beyond: Iterable[str], ref: SessionRef, kind: DatasetType, drive: Drive | None = None
) -> tuple[Defect, ...]:
    """Add to the first remedy the command that would archive the session as it is, where that is possible.

    ``beyond`` are rules that would come to light, or were accepted already; ``drive`` is where the session lies.
    """
    rules = as_it_is(defects, beyond)
    if not rules:
        return tuple(defects)
    first, accepted = defects[0], [f"--accept {rule}" for rule in rules]
    remedy = f"{first.remedy.rstrip('.')}. To archive it as it is: `{command(ref, kind, accepted, drive)}`."
    return (replace(first, remedy=remedy), *defects[1:])
