"""The stage: judge every workflow × candidate pair that was ever replayed, and write `verdict`."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from audit.deciding import blindness, reasons, rule
from audit.deciding.behaviour import Behaviours
from audit.deciding.floor import Floor, floor, repeats
from audit.deciding.looks import Seen, looked, looks
from audit.deciding.parts import Offer, Policy, parts
from audit.deciding.priced import PricedUnit, priced
from audit.deciding.ratios import ratios
from audit.deciding.timing import Limits, Timing, timing
from audit.deciding.totals import shares
from audit.deciding.unasked import unasked
from audit.deciding.units import Evidence, TrialKey, Unit, evidence
from audit.statistics.intervals import Interval
from audit.statistics.verdicts import FAMILY_DELTA
from audit.store import Store

_WORKFLOWS = "SELECT workflow_id, name, task_kind FROM workflow"


@dataclass(frozen=True, slots=True)
class Verdict(Timing):
    """Whether a candidate may take over a workflow: a row of the table `verdict`.

    Shares are of requests, money is pico-USD, durations are seconds. `n` counts the prompts answered or refused by
    the candidate itself; `failed` those without an answer for any reason. Bounds of `loss` are one-sided and adjusted
    for all `tried` pairs; those of `acceptable` are a plain 90 % interval. `acceptable` counts requests; the same is
    there of distinct prompts and of dollars. `rated` answers were seen by people,
    `judged` ones decided by `judge` alone. Programs failed `doubtful` ones with doubt: of these a judge alone decided
    `doubtful_judged`, people rated `doubtful_rated`, and `doubtful_accepted` were acceptable to them; the others stay
    failed. `refused` and `current_refused` count refusals of the candidate and in the
    log on the same prompts; `error_share` is the share of prompts the candidate could not answer,
    `current_error_share` that of failed calls in the log. How long answers take is in `Timing`.
    """

    workflow_id: int
    current_model: str
    endpoint: str
    model: str
    variant: str
    n: int
    n_effective: float
    acceptable: float | None
    interval_low: float
    interval_high: float
    prompts_acceptable: float | None
    prompts_low: float
    prompts_high: float
    dollars_acceptable: float | None
    dollars_low: float
    dollars_high: float
    loss: float | None
    loss_low: float
    loss_high: float
    alpha: float
    delta: float
    floor: float | None
    floor_n: int
    undecided: int
    cost_ratio: float | None
    input_ratio: float | None
    output_ratio: float | None
    current_cost_pico: int | None
    candidate_cost_pico: int | None
    failed: int
    verdict: str
    n_more: int | None
    reason: str
    decided_at_us: int
    rated: int
    judged: int
    judge: str | None
    refused: int
    current_refused: int
    error_share: float | None
    current_error_share: float | None
    tried: int
    doubtful: int
    doubtful_judged: int
    doubtful_rated: int
    doubtful_accepted: int


def deciding(
    store: Store, latency: Mapping[str, float] | None = None, first_chunk: Mapping[str, float] | None = None
) -> list[Verdict]:
    """Judge all candidates ever replayed in this audit file and replace the rows of `verdict`.

    Every pair tried counts in the multiplicity, whether asked for today or not. Seeds, candidates and thresholds go
    into the event chain. `latency` is the p95 in seconds a candidate may have, by workflow name (`*` = any other),
    `first_chunk` the same until the first chunk of a stream.
    """
    found = evidence(store)
    workflows = {row["workflow_id"]: row for row in store.rows(_WORKFLOWS)}
    trials = looked(looks(store), [_trial(found, key, units, workflows) for key, units in sorted(found.trials.items())])
    judged = rule.judge(trials)
    limits = Limits(latency or {}, first_chunk or {})
    left = unasked(store, trials) if any(outcome.n_more for outcome in judged) else {}
    standing = _Standing(repeats(store), Behaviours(store), limits, left, len(trials), time.time_ns() // 1000)
    verdicts = [
        _verdict(trial, outcome, found, standing, str((workflows.get(trial.key.workflow_id) or {}).get("name") or ""))
        for trial, outcome in zip(trials, judged, strict=True)
    ]
    policies = parts(store, _divisible(trials, judged, verdicts), _whole(verdicts))
    verdicts = [_with_part(verdict, policies) for verdict in verdicts]
    with store.transaction():
        store.run("DELETE FROM verdict")
        store.write_rows("verdict", [asdict(verdict) for verdict in verdicts])
        store.run("DELETE FROM policy")
        store.write_rows("policy", [policy.row() for policy in policies])
        store.run("DELETE FROM priced_unit")
        store.write_rows("priced_unit", [asdict(unit) for unit in _priced(trials, verdicts, policies)])
        _log(store, found, trials, verdicts, policies)
    return verdicts


@dataclass(frozen=True, slots=True)
class _Standing:
    """What holds for every trial: repetitions of the log, refusals and failures, limits, prompts left, the family, the
    time."""

    logged: Mapping[tuple[int, str], Floor]
    behaviours: Behaviours
    limits: Limits
    left: Mapping[TrialKey, int]
    tried: int
    now_us: int


def _trial(
    found: Evidence, key: TrialKey, units: Sequence[Unit], workflows: Mapping[int, Mapping[str, Any]]
) -> rule.Trial:
    kind = (workflows.get(key.workflow_id) or {}).get("task_kind") or ""
    counted = rule.counted(units)
    miss = max((unit.doubt.miss for unit in counted if unit.doubt is not None and unit.said == "passed"), default=0.0)
    own = found.floors.get((key.workflow_id, key.current_model), {})
    echo = blindness.echoed(counted, own)
    return rule.Trial(key, kind, counted, {} if echo else own, miss, echo)


def _verdict(trial: rule.Trial, judged: rule.Judged, found: Evidence, standing: _Standing, name: str) -> Verdict:
    units = found.trials[trial.key]
    measured = floor(dict(trial.self_replay), trial.kind, standing.logged.get(trial.key[:2]))
    money = ratios(trial.units, dict(trial.self_replay))
    times = timing(trial.units, name, standing.limits)
    word, veto = _vetoed(trial, judged.verdict, times)
    behaviour = standing.behaviours.of(trial.key, trial.units)
    reason = (
        veto or reasons.because(trial, judged),
        *([] if veto else reasons.needs(trial, judged, standing.left.get(trial.key, 0))),
        *reasons.notes(trial, judged, units, measured),
        *reasons.judges(trial, found.judges),
        *reasons.behaviour(behaviour),
        *money.notes(),
        *times.notes(sum(unit.state != "no_answer" for unit in trial.units)),
    )
    return Verdict(
        **trial.key._asdict(),
        n_effective=judged.n_effective,
        loss=judged.loss,
        loss_low=judged.loss_low,
        loss_high=judged.loss_high,
        alpha=trial.alpha,
        delta=FAMILY_DELTA,
        floor=measured.rate if measured else None,
        floor_n=measured.n if measured else 0,
        cost_ratio=money.cost,
        input_ratio=money.input_tokens,
        output_ratio=money.output_tokens,
        current_cost_pico=money.current_cost_pico,
        candidate_cost_pico=money.candidate_cost_pico,
        failed=sum(unit.state in ("no_answer", "not_reached") for unit in units),
        verdict=word,
        n_more=0 if word == "not_safe" else None if veto else judged.n_more,
        reason="; ".join(reason),
        decided_at_us=standing.now_us,
        tried=standing.tried,
        **_acceptable(trial.units),
        **_decided(trial.units),
        **asdict(behaviour),
        **asdict(times),
    )


def _acceptable(units: Sequence[Unit]) -> dict[str, Any]:
    """The columns of a verdict that say what share is acceptable, and the interval of each."""
    found = shares(units)
    counted = {"acceptable": found.requests, "prompts_acceptable": found.prompts, "dollars_acceptable": found.dollars}
    bounds = {"interval": found.requests, "prompts": found.prompts, "dollars": found.dollars}
    return (
        {name: _known(share) for name, share in counted.items()}
        | {f"{name}_low": share.low for name, share in bounds.items()}
        | {f"{name}_high": share.high for name, share in bounds.items()}
    )


def _decided(units: Sequence[Unit]) -> dict[str, Any]:
    """The columns of a verdict that say how many answers there were, and who decided them."""
    doubtful = [unit for unit in units if unit.doubtful]
    judges = sorted({unit.judge.removeprefix("judge:") for unit in units if unit.judge})
    return {
        "n": len(units),
        "undecided": sum(unit.state == "undecided" for unit in units),
        "rated": sum(unit.rated is not None for unit in units),
        "judged": sum(bool(unit.judge) and unit.rated is None for unit in units),
        "judge": ", ".join(judges) or None,
        "doubtful": len(doubtful),
        "doubtful_judged": sum(bool(unit.judge) and unit.rated is None for unit in doubtful),
        "doubtful_rated": sum(unit.rated is not None for unit in doubtful),
        "doubtful_accepted": sum(unit.state == "passed" for unit in doubtful),
    }


def _divisible(trials: Sequence[rule.Trial], judged: Sequence[rule.Judged], verdicts: Sequence[Verdict]) -> list[Offer]:
    """Pairs of which a part may be looked at: not where the whole is safe, or where what vetoes it holds for parts."""
    found = []
    for trial, outcome, verdict in zip(trials, judged, verdicts, strict=True):
        if verdict.verdict != "safe" and not (verdict.late or blindness.constant(trial.units)):
            found.append(Offer(trial, outcome.parts_error, verdict.latency_limit, verdict.first_chunk_limit))
    return found


def _whole(verdicts: Sequence[Verdict]) -> dict[tuple[int, str], float]:
    """The share of dollars the best safe switch of a whole workflow saves, by workflow and today's model."""
    found: dict[tuple[int, str], float] = {}
    for verdict in verdicts:
        if verdict.verdict == "safe" and not verdict.variant and verdict.cost_ratio is not None:
            place = verdict.workflow_id, verdict.current_model
            found[place] = max(found.get(place, 0.0), 1 - verdict.cost_ratio)
    return found


def _priced(
    trials: Sequence[rule.Trial], verdicts: Sequence[Verdict], policies: Sequence[Policy]
) -> Iterator[PricedUnit]:
    """What the drawn prompts cost where the whole may go to another model, or a part is on offer."""
    for trial, verdict in zip(trials, verdicts, strict=True):
        if verdict.verdict == "safe" and not verdict.variant and verdict.cost_ratio is not None:
            yield from priced(trial.key, trial.units)
    for policy in policies:
        if policy.outcome == "offered":
            yield from policy.units


def _with_part(verdict: Verdict, policies: Sequence[Policy]) -> Verdict:
    """A verdict whose reason says which part the candidate may take, or how many were tried in vain."""
    key = verdict.workflow_id, verdict.current_model, verdict.endpoint, verdict.model
    here = [each for each in policies if (each.workflow_id, each.current_model, each.endpoint, each.model) == key]
    said = None if verdict.variant else reasons.part(here)
    return replace(verdict, reason=f"{verdict.reason}; {said}") if said else verdict


def _known(share: Interval) -> float | None:
    return None if math.isnan(share.estimate) else share.estimate


def _vetoed(trial: rule.Trial, word: str, times: Timing) -> tuple[str, str | None]:
    """What an average can hide: one answer to everything, a label that is never right, answers that come late."""
    constant = blindness.constant(trial.units)
    if constant is not None:
        return "not_safe", constant
    if times.late is not None:
        return "not_safe", times.late
    blind = blindness.blind(trial.units, trial.kind) if word == "safe" else None
    return ("unknown", blind) if blind is not None else (word, None)


def _log(
    store: Store,
    found: Evidence,
    trials: Sequence[rule.Trial],
    verdicts: Sequence[Verdict],
    policies: Sequence[Policy],
) -> None:
    settings = {
        "seeds": found.seeds,
        "delta": FAMILY_DELTA,
        "looks": max((trial.look for trial in trials if trial.able), default=0),
        "rated": sum(verdict.rated for verdict in verdicts),
        "judges": {f"{name} on {kind}": list(judge.faults) for (name, kind), judge in sorted(found.judges.items())},
        "trials": [
            trial.key._asdict()
            | {"alpha": trial.alpha, "n": len(trial.units), "look": trial.look, "may_pass": trial.able}
            | Seen.of(trial)._asdict()
            | {"safe": verdict.verdict == "safe"}
            for trial, verdict in zip(trials, verdicts, strict=True)
        ],
        "policies": [policy.tried_as() for policy in policies],
    }
    outcome = dict(Counter(verdict.verdict for verdict in verdicts))
    store.log_event("decide", settings, {"tested": len(verdicts), **outcome})
