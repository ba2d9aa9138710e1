"""The sentences of the report that depend on the data: how far to trust it, what to do first."""

from __future__ import annotations

from dataclasses import dataclass

from audit import figures
from audit.projection import LeverSaving, Savings
from audit.report.data import ReportData

FEWEST_DAYS = 14
DOUBTFUL_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Trust:
    """The banner over the headline: a level (good, limited, weak), a title and the reasons."""

    level: str
    title: str
    reasons: tuple[str, ...]


def trust(data: ReportData) -> Trust:
    """How far the figures carry, from what the log holds and what was checked."""
    counts = data.summary.counts
    requests = data.summary.requests or 1
    reasons = ["Log-only: the total has not been reconciled with an invoice."]
    weak = False
    for key, text in (
        ("unpriced_requests", "have no price and are not in the spend"),
        ("usage_unknown_requests", "have no usage and no text, so their cost is unknown"),
        ("usage_estimated_requests", "have no logged usage; their tokens are estimated and kept apart"),
    ):
        number = counts.get(key) or 0
        if number:
            reasons.append(f"{figures.count(number)} requests ({figures.share(number / requests)}) {text}.")
            weak = weak or number / requests > DOUBTFUL_SHARE
    rejected = sum(row["records"] for row in data.summary.rejected)
    if rejected:
        reasons.append(f"{figures.count(rejected)} records could not be used; they are listed under data quality.")
    if data.summary.days < FEWEST_DAYS:
        reasons.append(f"{data.summary.days} days of log: bounds and month figures rest on little.")
        weak = weak or data.summary.days < FEWEST_DAYS // 2
    if data.savings.estimated:
        reasons.append("The log holds no usage at all: every dollar here is an estimate.")
        weak = True
    level = "weak" if weak else "limited"
    titles = {"weak": "Use with care", "limited": "Complete log, not yet reconciled"}
    return Trust(level, titles[level], tuple(reasons))


def next_steps(savings: Savings) -> list[LeverSaving]:
    """Levers of the plan by realised dollars per day of engineering, best first."""
    realised = savings.realisation
    planned = [lever for lever in savings.levers if lever.monthly_pico > 0]
    return sorted(
        planned, key=lambda lever: -lever.monthly_pico * realised.get(lever.evidence, 0.5) / max(lever.effort_days, 0.5)
    )[:3]
