"""A replay under fire, half of it streams: 20 % mixed faults, storms of rate limits, a kill -9 every few seconds.

Run `python -m benchmarks.replay_faults [calls] [seconds] [seed]`: a run is killed so many seconds after its first request.
Faults: connections refused, reset before and amid the body, cut bodies with another length than announced, broken JSON,
null, HTML with status 200, 500, 503, 529, redirects, Retry-After as a date and of a day, bodies that drip, streams that
break off or end in an error. Server and replay run in processes of their own. Prints how many runs it took, how often a prompt was answered more than once (only what was
on the wire at a kill may be) and how often under a new idempotency key (never: an endpoint that knows such keys bills
nothing twice), what the server would bill against the cap, and whether verdicts and ratios are those of a run without a
fault.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import audit.store
from audit.deciding import deciding
from audit.scoring import scoring
from tests.replay.logs import fill, shop

CONCURRENCY = 16
CAP_USD = 0.5
MOST_RUNS = 100
SERVER = """
import email.utils, hashlib, json, random, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from tests.peer import Peer, Wire, answer
from tests.streams import said, sse
CUT = ["cut-stream", "half-stream", "error-stream"]
FAULTS = ["reset", "reset-body", "500:no luck", "429:20", "garbage", "null", "html", "529", "truncate", "close", "503",
          "redirect:http://127.0.0.1:9/v1", "date"]
seed = int(sys.argv[1])
draw = random.Random(seed)
def reply(body):
    digest = hashlib.sha256(json.dumps(body["messages"]).encode()).digest()
    return "refund" if digest[0] % 12 else "billing"
peer = Peer(reply)
peer.delay = 0.02
def fault(number, body):
    if number // 100 % 4 == 3 and number % 100 < 25:
        return "429:60"  # a storm: many in a row
    if number % 211 == 210:
        return "429-after:86400"
    found = draw.choice(FAULTS + CUT if body.get("stream") else FAULTS) if draw.random() < 0.2 else None
    return "429-after:" + email.utils.formatdate(time.time() + 1, usegmt=True) if found == "date" else found
def drip(path, body):
    slow = 0.1 if seed and draw.random() < 0.02 else 0.0
    if body.get("stream"):
        return Wire([sse([each]) for each in said(path, reply(body))], pause=slow)
    if not slow:
        return None
    text = json.dumps(answer(path, body, reply(body), peer.prompt_tokens, peer.completion_tokens)).encode()
    return Wire([text[i : i + 40] for i in range(0, len(text), 40)], kind="application/json", pause=slow)
peer.wire = drip
if seed:
    peer.fault_for = fault
class Tell(BaseHTTPRequestHandler):
    def do_GET(self):
        keys = len({each["idempotency-key"] for each in peer.headers})
        seen = json.dumps({"served": list(peer.served.values()), "requests": len(peer.requests), "keys": keys}).encode()
        self.send_response(200); self.end_headers(); self.wfile.write(seen)
    def log_message(self, *args): pass
with peer:
    told = HTTPServer(("127.0.0.1", 0), Tell)
    print(peer.url, told.server_port, flush=True)
    told.serve_forever()
"""
CLIENT = """
import sys
import audit.store
from audit.clients._lane import Policy
from audit.errors import AuditError
from audit.prices.catalogue import load
from audit.replay import plan, replay
with audit.store.open(sys.argv[1]) as store:
    made = plan(store, load(), sample=int(sys.argv[2]), models=["gpt-4o-mini"], floor=False)
    policy = Policy(concurrency=int(sys.argv[4]), first_backoff=0.05, last_backoff=0.4, attempts=12)
    try:
        result = replay(store, made, max_cost_usd=float(sys.argv[3]), policy=policy)
    except AuditError as error:
        sys.exit(str(error))
    sys.exit(0 if not result.failed else 3)
"""
CALL_USD = (100 * 0.15 + 5 * 0.6) / 1e6
OF_THE_RUN = {
    "decided_at_us",
    "reason",
    "p50_duration",
    "p95_duration",
    "duration_n",
    "p50_first_chunk",
    "p95_first_chunk",
    "first_chunk_n",
}
"""What may differ between two runs with the same answers: when it was, how long it took, and what is said of that."""


def told(port: str) -> dict[str, Any]:
    """What the server has seen."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}") as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def run_until_answered(path: Path, calls: int, port: str, between: float | None) -> tuple[int, int, int]:
    """Run, kill, run again until all calls are on file: answers on file, how many twice, and runs."""
    runs = kept = twice = 0
    while kept < calls and runs < MOST_RUNS:
        runs += 1
        child = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(path), str(calls), str(CAP_USD), str(CONCURRENCY)],
            stderr=subprocess.DEVNULL,
        )
        before = told(port)["requests"]
        while child.poll() is None and told(port)["requests"] <= before:
            time.sleep(0.05)
        try:
            child.wait(between)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        with audit.store.open(path) as store:
            kept = store.value("SELECT COUNT(*) FROM replay WHERE status = 'ok'")
            twice = kept - store.value("SELECT COUNT(DISTINCT prompt_key) FROM replay WHERE status = 'ok'")
    return kept, twice, runs


def answered(calls: int, between: float | None, seed: int) -> list[dict[str, Any]]:
    """The verdicts of a replay whose endpoint is at fault (seed 0: never) and that is killed after `between` seconds."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(seed)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdout is not None
    url, port = server.stdout.readline().split()
    os.environ.update(OPENAI_BASE_URL=f"{url}/v1", OPENAI_API_KEY="none")
    started = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "audit.duckdb"
            with audit.store.open(path, create=True) as store:
                half = calls // 2
                fill(store, [*shop({"sort": half, "faq": calls // 4}), *shop({"draft": calls - half}, stream=True)])
            kept, twice, runs = run_until_answered(path, calls, port, between)
            seen = told(port)
            served = seen["served"]
            again = sum(served) - len(served)
            print(
                f"seed {seed}: {kept} of {calls} answered in {runs} runs and {time.perf_counter() - started:.0f} s; "
                f"{seen['requests']} requests; on file twice: {twice}; answered again after a kill: {again} "
                f"(at most {CONCURRENCY * (runs - 1)} were on the wire), under a new key: {seen['keys'] - len(served)}; "
                f"billed ${sum(served) * CALL_USD:.5f}, cap ${CAP_USD}",
                flush=True,
            )
            with audit.store.open(path) as store:
                scoring(store)
                deciding(store)
                rows = store.rows("SELECT * FROM verdict ORDER BY workflow_id, model")
            return [{name: value for name, value in row.items() if name not in OF_THE_RUN} for row in rows]
    finally:
        server.kill()
        server.wait()


def under_fire(calls: int, between: float, seed: int) -> None:
    calm, fired = answered(calls, None, 0), answered(calls, between, seed)
    if calm == fired:
        print(f"verdicts and ratios are those of a run without a fault: {[row['verdict'] for row in calm]}")
    for one, other in zip(calm, fired, strict=True):
        for name in one:
            if one[name] != other[name]:
                print(f"{name} is {other[name]}, without a fault {one[name]}")


if __name__ == "__main__":
    under_fire(
        int(sys.argv[1]) if len(sys.argv) > 1 else 500,
        float(sys.argv[2]) if len(sys.argv) > 2 else 1.5,
        int(sys.argv[3]) if len(sys.argv) > 3 else 7,
    )
