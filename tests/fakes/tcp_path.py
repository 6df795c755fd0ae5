"""A TCP path that a test can cut, or make swallow everything (a half-open link), while both ends live on."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class TcpPath:
    """Listens on a free loopback port and forwards to ``target`` there. Enter it to open it."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._silent = threading.Event()
        self._refusing = threading.Event()
        self.port: int = self._server.getsockname()[1]

    def cut(self) -> None:
        """End every connection, and refuse new ones until ``mend``."""
        self._refusing.set()
        self._end_connections()

    def swallow(self) -> None:
        """Nothing arrives any more, in either direction, and nobody is told."""
        self._silent.set()

    def mend(self) -> None:
        """New connections work again; those that were swallowed end."""
        if self._silent.is_set():
            self._end_connections()
        self._silent.clear()
        self._refusing.clear()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._end_connections()
        for thread in self._threads:
            thread.join(5)

    def _start(self, run: object, *args: socket.socket) -> None:
        thread = threading.Thread(target=run, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            if self._refusing.is_set():
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._ends += (near, far)
            self._start(self._pump, near, far)
            self._start(self._pump, far, near)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65_536):
                if not self._silent.is_set():
                    sink.sendall(chunk)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _end_connections(self) -> None:
        ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
