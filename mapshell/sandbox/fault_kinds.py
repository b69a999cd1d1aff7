"""The kinds of faults, and the fields that say which requests, tasks, collections or tokens they meet, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Scope = Literal["request", "task", "collection", "token"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: what it is about, its line of help, the fields of its own, and those that it needs."""

    scope: Scope
    help: str
    own: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    "status": Kind(
        "request",
        "answered with a status code",
        ("status", "code", "message", "retry_after", "extra", "done"),
        ("status",),
    ),
    "delay": Kind("request", "answered late", ("seconds",), ("seconds",)),
    "reset": Kind("request", "connection reset before the answer, nothing done", ()),
    "lost": Kind("request", "done, but connection reset before the answer", ()),
    "cut": Kind("request", "done, but connection reset in the middle of the answer's body", ()),
    "truncated": Kind("request", "done, but answered with half of the body as if it were whole", ()),
    "html": Kind("request", "answered 200 with a web page", ("done",)),
    "empty": Kind("request", "answered 200 with no body", ("done",)),
    "fail": Kind("task", "the task fails", ("code", "description", "partial")),
    "cancel": Kind("task", "the task is cancelled; with a message, by an administrator", ("message", "partial")),
    "inactive": Kind("task", "the task waits for credentials (INACTIVE) until it is released", ()),
    "pause": Kind("task", "the task is paused by an administrator until it is released", ()),
    "hold": Kind("task", "the task stays ACTIVE without moving until it is released", ()),
    "stuck": Kind("task", "a file is said to be missing, though it is there: retried until the deadline", ()),
    "deadline": Kind("task", "the task's deadline passes", ()),
    "lie": Kind("task", "SUCCEEDED, but a file is missing, short or has one bit flipped", ("how",)),
    "skip": Kind("task", "a file is skipped as if skip_source_errors had been asked for", ()),
    "offline": Kind("collection", "the endpoint does not answer", ()),
    "read-only": Kind("collection", "writes are refused", ()),
    "quota": Kind("collection", "so many more bytes can be written", ("bytes",), ("bytes",)),
    "permission": Kind("collection", "paths, or everything, may not be read or written", ("paths",)),
    "missing": Kind("collection", "Globus does not know the collection", ()),
    "no-https": Kind("collection", "no HTTPS server", ()),
    "no-times": Kind("collection", "preserve_timestamp has no effect", ()),
    "consent-required": Kind("collection", "the data_access consents are withdrawn", ("identity",)),
    "session-required": Kind(
        "collection", "a fresh login is demanded, perhaps with more", ("minutes", "mfa", "domains")
    ),
    "token-expired": Kind("token", "tokens expire", ("tokens", "identity")),
    "token-revoked": Kind("token", "tokens are revoked", ("tokens", "identity")),
}
_OFTEN = ("after", "nth", "count", "probability", "seed")
#: The fields that say which requests or tasks a kind of fault meets.
MATCHING: dict[Scope, tuple[str, ...]] = {
    "request": ("method", "request", "collection", *_OFTEN),
    "task": ("label", "collection", "file", "after_files", "after_bytes", *_OFTEN),
    "collection": ("collection", "method", "request", *_OFTEN),
    "token": ("method", "request", *_OFTEN),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its type in words of the command line, a test of its values, what is allowed, and its line of help."""

    type: Literal["text", "texts", "whole", "number", "flag", "object"]
    allowed: str
    help: str
    test: Callable[[Any], bool] = lambda _value: True


FIELDS: dict[str, Field] = {
    "method": Field("text", "a text", "Only requests of this method, such as POST."),
    "request": Field(
        "text", "a text", "Only requests of this kind or path: a pattern, such as 'transfer/operation/endpoint/*/ls'."
    ),
    "collection": Field("text", "a UUID", "Only what concerns this collection."),
    "label": Field("text", "a text", "Only tasks with such a label: a pattern."),
    "file": Field("text", "a text", "Only files with such a path, at either end: a pattern."),
    "after_files": Field(
        "whole", "a whole number, 0 or more", "Not before so many files have arrived.", lambda n: n >= 0
    ),
    "after_bytes": Field(
        "whole", "a whole number, 0 or more", "Not before so many bytes have arrived.", lambda n: n >= 0
    ),
    "after": Field("whole", "a whole number, 0 or more", "Let so many pass first.", lambda n: n >= 0),
    "nth": Field("whole", "a whole number, 1 or more", "Only the N-th of them.", lambda n: n >= 1),
    "count": Field(
        "whole", "a whole number, 1 or more, or null for always", "How often; once by default.", lambda n: n >= 1
    ),
    "probability": Field(
        "number", "a number above 0, up to 1", "Each time with this probability; then always.", lambda p: 0 < p <= 1
    ),
    "seed": Field("whole", "a whole number", "Of the dice: the same seed gives the same decisions; 0 by default."),
    "status": Field("whole", "a whole number from 200 to 599", "Status code.", lambda n: 200 <= n <= 599),
    "code": Field("text", "a text", "Globus error code, in the document or as fatal_error."),
    "message": Field("text", "a text", "Text for people."),
    "description": Field("text", "a text", "Text of the fatal_error."),
    "retry_after": Field("whole", "a whole number of seconds, 0 or more", "Retry-After (s).", lambda n: n >= 0),
    "extra": Field("object", "a JSON object", "Further fields of the error document."),
    "seconds": Field("number", "a number of seconds, from 0 to 3600", "How late (s).", lambda s: 0 <= s <= 3600),
    "done": Field("flag", "true or false", "What was asked for is done all the same."),
    "partial": Field("flag", "true or false", "Half a file is left under its final name."),
    "how": Field(
        "text", "missing, short or flip", "missing, short or flip.", lambda how: how in {"missing", "short", "flip"}
    ),
    "bytes": Field("whole", "a whole number of bytes, 0 or more", "How many bytes still fit.", lambda n: n >= 0),
    "paths": Field("texts", "a list of texts", "Pattern of paths; everything without it."),
    "minutes": Field(
        "whole",
        "a whole number of minutes, 1 or more",
        "How old a login may be (min); 10 by default.",
        lambda n: n >= 1,
    ),
    "mfa": Field("flag", "true or false", "The login needs a second factor."),
    "domains": Field("texts", "a list of texts", "The login must be of such a domain, like lab.example."),
    "tokens": Field(
        "text", "access, refresh or all", "access, refresh or all.", lambda t: t in {"access", "refresh", "all"}
    ),
    "identity": Field("text", "a username or UUID", "Only of this person; of everybody without it."),
}


def fields_of(kind: str) -> tuple[str, ...]:
    """Return the names of the fields that a kind of fault has."""
    return (*KINDS[kind].own, *MATCHING[KINDS[kind].scope])
