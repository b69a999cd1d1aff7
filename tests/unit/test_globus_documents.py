"""Documents of the Transfer API, to and from plain data."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.ports import TransferItem, TransferRequest
from pipeline.errors import UsageError
from pipeline.globus.documents import body, body_hash, collection, entry, event, instant, task

SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
NAMES = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=40)


def request(**changes) -> TransferRequest:
    given = {
        "submission_id": "5f0e4cb1-0000-4000-8000-000000000001",
        "source_endpoint": "5f0e4cb1-0000-4000-8000-000000000002",
        "destination_endpoint": "5f0e4cb1-0000-4000-8000-000000000003",
        "label": "mapshell SC038",
        "items": (TransferItem("/rig/a.bin", "/archive/a.bin", SHA1), TransferItem("/rig/b", "/archive/b")),
    }
    return TransferRequest(**{**given, **changes})


def test_body_asks_for_checked_silent_complete_transfers():
    document = body(request())
    assert document["verify_checksum"] is True
    assert document["preserve_timestamp"] is True
    assert document["encrypt_data"] is True
    assert document["fail_on_quota_errors"] is True
    assert document["skip_source_errors"] is False
    assert document["delete_destination_extra"] is False
    assert {document[f"notify_on_{each}"] for each in ("succeeded", "failed", "inactive")} == {False}
    assert "deadline" not in document


def test_only_files_with_a_known_sha1_carry_it():
    first, second = body(request())["DATA"]
    assert (first["external_checksum"], first["checksum_algorithm"]) == (SHA1, "SHA1")
    assert "external_checksum" not in second
    assert "checksum_algorithm" not in second
    assert not first["recursive"]


def test_what_exists_is_kept_whatever_it_is():
    assert body(request())["sync_level"] == 0


def test_encryption_can_be_switched_off():
    assert body(request(), encrypt=False)["encrypt_data"] is False


def test_a_label_that_the_service_would_refuse_is_refused():
    assert body(request(label="x" * 128))
    with pytest.raises(UsageError, match="129 characters"):
        body(request(label="x" * 129))


@given(st.lists(st.tuples(NAMES, NAMES), max_size=5))
def test_equal_requests_have_equal_hashes_and_survive_json(names):
    def make() -> TransferRequest:
        return request(items=tuple(TransferItem(f"/{a}", f"/{b}") for a, b in names))

    document = body(make())
    assert body_hash(document) == body_hash(body(make())) == body_hash(json.loads(json.dumps(document)))
    changed = body(request(items=(*make().items, TransferItem("/more", "/more"))))
    assert body_hash(changed) != body_hash(document)


def test_hash_does_not_depend_on_the_order_of_keys():
    document = body(request())
    assert body_hash(dict(reversed(document.items()))) == body_hash(document)


def test_entry_reads_files_folders_and_others():
    file = entry({"name": "a.bin", "type": "file", "size": 5, "last_modified": "2021-01-01 00:00:01+00:00"})
    assert (file.name, file.kind, file.size, file.mtime) == ("a.bin", "file", 5, 1609459201)
    assert entry({"name": "d", "type": "dir", "size": 4096}).kind == "dir"
    assert entry({"name": "p", "type": "pipe", "size": None}).kind == "other"
    assert entry({"name": "old", "type": "file", "size": 0, "last_modified": "1969-12-31 23:59:59+00:00"}).mtime == -1


@pytest.mark.parametrize(
    "document",
    [{"type": "file", "size": 1}, {"name": "a", "type": "file"}, {"name": "a", "type": "file", "size": -1}],
)
def test_entry_refuses_what_could_hide_a_file(document):
    with pytest.raises(ValueError, match=r"name|size"):
        entry(document)


def test_task_reads_the_details_that_people_need():
    read = task(
        {
            "task_id": "t",
            "status": "FAILED",
            "label": None,
            "fatal_error": {"code": "CANCELED", "description": "canceled by the user"},
            "files": 3,
            "faults": 1,
            "nice_status_details": {"x": 1},
            "request_time": "2024-05-05T10:00:00+02:00",
        }
    )
    assert read.state == "FAILED"
    assert read.label == ""
    assert read.fatal_error == "CANCELED: canceled by the user"
    assert read.nice_status_details == '{"x": 1}'
    assert (read.files, read.faults, read.bytes_transferred) == (3, 1, 0)
    assert str(read.request_time) == "2024-05-05 08:00:00"


def test_an_unknown_state_of_a_task_is_no_state():
    with pytest.raises(ValueError, match="PERHAPS"):
        task({"task_id": "t", "status": "PERHAPS"})


def test_event():
    read = event(
        {"time": "2024-01-01", "code": "FILE_NOT_FOUND", "description": "d", "details": "/x", "is_error": True}
    )
    assert (read.code, read.details, read.is_error) == ("FILE_NOT_FOUND", "/x", True)


@pytest.mark.parametrize("value", [None, 5, "yesterday", ""])
def test_no_instant(value):
    assert instant(value) is None


@pytest.mark.parametrize(
    ("document", "needs", "online"),
    [
        ({"entity_type": "GCSv5_mapped_collection", "high_assurance": False}, True, None),
        ({"entity_type": "GCSv5_mapped_collection", "high_assurance": True}, False, None),
        ({"entity_type": "GCSv5_guest_collection"}, False, None),
        ({"entity_type": "GCP_mapped_collection", "gcp_connected": True, "gcp_paused": False}, False, True),
        ({"entity_type": "GCP_mapped_collection", "gcp_connected": True, "gcp_paused": True}, False, False),
        ({"entity_type": "GCP_mapped_collection", "gcp_connected": False}, False, False),
    ],
)
def test_only_plain_mapped_collections_need_consent(document, needs, online):
    read = collection({"id": "ABC", "display_name": "Lab", "https_server": "https://x.data.globus.org/", **document})
    assert (read.needs_consent, read.online) == (needs, online)
    assert (read.id, read.name, read.https_server) == ("abc", "Lab", "https://x.data.globus.org")
