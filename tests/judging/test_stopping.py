"""A judgement that is killed or stopped keeps what it paid for, and its cap holds over all its runs."""

from __future__ import annotations

import signal
from pathlib import Path

import audit.store
from tests.judging.conftest import House, careful
from tests.peer import Peer
from tests.scoring.conftest import Plant
from tests.stopping import stopped_by

PROGRAM = """
import sys
import audit.store
from audit.clients._lane import Policy
from audit.config import EndpointConfig
from audit.errors import Interrupted
from audit.judging import judging, plan_judging
from audit.prices.catalogue import load
path, url, cap = sys.argv[1:]
house = EndpointConfig("house", base_url=url, input_per_million=1.0, output_per_million=1.0)
with audit.store.open(path) as store:
    plan = plan_judging(store, load(), "house/judge-1", endpoints=[house])
    try:
        judging(store, plan, max_cost_usd=float(cap), consent=True, policy=Policy(concurrency=4))
    except Interrupted as stopped:
        sys.exit(stopped.exit_code)
"""


def test_a_stopped_judgement_pays_for_nothing_twice_and_keeps_its_cap(tmp_path: Path) -> None:
    path = tmp_path / "judged.duckdb"
    with Peer() as peer:
        peer.delay = 0.05
        with audit.store.open(path, create=True) as store:
            house = House(Plant(store), peer)
            house.letters(lambda number, right: f"Hello {right}!", n=60)
            house.says(careful)
            assert house.plant.store.path
        assert stopped_by(signal.SIGINT, PROGRAM, str(path), f"{peer.url}/v1", "10", peer=peer, after=25) == 4
        stopped = len(peer.requests)
        with audit.store.open(path) as store:
            assert store.value("SELECT COUNT(*) FROM judgement") == stopped, "an orderly stop loses nothing"
        assert (
            stopped_by(signal.SIGKILL, PROGRAM, str(path), f"{peer.url}/v1", "10", peer=peer, after=stopped + 20)
            == -signal.SIGKILL
        )
        with audit.store.open(path) as store:
            kept = store.value("SELECT COUNT(*) FROM judgement")
            assert stopped < kept
            assert len(peer.requests) - kept <= 12, "only what was on its way is lost"
            peer.delay = 0
            house = House(Plant(store), peer)
            sent = len(peer.requests)
            assert (
                ", of which unfinished runs may have cost $"
                in house.judge(cap=store.value("SELECT SUM(cost_pico) FROM judgement") / 1e12).stopped
            )
            assert len(peer.requests) == sent
            made = house.judge()
            assert (made.reused, made.answers) == (kept, 60)
