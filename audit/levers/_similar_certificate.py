"""How alike two questions must be before one answer may serve both: certified per workflow from the logged answers.

Bands of likeness are tried from the strictest to the loosest: near copies, then neighbours in meaning, then copies with
another word in one place. They are taken as long as the share of pairs whose logged answers disagree is certified
(learn-then-test, Angelopoulos et al. 2021). Exact repetitions of a question disagree too; only what goes beyond counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from audit.levers import Settings
from audit.levers._response_cache_once import once
from audit.statistics.certificates import clean_units, fixed_sequence
from audit.statistics.intervals import lower_bound
from audit.statistics.weighted_loss import LossSample
from audit.store import Store

STEPS = (
    ("near", 0.9), ("near", 0.8), ("near", 0.7),
    ("semantic", 0.85), ("semantic", 0.8), ("semantic", 0.75), ("semantic", 0.7), ("semantic", 0.65), ("semantic", 0.6),
    ("semantic", 0.55), ("semantic", 0.5), ("reworded", 0.7),
)  # fmt: skip
"""Method and least similarity of each step; a step takes in all before it."""

DEFAULTS = {"alpha": 0.03, "delta": 0.10}
"""Share of wrong answers allowed beyond the floor, and how probably a certificate may be wrong."""

_FLOOR_PAIRS = 30
_FLOOR_SHARE = 0.2
_MOST_NOISE = 0.2

# the answer a cache would give is that of the nearest earlier neighbour
_UNITS = """
WITH nearest AS (
    SELECT request_id, neighbour_id, similarity, method, agree, reason,
           ROW_NUMBER() OVER (
               PARTITION BY request_id
               ORDER BY CASE method WHEN 'near' THEN 0 WHEN 'semantic' THEN 1 ELSE 2 END, similarity DESC, neighbour_id
           ) AS place
    FROM pair WHERE method <> 'exact'
),
asked AS (
    SELECT COALESCE(normalised_key, prompt_key) AS question, COUNT(*) AS requests
    FROM request WHERE status = 'billable' AND prompt_key IS NOT NULL
    GROUP BY COALESCE(normalised_key, prompt_key)
)
SELECT COALESCE(r.workflow_id, 0) AS workflow_id, n.method, n.similarity, a.requests, n.agree, n.reason
FROM nearest AS n
JOIN request AS r ON r.request_id = n.request_id
JOIN asked AS a ON a.question = COALESCE(r.normalised_key, r.prompt_key)
WHERE n.place = 1
ORDER BY workflow_id, n.request_id
"""

_EXACT = """
SELECT COALESCE(r.workflow_id, 0) AS workflow_id, COUNT(*) AS compared,
       SUM(CASE WHEN p.agree THEN 0 ELSE 1 END) AS differing
FROM pair AS p JOIN request AS r ON r.request_id = p.request_id
WHERE p.method = 'exact' GROUP BY COALESCE(r.workflow_id, 0)
"""


@dataclass(frozen=True, slots=True)
class Step:
    """All questions at least this much alike an earlier one: how many, and how their answers compare.

    `bound` is the upper bound of the share of requests that would get a wrong answer, wrong itself with probability
    delta; the floor is not taken off it.
    """

    method: str
    similarity: float
    requests: int
    pairs: int
    compared: int
    disagreeing: int
    undecided: int
    bound: float
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known of one workflow; `chosen` is the place of the loosest certified step, None when there is none.

    `allowed` is the share of disagreeing answers that is tested: alpha on top of the floor's lower bound.
    """

    workflow_id: int
    steps: tuple[Step, ...]
    chosen: int | None
    floor: float | None
    allowed: float
    reason: str

    @property
    def last(self) -> Step:
        """The loosest step: every pair that was found."""
        return self.steps[-1]


def certificates(store: Store, settings: Settings) -> dict[int, Certificate]:
    """The certificate of every workflow in which a question resembles an earlier one, by workflow id."""
    alpha, delta = float(settings["alpha"]), float(settings["delta"])
    return once(store, "certificates", {"alpha": alpha, "delta": delta}, lambda: _certificates(store, alpha, delta))


def step_of(method: str, similarity: float) -> int | None:
    """The place of the strictest step that takes in a pair."""
    return next((place for place, step in enumerate(STEPS) if step[0] == method and similarity >= step[1]), None)


def _certificates(store: Store, alpha: float, delta: float) -> dict[int, Certificate]:
    units = pl.DataFrame(store.query(_UNITS))
    exact = {row["workflow_id"]: (row["compared"], int(row["differing"])) for row in store.rows(_EXACT)}
    found = {}
    for (workflow,), rows in units.group_by("workflow_id", maintain_order=True):
        key = int(str(workflow))
        found[key] = _certify(key, _Units.of(rows), exact.get(key, (0, 0)), alpha, delta)
    return found


@dataclass(frozen=True, eq=False)
class _Units:
    """Questions with an earlier neighbour: the step that takes each in, its requests, and the verdict on its pair."""

    step: NDArray[np.int64]
    requests: NDArray[np.int64]
    compared: NDArray[np.bool_]
    agree: NDArray[np.bool_]
    undecided: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: pl.DataFrame) -> _Units:
        taken = zip(rows["method"].to_list(), rows["similarity"].to_list(), strict=True)
        steps = [len(STEPS) if (place := step_of(method, value)) is None else place for method, value in taken]
        compared = rows["reason"].is_not_null().to_numpy()
        return cls(
            np.array(steps, dtype=np.int64), rows["requests"].to_numpy(), compared,
            rows["agree"].fill_null(False).to_numpy(), compared & rows["agree"].is_null().to_numpy(),
        )  # fmt: skip

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """Requests each compared question stands for: its own, times the questions of its step per compared one."""
        count = len(STEPS) + 1
        drawn = np.bincount(self.step[self.compared], minlength=count)
        factor = np.bincount(self.step, minlength=count) / np.maximum(1, drawn)
        weights: NDArray[np.float64] = self.requests * factor[self.step]
        return weights

    def sample(self, place: int) -> LossSample:
        """The compared questions up to a step; one that a scorer can't decide counts as wrong."""
        taken = self.compared & (self.step <= place)
        return LossSample.of(~self.agree[taken], self.weights[taken])


def _certify(workflow: int, units: _Units, exact: tuple[int, int], alpha: float, delta: float) -> Certificate:
    compared, differing = exact
    floor = differing / compared if compared >= _FLOOR_PAIRS else None
    # a floor costs a fifth of the error; no share of it is spent where there is none
    low = lower_bound(differing, compared, delta * _FLOOR_SHARE) if floor and differing else 0.0
    left = delta * (1 - _FLOOR_SHARE) if floor is not None else delta
    allowed = low + alpha * (1 - low)
    samples = [units.sample(place) for place in range(len(STEPS))]
    # which steps have pairs enough is known before any answer is looked at: those that a clean sample would certify
    tested = [place for place, sample in enumerate(samples) if sample.n and sample.clean.p_above(alpha) <= left]
    p_values = {place: samples[place].p_above(allowed) for place in tested}
    reached = fixed_sequence([p_values[place] for place in tested], left)
    noisy = floor is not None and floor > _MOST_NOISE
    chosen = None if reached is None or noisy else tested[reached]
    steps = tuple(_step(units, place, samples[place], left, p_values.get(place)) for place in range(len(STEPS)))
    return Certificate(workflow, steps, chosen, floor, allowed, _reason(steps[-1], chosen, tested, noisy, alpha, left))


def _step(units: _Units, place: int, sample: LossSample, delta: float, p_value: float | None) -> Step:
    inside = units.step <= place
    compared = inside & units.compared
    return Step(
        *STEPS[place],
        requests=int(units.requests[inside].sum()),
        pairs=int(inside.sum()),
        compared=int(compared.sum()),
        disagreeing=int((compared & ~units.agree & ~units.undecided).sum()),
        undecided=int((compared & units.undecided).sum()),
        bound=sample.upper(delta) if sample.n else 1.0,
        p_value=p_value,
    )


def _reason(last: Step, chosen: int | None, tested: Sequence[int], noisy: bool, alpha: float, delta: float) -> str:
    """Why nothing is certified; empty when something is."""
    if chosen is not None:
        return ""
    if noisy:
        return "exact repetitions of a question already get differing answers too often to compare by"
    if not tested:
        needed = clean_units(alpha, delta)
        pairs = "pair" if last.compared == 1 else "pairs"
        found = f"{last.compared} {pairs} with both answers {'was' if last.compared == 1 else 'were'} found"
        if last.compared >= needed:
            return f"{found}; {needed} without a fault would do if all questions came equally often, here it takes more"
        return f"{found} and {needed} without a fault would be needed"
    if last.undecided > last.disagreeing:
        return f"{last.undecided} of {last.compared} compared answers are worded differently; a judge could tell"
    return f"{last.disagreeing} of {last.compared} compared answers disagree"
