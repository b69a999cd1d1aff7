"""Who may come in from outside: the local services answer to programs of this computer, and to no page of a browser."""

from __future__ import annotations

import contextlib
import http.client

import psutil
import pytest

from mapshell.sandbox.service import start, stop
from pipeline import embedded


def listening(pid):
    service = psutil.Process(pid)
    doors = service.net_connections("inet")
    for worker in service.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # a worker of the server, ended since
            doors += worker.net_connections("inet")
    return {each.laddr.ip for each in doors if each.status == psutil.CONN_LISTEN}


@pytest.fixture
def box(tmp_path):
    yield start(tmp_path / "state")
    stop(tmp_path / "state")


def ask(box, method, path, **headers):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", box.port, timeout=20)) as connection:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.read()
        return answer


def test_the_local_services_listen_on_this_computer_alone(box, tmp_path):
    assert listening(box.pid) == {"127.0.0.1"}
    embedded.start(tmp_path / "db", idle_minutes=5)
    try:
        assert listening(embedded.status(tmp_path / "db").server_pid) == {"127.0.0.1"}
    finally:
        embedded.delete(tmp_path / "db")


PATHS = (
    "/auth/v2/oauth2/authorize",
    "/transfer/v0.10/task_list",
    "/sandbox/info",
    "/sandbox/stop",
    "/auth/nonce",
    "/x",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_a_browser_gets_nothing(box, path):
    """Neither under a name that was bent to this computer, nor by asking from elsewhere, nor with a forged token."""
    for host in ("evil.example", f"evil.example:{box.port}", "127.0.0.1.evil.example", "169.254.1.1"):
        for method in ("GET", "POST", "OPTIONS"):
            assert ask(box, method, path, Host=host).status == 421, (host, method)
    for method in ("GET", "POST", "OPTIONS"):
        answer = ask(
            box,
            method,
            path,
            Origin="https://evil.example",
            Access_Control_Request_Method="POST",
            Authorization="Bearer x",
        )
        assert not [name for name, _ in answer.getheaders() if name.lower().startswith("access-control")]
        if path.startswith("/sandbox/"):
            assert answer.status in {401, 404, 405}
    assert ask(box, "GET", "/auth/nonce").status == 200
