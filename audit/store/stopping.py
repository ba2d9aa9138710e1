"""Ctrl-C while the engine works.

The engine looks for signals between two of its tasks only, and one task may take minutes. Told to stop from another
thread it stops within a batch of rows.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import duckdb

AGAIN_SECONDS = 0.1
"""Between two words to the same query: one that is about to begin does not hear the first."""


class _Watch:
    """A thread that stops what the engine does when the process gets a SIGINT that Python handles.

    A signal means the queries that were under way when it came, and none that begins later.
    """

    def __init__(self) -> None:
        self._queries: dict[int, duckdb.DuckDBPyConnection] = {}
        self._stopping: set[int] = set()
        self._lock = threading.Lock()
        self._ear, self._alarm = socket.socketpair()
        for end in (self._ear, self._alarm):
            end.setblocking(False)
        threading.Thread(target=self._wait, name="ctrl-c", daemon=True).start()

    def begin(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Watch over a query. Call from the main thread.

        A connection has one query at a time: where Ctrl-C came just before the end of the one before was told, this
        tells it.
        """
        with self._lock:
            self._heard()
            self._stopping.discard(id(connection))
            self._listen()
            self._queries[id(connection)] = connection

    def end(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The query is over."""
        with self._lock:
            self._queries.pop(id(connection), None)
            self._stopping.discard(id(connection))

    def _listen(self) -> None:
        ours = self._alarm.fileno()
        before = signal.set_wakeup_fd(ours, warn_on_full_buffer=False)
        if before not in (-1, ours):
            # an event loop is told already, and decides itself what a signal means: one that came here just now too
            signal.set_wakeup_fd(before)
            with suppress(OSError):
                os.write(before, self._heard())

    def _heard(self) -> bytes:
        """Numbers of the signals since the last look."""
        with suppress(BlockingIOError):
            return self._ear.recv(64)
        return b""

    def _wait(self) -> None:
        while True:
            select.select([self._ear], [], [], AGAIN_SECONDS if self._stopping else None)
            with self._lock:
                if signal.SIGINT in self._heard():
                    self._stopping.update(self._queries)
                for key in self._stopping:
                    with suppress(duckdb.Error):  # one that is closed has nothing to stop
                        self._queries[key].interrupt()


@cache
def _watch() -> _Watch:
    return _Watch()


@contextmanager
def stoppable(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let Ctrl-C end what a connection does inside, which then raises `duckdb.InterruptException`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watch = _watch()
    try:
        watch.begin(connection)
        yield
    finally:
        watch.end(connection)
