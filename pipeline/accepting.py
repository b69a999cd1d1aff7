"""Who accepts what the gate refuses: checks what was asked for, and tells the person behind the login."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from pipeline.archive.acceptance import Acceptance, checked_reason, checked_rules
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.archive.ports import Store


def acceptance(
    accept: str | Sequence[str], because: str, store: Callable[[], Store], computer: str, *, supersede: bool = False
) -> Acceptance | None:
    """Return what a person accepts, and whether changed files supersede archived ones; None when it is nothing.

    Parameters
    ----------
    accept
        Names of rules of the gate.
    because
        Why.
    store
        Gives the Globus manager; asked who is logged in as soon as something is accepted.
    computer
        This computer's name.
    supersede
        Whether files that were changed since they were archived take the place of the archived ones.

    Raises
    ------
    UsageError
        A rule does not exist or can never be accepted, or the reason is missing, or there is a reason for nothing.
    """
    names = [accept] if isinstance(accept, str) else list(accept)
    if not names and not supersede:
        if because.strip():
            raise UsageError(
                "There is a reason, but nothing that is to be accepted for it.",
                remedy="name the rule: `--accept RULE` (`--accept help` lists them), or say `--supersede`.",
            )
        return None
    rules = checked_rules(names)
    reason = checked_reason(because, "accepted" if names else "superseded")
    return Acceptance(rules, reason, _account(), computer, _Person(store), supersede=supersede)


def one_session(acceptance: Acceptance | None, chosen: int) -> None:
    """Refuse to accept, or supersede, something of more, or less, than one session.

    Raises
    ------
    UsageError
        The restrictions choose another number of sessions.
    """
    if acceptance is not None and chosen != 1:
        what = "What is refused can be accepted" if acceptance.rules else "What is archived can be superseded"
        raise UsageError(
            f"{what} for one session at a time; {chosen:,} are chosen.",
            remedy="name the one: --subject NAME --session N.",
        )


def who(store: Callable[[], Store]) -> dict[str, str]:
    """Return the person behind the Globus login, and the account on this computer."""
    return {**_Person(store)(), "account": _account()}


class _Person:
    """Asks Globus who is logged in, once."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._known: dict[str, str] | None = None

    def __call__(self) -> Mapping[str, str]:
        if self._known is None:
            facts = self._store().whoami()
            self._known = {name: str(facts[name]) for name in ("identity", "username") if facts.get(name)}
        return self._known


def _account() -> str:
    """Return the account on this computer that runs the program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name, as in some containers
        return "unknown"
