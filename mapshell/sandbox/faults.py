"""A fault is data, checked field by field.  Nothing here does anything."""

from __future__ import annotations

import difflib
import fnmatch
import json
import math
import random
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mapshell.sandbox.fault_kinds import FIELDS, KINDS, fields_of
from mapshell.sandbox.spec import check_id
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mapshell.sandbox.fault_kinds import Scope


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    ``kind`` is one of :data:`KINDS`; :data:`FIELDS` tells what the others mean, :data:`MATCHING` which of them choose
    the requests or tasks that are met.  Collections and tokens are spoilt at once, unless a request is chosen: then
    just before that request is served.  Patterns know ``*`` and ``?``.

    Raises
    ------
    UsageError
        A field has a value that makes no sense, or does not belong to the kind.
    """

    kind: str
    method: str | None = None
    request: str | None = None
    collection: str | None = None
    label: str | None = None
    file: str | None = None
    after_files: int = 0
    after_bytes: int = 0
    after: int = 0
    nth: int | None = None
    count: int | None = 1
    probability: float | None = None
    seed: int = 0
    status: int | None = None
    code: str | None = None
    message: str | None = None
    description: str | None = None
    retry_after: int | None = None
    extra: Mapping[str, Any] | None = None
    seconds: float | None = None
    done: bool = False
    partial: bool = False
    how: str | None = None
    bytes: int | None = None
    paths: tuple[str, ...] = ()
    minutes: int | None = None
    mfa: bool = False
    domains: tuple[str, ...] = ()
    tokens: str | None = None
    identity: str | None = None

    def __post_init__(self) -> None:
        """Check everything; collections are spelt in one way."""
        _check(self)
        if self.collection is not None:
            object.__setattr__(self, "collection", check_id(self.collection))

    @property
    def scope(self) -> Scope:
        """What the fault is about."""
        return KINDS[self.kind].scope

    @property
    def at_once(self) -> bool:
        """Whether it takes effect when it is added, and waits for nothing."""
        waits = (self.method, self.request, self.after, self.nth, self.probability)
        return self.scope in {"collection", "token"} and not any(waits)

    @property
    def leaves(self) -> bool:
        """Whether it happens once, when it is added, and nothing is left of it that could be cleared."""
        return self.at_once and (self.scope == "token" or self.kind == "consent-required")

    def chances(self) -> tuple[int, int | None]:
        """Return how many matches pass first, and how often it happens then (None: always)."""
        return (self.nth - 1, 1) if self.nth is not None else (self.after, self.count)

    def falls(self, turn: int) -> bool:
        """Throw the dice for the ``turn``-th match: the same seed and turn give the same answer, in any thread."""
        if self.probability is None:
            return True
        return random.Random(f"{self.seed}:{turn}").random() < self.probability  # noqa: S311 - chance, not secrecy

    def meets_request(self, method: str, kind: str, path: str) -> bool:
        """Tell whether a request is one that is meant (``kind`` and ``path`` as the log shows them)."""
        if self.method is not None and not _like(method.upper(), self.method.upper()):
            return False
        if self.scope != "collection" and self.collection is not None and self.collection not in path.lower():
            return False
        pattern = self.request or "*"
        return _like(kind, pattern) or _like(path.strip("/"), pattern.strip("/"))

    def meets_task(self, label: str | None, collections: Iterable[str | None]) -> bool:
        """Tell whether a new task is one that is meant."""
        return _like(label or "", self.label or "*") and (self.collection is None or self.collection in collections)

    def meets_file(self, *paths: str) -> bool:
        """Tell whether a file of a task is one that is meant."""
        return self.file is None or any(_like(path, self.file) for path in paths)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data, without what is as by default."""
        told = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "kind" or value != field.default:
                told[field.name] = list(value) if isinstance(value, tuple) else value
        if self.probability is not None:
            # As read_fault takes it: with dice, always is the default.
            told.pop("count", None)
            told |= {} if self.count is None else {"count": self.count}
        return told


def read_fault(data: Any) -> Fault:
    """Read one fault from JSON data.

    Raises
    ------
    UsageError
        It is not an object, a field is unknown, or a value makes no sense.
    """
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        raise _wrong(f"A fault is an object with a kind; {json.dumps(data, default=str)[:80]} is none", _kinds())
    _known(data["kind"], KINDS, "kind of fault", _kinds())
    allowed = fields_of(data["kind"])
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name == "kind":
            continue
        if name not in FIELDS:
            _known(name, allowed, f"field of the fault {data['kind']!r}", f"Its fields: {', '.join(allowed)}.")
        values[name] = tuple(value) if isinstance(value, list) else value
    # Dice are thrown each time, unless somebody says how often.
    if values.get("probability") is not None:
        values.setdefault("count", None)
    return Fault(kind=data["kind"], **values)


def read_faults(text: str, source: str) -> list[Fault]:
    """Read a file of faults: a JSON list of them, or an object whose ``faults`` is that list.

    Raises
    ------
    UsageError
        It is no such file; the message names the fault by its number.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise _wrong(f"{source} is no JSON: {error}", "Write a list: [{...}, {...}].") from error
    if isinstance(data, dict) and set(data) == {"faults"}:
        data = data["faults"]
    if not isinstance(data, list):
        raise _wrong(f"{source} holds no list of faults", 'Write [{"kind": "..."}] or {"faults": [...]}.')
    faults = []
    for number, each in enumerate(data, start=1):
        try:
            faults.append(read_fault(each))
        except UsageError as error:
            raise UsageError(f"Fault {number} of {source}: {error.message}", remedy=error.remedy) from error
    return faults


def _check(fault: Fault) -> None:
    _known(fault.kind, KINDS, "kind of fault", _kinds())
    allowed, own = fields_of(fault.kind), KINDS[fault.kind]
    for field in fields(fault):
        value = getattr(fault, field.name)
        if field.name == "kind" or (value == field.default and type(value) is type(field.default)):
            continue
        if field.name not in allowed:
            raise _wrong(f"The fault {fault.kind!r} has no {field.name!r}", f"Its fields: {', '.join(allowed)}.")
        _check_value(fault.kind, field.name, value)
    needed = ("collection", *own.needs) if own.scope == "collection" else own.needs
    for name in needed:
        if getattr(fault, name) is None:
            raise _wrong(f"The fault {fault.kind!r} needs {name!r}", f"Add it: {FIELDS[name].allowed}.")
    if fault.nth is not None and (fault.after or fault.count != 1 or fault.probability is not None):
        raise _wrong(f"nth {fault.nth} says when already", "Leave out after, count and probability.")
    if fault.at_once and fault.count != 1:
        raise _wrong(
            f"The fault {fault.kind!r} takes effect at once, not so often", "Leave out count, or add a request."
        )
    if fault.seed and fault.probability is None:
        raise _wrong(f"The seed {fault.seed} has no dice to throw", "Add a probability.")


def _check_value(kind: str, name: str, value: Any) -> None:
    field = FIELDS[name]
    if value is None and name == "count":
        return
    if not _is(field.type, value) or not field.test(value):
        shown = json.dumps(value, default=str)
        raise _wrong(f"{name} of the fault {kind!r} is {shown}", f"Allowed: {field.allowed}.")


def _is(kind: str, value: Any) -> bool:
    if kind in {"whole", "number"}:
        wanted = int if kind == "whole" else (int, float)
        return isinstance(value, wanted) and not isinstance(value, bool) and math.isfinite(value)
    if kind == "texts":
        return isinstance(value, tuple) and all(isinstance(each, str) and each for each in value)
    if kind == "text":
        return isinstance(value, str) and bool(value)
    return isinstance(value, bool if kind == "flag" else dict)


def _known(name: str, known: Iterable[str], what: str, remedy: str) -> None:
    """Refuse an unknown name, with the one that was perhaps meant."""
    names = list(known)
    if name not in names:
        spelt = (name, name.replace("_", "-"), name.replace("-", "_"))
        close = [near for each in spelt for near in difflib.get_close_matches(each, names, n=1)]
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UsageError(f"{name!r} is no {what}.{hint}", remedy=remedy)


def _kinds() -> str:
    return f"Kinds: {', '.join(KINDS)}."


def _wrong(message: str, remedy: str) -> UsageError:
    return UsageError(f"{message}.", remedy=remedy)


def _like(text: str, pattern: str) -> bool:
    # "<id>" and the like must not be read as a character class; only * and ? are patterns here.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
