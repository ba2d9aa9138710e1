"""Answer a question like an earlier one with its answer, where the log certifies that the answers agree."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from audit.figures import things
from audit.levers import Lever, Settings
from audit.levers._response_cache import REWRITE, SETTINGS
from audit.levers._response_cache_lives import lives_of
from audit.levers._response_cache_study import study
from audit.levers._response_cache_traffic import REMAINING, traffic
from audit.levers._similar_certificate import DEFAULTS, STEPS, Certificate, certificates, step_of
from audit.levers._similar_play import Neighbours, similar_hits
from audit.store import Store

_PAIRS = """
SELECT COALESCE(r.normalised_key, r.prompt_key) AS question, COALESCE(n.normalised_key, n.prompt_key) AS neighbour,
       COALESCE(r.workflow_id, 0) AS workflow_id, p.method, p.similarity
FROM pair AS p
JOIN request AS r ON r.request_id = p.request_id
JOIN request AS n ON n.request_id = p.neighbour_id
WHERE p.method <> 'exact'
ORDER BY p.method, p.similarity DESC, p.request_id, p.neighbour_id
"""


def _prepare(store: Store, settings: Settings) -> None:
    proven = certified(store, settings)
    chosen = study(store, settings, "normalised")
    found = traffic(store, settings, "normalised", REMAINING)
    found = found.without(np.array(chosen.per_user, dtype=np.int64), "per_user")
    rows = found.fit & np.isin(found.workflow, list(proven))
    ttl_us = lives_of(chosen.lives, found.workflow, float(settings["unproven_ttl_s"]))
    hits = found.ids[similar_hits(found, rows, ttl_us, neighbours(store, proven))]
    store.replace("semantic_cache_hit", pa.table({"request_id": pa.array(hits, pa.int64())}))


def neighbours(store: Store, certified: dict[int, Certificate]) -> Neighbours:
    """Questions of certified workflows with those alike enough to share an answer, in either direction of time."""
    alike: dict[int, list[int]] = {}
    for question, neighbour, workflow, method, similarity in pl.DataFrame(store.query(_PAIRS)).iter_rows():
        certificate = certified.get(workflow)
        step = step_of(method, similarity)
        if certificate is None or certificate.chosen is None or step is None or step > certificate.chosen:
            continue
        alike.setdefault(question, []).append(neighbour)
        alike.setdefault(neighbour, []).append(question)
    return {question: tuple(others) for question, others in alike.items()}


def certified(store: Store, settings: Settings) -> dict[int, Certificate]:
    """Certificates of the workflows in which one answer may serve alike questions."""
    return {key: each for key, each in certificates(store, settings).items() if each.chosen is not None}


def _blocked(store: Store, settings: Settings) -> str | None:
    if store.meta("pairs_of") is None:
        return "similar questions were not looked for in this audit file yet: run `audit duplicates`"
    found = certificates(store, settings)
    if not found:
        return "no question resembles an earlier one closely enough to be worth comparing"
    if any(each.chosen is not None for each in found.values()):
        return None
    largest = max(found.values(), key=lambda each: (each.last.requests, each.workflow_id))
    rest = len(found) - 1
    others = f"; no better in {things(rest, 'other workflow')}, see `audit duplicates`" if rest else ""
    return (
        "not certified in any workflow: one answer for similar questions is safe only where the logged answers prove"
        f" it; in the workflow with most of them, {_name(store, largest.workflow_id)}, {largest.reason}{others}"
    )


def _name(store: Store, workflow_id: int) -> str:
    found: str | None = store.value("SELECT name FROM workflow WHERE workflow_id = $id", id=workflow_id)
    return found or "(none)"


def _findings(store: Store, settings: Settings) -> list[str]:
    """The curve of each workflow: how many requests more, against how many of the answers may be wrong."""
    found = certificates(store, settings).values()
    return [
        f"{_name(store, each.workflow_id)}: {_curve(each)}"
        for each in sorted(found, key=lambda each: (-each.last.requests, each.workflow_id))
    ]


def _curve(each: Certificate) -> str:
    points = [
        f"{step.method} ≥ {step.similarity:g}: {step.requests} requests, {step.compared} pairs compared,"
        f" {step.disagreeing} disagree, {step.undecided} undecided, at most {100 * step.bound:.1f} % wrong"
        for place, step in enumerate(each.steps)
        if step.compared and (place == 0 or step.compared > each.steps[place - 1].compared)
    ]
    if each.chosen is not None:
        method, similarity = STEPS[each.chosen]
        verdict = f"certified down to {method} ≥ {similarity:g} (tested against {100 * each.allowed:.1f} %)"
    else:
        verdict = f"not certified: {each.reason}"
    return "; ".join((verdict, *points))


LEVER = Lever(
    name="semantic_cache",
    title="Response cache, similar questions",
    stage="CACHE",
    order=30,
    evidence="B",
    rewrite=REWRITE.format(table="semantic_cache_hit"),
    effort_days=10,
    risk="high",
    needs=("text", "time"),
    settings={**SETTINGS, **DEFAULTS},
    prepare=_prepare,
    blocked=_blocked,
    findings=_findings,
    compares=True,
    conditions=(
        "only workflows whose logged answers certify, wrong with probability {delta} each, that at most {alpha} of such"
        " answers differ beyond what exact repetitions do",
        "never where numbers, names, negations, opposites or the order of words differ",
        "the same limits as the exact cache: scope {scope}, life {ttl_s}",
    ),
    fix="Look up the nearest stored question of the same workflow, refuse it unless the guards agree, and keep"
    " comparing a sample of its answers with fresh ones.",
)
