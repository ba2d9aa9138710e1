"""What a sample can certify before it is paid for, by the rule the verdict will use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from audit.replay.drawing import Sample
from audit.replay.frame import Frame
from audit.replay.plans import Promise
from audit.replay.strata import POWER, TRUE_LOSS, Strata, allocate, sizes
from audit.statistics.arrays import BoolArray
from audit.statistics.certificates import certificate_power, clean_units
from audit.statistics.intervals import kish_neff
from audit.statistics.sampling import pps_probabilities
from audit.statistics.verdicts import alpha_of
from audit.taskkind import CHECKED

GROWTH = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 40.0)


def promise(
    units: Frame,
    strata: Strata,
    sample: Sample,
    kinds: Mapping[int, str],
    names: Mapping[int, str],
    candidates: Mapping[str, int],
    judged: bool,
    error: float,
) -> Promise:
    """Certificates a drawn sample promises; `candidates` counts those to be tried for each current model.

    `error` is what the look at their answers spends on whole workflows. Kinds no program can compare count only where
    the answers will be `judged`.
    """
    weights: dict[tuple[int, str], list[float]] = {}
    for row, chance in zip(sample.rows.tolist(), sample.probabilities.tolist(), strict=True):
        pair = int(units.workflow_id[row]), units.model[row]
        weights.setdefault(pair, []).append(float(units.requests[row]) / max(chance, 1e-12))
    effective = {pair: kish_neff(np.array(each)) for pair, each in weights.items()}
    return _promise(len(sample), effective, kinds, _by_dollars(strata, names), candidates, judged, error)


def grown_promise(
    units: Frame,
    strata: Strata,
    eligible: BoolArray,
    now: Promise,
    kinds: Mapping[int, str],
    names: Mapping[int, str],
    candidates: Mapping[str, int],
    judged: bool,
    error: float,
) -> Promise | None:
    """The smallest of a few larger samples that certifies more; None when none does."""
    room = int(eligible.sum())
    for factor in GROWTH:
        size = min(room, round(now.n * factor))
        if size <= now.n:
            return None
        effective = _effective(units, strata, eligible, allocate(strata, units, eligible, size))
        found = _promise(size, effective, kinds, _by_dollars(strata, names), candidates, judged, error, now.tests)
        if found.certificates > now.certificates:
            return found
    return None


def _effective(units: Frame, strata: Strata, eligible: BoolArray, given: Sequence[int]) -> dict[tuple[int, str], float]:
    """The effective sample size (Kish 1965) each pair is expected to get from so many units of each stratum.

    Drawn with chances p, requests r weigh r/p: (sum of r)² over the sum of r²/p.
    """
    sums: dict[tuple[int, str], tuple[float, float]] = {}
    for stratum, number in zip(strata.strata, given, strict=True):
        if stratum.certificate is None or not number:
            continue
        members = stratum.members[eligible[stratum.members]]
        requests = units.requests[members].astype(np.float64)
        chances = pps_probabilities(sizes(units, members), number)
        pair = strata.pairs[stratum.certificate]
        weight, squares = sums.get((pair.workflow_id, pair.model), (0.0, 0.0))
        sums[pair.workflow_id, pair.model] = (
            weight + float(requests.sum()),
            squares + float((requests**2 / np.maximum(chances, 1e-12)).sum()),
        )
    return {pair: weight**2 / squares for pair, (weight, squares) in sums.items()}


def _promise(
    n: int,
    effective: Mapping[tuple[int, str], float],
    kinds: Mapping[int, str],
    names: Mapping[int, str],
    candidates: Mapping[str, int],
    judged: bool,
    error: float,
    tests: int = 0,
) -> Promise:
    trials = [
        (size, alpha_of(kinds.get(workflow) or ""), workflow)
        for (workflow, model), size in effective.items()
        for _ in range(candidates.get(model, 0))
    ]
    family = max(1, tests, len(trials))
    unchecked = 0 if judged else sum(kinds.get(workflow) not in CHECKED for _, _, workflow in trials)
    clean = [trial for trial in _holm(trials, family, error) if judged or kinds.get(trial[2]) in CHECKED]
    powers = [certificate_power(int(size), TRUE_LOSS, alpha, error, family) for size, alpha, _ in clean]
    likely = [power >= POWER for power in powers]
    won = {workflow for (_, _, workflow), holds in zip(clean, likely, strict=True) if holds}
    workflows = tuple(name for workflow, name in names.items() if workflow in won)
    mean = float(np.mean(powers)) if powers else 0.0
    return Promise(n, sum(likely), workflows, family, mean, unchecked, len(clean))


def _by_dollars(strata: Strata, names: Mapping[int, str]) -> dict[int, str]:
    """Names of all workflows, the dearest first."""
    order = dict.fromkeys(pair.workflow_id for pair in strata.pairs)
    return {workflow: names.get(workflow, str(workflow)) for workflow in (*order, *(set(names) - set(order)))}


def _holm(trials: Sequence[tuple[float, float, int]], family: int, error: float) -> list[tuple[float, float, int]]:
    """Trials certified when none shows a loss: Holm's steps, from the strongest evidence down."""
    strength = sorted(trials, key=lambda trial: (1 - trial[1]) ** trial[0])
    certified: list[tuple[float, float, int]] = []
    for place, trial in enumerate(strength):
        if trial[0] < clean_units(trial[1], error, max(1, family - place)):
            break
        certified.append(trial)
    return certified
