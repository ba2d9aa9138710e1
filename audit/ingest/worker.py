"""A worker process: tasks come in on standard input, results leave on standard output."""

from __future__ import annotations

import gc
import os
import pickle
import struct
import sys
from contextlib import suppress
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">Q")


def send(stream: BinaryIO, message: Any) -> None:
    """Write one message, preceded by its length."""
    data = pickle.dumps(message, protocol=5)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message; None at the end of the stream."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    data = stream.read(length)
    return pickle.loads(data) if len(data) == length else None


def main() -> None:
    """Serve tasks until the stream of them ends; the parent's end ends this process."""
    commands = sys.stdin.buffer
    results = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # whatever a library prints must not land between results
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from audit.ingest.work import Work

    work = Work(receive(commands))
    # records are trees without cycles: looking for cycles in them costs a tenth of the time and finds none
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
    with suppress(BrokenPipeError, KeyboardInterrupt):  # the parent is gone or stops
        while (task := receive(commands)) is not None:
            for result in work.run(task):
                send(results, result)
    # nothing of this process is worth tidying up
    os._exit(0)
