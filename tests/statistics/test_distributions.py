from __future__ import annotations

import pytest
from scipy import stats

from audit.statistics.distributions import (
    beta_quantile,
    binomial_cdf,
    normal_quantile,
    normal_upper_tail,
    t_quantile,
)


@pytest.mark.parametrize("k", [-1, 0, 3, 9, 10, 11])
def test_binomial_tail_over_its_whole_range(k: int) -> None:
    assert binomial_cdf(k, 10, 0.3) == pytest.approx(stats.binom.cdf(k, 10, 0.3))


def test_quantiles_agree_with_the_reference_library() -> None:
    assert normal_quantile(0.975) == pytest.approx(stats.norm.ppf(0.975), abs=1e-12)
    assert normal_upper_tail(9) == pytest.approx(stats.norm.sf(9), rel=1e-10)
    assert t_quantile(0.95, 5) == pytest.approx(stats.t.ppf(0.95, 5))
    assert beta_quantile(0.1, 2, 7) == pytest.approx(stats.beta.ppf(0.1, 2, 7))
    assert (beta_quantile(0.1, 0, 7), beta_quantile(0.1, 7, 0)) == (0, 1)
