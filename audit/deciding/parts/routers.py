"""Routers: the risk of each prompt foreseen from its text, and only prompts below a threshold sent to the candidate.

Conversations fall into five folds. Each fold is scored by a model that was fitted to the other four, and thresholds
come from the scores of the prompts it was fitted to; so every loss that is counted is one the router had not seen. What
is exported is these five models: a new prompt is scored by the one its text's hash points to, which is what the folds
measured, a model drawn by chance. One model fitted to all would be another than the one that was tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from audit.deciding.parts.features import Reading, hashed
from audit.deciding.parts.ground import Ground, Part, certify
from audit.deciding.parts.policy import Policy
from audit.deciding.parts.prompts import Prompt
from audit.statistics.arrays import BoolArray, FloatArray, IntArray
from audit.statistics.risk_models import NEIGHBOURS, RiskModel, fit_logistic, fit_neighbours
from audit.statistics.routing_metrics import (
    average_gap_recovered,
    call_share_for,
    performance_gap_recovered,
)  # fmt: skip

FOLDS = 5
SEED = 1
SHARES = tuple(place / 20 for place in range(1, 20))
"""Thresholds: the shares of the fitted prompts below them."""
LEAST_OF_EACH = 10
"""Lost answers, and others, without which there is nothing to learn."""

Fit = Callable[[FloatArray, BoolArray, FloatArray], RiskModel]
KINDS: dict[str, Fit] = {"logistic": fit_logistic, "neighbours": fit_neighbours}


@dataclass(frozen=True, eq=False)
class _Fold:
    """A model, its thresholds from safe to risky, and the scores of the units it has not seen."""

    model: RiskModel
    thresholds: FloatArray
    units: IntArray
    scores: FloatArray


@dataclass(frozen=True, eq=False)
class _Lesson:
    """What routers learn from: a row of features for each unit, and the fold it is in."""

    ground: Ground
    reading: Reading
    rows: FloatArray
    folds: IntArray


def tested_routers(ground: Ground, prompts: Sequence[Prompt]) -> list[Policy]:
    """What came of each kind of router."""
    lost = int(ground.lost.sum())
    if not ground.certifiable:
        return [certify(ground, "router", kind, ()) for kind in KINDS]
    if min(lost, len(ground.trial.evidence) - lost) < LEAST_OF_EACH:
        reason = f"{lost} lost answers of {len(ground.trial.evidence)} are too few of a kind to learn from"
        return [ground.policy("router", kind, outcome="untested", reason=reason) for kind in KINDS]
    lengths = [unit.logged_input_tokens or 0 for unit in ground.trial.evidence]
    reading = Reading.of([prompt.text for prompt in prompts], lengths)
    rows = np.array([reading.row(prompt, length) for prompt, length in zip(prompts, lengths, strict=True)])
    folds = np.array([hashed(f"{SEED}:{unit.cluster}") % FOLDS for unit in ground.trial.evidence], dtype=np.int64)
    return [_tested(_Lesson(ground, reading, rows, folds), kind) for kind in KINDS]


def _tested(lesson: _Lesson, kind: str) -> Policy:
    ground = lesson.ground
    folds = _fitted(lesson, KINDS[kind])
    if folds is None:
        reason = "the conversations are too few to hold some back"
        return ground.policy("router", kind, outcome="untested", reason=reason)
    parts = []
    for place in range(len(SHARES)):
        sent = np.zeros(len(ground.trial.evidence), dtype=np.bool_)
        for fold in folds:
            sent[fold.units] = fold.scores <= fold.thresholds[place]
        parts.append(Part(sent, partial(_data, lesson, kind, folds, place)))
    found = certify(ground, "router", kind, parts)
    return found.measured(_measures(ground, parts, found.routed))


def _fitted(lesson: _Lesson, fit: Fit) -> list[_Fold] | None:
    """One model per fold, fitted to the others; None where a fold is empty or the others all ended alike."""
    lost, weights, rows = lesson.ground.lost, lesson.ground.weights, lesson.rows
    found = []
    for number in range(FOLDS):
        held, known = np.flatnonzero(lesson.folds == number), lesson.folds != number
        if not held.size or lost[known].all() or not lost[known].any():
            return None
        model = fit(rows[known], lost[known], weights[known])
        seen = model.seen()
        own = model.score(rows[known]) if seen is None else seen
        found.append(_Fold(model, np.quantile(own, SHARES, method="lower"), held, model.score(rows[held])))
    return found


def _data(lesson: _Lesson, kind: str, folds: Sequence[_Fold], place: int) -> dict[str, Any]:
    """A router as docs/replay.md describes it."""
    models = [{"threshold": float(fold.thresholds[place]), **fold.model.as_data()} for fold in folds]
    router = {"kind": kind, "folds": FOLDS, **lesson.reading.as_data(), "models": models}
    if kind == "neighbours":
        router |= {"count": NEIGHBOURS, "known": [_known(*each) for each in _units(lesson)]}
    return {"router": router}


def _units(lesson: _Lesson) -> Iterator[tuple[FloatArray, int, bool]]:
    return zip(lesson.rows, lesson.folds.tolist(), lesson.ground.lost.tolist(), strict=True)


def _known(row: FloatArray, fold: int, lost: bool) -> dict[str, Any]:
    return {"fold": fold, "lost": lost, "features": {str(place): float(row[place]) for place in np.flatnonzero(row)}}


def _measures(ground: Ground, parts: Sequence[Part], routed: float | None) -> dict[str, float | None]:
    """How much of the gap between both models is recovered along the thresholds, in requests and in dollars."""
    weak, strong = 1 - ground.share(ground.lost), 1.0
    if weak >= strong:
        return {}
    everything, none = np.ones_like(ground.lost), np.zeros_like(ground.lost)
    sent = [none, *(part.sent for part in parts), everything]
    kept = [1 - ground.share(ground.lost & each) for each in sent]
    calls = [(1 - ground.share(each), quality) for each, quality in zip(sent, kept, strict=True)]
    dollars = [(1 - ground.share(each, ground.current), quality) for each, quality in zip(sent, kept, strict=True)]
    chosen = None if routed is None else min(calls, key=lambda point: abs(1 - point[0] - routed))[1]
    return {
        "pgr": None if chosen is None else performance_gap_recovered(chosen, weak, strong),
        "apgr": average_gap_recovered(calls),
        "apgr_dollars": average_gap_recovered(dollars),
        "cpt50": call_share_for(calls, 0.5),
        "cpt80": call_share_for(calls, 0.8),
    }
