"""Reading files of a collection over HTTPS: the consent, byte ranges, broken connections, and refusals."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mapshell.sandbox.service import consent
from pipeline.errors import (
    CollectionOffline,
    GlobusError,
    GlobusUnavailable,
    LoginNeeded,
    PermissionDenied,
    RangesNotServed,
    RemotePathNotFound,
)
from pipeline.globus.stream import BLOCK

from .conftest import LAB, OTHER, RIG, SHARE

DATA = bytes(range(256)) * 20_000  # several blocks
HTTPS = "https://auth.globus.org/scopes/{}/https"


def read(manager, endpoint, path, **options):
    with manager.open_https(endpoint, path, **options) as stream:
        return b"".join(stream), stream.size


def put(world, name, data=DATA, endpoint=LAB):
    file = world.folders[endpoint] / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return f"/{name}"


def test_one_login_is_enough_for_all_archives(world):
    manager = world.logged_in()
    assert read(manager, LAB, put(world, "a.bin")) == (DATA, len(DATA))
    assert read(manager, SHARE, put(world, "b.bin", b"x", SHARE)) == (b"x", 1)
    assert manager.may_read_https(LAB)
    assert not manager.may_read_https(RIG)
    # Another process needs no further login, and neither does a later one that is asked for by hand.
    manager.close()
    again = world.manager()
    assert read(again, LAB, "/a.bin")[0] == DATA
    assert not again.login_with_code(lambda url: pytest.fail(f"nobody needs to be asked: {url}"))


def test_an_unattended_client_reads(world):
    assert read(world.manager(world.unattended), LAB, put(world, "a.bin"))[0] == DATA


def test_ranges_and_empty_files(world):
    manager, path = world.logged_in(), put(world, "a.bin")
    assert read(manager, LAB, path, offset=BLOCK + 3) == (DATA[BLOCK + 3 :], len(DATA))
    assert read(manager, LAB, path, offset=10, length=7) == (DATA[10:17], len(DATA))
    assert read(manager, LAB, path, length=7) == (DATA[:7], len(DATA))
    assert read(manager, LAB, path, offset=len(DATA)) == (b"", len(DATA))
    assert read(manager, LAB, path, offset=10, length=10 * len(DATA)) == (DATA[10:], len(DATA))
    assert read(manager, LAB, put(world, "none", b"")) == (b"", 0)
    with pytest.raises(GlobusError, match="refuses the bytes"):
        read(manager, LAB, path, offset=len(DATA) + 1)


@pytest.mark.parametrize("name", ["sp ace/#%41&+?=;'.bin", "é/e\u0301 ~.bin", "-x/(1)[2]{3}:@!$*,", "new\nline"])
def test_names_are_spelt_exactly(world, name):
    assert read(world.logged_in(), LAB, put(world, name))[0] == DATA


def test_a_collection_outside_the_settings_asks_for_its_consent_at_the_next_login(world):
    manager = world.logged_in()
    path = put(world, "a.bin", endpoint=OTHER)
    with pytest.raises(LoginNeeded, match=rf"consent .*Elsewhere \({OTHER}\) over HTTPS") as caught:
        read(manager, OTHER, path)
    assert "mapshell login" in caught.value.remedy
    asked = []

    def allow(url):
        asked.append(url)
        return consent(url)

    assert manager.login_with_code(allow)
    assert len(asked) == 1
    assert read(manager, OTHER, path)[0] == DATA


def test_tokens_that_ended_are_renewed_and_revoked_ones_told(world):
    manager, path = world.logged_in(), put(world, "a.bin")
    assert read(manager, LAB, path)[0] == DATA
    world.admin.expire_tokens("access")
    assert read(manager, LAB, path)[0] == DATA
    world.admin.revoke_tokens()
    with pytest.raises(LoginNeeded, match="expired or was revoked") as caught:
        read(manager, LAB, path)
    assert "mapshell login --force" in caught.value.remedy
    assert manager.login_with_code(consent, force=True)
    assert read(manager, LAB, path)[0] == DATA
    with pytest.raises(LoginNeeded, match="Nobody is logged in"):
        read(world.manager(_elsewhere(world)), LAB, path)


def _elsewhere(world):
    from dataclasses import replace

    own = world.settings
    return replace(own, globus=replace(own.globus, token_file=world.home / "other" / "tokens.db"))


def test_refusals_name_the_thing(world):
    manager = world.logged_in()
    path = put(world, "secret/a.bin")
    with pytest.raises(RemotePathNotFound, match=r"no /b.bin in raw-ephys \(Petrel"):
        read(manager, LAB, "/b.bin")
    world.admin.set_collection(LAB, deny=["/secret/*"])
    with pytest.raises(PermissionDenied, match=r"/secret/a.bin in raw-ephys \(Petrel, .* as 5ab0d0de") as caught:
        read(manager, LAB, path)
    assert "ask the owner of the collection (rig@sandbox.example)" in caught.value.remedy
    with pytest.raises(GlobusError, match="serves no HTTPS") as caught:
        read(manager, RIG, "/a.bin")
    assert 'via="globus"' in caught.value.remedy
    world.admin.set_collection(LAB, offline=True, deny=[])
    with pytest.raises(CollectionOffline, match="does not answer"):
        read(manager, LAB, path)


@pytest.mark.parametrize("status", [429, 503])
def test_passing_trouble_is_waited_out_and_lasting_trouble_ends(world, status):
    manager, path = world.logged_in(), put(world, "a.bin")
    assert read(manager, LAB, path)[0] == DATA
    world.admin.fail_requests("https/*", status=status, count=2)
    assert read(manager, LAB, path)[0] == DATA
    world.admin.fail_requests("https/*", status=status, count=None)
    with pytest.raises(GlobusUnavailable):
        read(manager, LAB, path)


# --- servers that misbehave in ways of their own --------------------------------------------------------------------


class Odd(BaseHTTPRequestHandler):
    """Serves DATA in the way that the test's ``answer`` chooses; counts connections."""

    def do_GET(self):
        self.server.seen.append(dict(self.headers))
        self.server.answer(self, len(self.server.seen))

    def log_message(self, *args):
        pass

    def say(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def odd_server(manager, answer):
    """Let the collection's HTTPS server be one that answers as ``answer(handler, number)`` says."""
    from dataclasses import replace

    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    server.seen, server.answer = [], answer
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    real = manager.collection(LAB)
    manager._collections[LAB] = replace(real, https_server=f"http://127.0.0.1:{server.server_port}")
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        manager._collections[LAB] = real


def cut(handler, number):
    """Send half a mebibyte at a time, as if it were all, then break off."""
    asked = handler.headers.get("Range", "bytes=0-")
    first = int(asked.removeprefix("bytes=").split("-")[0])
    part = DATA[first : first + BLOCK // 2]
    handler.send_response(206)
    handler.send_header("Content-Length", str(len(DATA) - first))
    handler.send_header("Content-Range", f"bytes {first}-{len(DATA) - 1}/{len(DATA)}")
    handler.end_headers()
    handler.wfile.write(part)
    handler.close_connection = True


def test_a_connection_that_breaks_goes_on_where_it_was(world):
    manager = world.logged_in()
    with odd_server(manager, cut) as server:
        data, _ = read(manager, LAB, "/a.bin")
    assert hashlib.sha1(data).digest() == hashlib.sha1(DATA).digest()
    assert len(server.seen) > len(DATA) // BLOCK


def test_a_server_without_ranges_is_used_from_the_start_only(world):
    manager = world.logged_in()
    with odd_server(manager, lambda handler, _: handler.say(200, DATA)):
        assert read(manager, LAB, "/a.bin") == (DATA, len(DATA))
        assert read(manager, LAB, "/a.bin", length=5) == (DATA[:5], len(DATA))
        with pytest.raises(RangesNotServed, match="sends bytes from 0 on"):
            read(manager, LAB, "/a.bin", offset=5)


def test_the_token_follows_no_redirect(world):
    manager = world.logged_in()
    with (
        odd_server(manager, lambda handler, _: handler.say(302, Location="http://127.0.0.1:1/")) as server,
        pytest.raises(GlobusError, match="no login is sent"),
    ):
        read(manager, LAB, "/a.bin")
    assert len(server.seen) == 1
    assert server.seen[0]["Authorization"].startswith("Bearer ")


def test_a_token_goes_over_no_open_network(world):
    from dataclasses import replace

    manager = world.logged_in()
    real = manager.collection(LAB)
    manager._collections[LAB] = replace(real, https_server="http://archive.example")
    with pytest.raises(GlobusError, match="no address to which a login may be sent"):
        read(manager, LAB, "/a.bin")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda handler, _: handler.say(200, b"x", Content_Encoding="gzip"), "encoded"),
        (lambda handler, _: handler.say(206, b"x"), "which bytes"),
        (lambda handler, _: handler.say(206, b"x", Content_Range="bytes 0-0/*"), "which bytes"),
        (lambda handler, number: handler.say(206, b"x", Content_Range=f"bytes {number - 1}-2/{2 + number}"), "changed"),
    ],
)
def test_answers_that_do_not_fit_are_refused(world, answer, why):
    manager = world.logged_in()
    with odd_server(manager, answer), pytest.raises(GlobusError, match=why):
        read(manager, LAB, "/a.bin")
