"""Fetching over HTTPS, with no local endpoint at all."""

from __future__ import annotations

import pytest

from mapshell.sandbox.consent import code_from_page
from pipeline import database, publication
from pipeline.errors import GlobusError, LocalDiskError, LoginNeeded, UsageError
from pipeline.globus import GlobusStorageManager
from pipeline.locations import with_known
from tests.integration.accounts import read_only

from .home import ARCHIVE, BOTH, ONE, RIG, first_session


@pytest.fixture
def away(home):
    """A computer elsewhere: no local root, another login, an empty folder."""
    home.configure(lambda document: document["custom"].pop("globus.local_endpoints"))
    home.rig.admin.set_collection(RIG, offline=True)
    return home.rig.folder / "data"


def https_requests(home):
    return [each for each in home.rig.admin.requests() if each["kind"].startswith("https")]


def test_no_local_endpoint_is_needed_and_one_login_is_enough(home, away):
    result = home.retrieve(to=str(away), via="https")
    assert set(home.verdicts(result).values()) == {"fetched"}
    home.assert_same(away)
    assert home.tasks() == []
    assert result.tasks == []
    (row,) = publication.Retrieval.to_dicts()
    assert (row["via"], row["target"]) == ("https", str(away))
    again = home.command("--via", "https", "--to", str(away), code=0)
    assert {each["verdict"] for each in again["files"]} == {"identical"}


def test_a_person_elsewhere_needs_only_the_database_and_one_login(home, away):
    """The configuration names no collection at all: what the archive is, the database says."""
    home.configure(lambda document: document["custom"].pop("globus.storage_locations"))
    home.rig.admin.revoke_tokens()
    home.rig.admin.withdraw_consents()
    token_file = home.rig.settings.globus.token_file
    for file in token_file.parent.iterdir():
        file.unlink()
    pages = []

    def allow(url):
        pages.append(url)
        return code_from_page(url)

    database.bind(home.rig.settings)
    with GlobusStorageManager(with_known(home.rig.settings), interactive=False) as manager:
        assert manager.login_with_code(allow)
    assert len(pages) <= 2
    assert (publication.ArchivedRawEphys & ONE).retrieve(to=str(away), via="https").whole
    home.assert_same(away, only=first_session)
    assert home.command("--session", "2", "--via", "https", "--to", str(away), code=0)["files"]
    done = home.rig.run("whoami", check=0)
    assert "raw-ephys" in done.stdout


def test_a_reader_of_the_database_fetches_and_is_told_what_was_not_recorded(each_home):
    home = each_home
    to = home.rig.folder / "data"
    with read_only(home.rig):
        document = home.command("--via", "https", "--to", str(to), code=0)
        assert {each["verdict"] for each in document["files"]} == {"fetched"}
        assert any("may only read" in note for note in document["notes"])
        # By transfers as well: the journal lies in the person's own folder.
        assert home.command("--session", "1", code=0)["files"][0]["verdict"] == "fetched"
        home.assert_same(only=first_session)
    home.assert_same(to)
    database.bind(home.rig.settings)
    assert len(publication.Retrieval()) == 0


def test_a_broken_connection_goes_on_where_it_was(home, away):
    big = home.pick("050120_g0_t0.imec0.ap.bin")
    home.rig.admin.fail_requests(f"https/*/{big.rpartition('/')[2]}", status=503, count=2)
    assert home.retrieve(to=str(away), via="https").whole
    home.assert_same(away)


def test_what_an_earlier_run_began_is_gone_on_with(home, away):
    """Half of a file lies there from a run that was killed; only the other half is asked for."""
    name = home.pick("050120_g0_t0.imec0.ap.bin")
    half = len(home.originals[name]) // 2
    home.rig.admin.set_collection(ARCHIVE, deny=[f"/raw-ephys/{name}"])
    assert not home.retrieve(ONE, to=str(away), via="https").whole
    home.rig.admin.set_collection(ARCHIVE, deny=[])
    part = _part_of(home, away, name)
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(home.originals[name][:half])
    home.rig.admin.reset_counts()
    assert home.retrieve(ONE, to=str(away), via="https").whole
    home.assert_same(away, only=first_session)
    # A half that is not of this file is found out by the SHA1, and the file is fetched whole.
    (away / name).unlink()
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(b"?" * half)
    assert home.retrieve(ONE, to=str(away), via="https").whole
    home.assert_same(away, only=first_session)


def _part_of(home, away, name):
    from pipeline.archive.fetch import Item, Site
    from pipeline.archive.fetchweb import part_of
    from pipeline.holdings import holdings

    (holding,) = list(holdings(publication.ArchivedRawEphys() & ONE))
    (entry,) = [each for each in holding.manifest.files if each.subpath == name]
    item = Item(holding.location, holding.manifest.session, name, entry.size, entry.mtime, entry.sha1, Site(away))
    return part_of(item, ".mapshell")


def test_a_collection_without_https_and_a_login_without_consent_are_told(home, away):
    home.rig.admin.revoke_tokens()
    with pytest.raises(LoginNeeded, match="expired or was revoked"):
        home.retrieve(ONE, to=str(away), via="https", raises=True)
    GlobusStorageManager(home.rig.settings, interactive=False).login_with_code(code_from_page, force=True)
    home.rig.admin.set_collection(ARCHIVE, https=False)
    with pytest.raises(GlobusError, match="serves no HTTPS") as caught:
        home.retrieve(ONE, to=str(away), via="https", raises=True)
    assert "via" in caught.value.remedy
    with pytest.raises(UsageError, match="nothing goes on by itself"):
        home.retrieve(BOTH, to=str(away), via="https", wait=False)


def test_a_disk_that_fills_up_keeps_what_came(home, away, monkeypatch):
    """The system's own limit on the size of files stands in for a full disk."""
    resource = pytest.importorskip("resource")
    import signal

    name = max(home.originals, key=lambda each: len(home.originals[each]))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = home.rig.globus()
    store.may_read_https(ARCHIVE)  # the token file is opened before the limit holds
    monkeypatch.setattr(home.rig, "globus", lambda: store, raising=False)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(home.originals[name]) - 1, hard))
    try:
        result = home.retrieve(to=str(away), via="https")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
        store.close()
    assert isinstance(result.stopped, LocalDiskError)
    assert home.verdicts(result)[name] == "failed"
    home.no_partial(away)
    assert home.retrieve(to=str(away), via="https").whole
    home.assert_same(away)
