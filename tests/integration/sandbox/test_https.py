"""Reads of a collection's files over HTTPS: who may, which bytes, and names of every kind."""

from __future__ import annotations

import os
import urllib.parse

import psutil
import pytest
import requests
from globus_sdk.scopes import GCSCollectionScopes
from hypothesis import given
from hypothesis import strategies as st

from mapshell.sandbox.ranges import UnsatisfiableError, wanted

from .conftest import ARCHIVE, GUEST, RIG, until

DATA = bytes(range(256)) * 4


@pytest.fixture
def web(sandbox):
    """Ask the archive's server: ``web("/path", Range="bytes=0-1")``."""
    (sandbox.archive / "data.bin").write_bytes(DATA)
    base = sandbox.transfer().get_endpoint(ARCHIVE)["https_server"]
    token = sandbox.tokens(GCSCollectionScopes(ARCHIVE).https)["access_token"]
    with requests.Session() as session:

        def ask(path="/data.bin", method="GET", auth=f"Bearer {token}", stream=False, **headers):
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            if auth is not None:
                headers["Authorization"] = auth
            return session.request(method, base + path, headers=headers, timeout=30, stream=stream)

        yield ask


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=10-19", (10, 20)),
        ("bytes=1000-", (1000, 1024)),
        ("bytes=-10", (1014, 1024)),
        ("bytes=-5000", (0, 1024)),
        ("bytes=1020-9999", (1020, 1024)),
        ("BYTES = 0-0", (0, 1)),
        ("bytes=5000-,0-3", (0, 4)),
    ],
)
def test_one_range(web, header, span):
    answer = web(Range=header)
    assert (answer.status_code, answer.content) == (206, DATA[slice(*span)])
    assert answer.headers["Content-Range"] == f"bytes {span[0]}-{span[1] - 1}/1024"


@pytest.mark.parametrize(
    "header",
    ["bytes=20-10", "bytes=x-", "bytes", "lines=0-1", "bytes=-", "bytes=0-,0-", "bytes=" + "9" * 5000 + "-", ""],
)
def test_ranges_that_make_no_sense_are_ignored(web, header):
    answer = web(Range=header)
    assert (answer.status_code, answer.content, answer.headers["Accept-Ranges"]) == (200, DATA, "bytes")


@pytest.mark.parametrize("header", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_ranges_behind_the_end_are_refused_with_the_size(web, header):
    answer = web(Range=header)
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */1024")
    assert answer.json()["http_response_code"] == 416


def test_several_ranges_come_in_parts(web):
    answer = web(Range="bytes=0-1,100-103,-2")
    assert answer.status_code == 206
    kind, _, boundary = answer.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    parts = answer.content.split(f"--{boundary}".encode())
    assert (parts[0], parts[-1]) == (b"", b"--\r\n")
    found = [part.partition(b"\r\n\r\n") for part in parts[1:-1]]
    assert [body for _, _, body in found] == [DATA[a:b] + b"\r\n" for a, b in ((0, 2), (100, 104), (1022, 1024))]
    assert b"Content-Range: bytes 100-103/1024" in found[1][0]


def test_a_file_that_changed_is_not_continued(sandbox, web):
    tag, changed = (web(method="HEAD").headers[name] for name in ("ETag", "Last-Modified"))
    assert web(Range="bytes=1-", If_Range=tag).status_code == 206
    assert web(Range="bytes=1-", If_Range=changed).status_code == 206
    assert (web(If_None_Match=tag).status_code, web(If_Modified_Since=changed).status_code) == (304, 304)
    os.utime(sandbox.archive / "data.bin", (1, 1))
    answer = web(Range="bytes=1-", If_Range=tag)
    assert (answer.status_code, answer.content) == (200, DATA)
    assert web(If_None_Match=tag).status_code == 200


def test_head_tells_the_size_and_sends_nothing(sandbox, web):
    (sandbox.archive / "empty").touch()
    answer = web(method="HEAD", Range="bytes=0-1")
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "1024", b"")
    assert (web("/empty").content, web("/empty").headers["Content-Length"]) == (b"", "0")
    assert web("/empty", Range="bytes=0-").status_code == 416


@pytest.mark.skipif(os.name == "nt", reason="files that a process has open are told slowly there")
def test_a_reader_that_goes_leaves_no_file_open(sandbox, web):
    with open(sandbox.archive / "large.bin", "wb") as stream:  # noqa: PTH123 - sparse
        stream.truncate(100_000_000)
    for _ in range(5):
        with web("/large.bin", stream=True) as answer:
            assert len(next(answer.iter_content(1000))) == 1000
    server = psutil.Process(sandbox.info.pid)
    until(lambda: [file.path for file in server.open_files()], lambda paths: not any("large" in path for path in paths))


def test_refusals_say_what_is_missing(sandbox, web, tmp_path):
    other = sandbox.tokens(GCSCollectionScopes(GUEST).https)["access_token"]
    cases = [
        (web(auth=None), 401, "unauthorized", "Bearer"),
        (web(auth="Bearer nonsense"), 401, "unauthorized", 'Bearer error="invalid_token"'),
        (web(auth="Basic eDp5"), 401, "unauthorized", "Bearer"),
        (web(auth=f"Bearer {other}"), 403, "permission_denied", 'Bearer error="insufficient_scope"'),
        (web("/none"), 404, "not_found", None),
        (web("/data.bin/none"), 404, "not_found", None),
        (web("/"), 400, "bad_request", None),
        (web("/%00"), 400, "ClientError.BadRequest.InvalidPath", None),
        (web("/" + "x" * 300), 404, "not_found", None),
        (web(method="PUT"), 405, "method_not_allowed", None),
    ]
    for answer, status, code, challenge in cases:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json()["http_response_code"] == status
        assert (answer.headers.get("WWW-Authenticate") or "").startswith(challenge or "")
        assert ("WWW-Authenticate" in answer.headers) == (challenge is not None)
    (tmp_path / "secret").write_text("secret")
    (sandbox.archive / "out").symlink_to(tmp_path)
    for path in ("/out/secret", "/%2e%2e/state/sandbox.db", "/in/%2e%2e/%2e%2e/state/sandbox.db"):
        answer = web(path)
        assert (answer.status_code, "secret" in answer.text) == (403, False)
    sandbox.admin.set_collection(ARCHIVE, https=False)
    try:
        assert web().status_code == 404
        assert sandbox.transfer().get_endpoint(ARCHIVE)["https_server"] is None
    finally:
        sandbox.admin.set_collection(ARCHIVE, https=True)
    assert sandbox.transfer().get_endpoint(RIG)["https_server"] is None


def test_a_stale_session_is_refused_with_what_the_next_login_must_carry(sandbox, web):
    sandbox.admin.set_collection(ARCHIVE, fresh_session=0)
    try:
        answer = web()
    finally:
        sandbox.admin.set_collection(ARCHIVE, fresh_session=None)
    assert answer.status_code == 403
    assert answer.json()["authorization_parameters"]["session_required_identities"]
    assert web().status_code == 200


@pytest.mark.skipif(os.name == "nt", reason="file names of Windows are text without these characters")
@pytest.mark.parametrize(
    "name",
    [
        b"sp ace.bin",
        b"#%41&+?=;'\"<>|*:.bin",
        b"caf\xc3\xa9 e\xcc\x81.bin",
        b"latin \xe9\xff.bin",
        b"two\nlines\ttab.bin",
        b"back\\slash",
        b"..hidden..",
        b"~",
        "\ufffd\ufffd".encode(),
        "\U0001f9e0".encode(),
    ],
)
def test_names_of_every_kind(sandbox, web, name):
    (sandbox.archive / "odd").mkdir(exist_ok=True)
    with open(os.fsencode(sandbox.archive / "odd") + b"/" + name, "wb") as stream:  # noqa: PTH123 - a name of bytes
        stream.write(name)
    answer = web("/odd/" + urllib.parse.quote(name))
    assert (answer.status_code, answer.content) == (200, name)


@given(st.integers(0, 50), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60) | st.none()), min_size=1))
def test_what_is_sent_lies_in_the_file_and_was_asked_for(size, parts):
    header = "bytes=" + ",".join(f"{first}-{'' if last is None else last}" for first, last in parts)
    try:
        found = wanted(header, size)
    except UnsatisfiableError:
        assert all(first >= size for first, _ in parts)
        return
    if found is None:
        return
    asked = {at for first, last in parts for at in range(first, size if last is None else min(last + 1, size))}
    sent = [at for first, end in found for at in range(first, end)]
    assert all(0 <= first < end <= size for first, end in found)
    assert set(sent) == asked
    assert len(sent) <= size
