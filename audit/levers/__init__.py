"""Ways to spend less: one module per lever, each declaring one `LEVER`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from audit.store import Store

Stage = Literal["WASTE", "CACHE", "SHRINK", "ROUTE", "REPRICE", "SCENARIO"]
STAGES: tuple[Stage, ...] = ("WASTE", "CACHE", "SHRINK", "ROUTE", "REPRICE")
Evidence = Literal["A", "B", "C", "D"]
Settings = Mapping[str, Any]
Need = Literal["text", "time", "usage"]
Risk = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Lever:
    """One way to spend less, as a query that rewrites charges.

    `rewrite` is a SELECT over the temporary table `remaining` (the charges still to pay, with the columns
    charge_id, request_id, position, sku_meter, provider_name, model, service_tier, consumed_quantity, estimated,
    unit_price_pico) that returns the next ones in the same columns. It drops, shrinks or moves rows and never
    prices: a row whose model, meter or tier changes gets `unit_price_pico` NULL and is priced by the projection.
    It may join the stored tables and the temporary ones that `prepare` made for it.
    `prepare(store, settings)` computes what SQL can't say from `remaining` and the stored tables; it is called
    before every application, because earlier levers change what remains. Its table names start with the lever's.
    `settings` are the defaults of its `$parameters`; `[levers.<name>]` in `audit.toml` overrides them.
    `blocked(store, settings)` says why the lever can't be measured on this log and what would unlock it, or None.
    `operation` is the only `operation_name` it works on, None = any: what it can't say of other requests is no gap.
    `shares(store, settings, draws, seed)` may return draws of the realised share of its saving (1 = as computed), for
    what the day-to-day spread does not show, such as an acceptance rate measured on a sample.
    `findings(store, settings)` may say in sentences what was found, with names and evidence; it is asked after the
    lever was applied alone.
    `doubt(store, settings)` may say how risky the lever is on this log, and what tells so; asked with the findings.
    `compares` is true where it rests on which questions are alike, which the projection looks for before it asks.
    `never_costs` is true where no month can cost more with the lever than without it, so that its bounds end at 0.
    Stages run in the order of `STAGES`; inside one, by `order`. Levers of SCENARIO are alternatives, never summed.
    """

    name: str
    title: str
    stage: Stage
    order: int
    evidence: Evidence
    rewrite: str
    effort_days: float
    risk: Risk
    needs: tuple[Need, ...] = ()
    operation: str | None = None
    settings: Settings = field(default_factory=dict)
    prepare: Callable[[Store, Settings], None] | None = None
    blocked: Callable[[Store, Settings], str | None] | None = None
    shares: Callable[[Store, Settings, int, int], Any] | None = None
    findings: Callable[[Store, Settings], list[str]] | None = None
    doubt: Callable[[Store, Settings], tuple[Risk, str]] | None = None
    conditions: tuple[str, ...] = ()
    fix: str = ""
    never_costs: bool = False
    compares: bool = False
