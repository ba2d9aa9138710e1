"""How long answers may be kept: the longest life whose answers are proven, or may be assumed, not to go out of date."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.errors import ConfigError
from audit.levers import Settings
from audit.levers._response_cache_play import NEVER, Accesses, Flags, Ints, Played
from audit.levers._response_cache_traffic import Traffic
from audit.statistics.certificates import clean_units
from audit.statistics.weighted_loss import LossSample

LIVES_S = (300.0, 3_600.0, 86_400.0, 604_800.0, math.inf)
KNEE = 0.95
DELTA = 0.10
_FLOOR_PAIRS = 30
_DAY_US = 86_400_000_000
_SPREAD = np.int64(0x1E3779B97F4A7C15)

Basis = Literal["stated", "proven", "assumed", "stale"]


@dataclass(frozen=True, slots=True)
class Aged:
    """Answers from the cache under one life: how many differ from what was logged instead, of those with text."""

    ttl_s: float
    hits: int
    compared: int
    differing: int
    saved_pico: int


@dataclass(frozen=True, slots=True)
class Life:
    """How long answers of one workflow may be kept, and why.

    `proven`: the share of differing answers above the floor is certified to be at most the stated one. `assumed`:
    the log has too few repetitions to prove a life. `stale`: longer lives are proven to give out-of-date answers.
    `floor` is the share of differing answers among the youngest hits, None where too few were seen.
    """

    workflow_id: int
    ttl_s: float
    basis: Basis
    floor: float | None
    ages: tuple[Aged, ...]


def stated(value: object, name: str) -> float | None:
    """A number a setting gives, None where it says `auto`."""
    if value == "auto":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    raise ConfigError(
        f"{name} = {value!r} of a response cache is neither 0 or more nor 'auto'", "see docs/configuration.md"
    )


def microseconds(ttl_s: float) -> int:
    """A life in microseconds; one without end is longer than any log."""
    return NEVER if math.isinf(ttl_s) else round(ttl_s * 1_000_000)


def lives_of(lives: Mapping[int, Life], workflows: Ints, default_s: float) -> Ints:
    """The life in microseconds of each request's workflow; `default_s` where none was studied."""
    ids, codes = np.unique(workflows, return_inverse=True)
    table = [microseconds(lives[each].ttl_s if each in lives else default_s) for each in ids.tolist()]
    found: Ints = np.array(table, dtype=np.int64)[codes] if ids.size else np.zeros(0, dtype=np.int64)
    return found


def find_lives(
    found: Traffic, accesses: Accesses, plays: Mapping[float, Played], settings: Settings
) -> dict[int, Life]:
    """The life of each workflow with a hit: the shortest that saves 95 % of what the longest safe one does."""
    rows = accesses.rows
    seconds = stated(settings["ttl_s"], "ttl_s")
    lives_s = tuple(plays)
    ids, codes = np.unique(found.workflow[rows], return_inverse=True)
    compared = {ttl_s: _compared(found, rows, played) for ttl_s, played in plays.items()}
    aged = {
        ttl_s: _aged(found, rows, codes, ids.size, ttl_s, played, compared[ttl_s]) for ttl_s, played in plays.items()
    }
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(ids.size + 1))
    lives = {}
    for place, workflow in enumerate(ids.tolist()):
        ages = tuple(aged[ttl_s][place] for ttl_s in lives_s)
        if ages[-1].hits == 0:
            continue
        mine = order[bounds[place] : bounds[place + 1]]
        samples = [_sample(accesses, mine, *compared[ttl_s]) for ttl_s in lives_s]
        lives[workflow] = _life(workflow, ages, samples, settings) if seconds is None else Life(
            workflow, seconds, "stated", _floor(samples).share, ages
        )  # fmt: skip
    return lives


def _compared(found: Traffic, rows: Ints, played: Played) -> tuple[Flags, Flags]:
    """Which accesses are hits with both answers known, and which of all differ from the cached answer."""
    writer = rows[played.writer]
    both = played.hit & found.known[rows] & found.known[writer]
    return both, found.answer[rows] != found.answer[writer]


def _aged(
    found: Traffic, rows: Ints, codes: NDArray[np.intp], count: int, ttl_s: float, played: Played,
    compared: tuple[Flags, Flags],
) -> list[Aged]:  # fmt: skip
    both, differ = compared
    hits = np.bincount(codes[played.hit], minlength=count)
    known = np.bincount(codes[both], minlength=count)
    differing = np.bincount(codes[both & differ], minlength=count)
    saved = _sums(codes[played.hit], found.cost[rows[played.hit]], count)
    return [
        Aged(ttl_s, int(hits[place]), int(known[place]), int(differing[place]), int(saved[place]))
        for place in range(count)
    ]


def _sums(codes: NDArray[np.intp], values: Ints, count: int) -> Ints:
    """Exact integer sums by code."""
    totals = np.zeros(count, dtype=np.int64)
    np.add.at(totals, codes, values)
    return totals


def _sample(accesses: Accesses, mine: NDArray[np.intp], both: Flags, differ: Flags) -> LossSample:
    """Share of differing answers by question and day: hits of one question on one day hang together and count once."""
    chosen = mine[both[mine]]
    with np.errstate(over="ignore"):
        together = accesses.keys[chosen] ^ (accesses.started[chosen] // _DAY_US * _SPREAD)
    codes = np.unique(together, return_inverse=True)[1]
    return LossSample.of(np.bincount(codes, differ[chosen]) / np.maximum(1, np.bincount(codes)))


@dataclass(frozen=True, slots=True)
class _Floor:
    """How often even young answers differ, with 90 % bounds, and the place of the life it was seen at."""

    share: float | None
    low: float
    high: float
    place: int


def _floor(samples: Sequence[LossSample]) -> _Floor:
    for place, sample in enumerate(samples[:-1]):
        if sample.n >= _FLOOR_PAIRS:
            return _Floor(sample.rate, sample.lower(DELTA), sample.upper(DELTA), place)
    return _Floor(None, 0.0, 1.0, len(samples))


def _life(workflow: int, ages: tuple[Aged, ...], samples: Sequence[LossSample], settings: Settings) -> Life:
    share, assumed_s = float(settings["stale_share"]), float(settings["unproven_ttl_s"])
    floor = _floor(samples)
    assumed = max((place for place, aged in enumerate(ages) if aged.ttl_s <= assumed_s), default=0)
    stale = _stale(samples, floor, share)
    # up to the assumed life nothing has to be proven, so older answers are held against those of that life too
    known = samples[assumed] if assumed < stale and samples[assumed].n >= _FLOOR_PAIRS else None
    proven = -1
    for place, sample in enumerate(samples):
        low = max(floor.low, known.lower(DELTA)) if known is not None and place > assumed else floor.low
        if place < stale and sample.n >= clean_units(share, DELTA) and sample.at_most(min(1.0, low + share), DELTA):
            proven = place
    allowed = min(assumed, stale - 1)
    safe = max(proven, allowed, 0)
    basis: Basis = "proven" if proven >= allowed else "stale" if stale <= assumed else "assumed"
    enough_saved = max(1.0, KNEE * ages[safe].saved_pico)
    knee = next((place for place in range(safe) if ages[place].saved_pico >= enough_saved), safe)
    return Life(workflow, ages[knee].ttl_s, basis, floor.share, ages)


def _stale(samples: Sequence[LossSample], floor: _Floor, share: float) -> int:
    """Place of the shortest life proven to give more out-of-date answers than stated; their number without one."""
    proven = (
        place for place, sample in enumerate(samples)
        if place > floor.place and sample.n and sample.lower(DELTA) > floor.high + share
    )  # fmt: skip
    return next(proven, len(samples))
