"""The programs of docs/notify.md do what the page says, with a mail server and a chat of the test's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socketserver
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo

import pytest

from pipeline.morning.report import MorningReport, Need

from . import examples

NOW = datetime.fromisoformat("2026-11-22T13:00")
WANTED = Need("missed", "rig-2", "a round was due; 5 µm of snow", "see that rig-2 is on")
REPORTS = {
    "trouble": MorningReport("desk", NOW, NOW, ZoneInfo("UTC"), needs=(WANTED,)).document(),
    "quiet": MorningReport("desk", NOW, NOW, ZoneInfo("UTC")).document(),
}


def programs():
    """Return the programs of the page by their names."""
    return {
        token.info.split()[1]: token.content
        for token in examples._tokens("docs/notify.md")
        if token.type == "fence" and len(token.info.split()) == 2
    }


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as takes a letter."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line.split(b":")[0].split()[0].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                letter = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    letter += part
                self.server.letters.append(letter.decode())
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 good\r\n")
            if verb == b"QUIT":
                return


class Chat(BaseHTTPRequestHandler):
    """A webhook."""

    def do_POST(self):
        assert self.headers["Content-Type"] == "application/json"
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.said.append((self.path, said))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def mail():
    server = socketserver.TCPServer(("127.0.0.1", 0), Mail)
    server.letters = []
    with serving(server):
        yield server


@pytest.fixture
def chat():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    server.said = []
    with serving(server):
        yield server


def run(tmp_path, name, text, report, command, **environ):
    """Run a program of the page as the report does: its JSON on the standard input."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [*command, str(file)],
        input=json.dumps(REPORTS[report]).encode(),
        env={**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path), **environ},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("report", ["trouble", "quiet"])
def test_a_letter_by_a_mail_server(tmp_path, mail, report):
    text = programs()["mail-report.py"]
    assert '"mail.mylab.org"' in text
    text = text.replace('"mail.mylab.org"', f'"127.0.0.1", {mail.server_address[1]}')
    run(tmp_path, "mail-report.py", text, report, [sys.executable])
    if report == "quiet":
        assert mail.letters == []
        return
    (letter,) = mail.letters
    assert "Subject: mapshell: rig-2: a round is missing\r\n" in letter
    assert "To: lab@mylab.org" in letter


def test_a_letter_by_sendmail(tmp_path):
    needs("sh", "jq")
    program = tmp_path / "bin" / "sendmail"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\ntest "$1" = -t && cat > letter.txt\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    run(tmp_path, "mail-report.sh", programs()["mail-report.sh"], "trouble", ["sh"], PATH=path)
    head, _, body = (tmp_path / "letter.txt").read_text(encoding="utf-8").partition("\n\n")
    assert head.splitlines()[:2] == ["To: lab@mylab.org", "Subject: mapshell: rig-2: a round is missing"]
    assert body.strip() == REPORTS["trouble"]["text"].strip()


@pytest.mark.parametrize("report", ["trouble", "quiet"])
def test_a_message_in_a_chat(tmp_path, chat, report):
    (tmp_path / ".lab-webhook").write_text(f"http://127.0.0.1:{chat.server_address[1]}/hook/x\n")
    run(tmp_path, "chat-report.py", programs()["chat-report.py"], report, [sys.executable], no_proxy="127.0.0.1")
    assert [path for path, _ in chat.said] == (["/hook/x"] if report == "trouble" else [])
    assert all(REPORTS[report]["text"] in said["text"] for _, said in chat.said)


def test_a_message_by_curl(tmp_path, chat):
    needs("sh", "jq", "curl")
    (tmp_path / ".lab-webhook").write_text(f"http://127.0.0.1:{chat.server_address[1]}/hook/x\n")
    run(tmp_path, "chat-report.sh", programs()["chat-report.sh"], "quiet", ["sh"], no_proxy="127.0.0.1")
    ((_, said),) = chat.said
    assert said["text"] == f"{REPORTS['quiet']['subject']}\n{REPORTS['quiet']['text']}"


def test_a_message_by_powershell(tmp_path, chat):
    program = shutil.which("pwsh") or shutil.which("powershell")
    if program is None:
        pytest.skip("no PowerShell on this computer")
    (tmp_path / ".lab-webhook").write_text(f"http://127.0.0.1:{chat.server_address[1]}/hook/x\n")
    command = [program, "-NoProfile", "-ExecutionPolicy", "Bypass", "-File"]
    run(tmp_path, "chat-report.ps1", programs()["chat-report.ps1"], "trouble", command, no_proxy="127.0.0.1")
    ((_, said),) = chat.said
    assert WANTED.who in said["text"]


def test_what_the_page_says_of_the_json_is_what_there_is():
    shown = next(block.text for block in examples.blocks("docs/notify.md", "text"))
    assert set(re.findall(r'(?:^|[\s,{])"([a-z_]+)":', shown)) - {"kind", "who", "what", "remedy"} <= {
        *REPORTS["trouble"],
        "archived_sessions",
        "archived_bytes",
    }


def test_the_page_names_every_kind_in_its_order():
    from pipeline.morning.report import TITLES

    text = (examples.ROOT / "docs/notify.md").read_text(encoding="utf-8")
    listed = text[text.index("`kind` is one of ") :].partition(": [")[0]
    assert re.findall(r"`([a-z ]+)`", listed)[1:] == list(TITLES)


def needs(*names):
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not on this computer: {', '.join(missing)}")
