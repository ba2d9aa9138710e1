"""Probability-proportional-to-size samples that can grow, and the allocation of units to strata."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray, IntArray

# Share of acceptable answers expected before any is seen, by task kind: only steers where units go.
PRIOR_ACCEPTANCE = {
    "classification": 0.90,
    "extraction": 0.85,
    "tool_call": 0.85,
    "short_answer": 0.80,
    "summary": 0.75,
    "rewrite": 0.75,
    "drafting": 0.75,
    "code": 0.55,
    "reasoning": 0.55,
}
_UNKNOWN_KIND_ACCEPTANCE = 0.75


@dataclass(frozen=True, eq=False)
class Draw:
    """A sample: row numbers in the order drawn, and the inclusion probability of every row of the frame."""

    units: IntArray
    probabilities: FloatArray


def keyed_uniforms(seed: int, keys: Iterable[str | int]) -> FloatArray:
    """Return one uniform number in [0, 1) per key, the same on every machine and in any row order."""
    start = hashlib.blake2b(f"{seed}\x1f".encode(), digest_size=8)

    def draw(key: str | int) -> float:
        digest = start.copy()
        digest.update(str(key).encode())
        return (int.from_bytes(digest.digest(), "big") >> 11) / 2**53

    return np.fromiter((draw(key) for key in keys), dtype=np.float64)


def keyed_uniform(seed: int, key: str | int) -> float:
    """Return the uniform number in [0, 1) that belongs to (seed, key)."""
    return float(keyed_uniforms(seed, (key,))[0])


def size_measure(cost: ArrayLike, mixture: float = 0.5, counts: ArrayLike | None = None) -> FloatArray:
    """Return (1-m)·share of cost + m·share of count: no unit's weight exceeds 1/m times the mean weight.

    The same formula gives the size of units inside a stratum and the mass of strata inside a frame
    (defensive mixture, Hesterberg 1995). Where nothing costs anything, the counts alone decide.
    """
    dollars = np.asarray(cost, dtype=np.float64)
    number = np.ones_like(dollars) if counts is None else np.asarray(counts, dtype=np.float64)
    spent = dollars.sum()
    by_count: FloatArray = number / number.sum()
    if spent <= 0:
        return by_count
    sizes: FloatArray = (1 - mixture) * dollars / spent + mixture * by_count
    return sizes


def pps_probabilities(sizes: ArrayLike, n: int) -> FloatArray:
    """Return inclusion probabilities n·x/Σx, recomputed until none exceeds 1 (those units are taken for certain)."""
    x = np.asarray(sizes, dtype=np.float64)
    if (x < 0).any():
        raise ValueError("a size measure must not be negative")
    if n >= x.size:
        return np.ones(x.size)
    certain = np.zeros(x.size, dtype=np.bool_)
    while True:
        room = n - int(certain.sum())
        rest = float(x[~certain].sum())
        share = x / rest if rest > 0 else np.full(x.size, 1 / max(1, int((~certain).sum())))
        probabilities: FloatArray = np.where(certain, 1.0, room * share)
        new = (probabilities >= 1 - 1e-12) & ~certain
        if not new.any():
            return probabilities
        certain |= new


def sequential_poisson(
    sizes: ArrayLike,
    n: int,
    uniforms: ArrayLike,
    *,
    keys: Sequence[str] | IntArray | None = None,
    kept: Sequence[int] | IntArray = (),
) -> Draw:
    """Draw exactly n units with probability proportional to size (Ohlsson 1998): the n smallest u/π.

    Units of an earlier, smaller draw go into `kept` and are never lost; probabilities are those of the final n.
    Equal ranks are decided by `keys`, without keys by row number. Fewer than n rows: all are taken.
    """
    probabilities = pps_probabilities(sizes, n)
    u = np.asarray(uniforms, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(probabilities > 0, u / probabilities, np.inf)
    rank = np.where(probabilities >= 1, -1.0, ratio)
    ties = np.arange(u.size) if keys is None else np.asarray(keys)
    order = np.lexsort((ties, rank))
    first = np.asarray(kept, dtype=np.int64)
    fresh = order[~np.isin(order, first)][: max(0, n - first.size)]
    return Draw(np.concatenate([first, fresh.astype(np.int64)]), probabilities)


def allocate(
    mass: Sequence[float],
    sd: Sequence[float],
    n: int,
    *,
    minimum: int | Sequence[int] = 1,
    capacity: Sequence[int] | None = None,
) -> list[int]:
    """Split n units over strata by the exact integer Neyman optimum: priorities mass·sd/√(k(k+1)) (Wright 2012).

    House-monotone: a larger n only adds. `minimum` may be the units a pilot already took; if n cannot pay for all
    minima, the heaviest strata get theirs first. No stratum exceeds its `capacity`.
    """
    strata = range(len(mass))
    limit = [n] * len(mass) if capacity is None else [int(c) for c in capacity]
    floor = [minimum] * len(mass) if isinstance(minimum, int) else list(minimum)
    weight = [m * s for m, s in zip(mass, sd, strict=True)]
    given = [0] * len(mass)
    left = n
    for h in sorted(strata, key=lambda h: (-mass[h], h)):
        given[h] = min(floor[h], limit[h], left)
        left -= given[h]
    queue = [(_priority(weight[h], given[h]), h) for h in strata if given[h] < limit[h]]
    heapq.heapify(queue)
    while left > 0 and queue:
        _, h = heapq.heappop(queue)
        given[h] += 1
        left -= 1
        if given[h] < limit[h]:
            heapq.heappush(queue, (_priority(weight[h], given[h]), h))
    return given


def _priority(weight: float, k: int) -> tuple[float, float]:
    """Return a heap key that is smallest for the stratum to serve next."""
    if k == 0:
        return (-math.inf if weight > 0 else 0.0, -weight)
    return (-weight / math.sqrt(k * (k + 1)), -weight)


def size_bands(cost: ArrayLike, bands: int = 3, minimum: int = 20) -> IntArray:
    """Return a band 0, 1, … per unit, cut at equal shares of dollars; one under `minimum` units joins its neighbour.

    Units of equal cost share a band, so the result does not depend on the order of rows.
    """
    dollars = np.asarray(cost, dtype=np.float64)
    if dollars.size == 0 or dollars.sum() <= 0:
        return np.zeros(dollars.size, dtype=np.int64)
    values, inverse, counts = np.unique(dollars, return_inverse=True, return_counts=True)
    share = np.cumsum(values * counts) / (values * counts).sum()
    band = np.minimum((bands * share).astype(np.int64), bands - 1)
    for top in range(bands - 1, 0, -1):
        if counts[band == top].sum() < minimum:
            band[band == top] = top - 1
    present = np.unique(band)
    if present.size > 1 and counts[band == present[0]].sum() < minimum:
        band[band == present[0]] = present[1]
    labels: IntArray = np.unique(band[inverse], return_inverse=True)[1].astype(np.int64)
    return labels


def prior_sd(kind: str) -> float:
    """Return the standard deviation √(p(1-p)) of acceptability assumed for a task kind before a pilot."""
    p = PRIOR_ACCEPTANCE.get(kind, _UNKNOWN_KIND_ACCEPTANCE)
    return math.sqrt(p * (1 - p))


def pilot_sd(acceptable: float, n: float) -> float:
    """Return √(p̃(1-p̃)) with p̃ = (k+2)/(n+4) (Agresti & Coull 1998): a clean pilot is no certainty."""
    p = (acceptable + 2) / (n + 4)
    return math.sqrt(p * (1 - p))
