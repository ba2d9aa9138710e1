"""A world as an audit file in which every prompt was replayed, so that a sample of any seed can be judged without asking."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from audit import store as stores
from audit.deciding import Unit, evidence
from audit.ingest import ingest
from audit.replay.drawing import draw
from audit.replay.frame import Frame, frame
from audit.replay.strata import Strata, stratify
from audit.scoring import scoring
from audit.store import Store
from audit.workflows import workflows
from benchmarks.accepting.worlds import STRONG, WEAK, WORLDS, World, build, tokens

_PROMPTS = """
SELECT r.prompt_key, r.request_id, r.workflow_id, s.role, c.text
FROM request AS r JOIN segment AS s ON s.request_id = r.request_id JOIN content AS c ON c.content_hash = s.content_hash
WHERE s.direction = 'input' AND s.kind IN ('system', 'user') ORDER BY r.request_id, s.position
"""


@dataclass(frozen=True, eq=False)
class Census:
    """The frame of a world with the judged answer and the truth of every prompt; arrays are in the frame's order."""

    units: Frame
    strata: Strata
    judged: Mapping[int, Unit]
    good: np.ndarray
    names: Mapping[int, str]

    def sample(self, n: int, seed: int) -> list[Unit]:
        """The judged units a replay of n prompts with this seed would have."""
        found = draw(self.units, self.strata, np.ones(len(self.units), dtype=np.bool_), n, seed, {})
        cost = self.units.cost_pico / self.units.requests
        return [
            replace(
                self.judged[int(self.units.prompt_key[row])],
                weight=float(self.units.requests[row] / chance),
                requests=int(self.units.requests[row]),
                included=chance,
                stratum=str(stratum),
                cluster=str(row),
                current_cost=float(cost[row]),
            )
            for row, chance, stratum in zip(
                found.rows.tolist(), found.probabilities.tolist(), found.strata.tolist(), strict=True
            )
        ]


@contextmanager
def census(name: str, seed: int) -> Iterator[Census]:
    """Ingest a world, answer every prompt of it, and judge the answers with the scorers of a replay."""
    world = build(WORLDS[name], seed)
    with TemporaryDirectory() as folder:
        log = world.write(Path(folder))
        with stores.open(Path(folder) / "audit.duckdb", create=True) as store:
            ingest(store, [log], workers=1)
            workflows(store)
            keys = _answer(store, world)
            scoring(store)
            units = frame(store)
            rows = store.rows("SELECT workflow_id, name, task_kind FROM workflow")
            yield Census(
                units,
                stratify(units, {row["workflow_id"]: row["task_kind"] or "" for row in rows}),
                {unit.prompt_key: unit for trial in evidence(store).trials.values() for unit in trial},
                np.array([world.truth[keys[int(key)]][2] for key in units.prompt_key]),
                {row["workflow_id"]: str(row["name"]) for row in rows},
            )


def _answer(store: Store, world: World) -> dict[int, str]:
    """Write the cheap model's answer to every distinct prompt; returns the world's key of each."""
    asked: dict[tuple[int, int, int], list[dict[str, str]]] = {}
    for row in store.rows(_PROMPTS):
        place = row["prompt_key"], row["request_id"], row["workflow_id"]
        asked.setdefault(place, []).append({"role": row["role"], "content": row["text"]})
    keys: dict[int, str] = {}
    rows: list[dict[str, Any]] = []
    for (prompt, request, workflow), messages in asked.items():
        if prompt in keys:
            continue
        key = keys[prompt] = json.dumps(messages)
        said = world.answers[key]
        calls = None if isinstance(said, str) else json.dumps([{"name": n, "arguments": a} for n, a in said])
        rows.append(
            {
                "replay_id": len(rows) + 1, "request_id": request, "prompt_key": prompt, "workflow_id": workflow,
                "current_model": STRONG, "endpoint": "openai", "model": WEAK, "variant": "", "status": "ok",
                "text": said if isinstance(said, str) else "", "tool_calls": calls, "finish_reason": "stop",
                "cost_pico": 1000 * tokens(key), "duration": 0.1, "origin": "live", "attempt": 1, "lossy": "[]",
            }
        )  # fmt: skip
    store.write_rows("replay", rows)
    return keys
