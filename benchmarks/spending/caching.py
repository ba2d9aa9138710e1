"""What simulated caches answer on a planted log, and how often with the answer to another question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from audit import store as stores
from audit.config import Config
from audit.levers.semantic_cache import LEVER as SEMANTIC
from audit.levers.semantic_cache import certified, neighbours
from audit.projection.bench import Bench, settings_of
from audit.projection.projection import configured_levers
from audit.store import Store
from benchmarks.spending.flows import Log

_QUESTIONS = """
SELECT request_id, COALESCE(normalised_key, prompt_key) AS question FROM request
WHERE status = 'billable' AND prompt_key IS NOT NULL ORDER BY started_at_us, request_id
"""


@dataclass(slots=True)
class Answered:
    """Calls of a log that a cache answers by lever, and of those first asked in their words how many it served wrongly."""

    calls: dict[str, set[int]] = field(default_factory=dict)
    served: int = 0
    wrong: int = 0


def answered(path: Path, log: Log) -> Answered:
    """Play the caches of an audit in the order of the plan over what each leaves to the next."""
    found = Answered()
    levers = [each for each in configured_levers(Config()) if each.stage in ("WASTE", "CACHE")]
    with stores.open(path) as store:
        numbers = {row["request_id"]: int(row["response_id"].rsplit("-", 1)[1]) for row in store.rows(
            "SELECT request_id, response_id FROM request")}  # fmt: skip
        bench = Bench(store, settings_of(levers, {}), 2**60)
        bench.start()
        for lever in levers:
            before = _left(store)
            bench.apply(lever)
            gone = before - _left(store)
            found.calls[lever.name] = {numbers[each] for each in gone}
            if lever is SEMANTIC:
                found.served, found.wrong = _served(store, log, numbers, gone)
    return found


def _left(store: Store) -> set[int]:
    return {row["request_id"] for row in store.rows("SELECT DISTINCT request_id FROM remaining")}


def _served(store: Store, log: Log, numbers: Mapping[int, int], hits: set[int]) -> tuple[int, int]:
    """Requests a like question answered, and those where it asked something else."""
    settings = dict(SEMANTIC.settings)
    alike = neighbours(store, certified(store, settings))
    written: dict[int, str] = {}
    served = wrong = 0
    for row in store.rows(_QUESTIONS):
        question, meaning = row["question"], log.calls[numbers[row["request_id"]]].prompt.meaning
        if row["request_id"] not in hits:
            written[question] = meaning
        else:
            near = (each for each in (question, *alike.get(question, ())) if each in written)
            served += 1
            wrong += written[next(near)] != meaning
    return served, wrong
