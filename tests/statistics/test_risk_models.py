from __future__ import annotations

import numpy as np
import pytest

from audit.statistics.risk_models import fit_logistic, fit_neighbours

ROWS = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])


def test_ridge_logistic_regression_solves_its_equations() -> None:
    rng = np.random.default_rng(5)
    rows, weights = rng.normal(size=(60, 3)), rng.uniform(0.5, 2.0, 60)
    lost = rng.random(60) < 1 / (1 + np.exp(-rows[:, 0]))
    model = fit_logistic(rows, lost, weights, ridge=2.0)
    chance = 1 / (1 + np.exp(-(rows @ model.weights + model.intercept)))
    residual = weights / weights.mean() * (chance - lost)
    assert residual.sum() == pytest.approx(0.0, abs=0.01)
    assert rows.T @ residual + 2.0 * model.weights == pytest.approx(np.zeros(3), abs=0.02)


def test_the_risk_grows_with_the_score_however_well_losses_are_told_apart() -> None:
    model = fit_logistic(ROWS, [True, True, False, False], np.ones(4))
    assert model.score(ROWS)[0] > 0 > model.score(ROWS)[2]
    assert np.isfinite(model.weights).all()


def test_neighbours_count_by_similarity_with_the_overall_share_as_one_more() -> None:
    model = fit_neighbours(ROWS, [True, True, False, True], np.ones(4), count=2)
    assert model.score([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]).tolist() == pytest.approx(
        [(2 + 0.75) / 3, (1 + 0.75) / 3, 0.75], abs=1e-6
    )
    assert model.seen()[2] == pytest.approx((1 + 0.75) / 2, abs=1e-6), "a unit is no neighbour of its own"
