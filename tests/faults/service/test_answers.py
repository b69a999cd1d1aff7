"""Answers that no healthy service gives: every one ends in a clear error, in bounded time, or in success."""

from __future__ import annotations

import threading
import time
import uuid

import pytest

from pipeline.errors import CollectionOffline, GlobusError, RemotePathNotFound
from pipeline.globus import GlobusStorageManager
from pipeline.globus.transport import Patience
from tests.integration.globus.answering import GUEST, LAB, ME, log_in
from tests.integration.globus.scripted import hangs_up, listing, says


@pytest.mark.fault(11, 12, 13)
@pytest.mark.parametrize(
    "bad",
    [
        says(429, {"code": "Busy", "message": "x"}, [("Retry-After", "1")]),
        says(500, {}),
        says(503, b"down", kind="x/y"),
        hangs_up,
    ],
    ids=["429", "500", "503", "reset"],
)
def test_passing_failures_are_repeated(manager, service, bad):
    service.answers.extend([bad, bad, listing(["a"])])
    assert [each.name for each in manager.ls(LAB, "/x")] == ["a"]
    assert len(service.seen) == 3


@pytest.mark.fault(13)
def test_a_body_that_breaks_off_is_asked_for_again(manager, service):
    whole = {"DATA": [{"name": "a", "type": "file", "size": 1}], "length": 1}
    service.answers.extend([says(200, whole, cut=10), says(200, whole)])
    assert [each.name for each in manager.ls(LAB, "/x")] == ["a"]


@pytest.mark.fault(12)
def test_an_outage_ends_in_an_error_after_a_bounded_number_of_attempts(manager, service):
    service.answers.append(says(503, {"code": "ServiceUnavailable", "message": "maintenance"}))
    with pytest.raises(GlobusError, match=r"Cannot list /x in Lab .*503.*maintenance"):
        manager.ls(LAB, "/x")
    assert len(service.seen) == 4


@pytest.mark.fault(12)
def test_attempts_end_with_the_time_allowed_whatever_their_number(settings, service):
    log_in(settings)
    patience = Patience(retries=10_000, pause=0.01, total=0.2)
    service.answers.append(says(503, {"code": "ServiceUnavailable", "message": "x"}))
    with GlobusStorageManager(settings, interactive=False, patience=patience, environ={}) as manager:
        started = time.monotonic()
        with pytest.raises(GlobusError):
            manager.tasks([ME])
        assert time.monotonic() - started < 10


@pytest.mark.fault(16)
def test_an_endpoint_that_does_not_answer_is_told_at_once(manager, service):
    service.answers.append(says(502, {"code": "ExternalError.DirListingFailed.GCDisconnected", "message": "no"}))
    with pytest.raises(CollectionOffline, match="Globus Connect Personal"):
        manager.ls(LAB, "/x")
    assert len(service.seen) == 1


@pytest.mark.fault(13)
def test_connection_refused_names_the_address(manager, service):
    service.close()
    with pytest.raises(GlobusError, match=service.url) as caught:
        manager.ls(LAB, "/x")
    assert "refused" in str(caught.value)


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    "answer",
    [
        says(200, b"<html>Log in to the guest network</html>", kind="text/html"),
        says(200, b'{"DATA": [', kind="application/json"),
        says(200, b""),
        says(200, ["a", "list"]),
        says(200, {"message": "no list"}),
        says(200, {"DATA": [{"type": "file"}]}),
        says(200, {"DATA": ["text"]}),
        says(200, {"DATA": [], "length": 1}),
        says(404, b"<html>", kind="text/html"),
        says(500, ["a", "list"]),
        says(502, ["a", "list"]),
    ],
    ids=["html", "cut", "empty", "list", "no list", "no name", "text", "short", "404 html", "500 list", "502 list"],
)
def test_nonsense_is_a_clear_error_never_an_empty_folder(manager, service, answer):
    service.answers.append(answer)
    with pytest.raises(GlobusError) as caught:
        manager.ls(LAB, "/x")
    assert not isinstance(caught.value, RemotePathNotFound)
    assert "Lab" in caught.value.message


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    "answer",
    [says(200, b""), says(200, ["a"]), says(200, {"message": "no collection"}), says(200, {"id": LAB})],
    ids=["empty", "list", "no collection", "another"],
)
def test_nonsense_about_a_collection_is_a_clear_error_and_is_not_remembered(manager, service, answer):
    fresh = str(uuid.UUID(int=7))
    service.answers.append(answer)
    with pytest.raises(GlobusError, match="cannot be understood") as caught:
        manager.collection(fresh)
    assert fresh in caught.value.message
    service.answers.clear()
    service.answers.append(
        says(200, {"id": fresh, "entity_type": "GCSv5_guest_collection", "https_server": "https://l"})
    )
    assert manager.collection(fresh).https_server == "https://l"


@pytest.mark.fault(16)
def test_a_listing_is_read_to_its_end(manager, service):
    service.answers.extend([listing("ab", total=4), listing("cd", total=4)])
    assert [each.name for each in manager.ls(LAB, "/x")] == ["a", "b", "c", "d"]
    assert "offset=2" in service.seen[1]
    service.answers.clear()
    service.answers.extend([listing("ab", has_next_page=True), listing("c", has_next_page=False)])
    assert [each.name for each in manager.ls(LAB, "/x")] == ["a", "b", "c"]


@pytest.mark.fault(16)
def test_a_folder_that_changes_while_it_is_read_is_read_again(manager, service):
    service.answers.extend([listing("ab", total=3), listing("bc", total=3), listing("abc", total=3)])
    assert [each.name for each in manager.ls(LAB, "/x")] == ["a", "b", "c"]


@pytest.mark.fault(16)
def test_a_listing_that_stays_short_is_refused(manager, service):
    service.answers.extend([listing("ab", total=4), listing("", total=4)] * 3)
    with pytest.raises(GlobusError, match="changed each time"):
        manager.ls(LAB, "/x")


@pytest.mark.fault(11)
def test_the_time_that_the_service_asks_for_is_waited(settings, service):
    log_in(settings)
    patience = Patience(retries=3, pause=5, total=60)
    with GlobusStorageManager(settings, interactive=False, patience=patience, environ={}) as manager:
        times = []

        def busy(handler):
            times.append(time.monotonic())
            says(429, {"code": "Busy", "message": "x"}, [("Retry-After", "1")])(handler)

        def ready(handler):
            times.append(time.monotonic())
            listing(["a"])(handler)

        service.answers.extend([GUEST, busy, ready])
        assert [each.name for each in manager.ls(LAB, "/x")] == ["a"]
    assert times[1] - times[0] >= 1


@pytest.mark.fault(13)
def test_a_service_that_does_not_answer_is_asked_again_and_given_up(settings, service):
    log_in(settings)
    over = threading.Event()

    def silent(handler):
        over.wait(60)
        handler.close_connection = True

    patience = Patience(retries=2, pause=0.01, total=20, timeout=0.2)
    with GlobusStorageManager(settings, interactive=False, patience=patience, environ={}) as manager:
        service.answers.extend([GUEST, silent, listing(["a"])])
        assert [each.name for each in manager.ls(LAB, "/x")] == ["a"]
        asked = len(service.seen)
        service.answers[0] = silent
        with pytest.raises(GlobusError, match="Cannot list /x in Lab") as caught:
            manager.ls(LAB, "/x")
        assert caught.value.remedy
        assert len(service.seen) == asked + 3
        over.set()
