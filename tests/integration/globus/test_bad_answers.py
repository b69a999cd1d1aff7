"""Answers about logins, and services of this computer: every one ends in a clear error or in success."""

from __future__ import annotations

import pytest
from globus_sdk.token_storage import TokenStorageData

from pipeline.errors import ConfigError, LoginNeeded, ServiceError
from pipeline.globus import GlobusStorageManager
from pipeline.globus.tokens import namespace, open_store
from pipeline.services import new_state, write_state
from pipeline.settings import GlobusSettings, Settings

from .answering import CLIENT, LAB, ME, log_in
from .scripted import says


def test_identity_is_known_without_asking(manager, service):
    assert manager.identity == ME
    assert service.seen == []


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
