"""The sample: drawn by seed, grown without losing a unit, kept in the table `sample`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from audit.replay.frame import Frame
from audit.replay.strata import Strata, allocate, sizes
from audit.statistics.arrays import BoolArray, FloatArray, IntArray
from audit.statistics.sampling import keyed_uniforms, sequential_poisson
from audit.store import Store

_DRAWN_BEFORE = "SELECT prompt_key, inclusion_probability, batch FROM sample WHERE seed = $seed ORDER BY prompt_key"
_CLUSTERS = """
SELECT u.prompt_key, MIN(COALESCE(r.conversation_id, '')) AS conversation_id
FROM replay_drawn AS u JOIN request AS r ON r.prompt_key = u.prompt_key AND r.status = 'billable'
GROUP BY u.prompt_key
"""


@dataclass(frozen=True, eq=False)
class Sample:
    """Drawn rows of a frame in the order drawn, with inclusion probability, stratum (index) and batch of each."""

    rows: IntArray
    probabilities: FloatArray
    strata: IntArray
    batches: IntArray

    def __len__(self) -> int:
        return int(self.rows.size)


def drawn_before(store: Store, seed: int) -> dict[int, tuple[float, int]]:
    """Inclusion probability and batch of every prompt drawn with this seed."""
    return {
        row["prompt_key"]: (row["inclusion_probability"], row["batch"]) for row in store.rows(_DRAWN_BEFORE, seed=seed)
    }


def draw(
    units: Frame, strata: Strata, eligible: BoolArray, n: int, seed: int, before: Mapping[int, tuple[float, int]]
) -> Sample:
    """Draw n eligible prompts by stratified sequential-Poisson sampling with probability proportional to size.

    Prompts drawn `before` are kept first, so a grown sample contains the smaller one; probabilities are those of the
    final size. The same seed and frame give the same sample in any row order.
    """
    chances = np.zeros(len(units))
    picked: list[tuple[float, int, int]] = []
    # a smaller sample than the one drawn before is drawn afresh: it is the larger one's beginning
    known = before if n > sum(1 for key in units.prompt_key.tolist() if key in before) else {}
    for place, (stratum, size) in enumerate(zip(strata.strata, allocate(strata, units, eligible, n), strict=True)):
        members = stratum.members[eligible[stratum.members]]
        if members.size == 0:
            continue
        keys = units.prompt_key[members]
        kept = np.flatnonzero([key in known for key in keys.tolist()])
        uniforms = keyed_uniforms(seed, keys.tolist())
        size = max(size, kept.size)
        if size == 0:
            continue
        found = sequential_poisson(sizes(units, members), size, uniforms, keys=keys, kept=kept)
        chances[members] = found.probabilities
        rank = uniforms / np.maximum(found.probabilities, 1e-300)
        picked += [(float(rank[unit]), int(members[unit]), place) for unit in found.units.tolist()]
    return _sample(units, picked, chances, before)


def exactly(
    units: Frame, strata: Strata, chances: Mapping[int, float], before: Mapping[int, tuple[float, int]]
) -> Sample:
    """The sample of given prompts, by key with the chance each had; those drawn `before` keep batch and chance."""
    places = {int(row): place for place, stratum in enumerate(strata.strata) for row in stratum.members.tolist()}
    rows = [row for row, key in enumerate(units.prompt_key.tolist()) if key in chances]
    keys = units.prompt_key[rows].tolist()
    return Sample(
        np.array(rows, dtype=np.int64),
        np.array([max(chances[key], before.get(key, (0.0, 1))[0]) for key in keys], dtype=np.float64),
        np.array([places[row] for row in rows], dtype=np.int64),
        np.array([before.get(key, (0.0, 1))[1] for key in keys], dtype=np.int64),
    )


def _sample(
    units: Frame, picked: list[tuple[float, int, int]], chances: FloatArray, before: Mapping[int, tuple[float, int]]
) -> Sample:
    newest = max((batch for _, batch in before.values()), default=0)
    rows: list[tuple[int, float, int, int, float]] = []
    for rank, row, place in picked:
        chance, batch = before.get(int(units.prompt_key[row]), (0.0, newest + 1))
        # two draws with one seed share their random numbers: a prompt is in either with the larger probability
        rows.append((batch, rank, row, place, max(chance, float(chances[row]))))
    rows.sort()
    return Sample(
        np.array([row[2] for row in rows], dtype=np.int64),
        np.array([row[4] for row in rows], dtype=np.float64),
        np.array([row[3] for row in rows], dtype=np.int64),
        np.array([row[0] for row in rows], dtype=np.int64),
    )


def keep(store: Store, units: Frame, strata: Strata, sample: Sample, seed: int) -> None:
    """Write the sample: new prompts are added, probabilities of known ones raised to those of the larger sample.

    Prompts added before anybody saw a verdict count into the first batch: nothing was looked at yet.
    """
    looked = store.value("SELECT COUNT(*) FROM verdict") > 0
    keys = units.prompt_key[sample.rows]
    store.run("CREATE OR REPLACE TEMP TABLE replay_drawn (prompt_key BIGINT)")
    store.write("replay_drawn", pa.table({"prompt_key": keys}))
    clusters = {row["prompt_key"]: row["conversation_id"] for row in store.rows(_CLUSTERS)}
    first = 1 if not looked else None
    table = pa.Table.from_pydict(
        {
            "seed": [seed] * len(sample),
            "prompt_key": keys,
            "request_id": units.request_id[sample.rows],
            "workflow_id": units.workflow_id[sample.rows],
            "model": [units.model[row] for row in sample.rows.tolist()],
            "size_band": [strata.strata[place].band for place in sample.strata.tolist()],
            "stratum": [strata.strata[place].label for place in sample.strata.tolist()],
            "inclusion_probability": sample.probabilities,
            "requests": units.requests[sample.rows],
            "cost_pico": units.cost_pico[sample.rows],
            "cluster": [clusters.get(key) or str(key) for key in keys.tolist()],
            "batch": [first or batch for batch in sample.batches.tolist()],
            "drawn_at_us": [time.time_ns() // 1000] * len(sample),
        },
        schema=store.schema("sample"),
    )
    with store.transaction():
        store.run(
            "DELETE FROM sample WHERE seed = $seed AND prompt_key IN (SELECT prompt_key FROM replay_drawn)", seed=seed
        )
        store.write("sample", table)
