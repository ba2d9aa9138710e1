"""Time the prompt-cache simulation on a made-up audit file: reading the traffic, calibration, levers, settlement.

python benchmarks/prompt_cache.py [--requests 1000000] [--savings]

Conversations of 1 to 8 requests with a system prompt of 600 to 3,000 tokens, seven segments a request on average, in
three price models (one that caches by itself, two with marks); the hits billed are those of the rules.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from audit import store as stores
from audit.config import Config
from audit.levers import prompt_cache
from audit.projection import projection, settlement
from audit.promptcache import calibrate, traffic
from audit.store import Store

_DAY_US = 86_400_000_000
_START = 20_000 * _DAY_US
_MODELS = (("openai", "gpt-5-mini"), ("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-5.6-sol"))
_RULES = {
    "gpt-5-mini": ("longest_prefix", 1024, 128, 300, 86400, True, False),
    "claude-sonnet-4-5": ("breakpoints", 1024, 1, 300, 3600, True, True),
    "gpt-5.6-sol": ("exact_breakpoint", 1024, 1, 1800, 43200, False, True),
}
_PRICES = {"input": 2_000_000, "cache_read": 200_000, "cache_write_5m": 2_500_000, "cache_write_1h": 4_000_000,
           "output": 8_000_000}  # fmt: skip
_APPS = 40
_BATCH = 200_000


@contextmanager
def timed(name: str) -> Iterator[None]:
    started, spent = time.perf_counter(), time.process_time()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    took, cpu = time.perf_counter() - started, time.process_time() - spent
    print(f"{name:28} {took:7.2f} s   {cpu:6.2f} s of processor   peak {peak:6.0f} MB", flush=True)


def fill(store: Store, requests: int, seed: int = 7) -> int:
    """Write requests, segments, charges, prices and rules; returns the segments."""
    random = np.random.default_rng(seed)
    _tables(store)
    segments = done = 0
    conversation = 0
    while done < requests:
        turns = random.integers(1, 9, size=_BATCH // 4)
        turns = turns[: int(np.searchsorted(np.cumsum(turns), min(_BATCH, requests - done), side="left")) + 1]
        segments += _batch(store, random, turns, done, conversation)
        done += int(turns.sum())
        conversation += len(turns)
    return segments


def _batch(store: Store, random: np.random.Generator, turns: np.ndarray, first: int, conversation: int) -> int:
    talks = np.repeat(np.arange(len(turns)), turns)
    turn = np.arange(len(talks)) - np.repeat(np.cumsum(turns) - turns, turns)
    request = first + np.arange(len(talks))
    app = (talks * 7919 + conversation) % _APPS
    began = random.integers(0, 25 * _DAY_US, size=len(turns))
    at = _START + began[talks] + turn * random.integers(20_000_000, 200_000_000, size=len(talks))
    count = 2 + 2 * turn
    row = np.repeat(np.arange(len(talks)), count)
    position = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    content = np.where(position == 0, app[row], 1_000 + (conversation + talks[row]) * 20 + position).astype(np.int64)
    chain = np.where(position == 0, app[row] + 1, 10**9 + (conversation + talks[row]) * 20 + position).astype(np.int64)
    tokens = np.where(position == 0, 600 + 60 * app[row], 40 + (content * 7) % 160)
    whole = np.bincount(row, weights=tokens + 4).astype(np.int64) + 3
    marked = (app[row] % 3 == 1) & (position == 0) & (app[row] % 2 == 1)
    kind = np.where(position == 0, "system", np.where(position == count[row] - 1, "user", "history"))
    store.write("segment", pa.table({
        "request_id": request[row], "position": position.astype(np.int32), "direction": ["input"] * len(row),
        "role": np.where(position == 0, "system", np.where(position % 2 == 1, "user", "assistant")), "kind": kind,
        "content_hash": content, "chain_hash": chain, "tokens": tokens.astype(np.int32), "cache_breakpoint": marked,
        "cache_ttl": np.where(marked, "5m", None),
    }))  # fmt: skip
    provider = np.array([name for name, _ in _MODELS])[app % 3]
    model = np.array([name for _, name in _MODELS])[app % 3]
    store.write("request", pa.table({
        "request_id": request, "status": ["billable"] * len(request), "started_at_us": at,
        "day": (at // _DAY_US).astype(np.int32), "prompt_key": request, "normalised_key": request,
        "question_key": request, "input_tokens": whole, "cache_read_input_tokens": np.zeros(len(whole), np.int64),
        "output_tokens": np.full(len(whole), 100), "price_provider": provider, "price_model": model,
        "request_model": model, "workflow_id": app.astype(np.int64), "text_status": ["full"] * len(request),
        "usage_source": ["logged"] * len(request), "duration": np.full(len(whole), 2.0), "reader": ["made up"] * len(request),
    }))  # fmt: skip
    for meter, quantity in (("input", whole), ("output", np.full(len(whole), 100))):
        store.write("charge", pa.table({
            "charge_id": request * 2 + (meter == "output"), "request_id": request, "sku_meter": [meter] * len(whole),
            "provider_name": provider, "model": model, "service_tier": ["standard"] * len(whole),
            "consumed_quantity": quantity, "estimated": np.zeros(len(whole), bool),
            "unit_price_pico": np.full(len(whole), _PRICES[meter]), "cost_pico": quantity * _PRICES[meter],
            "tier_fallback": np.zeros(len(whole), bool),
        }))  # fmt: skip
    return len(row)


def _tables(store: Store) -> None:
    store.write_rows("workflow", [{"workflow_id": app, "name": f"app {app}"} for app in range(_APPS)])
    store.write_rows("price", [
        {
            "provider_name": provider, "model": model, "sku_meter": meter, "service_tier": "standard", "valid_from_us": 0,
            "valid_to_us": 2**62, "week_from_us": 0, "week_to_us": 7 * _DAY_US, "input_threshold": -1,
            "input_ceiling": 2**62, "unit_price_pico": price, "list_unit_price_pico": price, "inferred": False,
            "source": "made up", "checked_on": "",
        }
        for provider, model in _MODELS for meter, price in _PRICES.items()
    ])  # fmt: skip
    names = ("match", "min_tokens", "step", "ttl_s", "ttl_long_s", "sliding", "write_premium")
    store.write_rows("cache_rule", [
        {
            "provider_name": provider, "model": model, "valid_from_us": 0, "valid_to_us": 2**62, "max_breakpoints": 4,
            "lookback": 20, "reliability": 0.9, "batch_stack": "multiply", "source": "made up",
            **dict(zip(names, _RULES[model], strict=True)),
        }
        for provider, model in _MODELS
    ])  # fmt: skip


_BILL = """
UPDATE request SET cache_read_input_tokens = h.read FROM billed_hit AS h WHERE h.request_id = request.request_id;
UPDATE charge SET consumed_quantity = consumed_quantity - h.read,
                  cost_pico = (consumed_quantity - h.read) * unit_price_pico
FROM billed_hit AS h WHERE h.request_id = charge.request_id AND charge.sku_meter = 'input';
INSERT INTO charge BY NAME
SELECT c.charge_id + 1000000000 AS charge_id, c.request_id, 'cache_read' AS sku_meter, c.provider_name, c.model,
       c.service_tier, h.read AS consumed_quantity, FALSE AS estimated, $price AS unit_price_pico,
       h.read * $price AS cost_pico, FALSE AS tier_fallback
FROM charge AS c JOIN billed_hit AS h ON h.request_id = c.request_id WHERE c.sku_meter = 'input'
"""


def bill(store: Store) -> None:
    """Bill the hits that the rules give under today's marks."""
    found = traffic(store)
    read = calibrate(found).today.read
    hit = read > 0
    store.replace("billed_hit", pa.table({"request_id": found.request_id[hit], "read": read[hit].astype(np.int64)}))
    for statement in _BILL.split(";"):
        values = {"price": _PRICES["cache_read"]} if "$price" in statement else {}
        store.run(statement, **values)


def main() -> None:
    """Fill an audit file and time each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--savings", action="store_true", help="time a whole projection too")
    parser.add_argument("--keep", type=Path, help="use, or make, this audit file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder) / "made-up.duckdb"
        if not path.exists():
            with stores.open(path, create=True) as store, timed("make the audit file"):
                print(f"{fill(store, given.requests)} segments")
                bill(store)
                store.checkpoint()
        with stores.open(path) as store:
            with timed("read the traffic"):
                found = traffic(store)
            print(f"{len(found)} requests, {len(found.events)} shared prefixes of requests")
            with timed("calibrate"):
                calibrate(found)
            store.run("CREATE TEMP TABLE remaining AS SELECT * FROM charge")
            lever = prompt_cache.LEVER
            for number in (1, 2):
                with timed(f"lever prompt_cache, run {number}"):
                    if lever.prepare:
                        lever.prepare(store, lever.settings)
            store.run("DELETE FROM remaining WHERE request_id % 10 = 3")
            with timed("settlement, a tenth removed"):
                print(f"{settlement.find_losses(store)} survivors lose hits")
            with timed("lever prompt_cache, then"):
                if lever.prepare:
                    lever.prepare(store, lever.settings)
            store.run("DROP TABLE remaining")
            if given.savings:
                with timed("whole projection"):
                    result = projection(store, Config())
                for each in result.levers:
                    print(f"  {each.name:20} {each.attributed_pico / 1e12:12.2f} USD  {each.blocked or ''}")


if __name__ == "__main__":
    main()
