"""Reading the documents of a transfer or a delete: every field is checked before a task is made of them."""

from __future__ import annotations

import stat
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import moving
from mapshell.sandbox.errors import ApiError, bad_request
from mapshell.sandbox.fileerrors import not_supported
from mapshell.sandbox.fileops import LINKS
from mapshell.sandbox.listing import parse_time
from mapshell.sandbox.paths import split
from mapshell.sandbox.tasks import Item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.sandbox.paths import Folder
    from mapshell.sandbox.spec import CollectionSpec

    Document = Mapping[str, Any]

_LONGEST_LABEL = 128
_LEVELS = {"exists": 0, "size": 1, "mtime": 2, "checksum": 3}
_NOTIFICATIONS = ("notify_on_succeeded", "notify_on_failed", "notify_on_inactive")
_SWITCHES = {
    "transfer": (
        *_NOTIFICATIONS,
        "encrypt_data",
        "verify_checksum",
        "preserve_timestamp",
        "skip_source_errors",
        "fail_on_quota_errors",
        "delete_destination_extra",
    ),
    "delete": (*_NOTIFICATIONS, "recursive", "ignore_missing", "interpret_globs"),
}


def submission_id(body: Document) -> str:
    """Return the submission id.

    Raises
    ------
    ApiError
        There is none, or it is no UUID.
    """
    try:
        return str(uuid.UUID(str(body.get("submission_id"))))
    except ValueError as error:
        raise bad_request("Missing or invalid submission_id") from error


def check_label(label: Any) -> None:
    """Refuse a label that the service would not keep.

    Raises
    ------
    ApiError
        It is too long, has several lines, or blanks around it.
    """
    if label is None:
        return
    if not isinstance(label, str) or len(label) > _LONGEST_LABEL:
        raise bad_request(f"Label must be a string of at most {_LONGEST_LABEL} characters")
    if label != label.strip() or "\n" in label or "\r" in label:
        raise bad_request("Label must not contain newlines, nor leading or trailing whitespace")


def check_local_user(spec: CollectionSpec, name: str, value: Any) -> None:
    """Refuse the choice of a local account where there is none to choose.

    Raises
    ------
    ApiError
        The collection is not a mapped one of a server, or the value is no text.
    """
    if value is None:
        return
    if not isinstance(value, str) or not value:
        raise bad_request(f"Invalid value for field '{name}'")
    if not spec.mapped or spec.personal:
        raise bad_request(f"'{name}' can only be used with Globus Connect Server mapped collections")


def options(body: Document, kind: str) -> dict[str, Any]:
    """Return the options of a document of ``kind``, those that are given.

    Raises
    ------
    ApiError
        The document is of another kind, or an option has a value that it cannot have.
    """
    if body.get("DATA_TYPE") != kind:
        raise bad_request(f"DATA_TYPE must be '{kind}'")
    check_label(body.get("label"))
    found: dict[str, Any] = {}
    for name in _SWITCHES[kind]:
        if (value := body.get(name)) is not None:
            if not isinstance(value, bool):
                raise bad_request(f"Invalid value for field '{name}': {value!r}, must be true or false")
            found[name] = value
    if kind == "transfer":
        found |= _transfer_options(body)
    return found


def _transfer_options(body: Document) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if body.get("sync_level") is not None:
        found["sync_level"] = _level(body["sync_level"])
    if (links := body.get("recursive_symlinks")) is not None:
        if links not in ("ignore", "keep", "copy"):
            raise bad_request(f"Invalid value for field 'recursive_symlinks': {links!r}")
        if links == "keep" and not LINKS:
            raise not_supported("The destination collection does not support symlinks")
        found["recursive_symlinks"] = links
    if (rules := body.get("filter_rules")) is not None:
        if not isinstance(rules, list):
            raise bad_request("filter_rules must be a list")
        found["filter_rules"] = [_rule(rule) for rule in rules]
    return found


def _level(value: Any) -> int:
    level = _LEVELS.get(value, value) if isinstance(value, str) else value
    if not isinstance(level, int) or isinstance(level, bool) or not 0 <= level <= 3:
        raise bad_request(f"Invalid sync_level {value!r}")
    return level


def _rule(rule: Any) -> dict[str, Any]:
    wrong = (
        not isinstance(rule, dict)
        or rule.get("DATA_TYPE", "filter_rule") != "filter_rule"
        or rule.get("method") not in ("include", "exclude")
        or rule.get("type") not in (None, "file", "dir")
        or not isinstance(rule.get("name"), str)
        or not rule["name"]
    )
    if wrong:
        raise bad_request(f"Invalid filter rule: {rule!r}")
    return {"DATA_TYPE": "filter_rule", "method": rule["method"], "name": rule["name"], "type": rule.get("type")}


def deadline(body: Document, now: float, default: float) -> float:
    """Return when the task is to end at the latest (seconds since 1970).

    Raises
    ------
    ApiError
        It is no time, or has passed.
    """
    value = body.get("deadline")
    found = None if value is None else parse_time(str(value))
    if found is not None and found <= now:
        raise bad_request("The deadline has passed already")
    return default if found is None else found


def endpoint_id(body: Document, name: str) -> str:
    """Return the id of a collection that the document names."""
    return _text(body, name).lower()


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise bad_request(f"Missing or invalid field '{name}'")
    return value


def _data(body: Document, kind: str, *data_types: str) -> Sequence[Document]:
    data = body.get("DATA")
    if not isinstance(data, list) or not data:
        raise bad_request(f"A {kind} requires at least one item", f".No{kind.title()}Items")
    if not all(isinstance(item, dict) and item.get("DATA_TYPE") in data_types for item in data):
        raise bad_request(f"DATA must hold documents of type {' or '.join(data_types)}")
    return data


def transfer_items(body: Document, source: Folder, target: Folder) -> list[Item]:
    """Return what a transfer is to move.

    Raises
    ------
    ApiError
        There is nothing, an item lacks something, or would be copied onto itself.
    """
    data = _data(body, "transfer", "transfer_item", "transfer_symlink_item")
    items = [_transfer_item(source, number, item) for number, item in enumerate(data)]
    if Path(source.root).is_relative_to(target.root) or Path(target.root).is_relative_to(source.root):
        # Also by way of two collections of one folder: a file that is written onto itself is lost.
        for item in items:
            here, there = source.place(item.source), target.place(item.destination)
            if here == there:
                raise bad_request(f"Source and destination are the same: {item.source}")
            if item.kind == "dir" and Path(there).is_relative_to(here):
                raise bad_request(f"The destination is inside of the source: {item.destination}")
    return items


def _transfer_item(folder: Folder, number: int, item: Document) -> Item:
    from_path, to_path = _text(item, "source_path"), _text(item, "destination_path")
    split(from_path)
    split(to_path)
    if item["DATA_TYPE"] == "transfer_symlink_item":
        if not LINKS:
            raise not_supported("The destination collection does not support symlinks")
        return Item(number, "symlink", from_path, to_path)
    checksum, algorithm, recursive = (
        item.get(name) for name in ("external_checksum", "checksum_algorithm", "recursive")
    )
    if not (
        isinstance(recursive, bool | None) and isinstance(checksum, str | None) and isinstance(algorithm, str | None)
    ):
        raise bad_request(f"Invalid transfer_item: {from_path}")
    try:
        moving.algorithm_name(algorithm)
    except KeyError as error:
        raise bad_request(f"Unknown checksum_algorithm {algorithm!r}") from error
    # Looked at only where the item does not say: there may be a hundred thousand.
    kind = _kind(folder, from_path) if recursive is None else "dir" if recursive else "file"
    if kind == "dir" and checksum:
        raise bad_request("external_checksum cannot be used with directories")
    return Item(number, kind, from_path, to_path, checksum, algorithm)


def _kind(folder: Folder, path: str) -> str:
    """Tell what an item is that does not say; what is not there yet is looked at again when its turn comes."""
    try:
        return "dir" if stat.S_ISDIR(folder.local(path).stat().st_mode) else "file"
    except (ApiError, OSError):
        return "any"


def delete_items(body: Document) -> list[Item]:
    """Return what a delete is to delete.

    Raises
    ------
    ApiError
        There is nothing, or an item lacks its path.
    """
    items = []
    for number, item in enumerate(_data(body, "delete", "delete_item")):
        split(path := _text(item, "path"))
        items.append(Item(seq=number, kind="delete", source=path))
    return items
