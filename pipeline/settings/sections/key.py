"""What is told of one setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "integer", "number", "flag", "choice", "path", "uuid", "url", "patterns", "structure", "command"]


@dataclass(frozen=True, slots=True)
class Key:
    """One setting.

    ``env`` are further environment variables that set it, after ``MAPSHELL_...``; ``in_file`` False means that the
    environment is the only place for it; ``help`` is one line, ``shown_default`` what stands where no value does.
    """

    name: str
    kind: Kind
    help: str
    default: Any = None
    shown_default: str = ""
    choices: tuple[str, ...] = ()
    lowest: float = 0
    highest: float = float("inf")
    secret: bool = False
    in_file: bool = True
    env: tuple[str, ...] = ()
    example: Any = None

    @property
    def section(self) -> str:
        """First part of the name, such as ``database`` or ``globus``."""
        return self.name.partition(".")[0]

    @property
    def variables(self) -> tuple[str, ...]:
        """Environment variables that set it, the winning one first."""
        return ("MAPSHELL_" + self.name.upper().replace(".", "_"), *self.env)
