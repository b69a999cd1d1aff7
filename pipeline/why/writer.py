"""Writes decisions down: each rule with the commands that the catalogue has for it, filled for one session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.database.entering import fitting
from pipeline.why.explanation import Decision, Verdict, unique
from pipeline.why.refusals import CATALOGUE, PUBLISH, filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.session import DatasetType
    from pipeline.why.explanation import Subject


class Writer:
    """The decisions of one session at one place, in their order.

    Parameters
    ----------
    session
        The session.
    kind, alias
        What is archived there, and where.
    computer
        This computer's name.
    """

    def __init__(self, session: Subject, kind: DatasetType, alias: str, computer: str) -> None:
        self.decisions: list[Decision] = []
        self.computer = computer
        self._facts = {
            "subject": session.h2o or str(session.subject_id),
            "session": str(session.session),
            "date": session.session_date,
            "type": kind,
            "alias": alias,
        }

    def note(self, rule: str, verdict: Verdict, evidence: str = "", stage: str = "", computer: str = "") -> None:
        """Write down a decision that needs nobody."""
        entry = CATALOGUE.get(rule)
        where = stage or (entry.stage if entry else "state")
        self.decisions.append(Decision(rule, where, verdict, evidence, computer or self.computer))

    def failed(
        self,
        rule: str,
        evidence: str,
        remedy: str = "",
        *,
        computer: str = "",
        accepting: str = "",
        files: Sequence[tuple[str, str]] = (),
        **facts: str,
    ) -> None:
        """Write down a refusal.

        ``facts`` fill the commands of the catalogue; ``accepting`` is the command that accepts all that is wrong with
        the session at once: what the catalogue has for one rule would not do; ``files`` are those that break it.
        """
        entry = CATALOGUE[rule]
        known = {**self._facts, "rule": rule, **facts}
        templates = (each for each in entry.commands if "--accept" not in each)
        run = unique((*(filled(each, known) for each in templates), accepting))
        at = computer or self.computer
        self.decisions.append(
            Decision(rule, entry.stage, "failed", evidence, at, fitting(remedy), run, bool(accepting), tuple(files))
        )

    def commands(self, rule: str) -> tuple[str, ...]:
        """Return the commands of a rule for this session."""
        return tuple(filled(each, self._facts) for each in CATALOGUE[rule].commands)

    def publish(self) -> str:
        """Return the command that publishes the session."""
        return filled(PUBLISH, self._facts)

    def has_failed(self, *stages: str) -> bool:
        """Say whether a rule of these stages has failed."""
        return any(each.verdict == "failed" and each.stage in stages for each in self.decisions)
