"""Searching for collections: scopes, words and filters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mapshell.sandbox import endpoints
from mapshell.sandbox.errors import bad_request
from mapshell.sandbox.listing import number, only_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mapshell.sandbox.core import Core

    Document = dict[str, Any]

_PAGE = 25
_LARGEST_PAGE = 100
#: No search tells of more than this many.
_MOST_RESULTS = 1000
_SEARCHED = ("display_name", "canonical_name", "description", "organization", "department", "keywords", "owner_string")
_TYPES = frozenset(
    {"GCP_mapped_collection", "GCP_guest_collection", "GCSv5_endpoint", "GCSv5_mapped_collection"}
    | {"GCSv5_guest_collection"}
)
SCOPES = (
    "all",
    "my-endpoints",
    "my-gcp-endpoints",
    "recently-used",
    "in-use",
    "shared-by-me",
    "shared-with-me",
    "administered-by-me",
    "hide-no-permissions",
)


def search(core: Core, caller: str, query: Mapping[str, str]) -> Document:
    """Answer ``GET /endpoint_search``.

    Raises
    ------
    ApiError
        Unknown scope or type, filters that exclude each other, or no words where the scope is everything.
    """
    scope = query.get("filter_scope") or "all"
    words = re.findall(r"\w+", query.get("filter_fulltext", "").lower())
    _check(query, scope, words)
    limit, offset = number(query, "limit", _PAGE, highest=_LARGEST_PAGE), number(query, "offset", 0)
    found = [each for each in _candidates(core, caller, scope, query) if _has_words(each, words)][:_MOST_RESULTS]
    return {
        "DATA_TYPE": "endpoint_list",
        "DATA": [only_fields(each, query) for each in found[offset : offset + limit]],
        "has_next_page": len(found) > offset + limit,
        "limit": limit,
        "offset": offset,
    }


def _check(query: Mapping[str, str], scope: str, words: list[str]) -> None:
    if scope not in SCOPES:
        raise bad_request(f"Invalid filter_scope '{scope}', must be one of {', '.join(SCOPES)}")
    kind, functional = query.get("filter_entity_type"), query.get("filter_non_functional")
    if kind and kind not in _TYPES:
        raise bad_request(f"Invalid filter_entity_type '{kind}'")
    if functional not in {None, "", "0", "1"}:
        raise bad_request(f"Invalid value for 'filter_non_functional': {functional!r}")
    if kind and functional:
        raise bad_request("filter_entity_type and filter_non_functional exclude each other")
    if query.get("filter_owner_id") and scope in {"my-endpoints", "my-gcp-endpoints", "shared-by-me"}:
        raise bad_request(f"filter_owner_id cannot be used with filter_scope '{scope}'")
    if not words and scope == "all" and not query.get("filter_owner_id") and not query.get("filter_host_endpoint"):
        raise bad_request("filter_fulltext is required when searching all endpoints")


def _candidates(core: Core, caller: str, scope: str, query: Mapping[str, str]) -> list[Document]:
    kind, functional = query.get("filter_entity_type"), query.get("filter_non_functional")
    documents = [
        endpoints.document(core, collection_id, spec, caller)
        for collection_id, spec in core.collections.all().items()
        if not spec.missing
    ]
    # The server moves no data: it is told about only to those who ask for such.
    if kind == "GCSv5_endpoint" or functional == "1":
        documents.append(endpoints.endpoint_document(core, caller))
    documents = [each for each in documents if each["public"] or each["owner_id"] == caller]
    if kind:
        documents = [each for each in documents if each["entity_type"] == kind]
    if functional:
        documents = [each for each in documents if each["non_functional"] == (functional == "1")]
    for parameter, field in (("filter_owner_id", "owner_id"), ("filter_host_endpoint", "host_endpoint_id")):
        if wanted := query.get(parameter):
            documents = [each for each in documents if each[field] == wanted.lower()]
    return _in_scope(core, caller, scope, documents)


def _in_scope(core: Core, caller: str, scope: str, documents: list[Document]) -> list[Document]:
    if scope == "recently-used":
        recent: dict[str, int] = {}
        for task in core.tasks.owned(caller):
            for end in (task.source, task.destination):
                recent.setdefault(str(end), len(recent))
        used = [each for each in documents if each["id"] in recent]
        return sorted(used, key=lambda each: recent[each["id"]])
    tests: dict[str, Callable[[Document], bool]] = {
        "my-endpoints": lambda each: each["owner_id"] == caller,
        "my-gcp-endpoints": lambda each: each["owner_id"] == caller and each["is_globus_connect"],
        "in-use": lambda each: each["in_use"],
        "shared-by-me": lambda each: each["host_endpoint_id"] is not None and each["owner_id"] == caller,
        "shared-with-me": lambda each: each["host_endpoint_id"] is not None and each["owner_id"] != caller,
        "administered-by-me": lambda each: "administrator" in each["my_effective_roles"],
    }
    return [each for each in documents if scope not in tests or tests[scope](each)]


def _has_words(document: Document, words: list[str]) -> bool:
    """Tell whether each word begins some word of the searched fields, in any order."""
    text = " ".join(str(document[name] or "") for name in _SEARCHED).lower()
    found = re.findall(r"\w+", text)
    return all(any(each.startswith(word) for each in found) for word in words)
