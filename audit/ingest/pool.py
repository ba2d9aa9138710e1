"""Run tasks in this process or in several, with results always in the order of the tasks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Queue
from typing import Any, Protocol, cast

from audit.errors import ReadError
from audit.ingest.options import Options
from audit.ingest.tasks import End, Result, Stream, Task
from audit.ingest.work import Work
from audit.ingest.worker import receive, send

_AHEAD = 2
"""Tasks a worker is given before its first one is done."""


class Pool(Protocol):
    """Something that runs tasks."""

    def run(self, tasks: Iterable[Task | End]) -> Iterator[tuple[Task | End, Result | None]]:
        """Results of each task in turn; an End comes back in its turn without one."""

    def close(self) -> None:
        """End what is still running."""


class Here:
    """Runs tasks in this process."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def run(self, tasks: Iterable[Task | End]) -> Iterator[tuple[Task | End, Result | None]]:
        """Results of each task in turn."""
        for task in tasks:
            if isinstance(task, End):
                yield task, None
                continue
            for result in self._work.run(task):
                yield task, result

    def close(self) -> None:
        """Nothing runs."""


class _Worker:
    """One worker process with a thread for each direction, so that neither side waits for the other's pipe."""

    def __init__(self, options: Options) -> None:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from audit.ingest.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            # Ctrl-C is the parent's: it ends the workers itself
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._tasks: Queue[Any] = Queue()
        self.results: Queue[Result | None] = Queue(maxsize=_AHEAD)
        self._stopped = False
        self.given = 0
        self._threads = [
            threading.Thread(target=self._write, args=(options,), daemon=True),
            threading.Thread(target=self._read, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def give(self, task: Task) -> None:
        """Add a task to the worker's list."""
        self.given += 1
        self._tasks.put(task)

    def _write(self, options: Options) -> None:
        stream = cast(Any, self._process.stdin)
        try:
            send(stream, options)
            while (task := self._tasks.get()) is not None:
                send(stream, task)
            stream.close()
        except (OSError, ValueError):
            # the worker is gone; whoever waits for its results learns it
            return

    def _read(self) -> None:
        stream = cast(Any, self._process.stdout)
        while (result := receive(stream)) is not None and not self._stopped:
            self.results.put(result)
        self.results.put(None)

    def close(self) -> None:
        """End the process and its threads."""
        self._stopped = True
        self._tasks.put(None)
        self._process.kill()
        while any(thread.is_alive() for thread in self._threads):
            while not self.results.empty():
                self.results.get_nowait()
            for thread in self._threads:
                thread.join(0.05)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue


class Processes:
    """Runs tasks in worker processes; at most a few results per worker wait to be taken."""

    def __init__(self, options: Options, workers: int) -> None:
        self._workers = [_Worker(options) for _ in range(workers)]
        self._here = Here(Work(options))

    def run(self, tasks: Iterable[Task | End]) -> Iterator[tuple[Task | End, Result | None]]:
        """Results of each task in turn; what only this process can read is read here."""
        coming = iter(tasks)
        running: deque[tuple[Task | End, _Worker | None]] = deque()
        while True:
            while (free := min(self._workers, key=lambda each: each.given)).given < _AHEAD:
                task = next(coming, None)
                if task is None:
                    break
                if isinstance(task, End | Stream):
                    running.append((task, None))
                    break
                free.give(task)
                running.append((task, free))
            if not running:
                return
            task, worker = running.popleft()
            if worker is None or isinstance(task, End):
                yield from self._here.run((task,))
            else:
                yield from self._results(task, worker)
                worker.given -= 1

    def _results(self, task: Task, worker: _Worker) -> Iterator[tuple[Task, Result]]:
        while True:
            result = worker.results.get()
            if result is None:
                raise ReadError("a worker process ended before its work was done", "try again with AUDIT_WORKERS=1 set")
            yield task, result
            if result.last:
                return

    def close(self) -> None:
        """End all worker processes."""
        for worker in self._workers:
            worker.close()
