"""How fast a replay sends: to a server on loopback by API flavour, whole and streamed, and with the embedded model.

Run `python -m benchmarks.replay [calls]`. The server answers after 30 ms and runs in a process of its own on the same
machine, so calls per second are a floor; processor time per call is the client's alone and says what a quiet machine
would reach. Prints both, the growth of resident memory, and seconds per call of the embedded model.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import audit.store
from audit.clients._lane import Policy
from audit.prices.catalogue import load
from audit.replay import LocalLimits, plan, replay
from tests.replay.logs import fill, shop

SERVER = """
import time
from tests.peer import Peer, Wire
from tests.streams import said, sse
with Peer() as peer:
    peer.delay = 0.03
    peer.wire = lambda path, body: Wire([sse(said(path, "refund"))]) if body.get("stream") else None
    print(peer.url, flush=True)
    time.sleep(600)
"""


def resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def hosted(calls: int) -> None:
    catalogue = load()
    apis = (
        ("chat completions", "openai", "gpt-4o", "gpt-4o-mini", "chatcmpl-"),
        ("Responses", "openai", "gpt-4o", "gpt-4o-mini", "resp_"),
        ("Messages", "anthropic", "claude-sonnet-4-5", "claude-haiku-4-5", "msg_"),
    )
    for (api, provider, model, candidate, response), streamed in product(apis, (False, True)):
        with (
            tempfile.TemporaryDirectory() as folder,
            audit.store.open(Path(folder) / "audit.duckdb", create=True) as store,
        ):
            log = shop(
                {"sort": calls, "faq": calls // 4},
                model=model,
                provider=provider,
                response_id=response,
                stream=streamed,
            )
            fill(store, log)
            # an answer to warm up: imports and connections are not what is measured
            replay(store, plan(store, catalogue, sample=1, models=[candidate], floor=False), max_cost_usd=None)
            made = plan(store, catalogue, sample=calls, models=[candidate], floor=False)
            before, started, busy = resident_mb(), time.perf_counter(), time.process_time()
            result = replay(store, made, max_cost_usd=50.0, policy=Policy())
            seconds, busy = time.perf_counter() - started, time.process_time() - busy
            print(
                f"{api}, {'streamed' if streamed else 'whole'}: {result.answered / seconds:.0f} calls/s, {1000 * busy / result.answered:.2f} ms of "
                f"processor time a call, memory +{resident_mb() - before:.0f} MB"
            )


def embedded(calls: int) -> None:
    catalogue = load()
    schema = {
        "type": "object",
        "properties": {"intent": {"enum": ["refund", "order", "other"]}},
        "required": ["intent"],
    }
    shape = {"response_format": {"type": "json_schema", "json_schema": {"name": "i", "schema": schema}}}
    for name, parameters in (("short JSON", {**shape, "max_tokens": 24}), ("free text", {"max_tokens": 48})):
        with audit.store.open(":memory:", create=True) as store:
            fill(store, shop({"sort": calls}, parameters=parameters, system="You sort messages to a shop. " * 12))
            made = plan(store, catalogue, models=["local"], local=LocalLimits(prompts=calls))
            result = replay(store, made, max_cost_usd=0.0)
            print(
                f"embedded, {name}: {result.answered} in {result.seconds:.1f} s ({result.seconds / calls:.2f} s each)"
            )


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    os.environ.update(
        OPENAI_BASE_URL=f"{url}/v1", OPENAI_API_KEY="none", ANTHROPIC_BASE_URL=url, ANTHROPIC_API_KEY="none"
    )
    try:
        hosted(number)
        embedded(30)
    finally:
        server.kill()
        server.wait()
