"""Every command that asks Globus: an expired access token is renewed in silence, a login that is gone is said."""

from __future__ import annotations

import pytest

from mapshell.errors import DONE, LOGIN
from mapshell.sandbox.consent import code_from_page
from pipeline import publication
from tests.integration.discover.losing import PUBLICATION, drop, rows
from tests.integration.retrieve.home import BOTH

EPHYS = ("--type", "ephys")
COMMANDS = {
    "discover": ("publication-discover", *EPHYS),
    "verify": ("publication-verify", *EPHYS, "--checksum", "all"),
    "retrieve": ("publication-retrieve", "--subject", "SC038", *EPHYS),
    "retrieve over HTTPS": ("publication-retrieve", "--subject", "SC038", *EPHYS, "--via", "https"),
}


@pytest.mark.fault(30)
@pytest.mark.parametrize("how", ["revoked", "withdrawn"])
def test_a_login_that_is_gone_is_said_and_nothing_is_lost(home, how):
    admin = home.rig.admin
    lost = rows(*PUBLICATION)
    if how == "revoked":
        admin.revoke_tokens()
    else:
        assert admin.withdraw_consents()
    for name, command in COMMANDS.items():
        if how == "withdrawn" and name == "retrieve over HTTPS":
            continue  # its consent is another one
        if name == "discover":
            drop(home.rig, "publication")
        done = home.rig.run(*command, check=LOGIN)
        assert "mapshell login" in done.stderr, name
        assert "Traceback" not in done.stderr
        assert home.here() == {}, name
        if name == "discover":
            assert not publication.DataSet()
            admin_login(home)
            home.rig.run(*command, check=DONE)
            assert rows(*PUBLICATION) == lost
            admin.revoke_tokens() if how == "revoked" else admin.withdraw_consents()
    assert home.tasks() == []
    assert home.journal() == []
    admin_login(home)
    home.rig.run(*COMMANDS["verify"], check=DONE)
    home.rig.run(*COMMANDS["retrieve"], check=DONE)
    home.assert_same()


@pytest.mark.fault(30)
def test_a_login_that_is_revoked_while_files_are_fetched_keeps_the_task(home):
    home.rig.admin.fail_tasks("hold", count=None, label="mapshell retrieve*")
    home.retrieve(wait=False)
    home.rig.admin.revoke_tokens()
    done = home.rig.run(*COMMANDS["retrieve"], check=LOGIN)
    assert "mapshell login" in done.stderr
    assert len(home.journal()) == 1
    admin_login(home)
    home.bench.release()
    assert home.retrieve(BOTH).whole
    assert len(home.tasks()) == 1
    home.assert_same()


@pytest.mark.fault(30)
def test_an_expired_access_token_is_renewed_in_silence_by_each(home):
    lost = rows(*PUBLICATION)
    drop(home.rig, "publication")
    for name, command in COMMANDS.items():
        assert home.rig.admin.expire_tokens("access")
        done = home.rig.run(*command, check=DONE)
        assert "login" not in done.stderr, name
    assert rows(*PUBLICATION) == lost
    home.assert_same()


def admin_login(home):
    home.rig.globus().login_with_code(code_from_page)
