"""Answers that no healthy service gives: every one ends in a clear error, in bounded time, or in success."""

from __future__ import annotations

import time

import pytest
from globus_sdk.token_storage import TokenStorageData

from pipeline.errors import CollectionOffline, ConfigError, GlobusError, LoginNeeded, RemotePathNotFound, ServiceError
from pipeline.globus import GlobusStorageManager
from pipeline.globus.tokens import namespace, open_store
from pipeline.globus.transport import Patience
from pipeline.services import new_state, write_state
from pipeline.settings import GlobusSettings, Settings

from .scripted import Scripted, hangs_up, listing, says

CLIENT = "b7e2c0de-5a4d-4b0c-9d3a-5a6d0b0c0001"
ME = "5ab0d0de-0000-4000-8000-000000000001"
LAB = "5f0e4cb1-0000-4000-8000-000000000002"
GUEST = says(200, {"id": LAB, "display_name": "Lab", "entity_type": "GCSv5_guest_collection"})
SCOPES = {
    "transfer.api.globus.org": "urn:globus:auth:scope:transfer.api.globus.org:all",
    "auth.globus.org": "openid profile email",
}


@pytest.fixture
def service():
    scripted = Scripted()
    yield scripted
    scripted.close()


@pytest.fixture
def settings(service, tmp_path):
    return Settings(
        globus=GlobusSettings(
            client_id=CLIENT,
            auth_url=service.url,
            transfer_url=service.url,
            token_file=tmp_path / "home" / "tokens.db",
        )
    )


def log_in(settings, expires=4_000_000_000):
    store = open_store(settings.globus.token_file, namespace(settings.globus.auth_url, CLIENT, unattended=False))
    store.store_token_data_by_resource_server(
        {
            server: TokenStorageData(server, ME, scope, "access", "refresh", expires, "Bearer")
            for server, scope in SCOPES.items()
        }
    )
    store.close()


@pytest.fixture
def manager(settings, service):
    """A manager that is logged in and knows the collection ``LAB``."""
    log_in(settings)
    patience = Patience(retries=3, pause=0.01, total=20, timeout=5)
    with GlobusStorageManager(settings, interactive=False, patience=patience, environ={}) as made:
        service.answers.append(GUEST)
        made.collection(LAB)
        service.answers.clear()
        service.seen.clear()
        yield made


def test_identity_is_known_without_asking(manager, service):
    assert manager.identity == ME
    assert service.seen == []


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


def test_a_body_that_breaks_off_is_asked_for_again(manager, service):
    whole = {"DATA": [{"name": "a", "type": "file", "size": 1}], "length": 1}
    service.answers.extend([says(200, whole, cut=10), says(200, whole)])
    assert [each.name for each in manager.ls(LAB, "/x")] == ["a"]


def test_an_outage_ends_in_an_error_after_a_bounded_number_of_attempts(manager, service):
    service.answers.append(says(503, {"code": "ServiceUnavailable", "message": "maintenance"}))
    with pytest.raises(GlobusError, match=r"Cannot list /x in Lab .*503.*maintenance"):
        manager.ls(LAB, "/x")
    assert len(service.seen) == 4


def test_attempts_end_with_the_time_allowed_whatever_their_number(settings, service):
    log_in(settings)
    patience = Patience(retries=10_000, pause=0.01, total=0.2)
    service.answers.append(says(503, {"code": "ServiceUnavailable", "message": "x"}))
    with GlobusStorageManager(settings, interactive=False, patience=patience, environ={}) as manager:
        started = time.monotonic()
        with pytest.raises(GlobusError):
            manager.tasks([ME])
        assert time.monotonic() - started < 10


def test_an_endpoint_that_does_not_answer_is_told_at_once(manager, service):
    service.answers.append(says(502, {"code": "ExternalError.DirListingFailed.GCDisconnected", "message": "no"}))
    with pytest.raises(CollectionOffline, match="Globus Connect Personal"):
        manager.ls(LAB, "/x")
    assert len(service.seen) == 1


def test_connection_refused_names_the_address(manager, service):
    service.close()
    with pytest.raises(GlobusError, match=service.url) as caught:
        manager.ls(LAB, "/x")
    assert "refused" in str(caught.value)


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


def test_a_listing_is_read_to_its_end(manager, service):
    service.answers.extend([listing("ab", total=4), listing("cd", total=4)])
    assert [each.name for each in manager.ls(LAB, "/x")] == ["a", "b", "c", "d"]
    assert "offset=2" in service.seen[1]
    service.answers.clear()
    service.answers.extend([listing("ab", has_next_page=True), listing("c", has_next_page=False)])
    assert [each.name for each in manager.ls(LAB, "/x")] == ["a", "b", "c"]


def test_a_folder_that_changes_while_it_is_read_is_read_again(manager, service):
    service.answers.extend([listing("ab", total=3), listing("bc", total=3), listing("abc", total=3)])
    assert [each.name for each in manager.ls(LAB, "/x")] == ["a", "b", "c"]


def test_a_listing_that_stays_short_is_refused(manager, service):
    service.answers.extend([listing("ab", total=4), listing("", total=4)] * 3)
    with pytest.raises(GlobusError, match="changed each time"):
        manager.ls(LAB, "/x")


def test_not_logged_in_is_told_without_asking_anybody(settings, service):
    with GlobusStorageManager(settings, interactive=False, environ={}) as manager:
        for use in (
            lambda: manager.ls(LAB, "/x"),
            lambda: manager.identity,
            manager.whoami,
            lambda: manager.tasks([ME]),
        ):
            with pytest.raises(LoginNeeded, match="Nobody is logged in"):
                use()
        assert not manager.is_logged_in()
    assert service.seen == []


def test_an_expired_token_whose_renewal_is_refused_needs_a_login_and_stays(settings, service):
    log_in(settings, expires=1)
    service.answers.append(says(400, {"error": "invalid_grant"}))
    with GlobusStorageManager(settings, interactive=False, environ={}) as manager:
        with pytest.raises(LoginNeeded, match="expired or was revoked"):
            manager.ls(LAB, "/x")
        assert manager.is_logged_in()


def test_no_client_id_is_a_matter_of_configuration(tmp_path):
    settings = Settings(globus=GlobusSettings(token_file=tmp_path / "tokens.db"))
    with (
        GlobusStorageManager(settings, interactive=False, environ={}) as manager,
        pytest.raises(ConfigError, match="client id"),
    ):
        manager.ls(LAB, "/x")


def test_wrong_variables_of_the_sdk_are_a_matter_of_configuration(settings, monkeypatch):
    monkeypatch.setenv("GLOBUS_SDK_HTTP_TIMEOUT", "soon")
    with pytest.raises(ConfigError, match="GLOBUS_SDK_"):
        GlobusStorageManager(settings, interactive=False, environ={}).is_logged_in()


def test_tokens_of_two_people_in_one_place_are_refused(settings, service):
    log_in(settings)
    store = open_store(settings.globus.token_file, namespace(settings.globus.auth_url, CLIENT, unattended=False))
    store.store_token_data_by_resource_server(
        {"x": TokenStorageData("x", "somebody else", "s", "a", "r", 4_000_000_000, "Bearer")}
    )
    store.close()
    with pytest.raises(ConfigError, match="identity"):
        GlobusStorageManager(settings, interactive=False, environ={}).is_logged_in()


# --- local services ---------------------------------------------------------------------------------------------------


def local(tmp_path, service, **globus):
    state = new_state("sandbox", {"auth_url": service.url + "auth", "transfer_url": service.url + "transfer"})
    file = tmp_path / "state.json"
    write_state(file, state)
    made = GlobusSettings(client_id=CLIENT, service_file=file, token_file=tmp_path / "tokens.db", **globus)
    return Settings(globus=made), state


def test_a_local_service_must_know_its_nonce_before_it_gets_a_token(tmp_path, service):
    settings, state = local(tmp_path, service)
    service.answers.append(says(200, b"somebody else", kind="text/plain"))
    with GlobusStorageManager(settings, interactive=False, environ={}) as manager:
        with pytest.raises(ServiceError, match="Something else answers"):
            manager.is_logged_in()
        service.answers[0] = says(200, state.nonce.encode(), kind="text/plain")
        assert not manager.is_logged_in()
    assert service.seen == ["GET /auth/nonce"] * 2


def test_a_local_service_that_does_not_run_is_named_with_the_command(tmp_path, service):
    settings, _ = local(tmp_path, service)
    settings.globus.service_file.unlink()
    manager = GlobusStorageManager(settings, interactive=False, environ={})
    with pytest.raises(ServiceError, match="mapshell services start"):
        manager.is_logged_in()


def test_the_variables_of_the_sdk_win_over_the_file(tmp_path, service):
    settings, _ = local(tmp_path, service)
    environ = {"GLOBUS_SDK_SERVICE_URL_AUTH": service.url, "GLOBUS_SDK_SERVICE_URL_TRANSFER": service.url + "t/"}
    with GlobusStorageManager(settings, interactive=False, environ=environ) as manager:
        assert not manager.is_logged_in()
    assert service.seen == []


def test_tokens_never_travel_unencrypted(tmp_path):
    globus = GlobusSettings(client_id=CLIENT, auth_url="http://auth.example.org", token_file=tmp_path / "tokens.db")
    manager = GlobusStorageManager(Settings(globus=globus), interactive=False, environ={})
    with pytest.raises(ConfigError, match="unencrypted"):
        manager.is_logged_in()
