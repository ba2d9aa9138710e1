"""One run: the pieces of all inputs are read, and written from time to time, all that is held or nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from audit.ingest.catalog import UNSETTLED
from audit.ingest.charges import Pricing
from audit.ingest.crossing import drop_cross_source
from audit.ingest.hindsight import count_doubts, forget_future, learn_units
from audit.ingest.merge import Merge
from audit.ingest.options import Options
from audit.ingest.plan import Plan
from audit.ingest.pool import Here, Pool, Processes
from audit.ingest.sources import take_out_partial, write_sources
from audit.ingest.tasks import End, Groups, Lines, Part, Result, Stream, Task, Waiting
from audit.ingest.work import Work
from audit.prices.catalogue import Catalogue
from audit.store import Store

if TYPE_CHECKING:
    from audit.ingest.stage import Progress

_ENGINE_MEMORY = "700MB"
"""What the engine gets while worker processes need the rest of the 2 GB a run may take."""

_SMALL_BYTES = 8 << 20
_FLUSH_BYTES = 512 << 20
_FLUSH_INPUTS = 400
_GROUP_BYTES = 8 << 20
_EVERY_SECONDS = 0.1
# groups are read in slices, in the order of their first records
_GROUP_SIZES = """
CREATE TEMP TABLE waiting_group AS
SELECT reader, group_key, MIN(number) AS first, SUM(OCTET_LENGTH(payload)) AS bytes
FROM waiting_record GROUP BY reader, group_key
"""
_SLICE = """
SELECT w.reader, g.first, w.source, w.line, w.payload
FROM waiting_group AS g JOIN waiting_record AS w ON w.reader = g.reader AND w.group_key = g.group_key
WHERE g.first >= $low AND g.first < $high
ORDER BY g.first, w.number
"""


class Run:
    """One run over the inputs of a plan; worker processes end with the context."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        options: Options,
        catalogue: Callable[[], Catalogue] | None,
        *,
        anew: bool,
        workers: int | None,
        progress: Progress | None,
    ) -> None:
        self._store = store
        self._plan = plan
        self._progress = progress
        self._done = 0
        self._since_flush = 0
        self._ended: list[int] = []
        self._told_at = 0.0
        self._open = ExitStack()
        with self._open:
            self._open.enter_context(store.within(_ENGINE_MEMORY))
            self._pool = _pool(options, plan, workers)
            self._open.callback(self._pool.close)
            take_out_partial(store, plan.paths)
            self._pricing = Pricing(store, catalogue, anew=anew)
            self._merge = Merge(store, [each.result for each in plan.inputs], self._pricing)
            self._open = self._open.pop_all()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def read(self) -> None:
        """Take the results of all tasks, and write them from time to time."""
        for task, result in self._pool.run(self._plan.tasks()):
            if isinstance(task, End):
                self._ended.extend(task.sources)
            elif result is not None:
                self._take(task, result)
            if self._merge.is_full or self._since_flush >= _FLUSH_BYTES or len(self._ended) >= _FLUSH_INPUTS:
                self._flush(complete=not self._merge.waiting)
        if self._merge.waiting:
            self._flush(complete=False)
            for _, result in self._pool.run(_groups(self._store)):
                if result is not None:
                    self._merge.add(result.batch)
                if self._merge.is_full:
                    self._flush(complete=False)

    def settle(self, facts: Mapping[str, str]) -> None:
        """Write the rest, and what only the whole log tells, with `facts`: all of it or nothing, so that a run that was
        stopped before has something to read again."""
        store = self._store
        with store.transaction():
            self._write(complete=True)
            forget_future(store)
            self._pricing.finish()
            self._pricing.adjust(learn_units(store))
            for name, value in {**facts, UNSETTLED: ""}.items():
                store.set_meta(name, value)
        if self._merge.waiting:
            store.run("DROP TABLE waiting_record")
        count_doubts(store, self._plan.results)
        if self._progress:
            self._progress(self._done, self._plan.total, self._merge.seen)

    def _take(self, task: Task, result: Result) -> None:
        first_line = 0
        if isinstance(task, Part):
            each = self._plan.inputs[task.source]
            first_line = each.lines or 0
            each.lines = first_line + result.lines
        self._merge.add(result.batch, first_line)
        for source, digests in result.digests.items():
            self._plan.inputs[source].digests.extend(digests)
        if isinstance(task, Stream | Lines) and self._plan.inputs[task.source].place.size is None:
            self._plan.inputs[task.source].result.bytes += result.bytes
        self._done += result.bytes
        self._since_flush += result.bytes
        now = time.monotonic()
        if self._progress and (now - self._told_at >= _EVERY_SECONDS):
            self._told_at = now
            self._progress(self._done, self._plan.total, self._merge.seen)

    def _flush(self, *, complete: bool) -> None:
        """Write what was read, all of it or nothing; `complete`: inputs that ended will not be read again."""
        with self._store.transaction():
            self._write(complete=complete)
            self._store.set_meta(UNSETTLED, "1")

    def _write(self, *, complete: bool) -> None:
        store, inputs = self._store, self._plan.inputs
        low = self._merge.next_id
        touched = self._merge.flush()
        winners = drop_cross_source(store, low, {each.source_id or 0: each for each in self._plan.results})
        self._pricing.write_charges(low, winners)
        done = self._ended if complete else []
        write_sources(store, [inputs[n] for n in sorted(touched.difference(done))], [inputs[n] for n in done])
        self._since_flush = 0
        if complete:
            self._ended.clear()


def _pool(options: Options, plan: Plan, workers: int | None) -> Pool:
    wanted = workers or int(os.environ.get("AUDIT_WORKERS", "0")) or os.cpu_count() or 1
    if wanted == 1 or not sys.executable or (plan.total < _SMALL_BYTES and not plan.has_streams):
        return Here(Work(options))
    return Processes(options, wanted)


def _groups(store: Store) -> Iterator[Task | End]:
    """Waiting records as tasks of some megabytes, no group in two of them."""
    store.run(_GROUP_SIZES)
    sizes = store.query("SELECT first, bytes FROM waiting_group ORDER BY first")
    firsts = sizes["first"].to_numpy()
    slices = np.cumsum(sizes["bytes"].to_numpy()) // _GROUP_BYTES
    starts = firsts[np.concatenate(([True], slices[1:] != slices[:-1]))]
    for low, high in zip(starts, [*starts[1:], firsts[-1] + 1], strict=True):
        groups: dict[int, tuple[str, list[Waiting]]] = {}
        for row in store.rows(_SLICE, low=int(low), high=int(high)):
            members = groups.setdefault(row["first"], (row["reader"], []))[1]
            members.append(Waiting(row["source"], row["line"], row["payload"]))
        yield Groups(tuple((reader, tuple(members)) for reader, members in groups.values()))
    store.run("DROP TABLE waiting_group")
