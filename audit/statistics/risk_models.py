"""Which units a candidate loses, foreseen from features: ridge logistic regression and nearest neighbours.

Both give a score that grows with the risk; only its order matters, since thresholds are tested on units the model has
not seen. Numbers are rounded when a model is fitted, so that one that was written down and read back is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit

from audit.statistics.arrays import BoolArray, FloatArray

RIDGE = 0.5
NEIGHBOURS = 10
DIGITS = 4
SCORE_DIGITS = 6
"""Scores are rounded before they meet a threshold, so that the order of a sum can't decide."""


@dataclass(frozen=True, eq=False)
class Logistic:
    """Log-odds of a loss: intercept + weights · features."""

    intercept: float
    weights: FloatArray

    def score(self, rows: ArrayLike) -> FloatArray:
        """Return the log-odds of each row of features."""
        scores: FloatArray = np.round(np.asarray(rows, dtype=np.float64) @ self.weights + self.intercept, SCORE_DIGITS)
        return scores

    def seen(self) -> FloatArray | None:
        """Return None: the units it was fitted to are not kept."""
        return None

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"intercept": self.intercept, "weights": self.weights.tolist()}


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Share of losses among the most similar known units, each weighted by its similarity (dot product).

    `prior` is the share of losses among all known units, which counts as one more neighbour of similarity 1.
    """

    rows: FloatArray
    lost: BoolArray
    prior: float
    count: int = NEIGHBOURS

    def score(self, rows: ArrayLike) -> FloatArray:
        """Return the foreseen share of losses of each row of features."""
        return self._score(np.asarray(rows, dtype=np.float64) @ self.rows.T)

    def seen(self) -> FloatArray:
        """Return the scores of the known units, each from the others."""
        similar = self.rows @ self.rows.T
        np.fill_diagonal(similar, -np.inf)
        return self._score(similar)

    def _score(self, similar: FloatArray) -> FloatArray:
        similar = np.round(similar, SCORE_DIGITS)
        nearest = np.argsort(-similar, axis=1, kind="stable")[:, : self.count]
        weight = np.maximum(0.0, np.take_along_axis(similar, nearest, axis=1))
        scores: FloatArray = np.round(
            ((weight * self.lost[nearest]).sum(axis=1) + self.prior) / (weight.sum(axis=1) + 1), SCORE_DIGITS
        )
        return scores

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, without the known units."""
        return {"prior": self.prior}


RiskModel = Logistic | Neighbours


def fit_logistic(rows: ArrayLike, lost: ArrayLike, weights: ArrayLike, ridge: float = RIDGE) -> Logistic:
    """Return the ridge logistic regression of losses on features (penalty ridge/2 · |weights|², none on the intercept).

    Unit weights are scaled to mean 1. The start is fixed, so the result is too.
    """
    x, y = np.asarray(rows, dtype=np.float64), np.asarray(lost, dtype=np.float64)
    w = np.asarray(weights, dtype=np.float64)
    w = w / w.mean()

    penalty = np.concatenate(([0.0], np.full(x.shape[1], ridge)))
    x = np.column_stack([np.ones(len(x)), x])

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        odds = x @ parameters
        value = float((w * (np.logaddexp(0.0, odds) - y * odds)).sum() + (penalty * parameters**2).sum() / 2)
        return value, x.T @ (w * (expit(odds) - y)) + penalty * parameters

    def curvature(parameters: FloatArray, direction: FloatArray) -> FloatArray:
        chance = expit(x @ parameters)
        along: FloatArray = x.T @ (w * chance * (1 - chance) * (x @ direction)) + penalty * direction
        return along

    start = np.zeros(x.shape[1])
    found = minimize(loss, start, jac=True, hessp=curvature, method="Newton-CG", options={"maxiter": 100, "xtol": 1e-7})
    rounded = np.round(found.x, DIGITS).astype(np.float64)
    return Logistic(float(rounded[0]), rounded[1:])


def fit_neighbours(rows: ArrayLike, lost: ArrayLike, weights: ArrayLike, count: int = NEIGHBOURS) -> Neighbours:
    """Return the known units as neighbours; unit weights count in the prior alone."""
    bad = np.asarray(lost, dtype=np.bool_)
    w = np.asarray(weights, dtype=np.float64)
    return Neighbours(np.asarray(rows, dtype=np.float64), bad, round(float((w * bad).sum() / w.sum()), DIGITS), count)
