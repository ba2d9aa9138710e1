from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.outliers import find_outliers, log_z, tukey_far


def test_two_runaways_among_fourteen_are_found(oracles: dict[str, Any]) -> None:
    o = oracles["outliers"]
    x = np.array(o["x"])
    found = find_outliers(x)
    assert x[found.flagged].tolist() == o["modz"]
    assert x[tukey_far(x)].tolist() == o["tukey3"]
    assert (x[found.flagged] - found.median).sum() == o["excess_tokens_over_median"]
    assert x[x > 10 * x.mean()].tolist() == o["ten_x_mean"]


def test_mostly_equal_values_fall_back_to_the_mean_deviation() -> None:
    logs = np.log1p([100.0] * 9 + [150.0])
    expected = (logs[-1] - logs[0]) / (1.253314 * np.abs(logs - logs[0]).mean())
    assert log_z([100] * 9 + [150])[-1] == pytest.approx(expected)
    assert find_outliers([100] * 30 + [1000]).flagged.tolist() == [False] * 30 + [True]


def test_all_equal_or_empty_has_no_outlier() -> None:
    assert not find_outliers([7] * 20).flagged.any()
    empty = find_outliers([])
    assert (empty.flagged.size, tukey_far([]).size, empty.median) == (0, 0, 0)


def test_far_in_spread_but_not_in_size_is_not_flagged() -> None:
    tokens = [1000, 1001, 1002, 1000, 1001, 999, 1000, 1500]
    found = find_outliers(tokens)
    assert found.z[-1] > 3.5
    assert tukey_far(tokens)[-1]
    assert not found.flagged[-1]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40), st.randoms())
def test_flags_follow_their_value(tokens: list[int], random: Any) -> None:
    found = find_outliers(tokens)
    assert (found.flagged <= (found.z > 3.5)).all()
    order = list(range(len(tokens)))
    random.shuffle(order)
    shuffled = find_outliers([tokens[i] for i in order])
    assert (shuffled.flagged == found.flagged[order]).all()
    assert (tukey_far([tokens[i] for i in order]) == tukey_far(tokens)[order]).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(1, 5)), min_size=1, max_size=20, unique_by=lambda each: each[0]
    )
)
def test_values_with_counts_are_judged_like_repeated_ones(lengths: list[tuple[int, int]]) -> None:
    values, counts = (list(column) for column in zip(*lengths, strict=True))
    told = find_outliers(values, counts)
    repeated = find_outliers(np.repeat(values, counts))
    assert told.median == repeated.median
    assert np.repeat(told.flagged, counts).tolist() == repeated.flagged.tolist()
    assert np.repeat(told.z, counts).tolist() == pytest.approx(repeated.z.tolist())
