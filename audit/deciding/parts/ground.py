"""What policies are tested on, and the one test they all go through.

A policy is tested in a fixed sequence of ever larger parts (learn-then-test). The loss is that of all requests of the
workflow: sent there and unacceptable. It grows with the part unit by unit and ends at the loss of the whole, so that
every part whose bound holds is certified at once, and the one that saves most may be taken.

The error is the parts' share of what the pair has at its look (`audit.statistics.verdicts`), shared evenly by all
policies that could be tried on it (Bonferroni).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from typing import Any

import numpy as np

from audit.deciding import blindness, rule
from audit.deciding.parts.policy import Policy, Step
from audit.deciding.priced import priced
from audit.deciding.ratios import quantile
from audit.deciding.units import clusters
from audit.statistics.arrays import BoolArray, FloatArray
from audit.statistics.estimation import ratio
from audit.statistics.weighted_loss import LossSample

LEAST_ROUTED = 30
"""Units in a part before its own share of losses says anything (NCHS suppresses shares of fewer)."""

SURE = 1.645
"""Standard errors a saving has to be above 0 (one-sided 95 %)."""

OWN_ERROR = 0.10
"""Chance to take a part for sound that loses the limit on its own (one test of each part, not the family's error)."""


@dataclass(frozen=True, eq=False)
class Part:
    """One part of a sequence: the units whose answer is the candidate's, and what makes the data that tells them apart.

    `asked` are the units that pay the candidate, None where these are the same.
    """

    sent: BoolArray
    apply: Callable[[], Mapping[str, Any]]
    asked: BoolArray | None = None
    max_input_tokens: int | None = None

    @property
    def pays(self) -> BoolArray:
        """The units that pay the candidate."""
        return self.sent if self.asked is None else self.asked


@dataclass(frozen=True, eq=False)
class Ground:
    """What every policy of one pair is tested on; arrays have one entry per unit of the trial's evidence.

    `current` and `candidate` are pico-USD per request, NaN where nobody can compare. A prompt the candidate could not
    answer is answered, and paid, by today's model as well. `error` is shared by the `tried` policies.
    """

    trial: rule.Trial
    error: float
    tried: int

    @property
    def level(self) -> float:
        """The part of the error one policy may use."""
        return self.error / max(1, self.tried)

    @property
    def alpha(self) -> float:
        """Loss that may show, less what a judge misses."""
        return self.trial.alpha * self.trial.trusted

    @cached_property
    def lost(self) -> BoolArray:
        """Losses in the strict reading: every undecided answer is one."""
        return np.array([rule.lost(self.trial, unit) for unit in self.trial.evidence], dtype=np.bool_)

    @cached_property
    def weights(self) -> FloatArray:
        """Requests each unit stands for."""
        return np.array([unit.weight for unit in self.trial.evidence])

    @cached_property
    def clusters(self) -> list[str] | None:
        """Conversations, None where every unit is one of its own."""
        return clusters(self.trial.evidence)

    @cached_property
    def current(self) -> FloatArray:
        """What a request costs today."""
        return np.array([math.nan if unit.current_cost is None else unit.current_cost for unit in self.trial.evidence])

    @cached_property
    def candidate(self) -> FloatArray:
        """What asking the candidate costs."""
        none = {"no_answer": 0.0}
        return np.array(
            [none.get(unit.state, math.nan) if unit.cost is None else unit.cost for unit in self.trial.evidence],
            dtype=np.float64,
        )

    @cached_property
    def answered(self) -> BoolArray:
        """Units the candidate gave an answer to."""
        return np.array([unit.state != "no_answer" for unit in self.trial.evidence], dtype=np.bool_)

    def sample(self, sent: BoolArray) -> LossSample:
        """The losses of the whole workflow if these units were sent to the candidate."""
        return LossSample.of(self.lost & sent, self.weights, self.clusters)

    @cached_property
    def certifiable(self) -> bool:
        """Whether so many units could certify anything at all, had the candidate lost none."""
        return self.sample(self.lost & False).at_most(self.alpha, self.level)

    def alone(self, sent: BoolArray) -> LossSample:
        """The losses of these units on their own, without what stays with today's model."""
        own = None if self.clusters is None else list(compress(self.clusters, sent))
        return LossSample.of(self.lost[sent], self.weights[sent], own)

    def share(self, chosen: BoolArray, values: FloatArray | None = None) -> float:
        """Weighted share of the units, or of their values, that is chosen; units without a value are left out."""
        worth = self.weights if values is None else self.weights * np.nan_to_num(values)
        total = float(worth.sum())
        return float(worth[chosen].sum()) / total if total > 0 else 0.0

    def paid(self, asked: BoolArray, kept: BoolArray) -> FloatArray:
        """What each request costs when the candidate is asked some and its answer kept for some of these."""
        kept = kept & self.answered
        return np.where(asked, self.candidate, 0.0) + np.where(kept, 0.0, self.current)

    def saving(self, paid: FloatArray) -> tuple[float | None, float | None]:
        """Share of the workflow's dollars saved, and its standard error; None where a price is missing on either side.

        For the log the units were drawn from: strata and what was drawn for certain make the error smaller.
        """
        known = ~np.isnan(self.current)
        spent, saved = self.current[known], (self.current - paid)[known]
        if not self.weights[known] @ spent > 0 or np.isnan(saved).any():
            return None, None
        units = list(compress(self.trial.evidence, known))
        share = ratio(
            saved,
            spent,
            self.weights[known],
            [unit.drawn_with for unit in units],
            [unit.stratum for unit in units],
            None if self.clusters is None else [unit.cluster for unit in units],
        )
        return share.value, share.standard_error

    def policy(self, step: Step, name: str, **values: Any) -> Policy:
        """A row about this pair; times are now."""
        key = self.trial.key
        return Policy(
            key.workflow_id, key.current_model, key.endpoint, key.model, step, name,
            alpha=self.trial.alpha, delta=self.level, tried=self.tried, n=self.sample(self.lost).n,
            decided_at_us=time.time_ns() // 1000, **values,
        )  # fmt: skip

    def bound(self, sample: LossSample) -> float:
        """Upper bound of the loss, with what a judge may have missed."""
        trusted = self.trial.trusted
        return min(1.0, sample.upper(self.level) / trusted) if trusted else 1.0


def certify(ground: Ground, step: Step, name: str, sequence: Sequence[Part]) -> Policy:
    """The certified part of a sequence that saves most, else why there is none."""
    if not ground.certifiable:
        limit, n = percent(ground.trial.alpha), ground.sample(ground.lost).n
        reason = f"{n} prompts can't bound a loss of {limit} with {ground.tried} policies to share the error"
        return ground.policy(step, name, outcome="untested", reason=reason)
    best: tuple[Policy, Part] | None = None
    reason = "no part to test"
    for part in sequence:
        sample = ground.sample(part.sent)
        if not sample.at_most(ground.alpha, ground.level):
            most = f"loss at most {percent(ground.bound(sample))} of all, limit {percent(ground.trial.alpha)}"
            reason = most if reason == "no part to test" else f"{reason}; larger parts: {most}"
            break
        found = _weighed(ground, step, name, part, sample, len(sequence))
        if not found.certified:
            reason = found.reason
        elif best is None or (found.saving or 0.0) > (best[0].saving or 0.0):
            best = found, part
    if best is None:
        return ground.policy(step, name, outcome="not_certified", thresholds=len(sequence), reason=reason)
    found, part = best
    units = priced(ground.trial.key, ground.trial.evidence, part.pays.tolist(), part.sent.tolist())
    return replace(found, apply=json.dumps(part.apply(), ensure_ascii=False), units=units)


def _weighed(ground: Ground, step: Step, name: str, part: Part, sample: LossSample, thresholds: int) -> Policy:
    """A part whose loss is bounded: is it large enough, sound in itself, and cheaper."""
    sent, asked = part.sent, part.pays
    saving, error = ground.saving(ground.paid(asked, sent))
    share, dollars = ground.share(sent), ground.share(asked, ground.current)
    moved = ground.share(sent & ground.answered, ground.current)
    bad = ground.share(ground.lost & sent) / share if share else 0.0
    routed = list(compress(ground.trial.evidence, sent))
    reason = _obstacle(ground, sent, bad, saving, error)
    return ground.policy(
        step,
        name,
        outcome="not_certified" if reason else "certified",
        reason=reason,
        thresholds=thresholds,
        routed=share,
        moved=moved,
        asked=dollars,
        loss=sample.rate,
        loss_high=ground.bound(sample),
        loss_routed=bad,
        saving=saving,
        saving_error=error,
        cost_ratio=None if saving is None or not dollars else (moved - saving) / dollars,
        **timed(
            [unit.duration for unit in routed if unit.duration is not None],
            [unit.first_chunk for unit in routed if unit.first_chunk is not None],
        ),
        max_input_tokens=part.max_input_tokens,
    )


def _obstacle(ground: Ground, sent: BoolArray, bad: float, saving: float | None, error: float | None) -> str:
    """Why a part whose loss is bounded is none to offer; empty where nothing stands in the way."""
    if int(sent.sum()) < LEAST_ROUTED:
        return f"no more than {int(sent.sum())} of the prompts asked would be routed"
    blind = blindness.blind(list(compress(ground.trial.evidence, sent)), ground.trial.kind)
    if blind is not None:
        return f"on the routed requests {blind}"
    limit = percent(ground.trial.alpha)
    if bad > ground.trial.alpha:
        return f"the routed requests alone lose {percent(bad)}, limit {limit}"
    if not ground.alone(sent).at_most(ground.alpha, OWN_ERROR):
        return f"the routed requests alone lose {percent(bad)} of those asked, too few to exclude more than {limit}"
    if saving is None or error is None:
        return "its cost is not known"
    if saving <= 0:
        return "it saves nothing"
    return "" if saving > SURE * error else f"it saves {percent(saving)} of the dollars, give or take as much"


def timed(times: Sequence[float], first: Sequence[float]) -> dict[str, Any]:
    """The columns of how long answers take, and until something of them can be shown (seconds)."""
    return {
        "duration_n": len(times),
        "p50_duration": quantile(times, 0.5),
        "p95_duration": quantile(times, 0.95),
        "first_chunk_n": len(first),
        "p50_first_chunk": quantile(first, 0.5),
        "p95_first_chunk": quantile(first, 0.95),
    }


def percent(share: float) -> str:
    """A share as words say it."""
    return f"{100 * share:.1f} %"
