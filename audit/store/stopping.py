"""Ctrl-C while the engine works.

The engine looks for signals between two of its tasks only, and one task may take minutes. Told to stop from another
thread it stops within a batch of rows.
"""

from __future__ import annotations

import select
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count

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
        self._numbers = count()
        self._lock = threading.Lock()
        self._ear, self._alarm = socket.socketpair()
        for end in (self._ear, self._alarm):
            end.setblocking(False)
        threading.Thread(target=self._wait, name="ctrl-c", daemon=True).start()

    def begin(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Watch over a query; returns its number. Call from the main thread."""
        ours = self._alarm.fileno()
        before = signal.set_wakeup_fd(ours, warn_on_full_buffer=False)
        if before not in (-1, ours):
            # an event loop is told already, and decides itself what a signal means
            signal.set_wakeup_fd(before)
        with self._lock:
            self._heard()
            number = next(self._numbers)
            self._queries[number] = connection
        return number

    def end(self, number: int) -> None:
        """The query is over."""
        with self._lock:
            del self._queries[number]
            self._stopping.discard(number)

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
                for number in self._stopping:
                    self._queries[number].interrupt()


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
    number = watch.begin(connection)
    try:
        yield
    finally:
        watch.end(number)
