"""A replay under fire, half of it streams: 20 % mixed faults, storms of rate limits, a kill -9 every few seconds.

Run `python -m benchmarks.replay_faults [calls] [seconds]`: a run is killed so many seconds after its first request.
Server and replay run in processes of their own. Prints how many runs it took, how often a prompt was answered more than
once (only what was on the wire at a kill may be) and how often under a new idempotency key (never: an endpoint that knows
such keys bills nothing twice), and what the server would bill against the cap.
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
from tests.replay.logs import fill, shop

CONCURRENCY = 16
SERVER = """
import json, random, sys, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from tests.peer import Peer, Wire
from tests.streams import said, sse
CUT = ["cut-stream", "half-stream", "error-stream"]
FAULTS = ["reset", "500", "429:20", "garbage", "null", "html", "529", "truncate", "close", "503"]
draw = random.Random(7)
peer = Peer()
peer.delay = 0.02
def fault(number, body):
    if number // 100 % 4 == 3 and number % 100 < 25:
        return "429:60"  # a storm: many in a row
    return draw.choice(FAULTS + CUT if body.get("stream") else FAULTS) if draw.random() < 0.2 else None
peer.fault_for = fault
peer.wire = lambda path, body: Wire([sse([each]) for each in said(path, "refund")]) if body.get("stream") else None
class Tell(BaseHTTPRequestHandler):
    def do_GET(self):
        keys = len({each["idempotency-key"] for each in peer.headers})
        said = json.dumps({"served": list(peer.served.values()), "requests": len(peer.requests), "keys": keys}).encode()
        self.send_response(200); self.end_headers(); self.wfile.write(said)
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
    result = replay(store, made, max_cost_usd=float(sys.argv[3]), policy=policy)
    sys.exit(0 if not result.failed else 3)
"""
CALL_USD = (100 * 0.15 + 5 * 0.6) / 1e6


def told(port: str) -> dict[str, Any]:
    """What the server has seen."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}") as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def under_fire(calls: int, between: float) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url, port = server.stdout.readline().split()
    os.environ.update(OPENAI_BASE_URL=f"{url}/v1", OPENAI_API_KEY="none")
    cap = 0.5
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "audit.duckdb"
            with audit.store.open(path, create=True) as store:
                half = calls // 2
                fill(store, [*shop({"sort": half, "faq": calls // 4}), *shop({"draft": calls - half}, stream=True)])
            started, runs, kept = time.perf_counter(), 0, 0
            while kept < calls and runs < 100:
                runs += 1
                child = subprocess.Popen(
                    [sys.executable, "-c", CLIENT, str(path), str(calls), str(cap), str(CONCURRENCY)]
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
            seen = told(port)
            served = seen["served"]
            again = sum(served) - len(served)
            print(
                f"{kept} of {calls} answered in {runs} runs and {time.perf_counter() - started:.0f} s; "
                f"{seen['requests']} requests; on file twice: {twice}; answered again after a kill: {again} "
                f"(at most {CONCURRENCY * (runs - 1)} were on the wire), under a new key: {seen['keys'] - len(served)}; "
                f"billed ${sum(served) * CALL_USD:.5f}, cap ${cap}"
            )
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    under_fire(int(sys.argv[1]) if len(sys.argv) > 1 else 500, float(sys.argv[2]) if len(sys.argv) > 2 else 1.5)
