"""Strata of the frame, and which of them the next unit comes from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from audit.replay.frame import Frame, dollars
from audit.statistics.arrays import BoolArray, FloatArray, IntArray
from audit.statistics.certificates import clean_units, units_for_power
from audit.statistics.sampling import prior_sd, size_bands, size_measure
from audit.statistics.verdicts import alpha_of, whole_error
from audit.taskkind import CHECKED

POOL_SHARE = 0.005
"""A workflow below this share of the dollars has no strata of its own."""

MIXTURE = 0.5
"""Share of a unit's size that does not depend on its cost (defensive mixture)."""

EVEN_SPREAD = 0.5
"""Requests whose costs vary by no more than this (standard deviation over mean) have equal chances: cost would gain
little for the dollars, and unequal weights make every certificate dearer."""

CERTIFYING_SHARE = 2 / 3
FIRST_CERTIFYING_SHARE = 4 / 5
"""Share of the units that fill certificates, and until the first is filled: a small sample should promise one thing."""

WORTHWHILE_SHARE = 0.02
"""Share of the eligible dollars below which a pair gets no units for a certificate of its own."""

ALWAYS_AFFORDED = 200
LARGEST_PART = 0.4
"""A certificate may take so many units, or this part of the sample; dearer ones wait until the sample is larger."""

TRUE_LOSS, POWER = 0.01, 0.8
"""A certificate is promised where a candidate that loses this share of answers gets it with this chance."""

CANDIDATES = 2
"""Candidates for each pair that a likely certificate is planned for. The sample must not depend on how many there are
in truth: all have to be asked the same prompts, whenever they are tried."""

LEAST_PER_STRATUM = 4
LEAST_PER_CERTIFICATE = 45


@dataclass(frozen=True, eq=False)
class Stratum:
    """Prompts of one workflow (or of all small ones of a kind), one model and one size band.

    `members` are row numbers of the frame. `certificate` numbers the workflow × model pair in order of dollars; None
    for pooled workflows, which are too small to certify.
    """

    label: str
    kind: str
    band: int
    members: IntArray
    certificate: int | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A workflow on its current model: what one certificate is about; cost is pico-USD of the replayable prompts."""

    workflow_id: int
    model: str
    kind: str
    cost_pico: int


@dataclass(frozen=True, eq=False)
class Strata:
    """All strata of a frame, and the pairs that may be certified in order of dollars."""

    strata: tuple[Stratum, ...]
    pairs: tuple[Pair, ...]


def stratify(units: Frame, kinds: Mapping[int, str]) -> Strata:
    """Split the frame by workflow, model and size; `kinds` is the task kind of each workflow."""
    groups: dict[tuple[str, str], list[int]] = {}
    pooled = _pooled(units)
    for row, (workflow, model) in enumerate(zip(units.workflow_id.tolist(), units.model, strict=True)):
        name = f"other:{kinds.get(workflow) or 'open'}" if workflow in pooled else str(workflow)
        groups.setdefault((name, model), []).append(row)
    pairs = _pairs(units, groups, kinds)
    places = {(str(pair.workflow_id), pair.model): place for place, pair in enumerate(pairs)}
    strata: list[Stratum] = []
    for (name, model), rows in sorted(groups.items()):
        members = np.array(rows, dtype=np.int64)
        bands = np.zeros(members.size, dtype=np.int64)
        if not is_even(units, members):
            bands = size_bands(dollars(units.cost_pico[members]))
        kind = name.removeprefix("other:") if name.startswith("other:") else kinds.get(int(name)) or "open"
        for band in sorted(set(bands.tolist())):
            label = f"{name}/{model}/{band}"
            strata.append(Stratum(label, kind, band, members[bands == band], places.get((name, model))))
    return Strata(tuple(strata), tuple(pairs))


def is_even(units: Frame, members: IntArray) -> bool:
    """Whether requests cost about the same whatever the prompt, so that cost is no reason to prefer one."""
    each = dollars(units.cost_pico[members]) / units.requests[members]
    return bool(each.std() <= EVEN_SPREAD * each.mean())


def sizes(units: Frame, members: IntArray) -> FloatArray:
    """What the prompts of one stratum are drawn by: their requests where those cost about the same, else a mixture of
    what they cost and of their requests, so that no request stands for more than twice the mean."""
    requests = units.requests[members].astype(np.float64)
    if is_even(units, members):
        return requests
    return size_measure(dollars(units.cost_pico[members]), MIXTURE, requests)


def _pooled(units: Frame) -> set[int]:
    """Workflows below `POOL_SHARE` of the dollars; none where nothing costs anything."""
    cost: dict[int, int] = {}
    for workflow, pico in zip(units.workflow_id.tolist(), units.cost_pico.tolist(), strict=True):
        cost[workflow] = cost.get(workflow, 0) + pico
    total = sum(cost.values())
    return {workflow for workflow, pico in cost.items() if pico < POOL_SHARE * total}


def _pairs(units: Frame, groups: Mapping[tuple[str, str], list[int]], kinds: Mapping[int, str]) -> list[Pair]:
    pairs = [
        Pair(int(name), model, kinds.get(int(name)) or "open", int(units.cost_pico[rows].sum()))
        for (name, model), rows in groups.items()
        if not name.startswith("other:")
    ]
    return sorted(pairs, key=lambda pair: (-pair.cost_pico, pair.workflow_id, pair.model))


def allocate(strata: Strata, units: Frame, eligible: BoolArray, n: int) -> list[int]:
    """Units per stratum for a sample of n: the first n of one fixed sequence, so that a larger sample only adds."""
    given = [0] * len(strata.strata)
    for _, place in zip(range(n), _sequence(strata, units, eligible), strict=False):
        given[place] += 1
    return given


@dataclass(eq=False)
class _State:
    """How many units each stratum has, may have and weighs while a sequence is made; pairs in order of their turn."""

    capacity: list[int]
    weight: list[float]
    mass: list[float]
    of_pair: dict[int, list[int]]
    trials: int
    given: list[int] = field(default_factory=list)

    def open(self, places: Sequence[int]) -> list[int]:
        return [place for place in places if self.given[place] < self.capacity[place]]

    def next_of(self, places: Sequence[int]) -> int | None:
        """The open stratum with the highest Huntington–Hill priority, those short of their minimum first."""
        rest = self.open(places)
        return max(rest, key=self._priority) if rest else None

    def _priority(self, place: int) -> tuple[float, float, int]:
        k = self.given[place]
        if k < LEAST_PER_STRATUM:
            return math.inf, self.mass[place], -place
        return self.weight[place] / math.sqrt(k * (k + 1)), self.mass[place], -place

    def of(self, pair: int) -> int:
        return sum(self.given[place] for place in self.of_pair[pair])


def _sequence(strata: Strata, units: Frame, eligible: BoolArray) -> Iterator[int]:
    """Strata in the order they get units: a share of them serves certificates, the rest the dollars as a whole.

    Units for the whole follow the exact integer Neyman optimum (Wright 2012). Units for certificates fill the pairs
    in order of dollars, those a program can check first: each to what certifies it with no loss seen, then each to what
    makes that likely (`POWER` at a loss of `TRUE_LOSS`), adjusted for all pairs of the frame and for the unequal
    weights of its units. Where losses are rare, the first units of a pair win more dollars than the last. What makes
    a certificate likely takes more than `ALWAYS_AFFORDED` from two pairs on (227 units for five, where the loss
    allowed is 5 %; beyond a thousand where it is 2 %), so such targets only count in samples of which they are
    `LARGEST_PART`: from some 570 prompts on.
    """
    state = _state(strata, units, eligible)
    targets = _targets(strata, units, eligible, state)
    everywhere = range(len(state.capacity))
    turns = certifying = 0
    while True:
        first_done = any(state.of(pair) >= needed[pair] for needed in targets for pair in state.of_pair)
        share = CERTIFYING_SHARE if first_done else FIRST_CERTIFYING_SHARE
        affordable = max(ALWAYS_AFFORDED, LARGEST_PART * turns)
        place = _for_certificates(state, targets, affordable) if certifying < share * turns else None
        certifying += place is not None
        if place is None:
            place = state.next_of(everywhere)
        if place is None:
            return
        state.given[place] += 1
        turns += 1
        yield place


def _targets(strata: Strata, units: Frame, eligible: BoolArray, state: _State) -> tuple[list[float], list[float]]:
    """The fewest units of each pair that allow a certificate, and those that make it likely."""
    likely: list[float] = []
    fewest: list[float] = []
    for place, pair in enumerate(strata.pairs):
        alpha, effect = alpha_of(pair.kind), _design_effect(strata, units, eligible, state.of_pair.get(place, []))
        enough = units_for_power(TRUE_LOSS, alpha, whole_error(1), CANDIDATES * state.trials, POWER, effect)
        likely.append(math.inf if enough is None else enough)
        fewest.append(math.ceil(clean_units(alpha, whole_error(1), state.trials) * effect))
    return fewest, likely


def _design_effect(strata: Strata, units: Frame, eligible: BoolArray, places: Sequence[int]) -> float:
    """How many units drawn by size are worth one drawn at random, for shares of requests (Kish 1965)."""
    if not places:
        return 1.0
    members = np.concatenate([strata.strata[place].members for place in places])
    members = members[eligible[members]]
    if members.size == 0:
        return 1.0
    requests = units.requests[members].astype(np.float64)
    drawn_by = sizes(units, members)
    return float(np.sum(requests**2 / drawn_by) * drawn_by.sum() / requests.sum() ** 2)


def _state(strata: Strata, units: Frame, eligible: BoolArray) -> _State:
    counts = [int(eligible[stratum.members].sum()) for stratum in strata.strata]
    costs = [float((units.cost_pico[s.members] * eligible[s.members]).sum()) for s in strata.strata]
    asked = [int((units.requests[s.members] * eligible[s.members]).sum()) for s in strata.strata]
    mass = size_measure(costs, MIXTURE, asked).tolist() if any(counts) else [0.0] * len(counts)
    weight = [share * prior_sd(s.kind) for share, s in zip(mass, strata.strata, strict=True)]
    of_pair: dict[int, list[int]] = {}
    for place, stratum in enumerate(strata.strata):
        if stratum.certificate is not None:
            of_pair.setdefault(stratum.certificate, []).append(place)
    worth = WORTHWHILE_SHARE * sum(costs)
    queue = [pair for pair, places in of_pair.items() if sum(costs[place] for place in places) >= worth]
    queue.sort(key=lambda pair: (strata.pairs[pair].kind not in CHECKED, pair))
    trials = len({(units.workflow_id[row], units.model[row]) for row in np.flatnonzero(eligible).tolist()})
    return _State(counts, weight, mass, {pair: of_pair[pair] for pair in queue}, max(1, trials), [0] * len(counts))


def _for_certificates(state: _State, targets: Sequence[Sequence[float]], affordable: float) -> int | None:
    """A stratum of the first pair short of a target that is within its reach and affordable; None without one."""
    for needed in targets:
        for pair, places in state.of_pair.items():
            reach = sum(state.capacity[place] for place in places)
            if reach >= LEAST_PER_CERTIFICATE and state.of(pair) < needed[pair] <= affordable:
                place = state.next_of(places)
                if place is not None:
                    return place
    return None
