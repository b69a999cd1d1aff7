"""The table's chapters about collections, and about what the sandbox does not serve."""

from __future__ import annotations

from .rows import Chapter, Row

_GUIDE = "<lines>Please run the following command instead:\n\n    globus gcs collection {verb} {{dst_id}}\n"
_ERROR = "<lines>HTTP status:      <n>\n<lines>"

COLLECTIONS = Chapter(
    "collections",
    (
        Row("a personal one", "endpoint show {src_id}", real=False,
            out="Display Name:              {src_name}\nID:                        {src_id}\n<lines>"
            "GCP Connected:             True\nGCP Paused (macOS only):   False"),
        Row("every field", "endpoint show {src_id} -F json", shape=True),
        Row("every field of a destination", "api transfer GET /v0.10/endpoint/{dst_id}", shape=True),
        Row("one of a server", "endpoint show {dst_id}", 3, real=False,
            err=_GUIDE.format(verb="show")),
        Row("no such collection", "endpoint show 5ab0d0de-0000-4000-8000-00000000dead", 1,
            err="<lines>HTTP status:      404\n<lines>code:             EndpointNotFound\n<lines>"),
        Row("found by name", "endpoint search '{src_name}' -F json --jmespath 'DATA[?id==`{src_id}`].id'", data=["{src_id}"]),
        Row("in words", "endpoint search '{src_name}' --limit 1", out="ID<any>| Owner<any>| Display Name<any>| Domain<any>\n<any>\n<uuid> | <any>| <any>| <any>"),
        Row("every field of a search", "endpoint search '{src_name}' --limit 1 -F json", shape=True),
        Row("nothing of that name", "endpoint search zz9-plural-z-alpha -F json --jmespath DATA", data=[]),
        Row("by kind", "endpoint search '{src_name}' --filter-entity-type GCP_mapped_collection -F json"
            " --jmespath 'DATA[?id==`{src_id}`].entity_type'", data=["GCP_mapped_collection"], real=False),
        Row("by another kind", "endpoint search '{src_name}' --filter-entity-type GCSv5_guest_collection -F json"
            " --jmespath 'DATA[?id==`{src_id}`].id'", data=[]),
        Row("used lately", "endpoint search --filter-scope recently-used -F json --jmespath 'DATA[?id==`{src_id}`].id'", real=False),
        Row("for nothing", "endpoint search", 2),
        Row("changed", "endpoint update {src_id} --description 'A rig.'", out="Endpoint updated successfully", needs="owner", real=False),
        Row("it is", "endpoint show {src_id} -F json --jmespath description", data="A rig.", needs="owner", real=False),
        Row("renamed", "endpoint update {src_id} --display-name 'New name'", needs="owner", real=False, out="Endpoint updated successfully"),
        Row("has the name", "endpoint show {src_id} -F json --jmespath display_name", data="New name", needs="owner", real=False),
        Row("and back", "endpoint update {src_id} --display-name '{src_name}'", needs="owner", real=False),
        Row("not by others", "endpoint update {src_id} --description x", 1, needs="other", real=False,
            err="<lines>HTTP status:      403\n<lines>code:             PermissionDenied\n<lines>"),
        Row("not on a server's", "endpoint update {dst_id} --description x", 3, err=_GUIDE.format(verb="update"), real=False),
        Row("no personal one on this computer", "endpoint local-id", 1, real=False),
    ),
)  # fmt: skip

_LINES = (
    "bookmark list",
    "bookmark create {src}/ mine",
    "bookmark show mine",
    "bookmark delete mine",
    "bookmark rename mine yours",
    "endpoint role list {src_id}",
    "endpoint role create {src_id} --role administrator --identity {user_id}",
    "endpoint role delete {src_id} {user_id}",
    "endpoint role show {src_id} {user_id}",
    "endpoint permission list {src_id}",
    "endpoint permission show {src_id} {user_id}",
    "endpoint permission create {src}/ --permissions r --identity {user_id}",
    "endpoint permission update {src_id} {user_id} --permissions rw",
    "endpoint permission delete {src_id} {user_id}",
    "endpoint my-shared-endpoint-list {src_id}",
    "endpoint delete {src_id}",
    "gcp create mapped mine",
    "gcp create guest mine {src}/",
    "group list",
    "group show {user_id}",
    "group create mine",
    "timer list",
    "timer show {user_id}",
    "flows list",
    "flows show {user_id}",
    "search index list",
    "search query -q x -- {user_id}",
    "streams tunnel list",
    "streams access-point show {user_id}",
)  # fmt: skip

NOT_SERVED = Chapter(
    "not served",
    (
        *(Row(line, line, 1, out="", err=f"Globus CLI Error: A<any> Error Occurred.\n{_ERROR}", real=False) for line in _LINES),
        *(
            Row(line, line, 3, real=False)
            for line in ("gcs endpoint show {dst_id}", "gcs endpoint role list {dst_id}", "gcs collection list {dst_id}", "collection list {dst_id}")
        ),
        *(
            Row(f"{line}, by a person", line, 4, needs="owner", real=False, err="MissingLoginError: <lines>globus login --gcs <lines>")
            for line in ("collection show {dst_id}", "gcs collection show {dst_id}", "gcs collection delete {dst_id}")
        ),
        Row("collection show, by a client", "collection show {dst_id}", 1, needs="other", real=False, err=f"Globus CLI Error: An Auth API Error<any>\n{_ERROR}"),
        Row("a path that nobody serves", "api transfer GET /nowhere", 1, real=False, err="<lines>ClientError.NotFound<lines>"),
    ),
)  # fmt: skip
