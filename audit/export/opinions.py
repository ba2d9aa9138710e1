"""The `--json` documents of what a judge says and people rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from audit.export.quality import total_rows, verdict_row
from audit.export.values import Document, usd

if TYPE_CHECKING:
    from audit.deciding import Total, Verdict
    from audit.judging import Judged, JudgePlan
    from audit.outcomes import CorrectOutcome
    from audit.review import Agreement, Drawn, Imported


def drawn_document(drawn: Drawn, page: str) -> Document:
    """`audit review --json`: what was drawn for rating."""
    return {
        "review": drawn.review,
        "page": page,
        "items": drawn.size,
        "drawn": dict(drawn.said),
        "new": drawn.fresh,
        "twice": drawn.twice,
    }


def ratings_document(
    taken: Sequence[Imported],
    agreed: Sequence[Agreement],
    correct: Sequence[CorrectOutcome],
    verdicts: Sequence[Verdict],
    names: Mapping[int, str],
    overall: Sequence[Total],
) -> Document:
    """`audit review --import --json`: what was taken, how raters agree, and what follows."""
    return {
        "imported": [
            {"rater": each.rater, "new": each.new, "known": each.known, "changed": each.changed,
             "cannot_tell": each.undecided}
            for each in taken
        ],
        "agreement": agreement_rows(agreed),
        "correct": correct_rows(correct),
        "overall": total_rows(overall),
        "by_candidate": [verdict_row(row, names) for row in verdicts],
    }  # fmt: skip


def agreement_rows(agreed: Sequence[Agreement]) -> list[Document]:
    """Every pair of raters with answers in common."""
    return [
        {"raters": list(each.raters), "n": each.n, "alike": each.alike, "kappa": each.kappa, "ac1": each.ac1}
        for each in agreed
    ]


def correct_rows(correct: Sequence[CorrectOutcome]) -> list[Document]:
    """Logged answers people rated, by workflow, with what a correct outcome costs."""
    return [
        {
            "workflow": each.key,
            "rated": each.rated,
            "acceptable": None if math.isnan(each.share.estimate) else each.share.estimate,
            "interval": [each.share.low, each.share.high],
            "cost_per_success_usd": usd(each.per_success_pico),
            "cost_per_correct_usd": usd(each.per_correct_pico),
            "cost_per_correct_interval_usd": [usd(bound) for bound in each.interval_pico]
            if each.interval_pico
            else None,
        }
        for each in correct
    ]


def judge_plan_document(plan: JudgePlan, cap_usd: float) -> Document:
    """`audit judge --dry-run --json`: whom it would ask what, and how far the cap goes."""
    return {
        "judge": plan.judge,
        "answers": len(plan.cases),
        "doubtful": plan.doubtful,
        "questions": len(plan.asks),
        "planted": plan.canaries,
        "reused": plan.reused,
        "asked_again": plan.again,
        "screened": len(plan.screened),
        "expected_usd": plan.expected_usd,
        "worst_usd": plan.worst_usd,
        "max_cost_usd": cap_usd,
        "affordable_questions": plan.affordable(cap_usd),
        "destination": asdict(plan.destination),
    }


def judge_document(
    made: Judged, verdicts: Sequence[Verdict], names: Mapping[int, str], overall: Sequence[Total]
) -> Document:
    """`audit judge --json`: what the judge said, whether it is fit, and what follows."""
    return {
        "judge": made.judge,
        "asked": made.asked,
        "reused": made.reused,
        "answers": made.answers,
        "passed": made.passed,
        "failed": made.failed,
        "inconsistent": made.inconsistent,
        "unread": made.unread,
        "doubtful": {"answers": made.doubtful, "passed": made.overruled},
        "screened": made.screened,
        "not_worse": made.not_worse,
        "pass_share_at_like_length": made.pass_share_alike,
        "spent_usd": made.spent_usd,
        "spent_before_usd": made.spent_before_usd,
        "uncertain_usd": made.uncertain_usd,
        "failures": dict(made.failures),
        "stopped": made.stopped or made.unanswered or None,
        "fitness": [
            {
                "task_kind": each.task_kind,
                "fit": each.fit,
                "faults": list(each.faults),
                "planted": {name: {"n": seen.n, "right": seen.right} for name, seen in each.canaries.items()},
                "consistency": each.consistency,
                "unread": each.unread,
                "miss_upper_bound": each.miss,
                "harsh_upper_bound": each.harsh,
                "models": list(each.models),
            }
            for each in made.fitness
        ],
        "overall": total_rows(overall),
        "by_candidate": [verdict_row(row, names) for row in verdicts],
    }
