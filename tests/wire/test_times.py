from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.wire.times import EARLIEST_US, LATEST_US, between, is_naive, number, seconds, to_us

EIGHT = 1_791_187_200_000_000
"""2026-10-05 08:00:00 UTC."""


@pytest.mark.parametrize(
    "value",
    [
        "2026-10-05T08:00:00Z",
        "2026-10-05T08:00:00+00:00",
        "2026-10-05T10:00:00+0200",
        "2026-10-05T08:00:00",
        "2026-10-05 08:00:00 UTC",
        "2026-10-05T08:00:00.0000000Z",
        '"2026-10-05T08:00:00.000Z"',
        '"""2026-10-05T08:00:00.000Z"""',
        "10/5/2026, 8:00:00.000 AM",
        "05/Oct/2026:08:00:00 +0000",
        "Mon, 05 Oct 2026 08:00:00 GMT",
        "Oct 5, 2026 @ 08:00:00.000",
        1_791_187_200,
        1_791_187_200.0,
        "1791187200",
        1_791_187_200_000,
        1_791_187_200_000_000,
        1_791_187_200_000_000_000,
        "1791187200000000000",
        639_267_840_000_000_000,
        datetime(2026, 10, 5, 8, tzinfo=UTC),
        datetime(2026, 10, 5, 8),
        {"seconds": 1_791_187_200, "nanos": 0},
        {"$date": "2026-10-05T08:00:00Z"},
        {"$date": {"$numberLong": "1791187200000"}},
    ],
    ids=str,
)
def test_every_spelling_of_one_moment(value: object) -> None:
    assert to_us(value) == EIGHT


def test_fractions_are_kept_to_the_microsecond() -> None:
    assert to_us("2026-10-19T10:00:00.4465902Z") == to_us("2026-10-19T10:00:00.446590Z")
    assert to_us(1_791_626_400.125) == 1_791_626_400_125_000
    assert to_us("10/19/2026, 10:00:00.446 PM") == to_us("2026-10-19T22:00:00.446Z")


def test_a_day_is_its_midnight() -> None:
    assert to_us(date(2026, 10, 5)) == to_us("2026-10-05")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        0,
        -5,
        True,
        float("nan"),
        5,
        "45",
        [],
        {},
        "x" * 999,
    ],
)
def test_what_is_no_time_of_a_call(value: object) -> None:
    assert to_us(value) is None


@given(st.integers(EARLIEST_US, LATEST_US - 1))
def test_iso_text_comes_back(moment: int) -> None:
    written = datetime.fromtimestamp(moment // 1_000_000, UTC).replace(microsecond=moment % 1_000_000).isoformat()
    assert to_us(written) == moment


@given(st.text(max_size=80) | st.floats() | st.integers() | st.booleans())
def test_anything_else_is_none_or_in_range(value: object) -> None:
    found = to_us(value)
    assert found is None or EARLIEST_US <= found < LATEST_US


def test_a_time_without_zone_is_known_as_such() -> None:
    assert is_naive("2026-10-05T08:00:00")
    assert is_naive("2026-10-05 08:00:00.123")
    assert not is_naive("2026-10-05T08:00:00Z")
    assert not is_naive("2026-10-05T08:00:00.5+02:00")
    assert not is_naive("2026-10-05 08:00:00 UTC")
    assert not is_naive(1_791_187_200)


@pytest.mark.parametrize(
    ("value", "per_second", "wanted"),
    [
        (812, 1000.0, 0.812),
        ("812", 1000.0, 0.812),
        (1.5, 1.0, 1.5),
        (0.812, None, 0.812),
        (812, None, 0.812),
        (1.45, None, 1.45),
        (30, None, 30.0),
        ("812ms", None, 0.812),
        ("1.2s", 1.0, 1.2),
        ("1m2.5s", None, 62.5),
        ("1h0m3s", 1.0, 3603.0),
        ("90 seconds", None, 90.0),
        (-3, 1.0, None),
        ("fast", None, None),
        (None, 1.0, None),
    ],
)
def test_durations_come_out_in_seconds(value: object, per_second: float | None, wanted: float | None) -> None:
    found = seconds(value, per_second)
    assert found == (None if wanted is None else pytest.approx(wanted))


def test_a_span_that_ends_before_it_starts_has_no_length() -> None:
    assert between(2_000_000, 5_500_000) == 3.5
    assert between(5, 2) is None
    assert between(None, 2) is None


def test_numbers_in_text_are_numbers() -> None:
    assert number(" 12.5 ") == 12.5
    assert number("1_000") is None
    assert number("nan") is None
    assert number(True) is None
