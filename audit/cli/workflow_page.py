"""How one workflow is printed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from audit import console, figures

if TYPE_CHECKING:
    from audit.projection import WorkflowLever
    from audit.showing import WorkflowView


def print_workflow(view: WorkflowView, levers: Iterable[WorkflowLever] | None) -> None:
    """Print everything known of a workflow, tables that would be empty left out."""
    _heading(view)
    _parts(view)
    _duplicates(view)
    _outliers(view)
    _verdicts(view)
    found = () if levers is None else tuple(levers)
    if levers is not None and not found:
        console.say("No lever that was measured changes what this workflow costs.\n")
    if found:
        console.table(
            "Levers, each alone",
            ("Lever", "Stage", "Class", "Alone", "Requests"),
            [
                (lever.title, lever.stage, lever.evidence, figures.money(lever.saving_pico),
                 figures.count(lever.requests))
                for lever in found
            ],
            left=3,
            footer="they do not add up; `audit savings` has the joint plan",
        )  # fmt: skip


def _heading(view: WorkflowView) -> None:
    row = view.row
    sure = "" if row.kind_confidence is None else f" ({figures.share(row.kind_confidence, 0)} of votes)"
    hard = "" if row.difficulty is None else f", difficulty {row.difficulty:.2f}"
    console.say(
        console.clean(f"Workflow {row.name} · {row.task_kind or 'kind unknown'}{sure}{hard}", 300), style="bold"
    )
    console.say(
        f"{figures.money(row.cost_pico)} ({figures.share(row.share)} of spend), {figures.count(row.requests)} "
        f"requests, {figures.count(row.failed)} failed, {figures.count(row.repeated)} asked before word for word"
    )
    for side, values in view.tokens.items():
        console.say(
            f"{side} tokens a request: median {figures.count(values['p50'])}, 95 % below "
            f"{figures.count(values['p95'])}, most {figures.count(values['highest'])}"
        )
    console.say("")
    console.table(
        "Models",
        ("Model", "Requests", "Spend"),
        [(each["model"], figures.count(each["requests"]), figures.money(each["cost_pico"])) for each in view.models],
    )


def _parts(view: WorkflowView) -> None:
    console.table(
        "Where its money goes, at the price each token really paid",
        ("Part", "Requests", "Tokens", "From cache", "Spend", "Share"),
        [
            (part["kind"], figures.count(part["requests"]), figures.tokens(part["tokens"]),
             figures.tokens(part["cache_read_tokens"]), figures.money(part["cost_pico"]),
             figures.share(float(part["cost_pico"]) / view.row.cost_pico if view.row.cost_pico else None))
            for part in view.parts
        ],
    )  # fmt: skip


def _duplicates(view: WorkflowView) -> None:
    if view.duplicates:
        console.table(
            "Asked most often, word for word",
            ("Question", "First request", "Requests", "Answers", "Avoidable"),
            [
                (each["text"] or "", each["external_id"], figures.count(each["requests"]),
                 figures.count(each["distinct_answers"]), figures.money(each["cost_pico"]))
                for each in view.duplicates
            ],
            left=2,
            widths={0: 70},
        )  # fmt: skip


def _outliers(view: WorkflowView) -> None:
    if view.outliers:
        console.table(
            "Outliers",
            ("Request", "Side", "Cause", "Tokens", "Median", "Excess"),
            [
                (each["external_id"], each["meter"], each["cause"], figures.count(each["tokens"]),
                 figures.count(each["median"]), figures.money(each["excess_cost_pico"]))
                for each in view.outliers
            ],
            left=3,
        )  # fmt: skip


def _verdicts(view: WorkflowView) -> None:
    if view.verdicts:
        console.table(
            "Models tried",
            ("Today", "Candidate", "Verdict", "Why", "Tested", "Acceptable", "Cost"),
            [
                (each["current_model"], f"{each['model']} {each['variant']}".strip(), each["verdict"],
                 each["reason"] or "", figures.count(each["n"]), figures.share(each["acceptable"]),
                 "–" if each["cost_ratio"] is None else f"{each['cost_ratio']:.2f}×")
                for each in view.verdicts
            ],
            left=4,
            widths={3: 60},
        )  # fmt: skip
