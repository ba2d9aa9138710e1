"""The `--json` documents of the commands that look at one thing: a request, a workflow, limits, outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from audit.export.values import Document, day, measure_row, usd, utc

if TYPE_CHECKING:
    from audit.checking import Check
    from audit.outcomes import UnitCosts
    from audit.projection import WorkflowLever
    from audit.showing import RequestView, WorkflowRow, WorkflowView

_COPIED = (
    "external_id", "response_id", "status", "error_type", "operation_name", "provider_name", "request_model",
    "response_model", "service_tier", "organization", "conversation_id", "trace_id", "user_id", "team", "feature",
    "environment", "outcome", "task_kind", "workflow", "text_status", "usage_source", "finish_reason", "duration",
    "time_to_first_chunk", "input_tokens", "cache_read_input_tokens", "cache_write_5m_input_tokens",
    "cache_write_1h_input_tokens", "output_tokens", "reasoning_output_tokens", "parameters", "tags", "path", "line",
    "reader", "flags",
)  # fmt: skip


def request_document(view: RequestView) -> Document:
    """`audit show REQUEST --json`."""
    facts = view.facts
    return {
        "kind": "request",
        "request_id": facts["request_id"],
        **{name: facts[name] for name in _COPIED},
        "started_at": utc(facts["started_at_us"]),
        "cost_usd": usd(facts["cost_pico"]),
        "estimated_cost_usd": usd(facts["estimated_cost_pico"]),
        "unpriced": bool(facts["unpriced"]),
        "logged_cost_usd": usd(facts["logged_cost_pico"]),
        "charges": [
            {
                "sku_meter": charge.sku_meter,
                "model": charge.model,
                "service_tier": charge.service_tier,
                "consumed_quantity": charge.consumed_quantity,
                "unit_price_usd": usd(charge.unit_price_pico),
                "cost_usd": usd(charge.cost_pico),
                "estimated": charge.estimated,
                "tier_fallback": charge.tier_fallback,
            }
            for charge in view.charges
        ],
        "segments": [
            {
                "direction": piece.direction,
                "role": piece.role,
                "kind": piece.kind,
                "counted_tokens": piece.counted,
                "tokens": piece.tokens,
                "cache_read_tokens": piece.cache_read_tokens,
                "cache_write_tokens": piece.cache_write_tokens,
                "cost_usd": usd(piece.cost_pico),
                "cache_breakpoint": piece.cache_breakpoint,
                "text": piece.text,
            }
            for piece in view.pieces
        ],
        "not_in_the_text_usd": usd(facts["cost_pico"] + facts["estimated_cost_pico"] - view.placed_pico),
        "same_prompt_requests": view.same_prompt,
        "distinct_answers": view.distinct_answers,
        "outliers": [measure_row(row) for row in view.outliers],
    }


def workflow_document(view: WorkflowView, typical: str | None, levers: Iterable[WorkflowLever] | None) -> Document:
    """`audit show WORKFLOW --json`; `typical` is the request of median cost, `levers` None if not asked for."""
    return {
        "kind": "workflow",
        **workflow_row(view.row),
        "by_model": [measure_row(row) for row in view.models],
        "tokens_per_request": view.tokens,
        "parts": [measure_row(row) for row in view.parts],
        "typical_request": typical,
        "duplicates": [measure_row(row) for row in view.duplicates],
        "outliers": [measure_row(row) for row in view.outliers],
        "verdicts": list(view.verdicts),
        "levers": None
        if levers is None
        else [
            {
                "name": lever.name,
                "title": lever.title,
                "stage": lever.stage,
                "evidence": lever.evidence,
                "alone_usd": usd(lever.saving_pico),
                "requests": lever.requests,
            }
            for lever in levers
        ],
    }


def workflow_row(row: WorkflowRow) -> Document:
    """One workflow of `audit workflows --json`."""
    document: dict[str, Any] = measure_row(asdict(row))
    document.pop("workflow_id")
    if row.models > 1:
        document["model"] = None
    return document


def check_document(check: Check) -> Document:
    """`audit check --json`."""
    return {
        "ok": not check.breaches,
        "since": day(check.since),
        "checked": check.checked,
        "breaches": [
            {
                "quantity": breach.limit.quantity,
                "scope": breach.limit.scope or None,
                "name": breach.limit.name or None,
                "limit": breach.limit.bound,
                "actual": breach.actual if math.isfinite(breach.actual) else None,
                "when": breach.when or None,
                "reason": breach.reason,
            }
            for breach in check.breaches
        ],
        "anomalies": [
            {
                "kind": each.kind,
                "day": day(each.day),
                "last_day": day(each.last_day),
                "before_usd_per_day": usd(each.before_pico),
                "after_usd_per_day": usd(each.after_pico),
                "causes": [{"name": name, "usd_per_day": usd(pico)} for name, pico in each.causes],
                "workflows": [{"key": name, "usd_per_day": usd(pico)} for name, pico in each.workflows],
                "sentence": each.sentence,
            }
            for each in check.anomalies
        ],
        "unknown_names": [
            {"scope": limit.scope, "name": limit.name, "nearest": near or None} for limit, near in check.unknown
        ],
        "unpriced_requests": check.unpriced,
    }


def outcomes_document(result: UnitCosts) -> Document:
    """`audit outcomes --json`."""
    tasks = result.outcomes
    return {
        "requests": tasks.requests,
        "tasks": tasks.tasks,
        "successful_tasks": tasks.successes,
        "model_cost_usd": usd(result.model_pico),
        "other_costs": [
            {"name": line.name, "workflow": line.workflow or None, "usd": usd(line.cost_pico)} for line in result.others
        ],
        "cost_usd": usd(result.cost_pico),
        "cost_per_request_usd": usd(result.per_request_pico),
        "cost_per_task_usd": usd(result.per_task_pico),
        "cost_per_success_usd": usd(result.per_success_pico),
        "waste": [
            {"reason": waste.reason, "requests": waste.requests, "cost_usd": usd(waste.cost_pico)}
            for waste in tasks.waste
        ],
        "by_workflow": [
            {
                "key": row.name,
                "tasks": row.tasks,
                "successful_tasks": row.successes,
                "cost_usd": usd(row.cost_pico),
                "in_vain_usd": usd(row.wasted_pico),
                "cost_per_success_usd": usd(row.per_success_pico),
            }
            for row in tasks.by_workflow
        ],
        "units": [
            {
                "name": unit.name,
                "counted_by": unit.counted,
                "units": unit.units,
                "failed_tasks": unit.failed_tasks,
                "model_cost_usd": usd(unit.model_pico),
                "other_cost_usd": usd(unit.other_pico),
                "cleanup_usd": usd(unit.cleanup_pico),
                "cost_usd": usd(unit.cost_pico),
                "cost_per_unit_usd": usd(unit.per_unit_pico),
            }
            for unit in result.units
        ],
    }
