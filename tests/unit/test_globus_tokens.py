"""The token file and the notes beside it."""

from __future__ import annotations

import os
import stat

import pytest
from globus_sdk.token_storage import TokenStorageData

from pipeline.errors import LocalDiskError
from pipeline.globus.tokens import Notes, namespace, open_store

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")


def token(secret: str = "secret") -> dict[str, TokenStorageData]:
    data = TokenStorageData("transfer.api.globus.org", "me", "scope", secret, "refresh", 2_000_000_000, "Bearer")
    return {data.resource_server: data}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "made for it" / "tokens.db"


def write(file, name="a", secret="secret"):
    store = open_store(file, name)
    store.store_token_data_by_resource_server(token(secret))
    store.close()


def read(file, name="a"):
    store = open_store(file, name)
    found = store.get_token_data("transfer.api.globus.org")
    store.close()
    return found


@posix
def test_file_and_folder_are_the_owners_alone(file):
    previous = os.umask(0)
    try:
        write(file)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert sorted(each.name for each in file.parent.iterdir()) == ["tokens.db", "tokens.db.lock"]


def test_tokens_of_two_services_never_mix(file):
    write(file, namespace("https://auth.globus.org/", "C1", unattended=False), "real")
    write(file, namespace("http://127.0.0.1:1/auth/", "C1", unattended=False), "sandbox")
    assert read(file, namespace("https://auth.globus.org/", "c1", unattended=False)).access_token == "real"
    assert read(file, namespace("https://auth.globus.org/", "c2", unattended=False)) is None
    assert read(file, namespace("https://auth.globus.org/", "c1", unattended=True)) is None


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalDiskError, match=r"tokens\.db"):
        open_store(tmp_path / "file" / "tokens.db", "a")


def test_notes_survive_and_are_kept_apart(file):
    file.parent.mkdir()
    Notes(file, "a").remember("c1", {"name": "Lab", "needs_consent": True})
    Notes(file, "a").remember("c1", {"wanted": True})
    Notes(file, "b").remember("c1", {"name": "Other"})
    notes = Notes(file, "a")
    assert notes.collections() == {"c1": {"name": "Lab", "needs_consent": True, "wanted": True}}
    notes.pending = {"session_required_mfa": True}
    assert Notes(file, "a").pending == {"session_required_mfa": True}
    notes.pending = None
    notes.forget()
    assert Notes(file, "a").pending is None
    assert Notes(file, "a").collections() == {}
    assert Notes(file, "b").collections() == {"c1": {"name": "Other"}}


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"a": 5}', b'{"a": {"collections": [1], "pending": 3}}'])
def test_damaged_notes_are_as_good_as_none(file, content):
    file.parent.mkdir()
    (file.parent / "tokens-notes.json").write_bytes(content)
    notes = Notes(file, "a")
    assert notes.collections() == {}
    assert notes.pending is None
    notes.remember("c", {"name": "n"})
    assert notes.collections() == {"c": {"name": "n"}}
