"""The `--json` documents: one function per command, keys as documented in docs/json.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from audit.export.values import Document, day, measure_row, usd, utc

if TYPE_CHECKING:
    from audit.ingest import IngestResult
    from audit.matching import DuplicateTier
    from audit.outliers import Outliers
    from audit.projection import LeverSaving, Savings
    from audit.report import ReportData
    from audit.summary import Summary
    from audit.uncertainty import Uncertainty
    from audit.why import Change, Period


def summary_document(summary: Summary) -> Document:
    """`audit summary --json`."""
    latency = next((row for row in summary.measures["latency"] if row["key"] == "duration"), {})
    rejected = sum(row["records"] for row in summary.rejected)
    document: Document = {
        "period": {"start": utc(summary.start_us), "end": utc(summary.end_us), "days": summary.days},
        **summary.counts,
        "rejected_records": rejected,
        "skipped_duplicate_records": sum(row["records"] for row in summary.duplicates),
        "models": summary.models,
        "cost_usd": usd(summary.cost_pico),
        "estimated_cost_usd": usd(summary.estimated_cost_pico),
        "cost_per_request_usd": usd(summary.cost_per_request_pico),
        "cost_per_success_usd": usd(summary.cost_per_success_pico),
        "tasks": summary.outcomes.tasks,
        "successful_tasks": summary.outcomes.successes,
        "latency_seconds": {name: latency.get(name) for name in ("p50", "p95", "p99")},
        "rejected_by_reason": {row["reason"]: row["records"] for row in summary.rejected},
        "duplicates_by_reason": {row["reason"]: row["records"] for row in summary.duplicates},
        "unpriced_models": summary.unpriced,
        "logged_costs": [
            {"model": row["model"], "requests": row["requests"], "billed_requests": int(row["billed"]),
             "logged_usd": usd(row["logged"]), "cost_usd": usd(row["cost"]),
             "listed_requests": int(row["listed_requests"]), "logged_of_listed_usd": usd(row["logged_of_listed"]),
             "listed_usd": usd(row["listed"])}
            for row in summary.logged_costs
        ],
        "price_uncertainty": uncertainty_document(summary.uncertainty),
    }  # fmt: skip
    for name, rows in summary.measures.items():
        document[name] = [measure_row(row) for row in rows]
    return document


def uncertainty_document(found: Uncertainty) -> Document:
    """How far the spend depends on which price table is right."""
    return {
        "table": found.table,
        "source": found.source,
        "checked_on": found.checked_on,
        "compared_usd": usd(found.compared_pico),
        "net_usd": usd(found.net_pico),
        "gross_usd": usd(found.gross_pico),
        "not_compared": [{"reason": reason, "usd": usd(pico)} for reason, pico in found.uncompared.items()],
        "models": [
            {"provider": each.provider, "model": each.model, "meters": list(each.meters), "cost_usd": usd(each.pico),
             "other_usd": usd(each.other_pico), "notes": list(each.notes)}
            for each in found.disagreements
        ],
    }  # fmt: skip


def ingest_document(result: IngestResult) -> Document:
    """`audit ingest --json`."""
    return {
        "accepted": result.accepted,
        "records": result.records,
        "rejected": sum(result.rejected.values()),
        "rejected_by_reason": dict(result.rejected),
        "skipped_by_reason": dict(result.skipped),
        "duplicates_by_reason": dict(result.duplicates),
        "usage_estimated": result.usage_estimated,
        "usage_unknown": result.usage_unknown,
        "implausible_times": result.implausible_times,
        "nameless": result.nameless,
        "files": [
            {
                "path": file.name,
                "readers": dict(file.readers),
                "records": file.records,
                "accepted": file.accepted,
                "rejected_by_reason": dict(file.rejected),
                "skipped_by_reason": dict(file.skipped),
                "duplicates_by_reason": dict(file.duplicates),
                "known": file.known,
                "unknown_record": file.unknown or None,
                "error": file.error,
            }
            for file in result.files
        ],
    }


def duplicates_document(tiers: Iterable[DuplicateTier]) -> Document:
    """`audit duplicates --json`."""
    return {
        tier.name: {
            "groups": tier.groups if tier.measured else None,
            "requests": tier.requests if tier.measured else None,
            "avoidable_requests": tier.avoidable if tier.measured else None,
            "cost_usd": usd(tier.cost_pico) if tier.measured else None,
            "top": [measure_row(row) for row in tier.top],
            "reason": tier.reason or None,
            **({"workflows": tier.workflows} if tier.workflows else {}),
        }
        for tier in tiers
    }


def savings_document(savings: Savings) -> Document:
    """`audit savings --json`."""
    joint = savings.joint
    return {
        "interval_level": savings.level,
        "baseline": {
            "cost_usd": usd(savings.baseline_pico),
            "monthly_cost_usd": usd(savings.monthly_baseline_pico),
            "days": savings.days,
            "estimated": savings.estimated,
            "unpriced_requests": savings.unpriced,
        },
        "levers": [_lever(lever) for lever in savings.levers],
        "joint": {
            "saving_usd": usd(joint.saving_pico),
            "interval_usd": _range(joint.interval_pico),
            "log_interval_usd": _range(joint.log_interval_pico),
            "share": joint.share,
            "bankable_usd": usd(joint.bankable_pico),
            "monthly_usd": usd(joint.monthly_pico),
            "monthly_interval_usd": _range(joint.monthly_interval_pico),
        },
        "excluded": [{"name": lever.name, "reason": lever.excluded} for lever in savings.excluded],
        "stages": [{"name": stage.name, "shapley_usd": usd(stage.shapley_pico)} for stage in savings.stages],
        "scenarios": [_lever(lever) for lever in savings.scenarios],
        "realisation": savings.realisation,
        "commitments": list(savings.commitments),
        "resampled_blocks": {"count": savings.blocks, "hours": savings.block_hours},
    }


def _lever(lever: LeverSaving) -> Document:
    return {
        "name": lever.name,
        "title": lever.title,
        "stage": lever.stage,
        "evidence": lever.evidence,
        "alone_usd": usd(lever.alone_pico),
        "attributed_usd": usd(lever.attributed_pico),
        "interval_usd": _range(lever.interval_pico),
        "log_interval_usd": _range(lever.log_interval_pico),
        "monthly_usd": usd(lever.monthly_pico),
        "monthly_interval_usd": _range(lever.monthly_interval_pico),
        "requests": lever.requests,
        "risk": lever.risk,
        "effort_days": lever.effort_days,
        "payback_months": lever.payback_months,
        "conditions": list(lever.conditions),
        "findings": list(lever.findings),
        "fix": lever.fix,
        "blocked": lever.blocked,
        "excluded": lever.excluded,
        "stated_prices": list(lever.stated_prices),
    }


def _range(interval: tuple[int, int] | None) -> list[float | None] | None:
    return None if interval is None else [usd(interval[0]), usd(interval[1])]


def outliers_document(found: Outliers) -> Document:
    """`audit outliers --json`."""
    return {
        "requests": [measure_row(row) for row in found.rows],
        "counted": found.counted,
        "excess_cost_usd": usd(found.excess_cost_pico),
    }


def why_document(change: Change) -> Document:
    """`audit why --json`."""
    return {
        "before": _period(change.before, change.before_days, change.before_pico),
        "after": _period(change.after, change.after_days, change.after_pico),
        "change_usd": usd(change.after_pico - change.before_pico),
        "causes": [{"name": cause.name, "title": cause.title, "usd": usd(cause.pico)} for cause in change.causes],
        "workflows": [
            {
                "key": row.key,
                "before_usd": usd(row.before_pico),
                "after_usd": usd(row.after_pico),
                "change_usd": usd(row.after_pico - row.before_pico),
            }
            for row in change.workflows
        ],
        "sentence": change.sentence,
    }


def _period(period: Period, days: int, pico: int) -> Document:
    return {
        "name": period.name,
        "first": day(period.first),
        "last": day(period.last),
        "days_with_requests": days,
        "cost_usd": usd(pico),
    }


def report_document(data: ReportData) -> Document:
    """`audit report --json`: everything the HTML report shows."""
    return {
        "title": data.title,
        "synthetic": data.synthetic,
        "summary": summary_document(data.summary),
        "savings": savings_document(data.savings),
        "why": why_document(data.change) if data.change else None,
        "duplicates": duplicates_document(data.duplicates),
        "outliers": outliers_document(data.outliers),
        "verdicts": [measure_row(row) for row in data.verdicts],
        "sources": [measure_row(row) for row in data.provenance.sources],
        "prices": {"version": data.provenance.price_version, "hash": data.provenance.price_hash},
        "version": data.provenance.version,
        "generated_at": utc(data.provenance.generated_us),
    }
