"""The stage `projection`: run the bill with each lever alone, with all of them, and bound what comes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from audit import plugins
from audit.config import Config
from audit.errors import ConfigError, PriceError
from audit.levers import STAGES, Lever, Risk, Settings
from audit.matching import similar
from audit.period import covered_days
from audit.projection.bench import Bench, Pico, settings_of
from audit.projection.bounds import Bounds
from audit.projection.commitments import Spend, commitments, lowering, spend_left
from audit.projection.needs import missing_need
from audit.projection.savings import Joint, LeverSaving, Savings, StageSaving
from audit.projection.stages import shapley_by_stage
from audit.projection.stated import stated_prices
from audit.store import Store

_CACHED = "SELECT COUNT(*) FROM charge WHERE sku_meter IN ('cache_read', 'cache_write_5m', 'cache_write_1h')"
_UNPRICED = """
SELECT COUNT(*) FROM request AS r LEFT JOIN request_cost AS c ON c.request_id = r.request_id
WHERE r.status = 'billable' AND COALESCE(c.unpriced, 1) = 1
"""
Progress = Callable[[str], None]


@dataclass
class _Run:
    """What is known of one lever while the projection runs."""

    lever: Lever
    blocked: str | None = None
    excluded: str | None = None
    alone: Pico | None = None
    step: Pico | None = None
    requests: int = 0
    floored: bool = False
    findings: tuple[str, ...] = ()
    doubt: tuple[Risk, str] | None = None
    shares: Any = field(default=None)


def projection(
    store: Store, config: Config, *, level: float | None = None, progress: Progress | None = None
) -> Savings:
    """Simulate every lever alone and the plan jointly, and return the savings with their bounds.

    The plan applies the levers in rollout order (stage, then order); a lever whose step would cost more than it saves
    is left out of the plan and listed. Steps add up to the joint saving exactly. Scenarios are computed apart.
    """
    say = progress or (lambda _: None)
    levers = configured_levers(config)
    say("which questions are alike")
    similar(store)
    bench = Bench(store, settings_of(levers, dict(config.levers)), time.time_ns() // 1000, only_estimates(store))
    bench.start()
    baseline, spent = bench.cost(), spend_left(store)
    runs = [_Run(lever, floored=_cannot_cost(store, lever)) for lever in levers]
    start = bench.save("start")
    bounds = Bounds.of(config.projection, level, baseline, covered_days(store) or 1.0)
    for run in runs:
        say(f"{run.lever.title}, alone")
        _alone(bench, run, start, baseline)

    def draw(run: _Run) -> None:
        if run.lever.shares and run.alone is not None and run.shares is None:
            run.shares = run.lever.shares(store, bench.settings[run.lever.name], bounds.draws, config.projection.seed)

    say("all levers together")
    plan, left = _waterfall(bench, [run for run in runs if run.lever.stage != "SCENARIO"], start, baseline, draw)
    for run in runs:
        draw(run)
    say("what each stage is worth")
    worth = shapley_by_stage(bench, [run.lever for run in plan], start)
    bench.drop(start)
    savings = _savings(bench, bounds, runs, plan, worth)
    stated = stated_prices(store, config)
    bankable = lowering(config, bounds.days, spent, left, savings.joint.bankable_pico)
    return replace(
        savings,
        joint=replace(savings.joint, bankable_pico=bankable),
        levers=tuple(_at_stated_prices(row, stated) for row in savings.levers),
        commitments=commitments(store, config, bounds.days),
        unpriced=int(store.value(_UNPRICED)),
    )


def _at_stated_prices(row: LeverSaving, stated: tuple[str, ...]) -> LeverSaving:
    """A measured saving with the prices that only the configuration vouches for."""
    return replace(row, stated_prices=stated) if row.evidence == "C" and not row.blocked else row


def configured_levers(config: Config) -> list[Lever]:
    """All levers in rollout order, scenarios last; ConfigError when the configuration names what no lever has."""
    levers: list[Lever] = sorted(
        plugins.find("levers", "LEVER"),
        key=lambda lever: ((*STAGES, "SCENARIO").index(lever.stage), lever.order, lever.name),
    )
    names = {lever.name: lever for lever in levers}
    for name, values in config.levers.items():
        if name not in names:
            raise ConfigError(f"{config.path} [levers.{name}]: no such lever", f"levers: {', '.join(sorted(names))}")
        for key in values:
            if key not in names[name].settings:
                known = ", ".join(names[name].settings) or "none"
                raise ConfigError(f"{config.path} [levers.{name}]: unknown setting {key!r}", f"settings: {known}")
    return levers


def only_estimates(store: Store) -> bool:
    """A log without any usage is simulated on its estimated charges, and the result says so."""
    return not store.value("SELECT COUNT(*) FROM charge WHERE cost_pico IS NOT NULL AND estimated = FALSE")


def _cannot_cost(store: Store, lever: Lever) -> bool:
    """Whether no month can cost more with a lever: where nothing is read from cache, removing has no other side."""
    removing = lever.stage in ("WASTE", "CACHE", "SHRINK")
    return lever.never_costs or (removing and not store.value(_CACHED))


def _alone(bench: Bench, run: _Run, start: str, baseline: Pico) -> None:
    lever = run.lever
    run.blocked = missing_need(bench.store, lever)
    if run.blocked is None and lever.blocked:
        run.blocked = lever.blocked(bench.store, bench.settings[lever.name])
    if run.blocked:
        return
    try:
        bench.apply(lever)
    except PriceError as error:
        run.blocked = error.message
    else:
        run.alone = baseline - bench.cost()
        run.requests = bench.touched(start)
        if lever.findings:
            run.findings = tuple(lever.findings(bench.store, bench.settings[lever.name]))
        if lever.doubt and run.requests:
            run.doubt = lever.doubt(bench.store, bench.settings[lever.name])
    bench.restore(start)


def _waterfall(
    bench: Bench, runs: Sequence[_Run], start: str, baseline: Pico, draw: Callable[[_Run], None]
) -> tuple[list[_Run], Spend]:
    """Apply the levers in order and keep those that save, with the bill they leave; the bench ends where it began.

    What a sample leaves open of a lever is drawn on the bill it finds: there each workflow has the weight it has there.
    """
    plan: list[_Run] = []
    cost = baseline
    for run in runs:
        if run.alone is None:
            continue
        if run.requests == 0:  # it changes nothing on the whole bill, so nothing on what others leave of it
            run.step = run.alone
            continue
        draw(run)
        before = bench.save("before")
        bench.apply(run.lever)
        after = bench.cost()
        step = cost - after
        if step.sum() < 0:
            run.excluded = "in this plan it would cost more than it saves"
            bench.restore(before)
            continue
        run.step, cost = step, after
        plan.append(run)
    bench.drop("before")
    left = spend_left(bench.store)
    bench.restore(start)
    return plan, left


def _savings(bench: Bench, bounds: Bounds, runs: list[_Run], plan: list[_Run], worth: dict[Any, int]) -> Savings:
    rows = [_row(bounds, run, bench.settings[run.lever.name]) for run in runs]
    planned = [run for run in plan if run.step is not None]
    saving = sum((int(run.step.sum()) for run in planned if run.step is not None), 0)
    steps = [(run.step, run.shares) for run in planned]
    realised = bounds.joint(
        [(run.step, _scaled(run, bounds)) for run in planned],
    )
    joint = Joint(
        saving_pico=saving,
        interval_pico=bounds.interval(bounds.joint(steps)),
        log_interval_pico=bounds.interval(bounds.joint(steps, other_days=False)),
        share=saving / bounds.baseline if bounds.baseline else 0.0,
        bankable_pico=max(0, int(np.quantile(realised, 0.05))) if planned else 0,
        monthly_pico=bounds.monthly(saving),
        monthly_interval_pico=bounds.monthly_interval(steps),
    )
    return Savings(
        level=bounds.level,
        baseline_pico=bounds.baseline,
        monthly_baseline_pico=bounds.monthly(bounds.baseline),
        days=bounds.days,
        blocks=bench.blocks.count,
        block_hours=bench.blocks.width_us / 3_600_000_000,
        estimated=bench.estimated,
        levers=tuple(row for row, run in zip(rows, runs, strict=True) if run.lever.stage != "SCENARIO"),
        joint=joint,
        stages=tuple(StageSaving(name, pico) for name, pico in worth.items()),
        excluded=tuple(row for row in rows if row.excluded),
        scenarios=tuple(row for row, run in zip(rows, runs, strict=True) if run.lever.stage == "SCENARIO"),
        realisation=dict(bounds.realisation),
    )


def _scaled(run: _Run, bounds: Bounds) -> Any:
    factor = bounds.realisation[run.lever.evidence]
    return factor if run.shares is None else run.shares * factor


def _row(bounds: Bounds, run: _Run, settings: Settings) -> LeverSaving:
    lever = run.lever
    risk, told = run.doubt or (lever.risk, "")
    conditions = [condition.format(**settings) for condition in lever.conditions]
    row = LeverSaving(
        name=lever.name, title=lever.title, stage=lever.stage, evidence=lever.evidence,
        alone_pico=None, attributed_pico=0, interval_pico=None, log_interval_pico=None, requests=run.requests,
        monthly_pico=0, monthly_interval_pico=None, risk=risk, effort_days=lever.effort_days,
        payback_months=None, findings=run.findings, fix=lever.fix, blocked=run.blocked, excluded=run.excluded,
        conditions=(*conditions, told) if told else tuple(conditions),
    )  # fmt: skip
    if run.alone is None:
        return row
    shown = run.alone if run.step is None else run.step
    attributed = 0 if run.step is None else int(run.step.sum())
    low, high = bounds.monthly_interval([(shown, run.shares)])
    return replace(
        row,
        alone_pico=int(run.alone.sum()),
        attributed_pico=attributed,
        interval_pico=bounds.interval(bounds.joint([(shown, run.shares)])),
        log_interval_pico=bounds.interval(bounds.joint([(shown, run.shares)], other_days=False)),
        monthly_pico=bounds.monthly(attributed),
        monthly_interval_pico=(max(0, low), max(0, high)) if run.floored else (low, high),
        payback_months=bounds.payback_months(lever.effort_days, attributed),
    )
