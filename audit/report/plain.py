"""The sentences of the report that depend on the data: how far to trust it, what to do first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from audit import figures
from audit.projection import LeverSaving, Savings
from audit.projection.coverage import RELIABLE_DAYS
from audit.reconciling import Checked
from audit.report.data import ReportData

DOUBTFUL_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Trust:
    """The banner over the headline: a level (good, limited, weak), a title and the reasons."""

    level: str
    title: str
    reasons: tuple[str, ...]


def trust(data: ReportData) -> Trust:
    """How far the figures carry: what an invoice says of them, else what the log itself lets one expect."""
    standing = against_invoice(data.reconciliation)
    doubts, weak = _doubts(data)
    if standing.level == "good":
        # the invoice has answered what the log leaves open about its own sum
        return replace(standing, reasons=(*standing.reasons, *doubts))
    level = "weak" if weak else standing.level
    title = f"{standing.title}: use with care" if weak and standing.level == "limited" else standing.title
    return Trust(level, title, (*standing.reasons, *doubts))


def against_invoice(checked: Checked | None) -> Trust:
    """What the last reconciliation says of the log's dollars; log-only without one."""
    if checked is None:
        return Trust(
            "limited", "Not reconciled with an invoice",
            ("Log-only: the total has not been reconciled with an invoice (`audit reconcile`).",),
        )  # fmt: skip
    days = f"{figures.day(checked.first_day)} to {figures.day(checked.last_day)}"
    reasons = [f"{days}: {checked.reason}"]
    if checked.stale:
        text = "The log or its prices changed since it was reconciled: run `audit reconcile` again."
        return Trust("limited", "Changed since it was reconciled", (text, *reasons))
    share = checked.checked_share or 0.0
    off = figures.share(checked.off)
    if share < 1:
        reasons.append(f"{figures.share(1 - share)} of the log's dollars were not held against an invoice.")
    if checked.verdict != "reconciled":
        if checked.contracts:
            reasons.append("The invoice's prices look like a contract: put it in audit.toml and reconcile again.")
        if checked.verdict == "explained":
            return Trust("limited", f"Off the invoice by {off}, with the causes found", tuple(reasons))
        if checked.billed_pico <= 0:
            return Trust("weak", "The invoice asks for nothing in the log's period", tuple(reasons))
        return Trust("weak", f"Off the invoice by {off}", tuple(reasons))
    if checked.basis in ("usage", "mixed"):
        reasons.append("Usage reports count tokens and bill nothing: prices were not checked where there is no other.")
        return Trust("limited", "Tokens match the provider's report, dollars unchecked", tuple(reasons))
    if not checked.confirms:
        return Trust("limited", f"Matches the invoice for {figures.share(share)} of the spend", tuple(reasons))
    within = figures.share(checked.residual_share)
    return Trust("good", f"Matches the invoice within {within}", tuple(reasons))


def _doubts(data: ReportData) -> tuple[list[str], bool]:
    """What the log itself leaves open, and whether that is much."""
    counts = data.summary.counts
    requests = data.summary.requests or 1
    reasons: list[str] = []
    weak = False
    for key, text in (
        ("unpriced_requests", "without a price, not in the spend"),
        ("usage_unknown_requests", "without usage and text, of unknown cost"),
        ("usage_estimated_requests", "without logged usage, whose tokens are estimated and kept apart"),
    ):
        number = counts.get(key) or 0
        if number:
            reasons.append(f"{figures.things(number, 'request')} ({figures.share(number / requests)}) {text}.")
            weak = weak or number / requests > DOUBTFUL_SHARE
    rejected = sum(row["records"] for row in data.summary.rejected)
    if rejected:
        share = rejected / (rejected + requests)
        reasons.append(
            f"{figures.things(rejected, 'record')} ({figures.share(share)}) could not be used: their cost is not in the"
            " spend. They are listed under data quality."
        )
        weak = weak or share > DOUBTFUL_SHARE
    doubt = data.summary.uncertainty
    if doubt.gross_pico > DOUBTFUL_SHARE * data.summary.cost_pico:
        reasons.append(doubt.sentence)
    if data.summary.days < RELIABLE_DAYS:
        reasons.append(f"{figures.things(data.summary.days, 'day')} of log: bounds and month figures rest on little.")
        weak = weak or data.summary.days < RELIABLE_DAYS // 2
    if data.savings.estimated:
        reasons.append("The log holds no usage at all: every dollar here is an estimate.")
        weak = True
    return reasons, weak


def next_steps(savings: Savings) -> list[LeverSaving]:
    """Levers of the plan by realised dollars per day of engineering, best first."""
    realised = savings.realisation
    planned = [lever for lever in savings.levers if lever.monthly_pico > 0]
    return sorted(
        planned, key=lambda lever: -lever.monthly_pico * realised.get(lever.evidence, 0.5) / max(lever.effort_days, 0.5)
    )[:3]
