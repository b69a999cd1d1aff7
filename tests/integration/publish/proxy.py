"""Between the product and a database server: connections that break when a test says so."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading


class Proxy:
    """Passes everything on to a server on this computer, until it is told otherwise."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._down = False
        self._lose_commit = False
        self.lost = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break all connections; new ones are fine."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _end(*pair)

    def go_down(self) -> None:
        """Break all connections and take no new one."""
        self._down = True
        self.cut()

    def come_up(self) -> None:
        """Take connections again."""
        self._down = False

    def lose_the_next_commit(self) -> None:
        """Let the next COMMIT take place and break the connection instead of passing its answer on."""
        self._lose_commit = True

    def close(self) -> None:
        """End."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.go_down()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._down:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._server))
            with self._lock:
                self._pairs.append((client, server))
            swallowed = threading.Event()
            threading.Thread(target=self._ask, args=(client, server, swallowed), daemon=True).start()
            threading.Thread(target=self._answer, args=(client, server, swallowed), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, swallowed: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self._lose_commit and b"COMMIT" in data.upper():
                    self._lose_commit = False
                    swallowed.set()
                server.sendall(data)
        _end(client, server)

    def _answer(self, client: socket.socket, server: socket.socket, swallowed: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if swallowed.is_set():
                    self.lost += 1
                    break
                client.sendall(data)
        _end(client, server)


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


class Steps:
    """Does something once, when a publication in this process reaches a step; audit hooks cannot be taken away."""

    def __init__(self) -> None:
        self._do: dict[str, object] = {}
        self.reached: list[str] = []
        sys.addaudithook(self._hear)

    def at(self, step: str, do) -> None:
        """Call ``do`` at the next such step."""
        self._do[step] = do

    def forget(self) -> None:
        """Expect nothing more."""
        self._do.clear()
        self.reached.clear()

    def _hear(self, event: str, args) -> None:
        if event == "mapshell.step" and args[0] in self._do:
            self.reached.append(args[0])
            self._do.pop(args[0])()


STEPS = Steps()
