"""Gather what the report shows. No analysis happens here: every figure comes from a stage or a stored table."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from audit import ledger
from audit.config import Config
from audit.deciding import fitness
from audit.matching import DuplicateTier, matching
from audit.outcomes import CorrectOutcome, UnitCosts, correct_outcomes, unit_costs
from audit.outliers import Outliers, listed
from audit.projection import Coverage, Savings, coverage, projection
from audit.reconciling import Checked, latest
from audit.review import Agreement, agreement
from audit.store import Store
from audit.store.database import program_version
from audit.summary import Summary, summary
from audit.why import Change, usual_periods, why
from audit.workflows import mined


@dataclass(frozen=True, slots=True)
class Example:
    """One replayed question with the logged and the candidate's answer; texts are None unless content was asked for."""

    workflow: str
    model: str
    passed: bool | None
    reason: str
    origin: str
    question: str | None
    logged: str | None
    candidate: str | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the figures rest on: program, configuration, prices, inputs, and everything that was run."""

    version: str
    generated_us: int
    config_path: str
    price_version: str
    price_hash: str
    sources: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything one report shows. `synthetic` says that the inputs are demonstration data."""

    title: str
    summary: Summary
    savings: Savings
    coverage: Coverage
    change: Change | None
    duplicates: list[DuplicateTier]
    outliers: Outliers
    verdicts: list[dict[str, Any]]
    policies: list[dict[str, Any]]
    examples: list[Example]
    rejects: list[dict[str, Any]]
    provenance: Provenance
    synthetic: bool = False
    with_content: bool = False
    reconciliation: Checked | None = None
    correct: list[CorrectOutcome] = field(default_factory=list)
    agreement: list[Agreement] = field(default_factory=list)
    units: UnitCosts | None = None
    mined: list[str] = field(default_factory=list)


def gather(
    store: Store,
    config: Config,
    *,
    title: str = "LLM workload audit",
    with_content: bool = False,
    level: float | None = None,
) -> ReportData:
    """Run the reading stages and the projection once and collect what they return."""
    units = unit_costs(store, config)
    periods = usual_periods(store)
    savings = projection(store, config, level=level)
    return ReportData(
        title=title,
        summary=summary(store),
        savings=savings,
        coverage=coverage(store, config, savings),
        change=why(store, *periods) if periods else None,
        duplicates=matching(store),
        outliers=listed(store),
        verdicts=ledger.verdicts(store),
        policies=ledger.policies(store),
        examples=[_example(row, with_content) for row in ledger.examples(store, unfit=_unfit(store))],
        rejects=ledger.rejects(store),
        provenance=Provenance(
            version=program_version(),
            generated_us=time.time_ns() // 1000,
            config_path=config.path,
            price_version=str(store.meta("price_version") or ""),
            price_hash=str(store.meta("price_hash") or ""),
            sources=ledger.sources(store),
            events=ledger.events(store),
        ),
        synthetic=store.meta("synthetic") is not None,
        with_content=with_content,
        reconciliation=latest(store),
        correct=correct_outcomes(store),
        agreement=agreement(store),
        units=units,
        mined=mined(store),
    )


def _unfit(store: Store) -> list[tuple[str, str]]:
    return [key for key, judge in fitness(store).items() if not judge.fit]


def _example(row: dict[str, Any], with_content: bool) -> Example:
    texts = {name: row[name] if with_content else None for name in ("question", "logged", "candidate")}
    return Example(row["workflow"], row["model"], row["passed"], row["reason"], row["origin"], **texts)
