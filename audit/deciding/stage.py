"""The stage: judge every workflow × candidate pair that was ever replayed, and write `verdict`."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from audit.deciding import rule
from audit.deciding.floor import Floor, floor, repeats
from audit.deciding.ratios import quantile, ratios
from audit.deciding.units import Evidence, TrialKey, Unit, evidence
from audit.statistics.verdicts import FAMILY_DELTA
from audit.store import Store

_KINDS = "SELECT workflow_id, task_kind FROM workflow"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a candidate may take over a workflow: a row of the table `verdict`.

    Shares are of requests, money is pico-USD, durations are seconds. `n` counts the prompts answered or refused by
    the candidate itself; `failed` those without an answer for any reason. Bounds of `loss` are one-sided and adjusted
    for all pairs tested; those of `acceptable` are a plain 90 % interval.
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
    p50_duration: float | None
    p95_duration: float | None
    failed: int
    verdict: str
    n_more: int | None
    reason: str
    decided_at_us: int


def deciding(store: Store) -> list[Verdict]:
    """Judge all candidates ever replayed in this audit file and replace the rows of `verdict`.

    Every pair tried counts in the multiplicity, whether asked for today or not. Seeds, candidates and thresholds go
    into the event chain.
    """
    found = evidence(store)
    kinds = {row["workflow_id"]: row["task_kind"] or "" for row in store.rows(_KINDS)}
    trials = [
        rule.Trial(
            key,
            kinds.get(key.workflow_id, ""),
            rule.counted(units),
            found.floors.get((key.workflow_id, key.current_model), {}),
        )
        for key, units in sorted(found.trials.items())
    ]
    judged = rule.judge(trials, tried=0) if trials else []
    logged = repeats(store)
    now = time.time_ns() // 1000
    verdicts = [
        _verdict(trial, outcome, found.trials[trial.key], logged.get(trial.key[:2]), now)
        for trial, outcome in zip(trials, judged, strict=True)
    ]
    with store.transaction():
        store.run("DELETE FROM verdict")
        store.write_rows("verdict", [asdict(verdict) for verdict in verdicts])
        _log(store, found, trials, verdicts)
    return verdicts


def _verdict(trial: rule.Trial, judged: rule.Judged, units: Sequence[Unit], logged: Floor | None, now: int) -> Verdict:
    measured = floor(dict(trial.self_replay), trial.kind, logged)
    share, money = rule.acceptable(trial.units), ratios(trial.units)
    answered = [unit.duration for unit in trial.units if unit.state != "no_answer" and unit.duration is not None]
    undecided = sum(unit.state == "undecided" for unit in trial.units)
    word, veto = _vetoed(trial, judged.verdict)
    return Verdict(
        **trial.key._asdict(),
        n=len(trial.units),
        n_effective=judged.n_effective,
        acceptable=None if math.isnan(share.estimate) else share.estimate,
        interval_low=share.low,
        interval_high=share.high,
        loss=judged.loss,
        loss_low=judged.loss_low,
        loss_high=judged.loss_high,
        alpha=trial.alpha,
        delta=FAMILY_DELTA,
        floor=measured.rate if measured else None,
        floor_n=measured.n if measured else 0,
        undecided=undecided,
        cost_ratio=money.cost,
        input_ratio=money.input_tokens,
        output_ratio=money.output_tokens,
        current_cost_pico=money.current_cost_pico,
        candidate_cost_pico=money.candidate_cost_pico,
        p50_duration=quantile(answered, 0.5),
        p95_duration=quantile(answered, 0.95),
        failed=sum(unit.state in ("no_answer", "not_reached") for unit in units),
        verdict=word,
        n_more=0 if word == "not_safe" else None if veto else judged.n_more,
        reason="; ".join([veto or _because(trial, judged, undecided), *_notes(trial, judged, units, measured)]),
        decided_at_us=now,
    )


def _vetoed(trial: rule.Trial, word: str) -> tuple[str, str | None]:
    """What an average can hide: one answer to everything, or a label that is never right."""
    if rule.is_constant(trial.units):
        return "not_safe", "gives the same answer to every prompt"
    missed = rule.missed_labels(trial.units) if trial.kind == "classification" else 0
    if word == "safe" and missed:
        return "unknown", f"never right on {missed} of the labels"
    return word, None


def _because(trial: rule.Trial, judged: rule.Judged, undecided: int) -> str:
    limit, low, high = (f"{100 * share:.1f} %" for share in (trial.alpha, judged.loss_low, judged.loss_high))
    if judged.verdict == "safe":
        return f"loss at most {high}, limit {limit}"
    if judged.verdict == "not_safe":
        return f"loss at least {low}, limit {limit}"
    if not trial.units:
        return "no answer to judge"
    if _needs_judge(judged, undecided):
        return f"{_count(undecided, 'answer needs', 'answers need')} a judge or a person"
    if judged.held_back_by == "floor":
        return "not shown to be as good as the current model's own replay"
    return f"loss between {low} and {high}, limit {limit}"


def _needs_judge(judged: rule.Judged, undecided: int) -> bool:
    """Whether more units of the same kind would not settle it."""
    return judged.verdict == "unknown" and undecided > 0 and judged.n_more is None


def _notes(trial: rule.Trial, judged: rule.Judged, units: Sequence[Unit], measured: Floor | None) -> list[str]:
    states = Counter(unit.state for unit in units)
    fenced = sum("code fence)" in unit.reason for unit in trial.units if unit.state == "passed")
    undecided = states["undecided"]
    notes = {
        f"{undecided} undecided count against it": undecided and not _needs_judge(judged, undecided),
        f"{_count(states['no_answer'], 'prompt', 'prompts')} the candidate could not answer": states["no_answer"],
        f"{_count(states['not_reached'], 'call', 'calls')} lost to the endpoint, left out": states["not_reached"],
        f"{_count(fenced, 'answer stands', 'answers stand')} in a code fence to strip": fenced,
        "floor not measured: every unacceptable answer counts": measured is None,
        "floor from repeated prompts of the log: every unacceptable answer counts": measured and not measured.paired,
        "observed in the log, not assigned by chance": any(unit.origin == "observed" for unit in units),
    }
    return [note for note, holds in notes.items() if holds]


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _log(store: Store, found: Evidence, trials: Sequence[rule.Trial], verdicts: Sequence[Verdict]) -> None:
    settings = {
        "seeds": found.seeds,
        "delta": FAMILY_DELTA,
        "grown": rule.grown(trials),
        "trials": [_named(trial.key) | {"alpha": trial.alpha, "n": len(trial.units)} for trial in trials],
    }
    outcome = dict(Counter(verdict.verdict for verdict in verdicts))
    store.log_event("decide", settings, {"tested": len(verdicts), **outcome})


def _named(key: TrialKey) -> dict[str, object]:
    return key._asdict()
