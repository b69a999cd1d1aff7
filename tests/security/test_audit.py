"""The audit of dependencies: what is found fails, what could not be looked at is said, and is no success."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def audit(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("_audit")


@pytest.fixture
def service():
    """A service on this computer that answers as it is told."""
    told = {"status": 200, "body": b"{}"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(told["status"])
            self.end_headers()
            self.wfile.write(told["body"])

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (404, b"", "answers 404"),
        (200, b"<html>welcome</html>", "cannot be reached"),
        (200, b'{"vulnerabilities": []}', "tells no vulnerability"),
        (200, b"[]", "cannot be reached"),
        (200, b'{"vulnerabilities": [{"id": "PYSEC-1"}]}', None),
    ],
)
def test_only_a_service_that_knows_what_it_must_know_is_asked(audit, service, status, body, why):
    address, told = service
    told.update(status=status, body=body)
    said = audit.unreachable(address)
    assert said is None if why is None else why in said


def test_without_a_service_the_audit_is_not_made_and_says_so(audit, service, tmp_path):
    address, told = service
    told["status"] = 503
    made = audit.audit(Path(sys.executable), tmp_path, probe=address)
    assert (made.code, made.text) == (0, "")
    assert "answers 503" in made.not_made


def package(name, *ids, **more):
    return {"name": name, "version": "1.0", "vulns": [{"id": each, "fix_versions": ["1.1"]} for each in ids], **more}


def test_what_pip_audit_says_is_judged_by_what_it_found(audit):
    sound = audit.judge(0, json.dumps({"dependencies": [package("a"), package("b")]}), "")
    assert (sound.code, sound.not_made) == (0, None)
    assert "2 packages looked at, 0 known" in sound.text
    bad = audit.judge(1, json.dumps({"dependencies": [package("a"), package("b", "PYSEC-7")]}), "")
    assert bad.code == 1
    assert "b 1.0: PYSEC-7, mended in 1.1" in bad.text


@pytest.mark.parametrize(
    ("out", "err"),
    [
        ("", "requests.exceptions.ConnectionError: no route"),
        ("not JSON", ""),
        (json.dumps({"dependencies": []}), ""),
        (
            json.dumps(
                {"dependencies": [{"name": "a", "skip_reason": "not found"}, {"name": "b", "skip_reason": "x"}]}
            ),
            "",
        ),
    ],
)
def test_an_audit_that_saw_nothing_is_no_success(audit, out, err):
    assert audit.judge(1, out, err).not_made
