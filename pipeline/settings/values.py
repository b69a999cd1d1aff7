"""One setting's value, from JSON or from an environment variable to what the program uses.

Pure: a person's mistake becomes a ``ConfigError`` that says where it stands.
"""

from __future__ import annotations

import json
import math
import ntpath
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from pipeline.errors import ConfigError
from pipeline.settings.command import as_command
from pipeline.settings.text import BACKSLASH_REMEDY, describe
from pipeline.settings.types import Secret

if TYPE_CHECKING:
    from pipeline.settings.keys import Key

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_NUMBER = 30
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def convert(key: Key, value: Any, *, place: str, base: Path, home: Path) -> Any:
    """Return the value of ``key`` as the program uses it; ``None`` stays "not set".

    Parameters
    ----------
    place
        Where the value stands, for messages.
    base
        Folder that relative paths start from.
    home
        The person's home folder, for ``~``.

    Raises
    ------
    ConfigError
        The value has the wrong type or is out of range.
    """
    if value is None:
        return None
    result: Any
    if key.kind == "structure":
        return value
    if key.kind == "flag":
        result = _flag(value, place)
    elif key.kind in {"integer", "number"}:
        result = _number(key, value, place)
    elif key.kind == "patterns":
        result = _patterns(value, place)
    elif key.kind == "command":
        result = as_command(value, place, base=base, home=home)
    elif key.secret:
        if not isinstance(value, str):  # not shown: it may be the secret itself, without its quotation marks
            raise ConfigError(f"{place}: expected a text in quotation marks.", remedy="put it in quotation marks.")
        result = Secret(value)
    else:
        text = as_text(value, place)
        if key.kind == "choice":
            result = _choice(key, text, place)
        elif key.kind == "uuid":
            result = as_uuid(text, place)
        elif key.kind == "path":
            result = as_path(text, place, base=base, home=home)
        elif key.kind == "url":
            result = _url(text, place)
        else:
            result = text
    return result


def from_environment(key: Key, text: str, *, place: str) -> Any:
    """Return an environment variable's text as the JSON value that it stands for."""
    if key.kind == "integer":
        return int(text) if re.fullmatch(r"[+-]?[0-9]{1,12}", text.strip()) else text
    if key.kind == "number":
        try:
            return float(text)
        except ValueError:
            return text
    if key.kind == "flag":
        word = text.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else text
    if key.kind == "structure" or (key.kind in {"patterns", "command"} and text.lstrip().startswith("[")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{place}: not JSON: {error}.", remedy="write JSON, as in dj_local_conf.json.") from None
    if key.kind == "patterns":
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def as_text(value: Any, place: str) -> str:
    """Return a text as it is; refuse other kinds, empty ones and control characters (without showing the text)."""
    if not isinstance(value, str):
        _wrong(place, "a text in quotation marks", value)
    if not value.strip():
        raise ConfigError(f"{place}: the text is empty.", remedy="fill it in, or remove the line.")
    if _CONTROL.search(value):
        raise ConfigError(
            f'{place}: the text holds a tab, a line end or another control character (a "\\t" or "\\n" in a folder?).',
            remedy=BACKSLASH_REMEDY,
        )
    return value


def as_uuid(value: Any, place: str) -> str:
    """Return a UUID in lower case."""
    text = as_text(value, place).strip().lower()
    if not UUID.fullmatch(text):
        raise ConfigError(
            f"{place}: {describe(value)} is not a UUID.",
            remedy="copy the UUID (36 characters with hyphens) of the collection or application "
            "from https://app.globus.org.",
        )
    return text


def as_path(value: Any, place: str, *, base: Path, home: Path) -> Path:
    """Return a folder or file on disk: ``~`` expanded, relative ones taken from ``base``."""
    text = as_text(value, place).strip()
    if text == "~" or text.startswith(("~/", "~\\")):
        return home / text[2:]
    if os.name != "nt" and ntpath.isabs(text) and ntpath.splitdrive(text)[0]:
        return Path(text)  # of another computer: shown as written, and missing here
    return base / text


def as_globus_path(value: Any, place: str) -> str:
    """Return a path in a collection: ``/x`` as it is, ``x`` and ``~/x`` as ``/~/x``; no slash at the end."""
    if value == "":
        return "/~/"
    text = as_text(value, place).strip()
    if "\\" in text or re.match(r"[A-Za-z]:", text):
        raise ConfigError(
            f"{place}: {describe(value)} is a folder of Windows, not one in Globus.",
            remedy='write it as Globus shows it, with forward slashes: "/C/data" for C:\\data.',
        )
    parts = [part for part in text.split("/") if part]
    if ".." in parts or "." in parts:
        raise ConfigError(f'{place}: {describe(value)} holds "." or "..".', remedy="write the folder's full path.")
    if parts[:1] == ["~"]:
        parts, start = parts[1:], "/~/"
    else:
        start = "/" if text.startswith("/") else "/~/"
    result = start + "/".join(parts)
    if len(result) > 1024:
        raise ConfigError(f"{place}: the path has more than 1024 characters.", remedy="choose a shorter folder.")
    return result


def _flag(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        _wrong(place, "true or false", value, remedy="write true or false without quotation marks.")
    return value


def _number(key: Key, value: Any, place: str) -> int | float:
    whole = key.kind == "integer"
    what = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        _wrong(place, what, value, remedy="write the number without quotation marks.")
    if not (_is_finite(value) and key.lowest <= value <= key.highest):
        raise ConfigError(
            f"{place}: {_shown(value)} is out of range.",
            remedy=f"write {what} from {key.lowest:g} to {key.highest:g}.",
        )
    return value if whole else float(value)


def _shown(value: int | float) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_NUMBER else f"a number of {len(text)} digits"


def _is_finite(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float comes near
        return False


def _patterns(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        _wrong(place, "a list of texts", value)
    return tuple(as_text(each, f"{place}, entry {index}").strip() for index, each in enumerate(value, 1))


def _choice(key: Key, text: str, place: str) -> str:
    word = {"mariadb": "mysql", "postgres": "postgresql"}.get(text.strip().lower(), text.strip().lower())
    if word not in key.choices:
        raise ConfigError(f"{place}: {describe(text)} is not known.", remedy=f"write {' or '.join(key.choices)}.")
    return word


def _url(text: str, place: str) -> str:
    try:
        parts = urlsplit(text.strip())
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(f"{place}: {describe(text)} is not a web address.", remedy='write "https://...".')
    if parts.username or parts.password:
        raise ConfigError(f"{place}: the address holds a user or password.", remedy="remove it from the address.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ConfigError(
            f"{place}: {describe(text)} would send logins unencrypted over the network.",
            remedy="write https://; http:// is for services on this computer (127.0.0.1) alone.",
        )
    return text.strip().rstrip("/")


def _wrong(place: str, expected: str, value: Any, remedy: str = "correct the value.") -> NoReturn:
    raise ConfigError(f"{place}: expected {expected}; found {describe(value)}.", remedy=remedy)
