"""The result of the projection as plain data; money in integer pico-USD."""

from __future__ import annotations

from dataclasses import dataclass, field

from audit.levers import Evidence, Stage

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LeverSaving:
    """What one lever would have saved over the period of the log.

    `alone_pico` is the saving if it were the only change; `attributed_pico` is its step of the waterfall in rollout
    order, and only these add up. `interval_pico` bounds the attributed figure (the stand-alone one for a lever
    outside the plan) for a period like the log's, with other days; `log_interval_pico` is what samples of prompts and
    texts leave open of this very log. `blocked` says why there is no figure at all, `excluded` why a figure is not in
    the plan. `stated_prices` say at which prices of the configuration, nobody's list prices, a measured saving was
    counted.
    """

    name: str
    title: str
    stage: Stage
    evidence: Evidence
    alone_pico: int | None
    attributed_pico: int
    interval_pico: Range | None
    log_interval_pico: Range | None
    requests: int
    monthly_pico: int
    monthly_interval_pico: Range | None
    risk: str
    effort_days: float
    payback_months: float | None
    conditions: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    fix: str = ""
    blocked: str | None = None
    excluded: str | None = None
    stated_prices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageSaving:
    """Shapley value of one stage: its saving averaged over every order in which the stages could be counted."""

    name: Stage
    shapley_pico: int


@dataclass(frozen=True, slots=True)
class Joint:
    """All levers of the plan together, with intervals as of a lever.

    `bankable_pico` is the 5 % quantile after realisation factors, held to what lowers the bill while commitments of
    `[[contract]]` last.
    """

    saving_pico: int
    interval_pico: Range
    log_interval_pico: Range
    share: float
    bankable_pico: int
    monthly_pico: int
    monthly_interval_pico: Range


@dataclass(frozen=True, slots=True)
class Savings:
    """The whole projection. `estimated` is true when the log holds no usage and tokens were counted from text.

    `unpriced` billable requests have no price: they are in no figure.

    `commitments` say where spend that was promised to a provider keeps a saving off the bill.
    """

    level: float
    baseline_pico: int
    monthly_baseline_pico: int
    days: float
    blocks: int
    block_hours: float
    estimated: bool
    levers: tuple[LeverSaving, ...]
    joint: Joint
    stages: tuple[StageSaving, ...] = ()
    excluded: tuple[LeverSaving, ...] = ()
    scenarios: tuple[LeverSaving, ...] = ()
    realisation: dict[str, float] = field(default_factory=dict)
    commitments: tuple[str, ...] = ()
    unpriced: int = 0
