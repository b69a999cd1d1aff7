"""What a run against the real service found, written down for whoever looks after the sandbox."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .rows import shape_faults

if TYPE_CHECKING:
    from .publishing import Step
    from .runner import Played


@dataclass(frozen=True)
class Comparison:
    """A row in the sandbox and in reality.

    Parameters
    ----------
    real
        As it came out at the real service.
    ours
        As it came out in the sandbox; None when it was not played there.
    """

    real: Played
    ours: Played | None

    @property
    def differences(self) -> list[str]:
        """What the table expects, and the sandbox gives, and reality does not."""
        found = list(self.real.faults)
        if self.real.row.shape and self.ours is not None and self.real.seen.code == self.ours.seen.code == 0:
            try:
                found += shape_faults(json.loads(self.ours.seen.out), json.loads(self.real.seen.out))
            except ValueError:
                found.append("no JSON is printed")
        return found


@dataclass
class Report:
    """All that was found."""

    title: str
    rows: list[Comparison] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def differing(self) -> list[Comparison]:
        """Rows that differ."""
        return [row for row in self.rows if row.differences]

    @property
    def well(self) -> bool:
        """Whether sandbox and reality agree and the recording day went there and back."""
        return bool(self.rows) and not self.differing and all(step.well for step in self.steps)

    def summary(self) -> str:
        """Return one line for the terminal."""
        steps = "not tried" if not self.steps else "done" if all(step.well for step in self.steps) else "FAILED"
        lines = f"{len(self.rows)} command lines, {len(self.differing)} differ from the sandbox"
        return f"{lines}; publish and retrieve: {steps}"

    def markdown(self) -> str:
        """Return the whole report."""
        lines = [f"# {self.title}", "", self.summary(), "", *(f"- {note}" for note in self.notes), ""]
        for row in self.differing:
            lines += [f"## {row.real.chapter}: {row.real.row.name}", "", "Differs:", ""]
            lines += ["```text", *row.differences, "```", ""]
            lines += _shown("In reality", row.real)
            if row.ours is not None:
                lines += _shown("In the sandbox", row.ours)
        lines += ["## Publish and retrieve", ""] if self.steps else []
        for step in self.steps:
            lines += [
                f"`{step.name}`: {'done' if step.well else 'FAILED'}",
                "",
                "```text",
                step.said.strip(),
                "```",
                "",
            ]
        lines += ["## All rows", "", "| chapter | row | exit status expected | seen | |", "|---|---|---|---|---|"]
        lines += [
            f"| {row.real.chapter} | {row.real.row.name} | {row.real.row.code} | {row.real.seen.code} |"
            f" {'differs' if row.differences else 'as expected'} |"
            for row in self.rows
        ]
        return "\n".join(lines) + "\n"


def _shown(where: str, played: Played) -> list[str]:
    said = [f"$ globus {played.line}", *played.seen.out.splitlines(), *played.seen.err.splitlines()]
    return [f"{where} (exit status {played.seen.code}):", "", "```text", *said, "```", ""]
