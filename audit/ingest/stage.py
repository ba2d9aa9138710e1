"""The stage itself: inputs in, tables of the audit file out."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from audit.containers import Place, expand
from audit.errors import StoreError
from audit.hashes import SCHEME
from audit.ingest.catalog import Catalog
from audit.ingest.charges import Pricing
from audit.ingest.crossing import drop_cross_source
from audit.ingest.hindsight import count_doubts, forget_future, learn_units
from audit.ingest.merge import Merge
from audit.ingest.options import Options
from audit.ingest.plan import Plan
from audit.ingest.pool import Here, Pool, Processes
from audit.ingest.result import IngestResult
from audit.ingest.sources import forget_rejected, take_out_partial, write_sources
from audit.ingest.tasks import End, Groups, Lines, Part, Result, Stream, Task, Waiting
from audit.ingest.work import Work
from audit.prices.catalogue import Catalogue, load
from audit.store import Store

Progress = Callable[[int, int, int], None]
"""Called with bytes read, bytes in all (0 when a stream's size is not known), and calls read so far."""

_PRICE_SETTINGS = "price_settings"
_HASHES = "hash_scheme"
_ENGINE_MEMORY = "800MB"
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


@dataclass(slots=True)
class _Run:
    """The state of one run."""

    store: Store
    plan: Plan
    pricing: Pricing
    progress: Progress | None
    merge: Merge
    done: int = 0
    since_flush: int = 0
    ended: list[int] = field(default_factory=list)
    told_at: float = 0.0


def ingest(
    store: Store,
    inputs: Iterable[str | Path],
    *,
    mapping: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    catalogue: Callable[[], Catalogue] = load,
    price_settings: str = "",
    content: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
) -> IngestResult:
    """Read logs into the audit file, each call exactly once.

    `inputs` are files, folders, patterns, `-` for standard input, or addresses of object storage. `mapping` names the
    fields of records no reader knows, `tags` maps user, team, feature and environment to keys of a call's tags.
    `catalogue` gives the prices when they are first needed; `price_settings` stands for what it is made of beside the
    price data (contracts, aliases), and when that is not as before, or the prices are not, everything is priced anew.
    Without `content` texts are hashed and counted but not kept. Stopped at any moment, it leaves what was committed;
    run again, it ends in the same state.
    """
    _check_hashes(store)
    places = list(expand(inputs))
    if mapping:
        forget_rejected(store, [each.label for each in places if isinstance(each, Place)])
    plan = Plan(places, Catalog(store))
    anew = store.meta(_PRICE_SETTINGS) not in (None, price_settings)
    if plan.is_empty:
        if anew:
            reprice(store, catalogue)
            store.set_meta(_PRICE_SETTINGS, price_settings)
        return IngestResult(plan.results)
    options = Options(dict(tags or {}), dict(mapping or {}), content)
    pool = _pool(options, plan, workers)
    with store.within(_ENGINE_MEMORY), closing(pool):
        take_out_partial(store, plan.paths)
        pricing = Pricing(store, catalogue, anew=anew)
        merge = Merge(store, [each.result for each in plan.inputs], pricing)
        run = _Run(store, plan, pricing, progress, merge)
        _read(run, pool)
        with store.transaction():
            forget_future(store)
            pricing.finish()
            pricing.adjust(learn_units(store))
            store.set_meta(_PRICE_SETTINGS, price_settings)
        count_doubts(store, plan.results)
    if progress:
        progress(run.done, plan.total, merge.seen)
    return IngestResult(plan.results)


def _check_hashes(store: Store) -> None:
    """A file whose prompts were hashed by other rules would never find them again in new logs."""
    if store.meta(_HASHES) == SCHEME:
        return
    if store.value("SELECT request_id FROM request LIMIT 1") is not None:
        raise StoreError(
            f"{store.path} was begun by another version, which tells prompts apart in another way",
            "read all logs into a new file, with --db",
        )
    store.set_meta(_HASHES, SCHEME)


def reprice(store: Store, catalogue: Callable[[], Catalogue] = load) -> None:
    """Price everything in the audit file anew: after a change of contracts, aliases or price data."""
    with store.transaction():
        Pricing(store, catalogue, anew=True).finish()


def _pool(options: Options, plan: Plan, workers: int | None) -> Pool:
    wanted = workers or int(os.environ.get("AUDIT_WORKERS", "0")) or os.cpu_count() or 1
    if wanted == 1 or not sys.executable or (plan.total < _SMALL_BYTES and not plan.has_streams):
        return Here(Work(options))
    return Processes(options, wanted)


def _read(run: _Run, pool: Pool) -> None:
    """Take the results of all tasks, and write them from time to time."""
    for task, result in pool.run(run.plan.tasks()):
        if isinstance(task, End):
            run.ended.extend(task.sources)
        elif result is not None:
            _take(run, task, result)
        if run.merge.is_full or run.since_flush >= _FLUSH_BYTES or len(run.ended) >= _FLUSH_INPUTS:
            _flush(run, complete=not run.merge.waiting)
    if run.merge.waiting:
        _flush(run, complete=False)
        for _, result in pool.run(_groups(run.store)):
            if result is not None:
                run.merge.add(result.batch)
            if run.merge.is_full:
                _flush(run, complete=False)
    _flush(run, complete=True)
    if run.merge.waiting:
        run.store.run("DROP TABLE waiting_record")


def _take(run: _Run, task: Task | End, result: Result) -> None:
    first_line = 0
    if isinstance(task, Part):
        each = run.plan.inputs[task.source]
        first_line = each.lines or 0
        each.lines = first_line + result.lines
    run.merge.add(result.batch, first_line)
    for source, digests in result.digests.items():
        run.plan.inputs[source].digests.extend(digests)
    if isinstance(task, Stream | Lines) and run.plan.inputs[task.source].place.size is None:
        run.plan.inputs[task.source].result.bytes += result.bytes
    run.done += result.bytes
    run.since_flush += result.bytes
    now = time.monotonic()
    if run.progress and (now - run.told_at >= _EVERY_SECONDS):
        run.told_at = now
        run.progress(run.done, run.plan.total, run.merge.seen)


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


def _flush(run: _Run, *, complete: bool) -> None:
    """Write what was read, all of it or nothing; `complete`: inputs that ended will not be read again."""
    store, inputs = run.store, run.plan.inputs
    with store.transaction():
        low = run.merge.next_id
        touched = run.merge.flush()
        winners = drop_cross_source(store, low, {each.source_id or 0: each for each in run.plan.results})
        run.pricing.write_charges(low, winners)
        done = run.ended if complete else []
        write_sources(store, [inputs[n] for n in sorted(touched.difference(done))], [inputs[n] for n in done])
    run.since_flush = 0
    if complete:
        run.ended.clear()
