"""From the text of ``dj_local_conf.json`` to its keys, with errors that a person can act on.

Pure: text in, plain data out.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.errors import ConfigError
from pipeline.settings import lab
from pipeline.settings.keys import BY_NAME, IN_CUSTOM, RETIRED, STRICT_SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BACKSLASH_REMEDY = 'write folders with forward slashes ("C:/data") or with each backslash twice ("C:\\\\data").'
SECTIONS = ("database", *STRICT_SECTIONS)


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys were written twice."""

    repeated: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        made.repeated = tuple(dict.fromkeys(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return made


@dataclass
class Source:
    """The file's text and name, for telling where something stands."""

    text: str
    file: Path | None

    @property
    def name(self) -> str:
        """Name of the file as shown to the person."""
        return str(self.file) if self.file else "the configuration"

    def line_of(self, key: str) -> int | None:
        """Return the line (from 1) where ``key`` is written, dotted or nested; None when it is not found."""
        section, _, last = key.rpartition(".")
        found = self._key(key)
        if found is None and section:
            above = self._key(section)  # nested: look below the section's own name
            found = None if above is None else self._key(last, above)
        return None if found is None else self.text.count("\n", 0, found) + 1

    def _key(self, name: str, start: int = 0) -> int | None:
        found = re.compile(re.escape(json.dumps(name)) + r"\s*:").search(self.text, start)
        return found.start() if found else None

    def place(self, key: str) -> str:
        """Return "FILE, line N, key", for the beginning of a message."""
        line, shown = self.line_of(key), plain(key)[:80]
        return f"{self.name}, line {line}, {shown}" if line else f"{self.name}, {shown}"


def plain(text: str) -> str:
    """Return a text that forges no line and steers no terminal: what it holds of such is written out."""
    return text if text.isprintable() else repr(text)[1:-1]


@dataclass
class Found:
    """What a file holds: our keys by dotted name, the names of all others, and things to tell the person.

    ``schemas`` are the schemas that a predecessor's file names, by group of tables.
    """

    source: Source
    keys: dict[str, Any] = field(default_factory=dict)
    schemas: dict[str, str] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_keys(text: str, file: Path | None) -> Found:
    """Return the keys of a configuration text, in whichever spelling they stand.

    A key may be dotted (``"globus.client_id"``) or nested (``"globus": {"client_id": ...}``), at the top or under
    ``custom``; names that begin with an underscore are remarks.  Keys of ``database`` count at the top alone, as
    ``custom`` has keys of the same name for other programs.

    Raises
    ------
    ConfigError
        Broken JSON, a key given twice with different values, an unknown key in a section that is ours.
    """
    source = Source(text.removeprefix("\ufeff"), file)
    found = Found(source)
    document = _document(source)
    custom = document.get("custom")
    _collect(found, document, at_top=True)
    if isinstance(custom, dict):
        _collect(found, custom, at_top=False)
    elif custom is not None:
        raise ConfigError(
            f"{source.place('custom')}: expected an object {{...}}.",
            remedy='write the keys of custom between { and }: "custom": {"globus.storage_locations": ...}',
        )
    found.foreign.sort()
    return found


def _collect(found: Found, level: dict[str, Any], *, at_top: bool) -> None:
    twice = set(getattr(level, "repeated", ()))
    for written, value in level.items():
        if (at_top and written == "custom") or written.startswith("_"):
            continue  # a name that begins with an underscore is a remark
        section, dot, _ = written.partition(".")
        ours = section in (SECTIONS if at_top else IN_CUSTOM)
        if written in lab.SCHEMA_NAMES:
            _take_schema(found, written, value)
            continue
        if not ours:
            found.foreign.append(written if at_top else f"custom.{written}")
            continue
        if written in twice:
            raise ConfigError(
                f"{found.source.place(written)}: the key is written twice.",
                remedy="keep one of the two lines.",
            )
        if dot:
            _take(found, written, value)
        elif isinstance(value, dict):
            for inner in getattr(value, "repeated", ()):
                raise ConfigError(
                    f"{found.source.place(f'{section}.{inner}')}: the key is written twice.",
                    remedy="keep one of the two lines.",
                )
            for inner, inner_value in value.items():
                # "globus": {"globus.client_id": ...} is what copying from the flat spelling gives; read it too.
                name = inner if inner.startswith(f"{section}.") else f"{section}.{inner}"
                _take(found, name, inner_value)
        elif value is not None:
            raise ConfigError(
                f"{found.source.place(written)}: expected an object with settings, found {describe(value)}.",
                remedy=f'write "{section}": {{ ... }} or dotted keys such as "{_first(section)}".',
            )


def _take_schema(found: Found, name: str, value: Any) -> None:
    """Read a line in which the predecessor's file names a schema of the lab."""
    if value is None or value == "":
        return
    if not lab.is_schema(value):
        raise ConfigError(
            f"{found.source.place(name)}: {describe(value)} is not the name of a schema.",
            remedy='write the name that the lab\'s server shows, such as "map_v2_lab".',
        )
    if found.schemas.setdefault(lab.SCHEMA_NAMES[name], value) != value:
        raise ConfigError(
            f"{found.source.place(name)}: the schema stands at two places with different names.",
            remedy="keep it at one place: under custom.",
        )


def _first(section: str) -> str:
    return next(name for name in BY_NAME if name.startswith(f"{section}."))


def _take(found: Found, name: str, value: Any) -> None:
    if name in RETIRED:
        if value is not None and value != "":
            found.warnings.append(RETIRED[name].format(place=found.source.place(name)))
        return
    key = BY_NAME.get(name)
    if key is None:
        if name.partition(".")[0] in STRICT_SECTIONS:
            raise ConfigError(f"{found.source.place(name)}: there is no such setting.", remedy=suggest(name, BY_NAME))
        found.foreign.append(name)
        return
    if not key.in_file:
        raise ConfigError(
            f"{found.source.place(name)}: this secret may not lie in a file.",
            remedy=f"remove the line and set the environment variable {key.variables[0]} for the account that runs "
            "mapshell.",
        )
    if name in found.keys and found.keys[name] != value:
        raise ConfigError(
            f"{found.source.place(name)}: the setting stands at two places with different values.",
            remedy="keep it at one place: at the top of the file or under custom.",
        )
    found.keys[name] = value


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a remedy that names the nearest of ``known``."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    section = name.partition(".")[0]
    return "the settings are: " + ", ".join(each for each in names if each.startswith(f"{section}.") or "." not in each)


def describe(value: Any) -> str:
    """Say in words what kind of JSON value this is, showing short ones."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"{'true' if value else 'false'}"
    if isinstance(value, dict):
        return "an object {...}"
    if isinstance(value, list):
        return "a list [...]"
    shown = plain(json.dumps(value, ensure_ascii=False))
    shown = shown if len(shown) <= 60 else shown[:57] + '..."'
    return f"the text {shown}" if isinstance(value, str) else f"the number {shown}"


def _document(source: Source) -> dict[str, Any]:
    if not source.text.strip():
        raise ConfigError(f"{source.name}: the file is empty.", remedy="write one with: mapshell config init --force")
    try:
        document = json.loads(source.text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        _explain(source, error)
    except (RecursionError, ValueError) as error:
        raise ConfigError(
            f"{source.name}: not usable as JSON: {error}.", remedy="write a new one with: mapshell config init --force"
        ) from None
    if not isinstance(document, dict):
        raise ConfigError(
            f"{source.name}: expected an object {{...}}, found {describe(document)}.",
            remedy="begin the file with { and end it with }.",
        )
    return document


def _explain(source: Source, error: json.JSONDecodeError) -> NoReturn:
    """Turn the parser's position into a cause: people write trailing commas and single backslashes."""
    text, at = source.text, error.pos
    before = text[:at].rstrip()
    here = text[at : at + 1]
    line = error.lineno
    if "escape" in error.msg.lower():
        cause, remedy = "a single backslash in a text", BACKSLASH_REMEDY
    elif "trailing comma" in error.msg.lower() or (here in {"}", "]"} and before.endswith(",")):
        at = at if here == "," else len(before) - 1
        line = text.count("\n", 0, at) + 1
        cause, remedy = "a comma after the last entry", "remove the comma at the end of this line."
    elif text.startswith(("//", "/*", "#"), at) or before.endswith(("//", "#")):
        cause, remedy = "a comment; JSON has none", "remove the comment."
    elif here == "'":
        cause, remedy = "single quotation marks", 'write names and texts in double quotation marks: "...".'
    elif text.startswith(("True", "False", "None"), at):
        cause, remedy = "a Python word", "write true, false or null."
    elif at >= len(text.rstrip()):
        line = text.rstrip().count("\n") + 1
        cause, remedy = "the file ends too early; a closing } is missing", "put } at the end of the file."
    elif error.msg.startswith("Expecting ',' delimiter"):
        line = text.count("\n", 0, len(before)) + 1
        cause, remedy = "a missing comma, or a quotation mark inside a text", "put a comma at the end of this line."
    elif "control character" in error.msg.lower() or "unterminated" in error.msg.lower():
        cause, remedy = "a text without its closing quotation mark", "end the text with a quotation mark on its line."
    elif error.msg.startswith("Extra data"):
        cause, remedy = "something after the closing }", "remove what follows the last }."
    else:
        cause, remedy = error.msg[0].lower() + error.msg[1:], "correct this line; every JSON editor marks it."
    raise ConfigError(f"{source.name}, line {line}: broken JSON: {cause}.", remedy=remedy) from None
