"""From what a sample of prompts shows to what goes from every prompt: exact where looked at, a ratio elsewhere."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from audit.levers import Settings
from audit.levers._probe import Prompt
from audit.levers._trims import found
from audit.store import Store

_SPAN_COLUMNS: dict[str, pa.DataType] = {
    "request_id": pa.int64(), "position": pa.int32(), "since": pa.float64(), "until": pa.float64(),
    "share": pa.float64(),
}  # fmt: skip
_SPAN = pa.schema(_SPAN_COLUMNS)
_RATIO_COLUMNS: dict[str, pa.DataType] = {
    "workflow_id": pa.int64(), "kind": pa.string(), "share": pa.float64(), "spread": pa.float64(),
    "prompts": pa.int64(),
}  # fmt: skip
_RATIO = pa.schema(_RATIO_COLUMNS)

_ALL = """
CREATE OR REPLACE TEMP TABLE {name}_span AS
SELECT request_id, position, since, until, share FROM {name}_seen
UNION ALL
SELECT s.request_id, s.position, 0.0 AS since, 1.0 AS until, h.share
FROM {name}_ratio AS h
JOIN request AS r ON r.workflow_id = h.workflow_id
JOIN segment AS s ON s.request_id = r.request_id AND s.direction = 'input' AND s.kind = h.kind
LEFT JOIN {name}_looked AS p ON p.request_id = r.request_id
WHERE r.status = 'billable' AND r.text_status = 'full' AND p.request_id IS NULL AND h.share > 0
"""
_BEYOND = """
SELECT r.workflow_id, COUNT(*) AS requests, SUM(CASE WHEN p.request_id IS NULL THEN 1 ELSE 0 END) AS unseen
FROM request AS r LEFT JOIN {name}_looked AS p ON p.request_id = r.request_id
WHERE r.status = 'billable' AND r.text_status = 'full' GROUP BY r.workflow_id
"""


@dataclass(slots=True)
class Spans:
    """What goes from the sampled prompts: stretches of segments, and per workflow and kind of segment the ratio."""

    looked: list[int] = field(default_factory=list)
    rows: list[tuple[int, int, float, float, float]] = field(default_factory=list)
    pairs: dict[tuple[int, str], list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, prompt: Prompt, cuts: Iterable[tuple[int, float, float, float]], kinds: frozenset[str]) -> None:
        """Note the cuts of one prompt: (position, since, until, share). `kinds` are those that could have been cut."""
        self.looked.append(prompt.request_id)
        tokens = {piece.position: piece for piece in prompt.pieces if piece.direction == "input"}
        gone: dict[str, float] = defaultdict(float)
        held: dict[str, float] = defaultdict(float)
        for piece in tokens.values():
            if piece.kind in kinds:
                held[piece.kind] += piece.tokens
        for position, since, until, share in cuts:
            self.rows.append((prompt.request_id, position, since, until, share))
            gone[tokens[position].kind] += tokens[position].tokens * (until - since) * share
        for kind, whole in held.items():
            self.pairs[prompt.workflow_id, kind].append((gone[kind], whole))

    def write(self, store: Store, name: str) -> None:
        """Write `<name>_span` for every request of the workflows in which something goes."""
        store.replace(f"{name}_looked", pa.table({"request_id": pa.array(self.looked, pa.int64())}))
        store.replace(f"{name}_seen", pa.table([list(column) for column in zip(*self.rows, strict=True)] or
                                               [[]] * len(_SPAN), schema=_SPAN))  # fmt: skip
        ratios = [
            {"workflow_id": workflow, "kind": kind, "prompts": len(pairs), **_ratio(pairs)}
            for (workflow, kind), pairs in self.pairs.items()
            if any(gone for gone, _ in pairs)
        ]
        store.replace(f"{name}_ratio", pa.Table.from_pylist(ratios, schema=_RATIO))
        store.run(_ALL.format(name=name))


def _ratio(pairs: list[tuple[float, float]]) -> dict[str, float]:
    """Tokens that go over tokens there, and its relative standard error (linearised ratio estimator)."""
    gone, held = np.array(pairs, dtype=np.float64).T
    share = float(gone.sum() / held.sum()) if held.sum() else 0.0
    if len(pairs) < 2 or share <= 0:
        return {"share": share, "spread": 0.0}
    residual = gone - share * held
    error = math.sqrt(float(residual @ residual) / (len(pairs) - 1) * len(pairs)) / float(held.sum())
    return {"share": share, "spread": error / share}


def sampling_draws(store: Store, name: str, draws: int, seed: int) -> Any:
    """Draws of the realised share of a trim's saving: what was not looked at may hold more or less than the sample."""
    beyond = {row["workflow_id"]: row["unseen"] / row["requests"] for row in store.rows(_BEYOND.format(name=name))}
    spread = {
        row["workflow_id"]: row["spread"]
        for row in store.rows(f"SELECT workflow_id, MAX(spread) AS spread FROM {name}_ratio GROUP BY workflow_id")
    }
    rows = [row for row in found(store, name) if row["saving_pico"] > 0]
    total = float(sum(row["saving_pico"] for row in rows))
    if not total:
        return np.ones(draws)
    parts = [
        row["saving_pico"] * float(beyond.get(row["workflow_id"], 0)) * spread.get(row["workflow_id"], 0.0)
        for row in rows
    ]
    noise = np.random.default_rng(seed).standard_normal(draws)
    return np.clip(1 + noise * math.sqrt(sum(part * part for part in parts)) / total, 0, None)


def sampling_shares(name: str) -> Any:
    """`Lever.shares` of a lever whose spans come from a sample."""

    def shares(store: Store, settings: Settings, draws: int, seed: int) -> Any:
        del settings
        return sampling_draws(store, name, draws, seed)

    return shares
