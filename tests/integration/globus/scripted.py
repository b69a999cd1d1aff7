"""A server that answers as a test says: for what no healthy service ever answers."""

from __future__ import annotations

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Scripted:
    """Answers each request with the next of ``answers``; the last one again and again."""

    def __init__(self):
        self.answers = deque()
        self.seen = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                script.seen.append(f"{self.command} {self.path}")
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                answer = script.answers.popleft() if len(script.answers) > 1 else script.answers[0]
                answer(self)

            do_POST = do_GET  # noqa: N815 - the base class's naming

            def log_message(self, format, *args):  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def says(status=200, body=None, headers=(), kind="application/json", cut=0):
    """Answer with a document; ``cut`` bytes fewer than announced."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content[: len(content) - cut])
        if cut:
            handler.close_connection = True

    return answer


def hangs_up(handler):
    """Close the connection without an answer."""
    handler.close_connection = True


def listing(names, **more):
    """Answer with a directory listing."""
    data = [{"DATA_TYPE": "file", "name": name, "type": "file", "size": 1} for name in names]
    return says(200, {"DATA_TYPE": "file_list", "DATA": data, "length": len(data), **more})
