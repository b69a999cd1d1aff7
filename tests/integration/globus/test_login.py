"""Logging in, consents, and what becomes of a login."""

from __future__ import annotations

import json
import stat

import pytest

from mapshell.sandbox import constants
from mapshell.sandbox.service import consent
from pipeline.errors import LoginNeeded

from .conftest import LAB, OTHER, RIG, SCOPE, SHARE


class Person:
    """Says "allow", and remembers what was asked."""

    def __init__(self, identity=None):
        self.asked = []
        self.identity = identity

    def __call__(self, url):
        self.asked.append(url)
        return consent(url, self.identity)


def test_first_login_asks_for_every_consent_and_later_ones_on_one_page(world):
    person = Person()
    manager = world.manager()
    assert manager.login_with_code(person)
    assert manager.ls(LAB, "/") == []
    assert SCOPE.format(LAB) in person.asked[-1].replace("%2F", "/").replace("%3A", ":")
    assert len(person.asked) <= 2
    manager.logout()
    manager.close()
    world.admin.withdraw_consents()
    person.asked.clear()
    again = world.manager()
    assert again.login_with_code(person)
    assert len(person.asked) == 1
    assert again.ls(LAB, "/") == []


def test_a_login_that_suffices_asks_nobody(world):
    manager = world.logged_in()
    person = Person()
    assert not manager.login_with_code(person)
    assert person.asked == []
    assert manager.login_with_code(person, force=True)
    assert person.asked


def test_another_process_uses_the_login_silently(world):
    world.logged_in().close()
    world.admin.reset_counts()
    manager = world.manager()
    assert manager.identity == constants.DEFAULT_IDENTITY_ID
    assert world.admin.total() == 0
    assert manager.ls(SHARE, "/") == []
    # One question about consents, none about collections that are known.
    counts = world.admin.counts()
    assert counts == {"GET auth/v2/api/identities/<id>/consents": 1, "GET transfer/operation/endpoint/<id>/ls": 1}
    manager.ls(LAB, "/")
    assert world.admin.total() == 3


def test_tokens_are_the_owners_alone_and_nowhere_else(world):
    manager = world.logged_in()
    file = world.settings.globus.token_file
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0
    notes = file.with_name("tokens-notes.json").read_text()
    assert "Petrel" in notes
    manager.close()
    import sqlite3

    connection = sqlite3.connect(file)
    tokens = [json.loads(row[0]) for row in connection.execute("SELECT token_data_json FROM token_storage")]
    connection.close()
    assert all(each["refresh_token"] for each in tokens)
    assert not any(each["access_token"] in notes or each["refresh_token"] in notes for each in tokens)


def test_an_expired_access_token_is_renewed_silently(world):
    manager = world.logged_in()
    assert world.admin.expire_tokens("access")
    assert manager.ls(LAB, "/") == []
    assert world.admin.counts()["POST auth/v2/oauth2/token"] == 2  # one for each service
    manager.close()
    assert world.manager().ls(LAB, "/") == []


@pytest.mark.parametrize("fresh", [False, True], ids=["same process", "another"])
def test_a_revoked_login_needs_a_login_and_then_goes_on(world, fresh):
    manager = world.logged_in()
    manager.ls(LAB, "/")
    world.admin.revoke_tokens()
    if fresh:
        manager.close()
        manager = world.manager()
    for _ in range(2):
        with pytest.raises(LoginNeeded, match=r"expired or was revoked") as caught:
            manager.ls(LAB, "/")
    assert "mapshell login" in caught.value.remedy
    assert manager.login_with_code(Person())
    assert manager.ls(LAB, "/") == []


def test_a_withdrawn_consent_names_the_collection(world):
    world.logged_in().close()
    world.admin.withdraw_consents(SCOPE.format(LAB))
    manager = world.manager()
    with pytest.raises(LoginNeeded, match=rf"consent .*raw-ephys \(Petrel, {LAB}\)"):
        manager.ls(SHARE, "/")
    person = Person()
    assert manager.login_with_code(person)
    assert len(person.asked) == 1
    assert manager.ls(LAB, "/") == []


def test_a_consent_withdrawn_while_working_is_told(world):
    manager = world.logged_in()
    manager.ls(LAB, "/")
    world.admin.withdraw_consents(SCOPE.format(LAB))
    with pytest.raises(LoginNeeded, match=r"consent .*Petrel"):
        manager.ls(LAB, "/")


def test_a_collection_outside_the_settings_asks_for_its_consent_at_the_next_login(world):
    manager = world.logged_in()
    with pytest.raises(LoginNeeded, match=rf"Elsewhere \({OTHER}\)"):
        manager.ls(OTHER, "/")
    person = Person()
    assert manager.login_with_code(person)
    assert OTHER in person.asked[0]
    assert manager.ls(OTHER, "/") == []


def test_a_configured_collection_that_nobody_knows_does_not_stop_the_login(world):
    world.admin.set_collection(SHARE, missing=True)
    manager = world.logged_in()
    assert manager.ls(LAB, "/") == []


def test_logging_in_as_somebody_else_is_refused_until_logged_out(world):
    manager = world.logged_in()
    world.admin.revoke_tokens()
    with pytest.raises(LoginNeeded, match=rf"{constants.DEFAULT_IDENTITY_ID}.*{constants.SECOND_IDENTITY_ID}"):
        manager.login_with_code(Person(constants.SECOND_USERNAME))
    assert manager.logout()
    assert manager.login_with_code(Person(constants.SECOND_USERNAME))
    assert manager.identity == constants.SECOND_IDENTITY_ID


def test_a_wrong_code_is_told(world):
    manager = world.manager()
    with pytest.raises(LoginNeeded, match="did not accept the code"):
        manager.login_with_code(lambda _: "wrong")
    with pytest.raises(LoginNeeded, match="No code was entered"):
        manager.login_with_code(lambda _: " ")
    assert not manager.is_logged_in()


def test_logout_revokes_at_the_service(world):
    manager = world.logged_in()
    manager.close()
    copy = world.settings.globus.token_file.read_bytes()
    manager = world.manager()
    assert manager.logout()
    assert not manager.is_logged_in()
    assert not manager.logout()
    with pytest.raises(LoginNeeded, match="Nobody is logged in"):
        manager.ls(LAB, "/")
    manager.close()
    world.settings.globus.token_file.write_bytes(copy)
    with pytest.raises(LoginNeeded, match="revoked"):
        world.manager().ls(LAB, "/")


def test_whoami(world):
    facts = world.logged_in().whoami()
    assert facts["username"] == constants.DEFAULT_USERNAME
    assert facts["identity"] == constants.DEFAULT_IDENTITY_ID
    assert facts["client_id"] == constants.NATIVE_CLIENT_ID
    assert facts["auth_url"] == world.info.auth_url + "/"
    assert facts["access_token_expires"].year > 2000
    assert {each["id"]: each["consent"] for each in facts["collections"]} == {
        LAB: "given",
        SHARE: "not needed",
        RIG: "not needed",
    }
    assert facts["local_endpoints"] == [RIG]


def test_whoami_shows_a_missing_consent(world):
    world.logged_in().close()
    world.admin.withdraw_consents(SCOPE.format(LAB))
    assert {each["id"]: each["consent"] for each in world.manager().whoami()["collections"]}[LAB] == "missing"


def test_a_collection_that_has_gone_is_not_asked_for_again(world):
    world.logged_in()
    world.admin.set_collection(LAB, missing=True)
    world.admin.withdraw_consents()
    person = Person()
    manager = world.manager()
    assert not manager.login_with_code(person)
    assert person.asked == []
    assert manager.ls(SHARE, "/") == []
    world.admin.set_collection(LAB, missing=False)
    assert manager.login_with_code(person)
    assert LAB in person.asked[0]


def test_a_fresh_session_that_a_collection_demands_is_brought_by_the_next_login(world):
    world.admin.add_identity("person@lab.edu", linked_to="rig@sandbox.example")
    world.admin.set_collection(LAB, fresh_session=3600, session_requires={"domains": ["lab.edu"]})
    manager = world.logged_in()
    with pytest.raises(LoginNeeded, match=r"fresh login with an identity of lab\.edu") as caught:
        manager.ls(LAB, "/")
    assert caught.value.remedy == "run: mapshell login"
    manager.close()
    person = Person()
    manager = world.manager()
    assert manager.login_with_code(person)
    assert "session_required_single_domain=lab.edu" in person.asked[0]
    assert manager.ls(LAB, "/") == []
    assert not manager.login_with_code(person)


def test_a_login_that_has_become_too_old_is_made_anew_and_not_taken_from_the_browser(world):
    world.admin.set_collection(LAB, fresh_session=3600)
    manager = world.logged_in()
    assert manager.ls(LAB, "/") == []
    world.admin.expire_sessions()
    with pytest.raises(LoginNeeded, match="fresh login as"):
        manager.ls(LAB, "/")
    person = Person()
    assert manager.login_with_code(person)
    assert "prompt=login" in person.asked[0]
    assert manager.ls(LAB, "/") == []
    # It wants the consent as well, and goes on wanting it.
    assert not manager.login_with_code(person)
    consents = {each["id"]: each["consent"] for each in manager.whoami()["collections"]}
    assert (consents[LAB], consents[SHARE]) == ("given", "not needed")


# --- unattended -------------------------------------------------------------------------------------------------------


def test_a_client_needs_no_login_and_gives_its_own_consents(world):
    manager = world.manager(world.unattended)
    assert manager.ls(LAB, "/") == []
    assert manager.identity == constants.CONFIDENTIAL_CLIENT_ID
    assert manager.ls(OTHER, "/") == []
    facts = manager.whoami()
    assert facts["unattended"]
    assert facts["username"].endswith("@clients.auth.globus.org")
    manager.close()
    world.admin.revoke_tokens()
    assert world.manager(world.unattended).ls(LAB, "/") == []


def test_a_person_and_a_client_do_not_share_tokens(world):
    person, client = world.logged_in(), world.manager(world.unattended)
    client.ls(LAB, "/")
    assert person.identity != client.identity
    assert client.logout()
    assert person.ls(LAB, "/") == []


def test_a_wrong_secret_is_a_matter_of_configuration(world):
    from dataclasses import replace

    from pipeline.errors import ConfigError
    from pipeline.settings import Secret

    settings = replace(world.unattended, globus=replace(world.unattended.globus, client_secret=Secret("wrong-secret")))
    with pytest.raises(ConfigError, match="client id") as caught:
        world.manager(settings).ls(LAB, "/")
    assert "wrong-secret" not in str(caught.value)


# --- browser and terminal ---------------------------------------------------------------------------------------------


def test_the_browser_tells_the_code_by_itself(world, monkeypatch, capfd):
    import urllib.request

    from pipeline.globus import flows as globus_flows

    def browser(url):
        data = b"decision=allow"
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method="POST")) as page:
            assert b"Login successful" in page.read()
        return True

    monkeypatch.setattr(globus_flows, "browser_likely", lambda environ: True)
    monkeypatch.setattr(globus_flows.in_browser, "__defaults__", (browser,))
    assert world.manager().login()
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "code=" not in printed.err.replace("response_type=code", "").replace("code_challenge", "")
    assert world.manager().ls(LAB, "/") == []


def test_without_a_browser_the_code_is_asked_for(world, monkeypatch, capfd):
    def person(prompt=""):
        shown = capfd.readouterr()
        assert shown.out == ""
        return consent(next(line.strip() for line in shown.err.splitlines() if line.strip().startswith("http")))

    monkeypatch.setattr("builtins.input", person)
    assert world.manager().login(browser=False)


def test_the_end_of_input_is_told(world, monkeypatch):
    def nobody(prompt=""):
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    with pytest.raises(LoginNeeded, match="input has ended"):
        world.manager().login(browser=False)


def test_an_interactive_manager_logs_in_by_asking_and_only_when_needed(world, monkeypatch, capfd):
    def person(prompt=""):
        return consent(capfd.readouterr().err.split()[-1])

    monkeypatch.setattr("builtins.input", person)
    manager = world.manager(interactive=True, environ={"SSH_TTY": "/dev/pts/1"})
    assert manager.ls(LAB, "/") == []
    monkeypatch.setattr("builtins.input", lambda prompt="": pytest.fail("asked again"))
    world.manager(interactive=True, environ={"SSH_TTY": "/dev/pts/1"})


def test_no_secret_reaches_the_log(world, caplog):
    import logging

    with caplog.at_level(logging.DEBUG):
        codes = []

        def person(url):
            codes.append(consent(url))
            return codes[-1]

        manager = world.manager()
        manager.login_with_code(person)
        manager.ls(LAB, "/")
        world.admin.expire_tokens("access")
        manager.ls(LAB, "/")
        data = manager._session().store.get_token_data_by_resource_server().values()
        manager.logout()
    assert caplog.text
    secrets = [*codes, *(each.access_token for each in data), *(each.refresh_token for each in data)]
    assert all(secret and secret not in caplog.text for secret in secrets)
