"""Folder layouts of a lab as patterns with fields, both ways.

A pattern is a POSIX path below the root, of text and fields; a part in square brackets may be absent::

    {h2o}/{date:%Y-%m-%d}/{ident}
    {h2o}/[catgt_]{h2o}_{date:%m%d%y}[_{ident}]_g{gate}
    [catgt_]{h2o}_{date:%Y-%m-%d}_g{gate}
    {h2o=SC077}{date:%-m-%-d-%Y}_g{gate}

Fields: ``{h2o}`` (the animal), ``{date:FORMAT}`` with ``%Y %y %m %d`` (``%-m %-d``: without leading zero),
``{ident}``, ``{gate}`` (a number) and ``{name}`` (any text that says nothing).  A field matches within one component;
one that stands twice must say the same.  ``{h2o=SC077}`` stands for no text: every folder of the pattern is this
animal's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.archive.dates import valid_date
from pipeline.archive.paths import check_subpath, is_safe
from pipeline.errors import ConfigError, NameRefused

if TYPE_CHECKING:
    from datetime import date

_TOKEN = re.compile(r"\{(?P<field>[^{}]*)\}|(?P<open>\[)|(?P<close>\])|(?P<brace>[{}])|(?P<text>[^\[\]{}]+)")
_PATTERNS = {"ident": r"[^/]+?", "name": r"[^/]+?", "gate": r"0|[1-9][0-9]{0,4}", "h2o": r"[^/.][^/]*?"}
_DATE_PARTS = {
    "%Y": ("Y", "[0-9]{4}"),
    "%y": ("y", "[0-9]{2}"),
    "%m": ("m", "[0-9]{2}"),
    "%d": ("d", "[0-9]{2}"),
    "%-m": ("m", "[0-9]{1,2}"),
    "%-d": ("d", "[0-9]{1,2}"),
}
_CODE = r"(%-?[Yymd])"
_RUN_ON = re.compile(r"%-[md](?:%|[0-9])")  # nobody knows where such a number ends
_FIXED = "h2o="
_EXAMPLE = (
    'write it in archive.ephys_layouts or archive.video_layouts like "{h2o}/{date:%Y-%m-%d}/{ident}"; fields are h2o, '
    "date, ident, gate and name."
)
_MAX_PATTERN = 256


@dataclass(frozen=True, slots=True)
class LayoutFields:
    """What a folder's path says by a layout; None where the pattern has no such field or the part is absent."""

    h2o: str
    day: date | None = None
    ident: str | None = None
    gate: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A compiled pattern; see :func:`compile_layout`."""

    pattern: str
    depth: int
    _regex: re.Pattern[str]
    _parts: tuple[tuple[str, str, int], ...]  # (kind "text" or field, text or date format, number of its optional part)
    _above: tuple[re.Pattern[str], ...] = ()  # of the folders above, the topmost first
    _animal: str | None = None

    def parse(self, relpath: str) -> LayoutFields | None:
        """Return what a folder's relative path says; None when it is not of this layout or not a safe path."""
        if not is_safe(relpath):
            return None
        found = self._regex.fullmatch(relpath)
        if found is None:
            return None
        said = found.groupdict()
        day = None
        if said.get("m") is not None:
            year = int(said["Y"]) if said.get("Y") else 2000 + int(said["y"])
            day = valid_date(year, int(said["m"]), int(said["d"]))
            if day is None:
                return None
        gate = said.get("gate")
        return LayoutFields(self._animal or said["h2o"], day, said.get("ident"), None if gate is None else int(gate))

    def above(self, relpath: str) -> str | None:
        """Say whether session folders may lie below a folder: the animal that it names, "" for any, None for no."""
        depth = relpath.count("/") + 1
        found = self._above[depth - 1].fullmatch(relpath) if depth < self.depth and is_safe(relpath) else None
        return None if found is None else self._animal or found.groupdict().get("h2o") or ""

    def format(
        self,
        h2o: str,
        day: date | None = None,
        ident: str | None = None,
        gate: int | None = None,
        name: str | None = None,
    ) -> str:
        """Return the folder that these values have; an optional part appears when all its fields have a value.

        Raises
        ------
        NameRefused
            A field outside optional parts has no value, or the values do not come back when the folder is read.
        """
        values = {"h2o": h2o, "date": day, "ident": ident, "gate": gate, "name": name}
        with_fields = {group for kind, _, group in self._parts if kind != "text"}
        absent = {group for kind, _, group in self._parts if kind != "text" and values[kind] is None}
        absent |= {group for kind, _, group in self._parts if group not in with_fields and group}
        written = []
        for kind, text, group in self._parts:
            if group in absent and group:
                continue
            if kind == "text":
                written.append(text)
            elif kind == "date" and day is not None:
                written.append(_format_date(day, text))
            else:
                written.append("" if values[kind] is None else str(values[kind]))
        folder = "".join(written)
        back = self.parse(folder)
        if 0 in absent or back is None or not self._same(back, h2o, day, ident, gate):
            raise NameRefused(
                f"The layout {self.pattern!r} cannot name a folder of {h2o}, {day}, ident {ident!r}.",
                remedy="give every field of the layout a value without '/', or set another ident "
                "(`mapshell session-ident`).",
            )
        return check_subpath(folder)

    def _same(self, back: LayoutFields, h2o: str, day: date | None, ident: str | None, gate: int | None) -> bool:
        kinds = {kind for kind, _, _ in self._parts}
        return (
            back.h2o == h2o
            and ("date" not in kinds or back.day == day)
            and ("ident" not in kinds or back.ident == ident)
            and ("gate" not in kinds or back.gate == gate)
        )


def _format_date(day: date, form: str) -> str:
    digits = {"%Y": f"{day.year:04d}", "%y": f"{day.year % 100:02d}", "%m": f"{day.month:02d}", "%d": f"{day.day:02d}"}
    digits |= {"%-m": f"{day.month}", "%-d": f"{day.day}"}
    return re.sub(_CODE, lambda found: digits[found[0]], form)


def compile_layout(pattern: str) -> Layout:
    """Compile a lab's folder pattern.

    Raises
    ------
    ConfigError
        It is not a pattern that can be read both ways: unknown field, no animal, unbalanced brackets, ...
    """
    if len(pattern) > _MAX_PATTERN:
        raise _bad(pattern, f"it is longer than {_MAX_PATTERN} characters")
    builder = _Builder(pattern)
    for token in _TOKEN.finditer(pattern):
        builder.add(token)
    return builder.layout()


def _bad(pattern: str, why: str) -> ConfigError:
    return ConfigError(f"The folder layout {pattern[:_MAX_PATTERN]!r} cannot be used: {why}.", remedy=_EXAMPLE)


class _Builder:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.regex: list[str] = []
        self.parts: list[tuple[str, str, int]] = []
        self.seen: dict[str, int] = {}
        self.groups = 0
        self.group = 0
        self.above: list[str] = []
        self.animal: str | None = None

    def add(self, token: re.Match[str]) -> None:
        if token["open"]:
            if self.group:
                raise _bad(self.pattern, "an optional part stands within another")
            self.groups += 1
            self.group = self.groups
            self.regex.append("(?:")
        elif token["close"]:
            if not self.group or not any(group == self.group for _, _, group in self.parts):
                raise _bad(self.pattern, "a ']' has no '[' or the optional part is empty")
            self.group = 0
            self.regex.append(")?")
        elif token["brace"]:
            raise _bad(self.pattern, "a brace stands alone")
        elif token["text"]:
            if "/" in token["text"] and self.group:
                raise _bad(self.pattern, "an optional part holds '/'")
            for number, text in enumerate(token["text"].split("/")):
                if number:
                    self.above.append("".join(self.regex))
                    self.regex.append("/")
                self.regex.append(re.escape(text))
            self.parts.append(("text", token["text"], self.group))
        else:
            self._field(token["field"])

    def _field(self, field: str) -> None:
        if field.startswith(_FIXED):
            self._fixed(field.removeprefix(_FIXED))
            return
        name, _, form = field.partition(":")
        if name == "date":
            expression = self._date(form)
        elif form or name not in _PATTERNS:
            raise _bad(self.pattern, f"{{{field}}} is no field")
        elif name in self.seen:
            if self.seen[name] not in (0, self.group):
                raise _bad(self.pattern, f"{{{name}}} stands twice, once in another optional part")
            expression = f"(?P={name})"
        else:
            expression = f"(?P<{name}>{_PATTERNS[name]})"
        self.seen.setdefault(name, self.group)
        self.regex.append(expression)
        self.parts.append((name, form, self.group))

    def _fixed(self, animal: str) -> None:
        if self.animal is not None or self.group or not is_safe(animal) or "/" in animal or animal.startswith("."):
            raise _bad(self.pattern, "{h2o=...} must name one animal, once, outside of square brackets")
        self.animal = animal

    def _date(self, form: str) -> str:
        codes = re.findall(r"%-?.?", form)
        if sorted(code.replace("-", "") for code in codes) not in (["%Y", "%d", "%m"], ["%d", "%m", "%y"]):
            raise _bad(self.pattern, f"the date format {form!r} must have a year, %m and %d, each once")
        if _RUN_ON.search(form) or any(code not in _DATE_PARTS for code in codes):
            raise _bad(self.pattern, f"in the date format {form!r} something else than a digit must follow %-m and %-d")
        if "/" in form:
            raise _bad(self.pattern, "a date format holds '/'")
        again = "date" in self.seen
        if again and (self.seen["date"] not in (0, self.group) or self._first_date() != form):
            raise _bad(self.pattern, "the date stands twice, in different ways")
        out = []
        for piece in re.split(_CODE, form):
            if piece in _DATE_PARTS:
                name, digits = _DATE_PARTS[piece]
                out.append(f"(?P={name})" if again else f"(?P<{name}>{digits})")
            else:
                out.append(re.escape(piece))
        return "".join(out)

    def _first_date(self) -> str:
        return next(form for kind, form, _ in self.parts if kind == "date")

    def layout(self) -> Layout:
        if self.group:
            raise _bad(self.pattern, "a '[' is never closed")
        named = self.seen.get("h2o") == 0
        if named == (self.animal is not None):
            raise _bad(self.pattern, "{h2o} or {h2o=...} must tell the animal: one of them, outside of square brackets")
        # The animal's name is part of no path where it is told beside it.
        shown = self.pattern.replace(f"{{{_FIXED}{self.animal}}}", "")
        literal = re.sub(r"\{[^{}]*\}", "x", shown).replace("[", "").replace("]", "")
        if not is_safe(literal):
            raise _bad(self.pattern, "it is not a relative POSIX path")
        if not self.seen.keys() & {"date", "ident", "name", "gate"}:
            raise _bad(self.pattern, "nothing in it tells one session from another")
        whole = re.compile("".join(self.regex))
        above = tuple(map(re.compile, self.above))
        return Layout(self.pattern, len(above) + 1, whole, tuple(self.parts), above, self.animal)
