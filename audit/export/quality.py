"""The `--json` documents of what is replayed, and the verdicts on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from audit.export.values import Document, usd, utc

if TYPE_CHECKING:
    from audit.deciding import Total, Verdict
    from audit.evalset import Outcome, Resolved
    from audit.replay import Plan, ReplayResult
    from audit.replay.batching import Submitted
    from audit.replay.collecting import Collected


def plan_document(plan: Plan, cap_usd: float | None) -> Document:
    """`audit replay --dry-run --json`: what would be sent, where, at what cost; nothing was."""
    return {
        "sampled": plan.sampled,
        "calls": len(plan.jobs),
        "reused": plan.reused,
        "expected_usd": plan.expected_usd,
        "worst_usd": plan.worst_usd,
        "max_cost_usd": cap_usd,
        "affordable_calls": len(plan.jobs) if cap_usd is None else plan.affordable(cap_usd),
        "coverage": plan.coverage,
        "needs_consent": plan.needs_consent,
        "batch": plan.batch,
        "pending": plan.pending,
        "redacted": dict(plan.redacted) if plan.redactor is not None else None,
        "redacted_prompts": plan.redacted_prompts,
        "image_prompts": plan.image_prompts,
        "candidates": [asdict(each) for each in plan.candidates],
        "destinations": [asdict(each) for each in plan.destinations],
        "missing": [asdict(each) for each in plan.missing],
        "unfloored": [asdict(each) for each in plan.unfloored],
        "promise": asdict(plan.promise),
        "larger": asdict(plan.larger) if plan.larger else None,
        **_left_out(plan),
        "skipped": [asdict(each) for each in plan.skipped],
    }


def batch_document(
    fetched: Collected, handed: Submitted | None, verdicts: Sequence[Verdict], names: Mapping[int, str]
) -> Document:
    """`audit replay --batch --json` and `--collect --json`."""
    return {
        "collected": fetched.batches,
        "answered": fetched.answered,
        "failed": [asdict(each) for each in fetched.failed],
        "spent_usd": fetched.spent_usd,
        "open": [
            {
                "endpoint": each.endpoint,
                "model": each.model,
                "batch_id": each.batch_id,
                "requests": each.requests,
                "done": each.done,
                "status": each.status,
                "submitted_at": utc(each.submitted_at_us),
            }
            for each in fetched.open
        ],
        "submitted": {
            "batches": handed.batches,
            "requests": handed.requests,
            "worst_usd": handed.worst_usd,
            "failed": [asdict(each) for each in handed.failed],
            "stopped": handed.stopped or None,
        }
        if handed
        else None,
        "notes": [*fetched.notes, *(handed.notes if handed else ())],
        "by_candidate": [verdict_row(row, names) for row in verdicts],
    }


def replay_document(
    result: ReplayResult, verdicts: Sequence[Verdict], names: Mapping[int, str], overall: Sequence[Total]
) -> Document:
    """`audit replay --json`."""
    return {
        "sampled": result.sampled,
        "sent": result.sent,
        "answered": result.answered,
        "reused": result.reused,
        "failed": [asdict(each) for each in result.failed],
        **_left_out(result),
        "spent_usd": result.spent_usd,
        "spent_before_usd": result.spent_before_usd,
        "uncertain_usd": result.uncertain_usd,
        "seconds": result.seconds,
        "stopped": result.stopped or result.unmade or None,
        "notes": list(result.notes),
        "overall": total_rows(overall),
        "by_candidate": [verdict_row(row, names) for row in verdicts],
    }


def total_rows(overall: Sequence[Total]) -> list[Document]:
    """Every candidate over all workflows it was tried on."""
    return [
        {
            "endpoint": each.endpoint,
            "model": each.model,
            "variant": each.variant,
            "workflows": each.workflows,
            "n": each.n,
            "undecided": each.undecided,
            "pooled_ratings": each.pooled,
            "unmeasured_workflows": each.unmeasured,
            "acceptable_by": {
                name: _counted(None if math.isnan(share.estimate) else share.estimate, share.low, share.high)
                for name, share in (
                    ("requests", each.shares.requests),
                    ("prompts", each.shares.prompts),
                    ("dollars", each.shares.dollars),
                )
            },
        }
        for each in overall
    ]


def _left_out(asked: Plan | ReplayResult) -> Document:
    """What can't be replayed: of anybody (no endpoint, counted in requests), and of one candidate (in prompts)."""
    excluded = [(each.reason, each.requests, usd(each.cost_pico)) for each in asked.excluded]
    return {
        "excluded": [{"reason": reason, "requests": count, "cost_usd": cost} for reason, count, cost in excluded],
        "not_replayable": [
            *(
                {"endpoint": None, "model": None, "reason": reason, "count": count, "cost_usd": cost, "variant": None}
                for reason, count, cost in excluded
            ),
            *(asdict(each) for each in asked.not_replayable),
        ],
    }


def _counted(share: float | None, low: float, high: float) -> Document:
    return {"acceptable": share, "interval": [low, high]}


def verdict_row(row: Verdict, names: Mapping[int, str]) -> Document:
    """One candidate on one workflow."""
    return {
        "workflow": names.get(row.workflow_id, "(none)"),
        "current_model": row.current_model,
        "endpoint": row.endpoint,
        "model": row.model,
        "variant": row.variant,
        "n": row.n,
        "acceptable": row.acceptable,
        "interval": [row.interval_low, row.interval_high],
        "acceptable_by": {
            "requests": _counted(row.acceptable, row.interval_low, row.interval_high),
            "prompts": _counted(row.prompts_acceptable, row.prompts_low, row.prompts_high),
            "dollars": _counted(row.dollars_acceptable, row.dollars_low, row.dollars_high),
        },
        "loss_upper_bound": row.loss_high,
        "alpha": row.alpha,
        "tried": row.tried,
        "floor": row.floor,
        "floor_n": row.floor_n,
        "rated": row.rated,
        "judged": row.judged,
        "judge": row.judge,
        "undecided": row.undecided,
        "doubtful": {
            "n": row.doubtful,
            "judged": row.doubtful_judged,
            "rated": row.doubtful_rated,
            "accepted": row.doubtful_accepted,
        },
        "failed": row.failed,
        "refused": row.refused,
        "current_refused": row.current_refused,
        "error_share": row.error_share,
        "current_error_share": row.current_error_share,
        "cost_ratio": row.cost_ratio,
        "p50_seconds": row.p50_duration,
        "p95_seconds": row.p95_duration,
        "timed": row.duration_n,
        "latency_limit_seconds": row.latency_limit,
        "first_chunk": {
            "n": row.first_chunk_n,
            "p50_seconds": row.p50_first_chunk,
            "p95_seconds": row.p95_first_chunk,
            "current_n": row.current_first_chunk_n,
            "current_p50_seconds": row.current_p50_first_chunk,
            "current_p95_seconds": row.current_p95_first_chunk,
            "limit_seconds": row.first_chunk_limit,
        },
        "verdict": row.verdict,
        "n_more": row.n_more,
        "reason": row.reason,
    }


def evalset_rows(outcomes: Sequence[Outcome], resolved: Resolved | None) -> Document:
    """What `audit replay --evalset --json` adds: how each model did on the set."""
    if resolved is None:
        return {}
    rows = [{**asdict(each), "failed": list(each.failed), "failed_share": each.failed_share} for each in outcomes]
    return {"evalset": {"prompts": len(resolved.names), "missing": list(resolved.missing), "outcomes": rows}}
