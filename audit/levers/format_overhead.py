"""Shorter answers without less in them: set phrases, prose around a label, layout of JSON that a program reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from audit.anatomy.answers import are_letters, compact, labels_before_prose, opening, shared_phrases, without
from audit.figures import count as figure
from audit.figures import listing, money, share
from audit.levers import Lever, Settings
from audit.levers._outputs import found, rewrite
from audit.levers._places import instance, spared
from audit.levers._probe import Prompt, fresh, prompts, remember
from audit.levers._trims import unmeasured
from audit.store import Store
from audit.tokens import count

_NAME = "format_overhead"
_SAMPLE = 200
_CUT = """
CREATE OR REPLACE TEMP TABLE format_overhead_cut AS
SELECT r.request_id, CAST(ROUND(f.share * CAST(CASE WHEN COALESCE(r.reasoning_output_tokens, 0) < r.output_tokens
           THEN r.output_tokens - COALESCE(r.reasoning_output_tokens, 0) ELSE 0 END AS DOUBLE)) AS BIGINT) AS cut
FROM request AS r JOIN format_overhead_share AS f ON f.workflow_id = r.workflow_id
LEFT JOIN (SELECT DISTINCT request_id FROM segment WHERE direction = 'output' AND kind = 'tool_call') AS t
    ON t.request_id = r.request_id
WHERE r.status = 'billable' AND r.output_tokens > 0 AND t.request_id IS NULL
"""
_SHARE_COLUMNS: dict[str, pa.DataType] = {
    "workflow_id": pa.int64(),
    "share": pa.float64(),
    "what": pa.string(),
}
_SHARE = pa.schema(_SHARE_COLUMNS)


@dataclass(slots=True)
class _Answers:
    """The answers of a workflow's sampled requests."""

    texts: list[str] = field(default_factory=list)
    instructions: str = ""


def _prepare(store: Store, settings: Settings) -> None:
    if not fresh(store, _NAME, settings):
        rows = _shares(store, float(settings["least_share"]))
        store.replace("format_overhead_share", pa.Table.from_pylist(rows, schema=_SHARE))
        store.run(_CUT)
        remember(store, _NAME, settings)


def _shares(store: Store, least: float) -> list[dict[str, object]]:
    workflows: dict[int, _Answers] = defaultdict(_Answers)
    for prompt in prompts(store, _SAMPLE):
        answer = _answer(prompt)
        if answer:
            one = workflows[prompt.workflow_id]
            one.texts.append(answer)
            one.instructions = one.instructions or _instructions(prompt)
    rows: list[dict[str, object]] = []
    for workflow, one in sorted(workflows.items()):
        removable, what = overhead(one.texts, one.instructions)
        if removable >= least:
            rows.append({"workflow_id": workflow, "share": removable, "what": what})
    return rows


def _answer(prompt: Prompt) -> str:
    outputs = [piece for piece in prompt.pieces if piece.direction == "output" and piece.kind != "reasoning"]
    return outputs[0].text if len(outputs) == 1 and outputs[0].kind == "answer" else ""


def _instructions(prompt: Prompt) -> str:
    return " ".join(
        piece.text[:8_000] for piece in prompt.pieces if piece.direction == "input" and piece.kind == "system"
    )


def overhead(answers: Sequence[str], instructions: str) -> tuple[float, str]:
    """The share of answer tokens that could go, and what they are; 0 and empty when nothing is found.

    Set phrases at both ends, prose behind a label where the instructions ask for a label, layout of JSON. A letter made
    from a template is read as it stands.
    """
    letters = are_letters(answers)
    head, tail = ("", "") if letters else shared_phrases(answers)
    plain = [] if letters else [without(answer, head, tail) for answer in answers]
    labels = labels_before_prose(plain, instructions)
    shorter, what = [], set()
    for answer in answers:
        kept = compact(answer)
        if kept != answer:
            what.add("layout of JSON")
        elif head or tail:
            kept = without(answer, head, tail)
            what.add("set phrases")
        label = opening(kept)
        if label in labels and len(kept) > len(label) + 20:
            kept = label
            what.add("prose around a label")
        shorter.append(kept if len(kept) < len(answer) else answer)
    whole = sum(count(list(answers)))
    return (1 - sum(count(shorter)) / whole if whole else 0.0), listing(sorted(what))


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    facts = {row["workflow_id"]: row for row in store.rows("SELECT * FROM format_overhead_share")}
    example = {place.workflow_id: place.example for place in spared(store, f"{_NAME}_cut")}
    return [
        f"{row['workflow']}: {share(facts[row['workflow_id']]['share'], 0)} of its answers' tokens are "
        f"{facts[row['workflow_id']]['what']}, in {figure(row['requests'])} requests ({money(row['saving_pico'])})"
        f"{instance(example.get(row['workflow_id']))}"
        for row in found(store, _NAME)[:6]
    ]


LEVER = Lever(
    name=_NAME,
    title="Answers without set phrases and layout",
    stage="SCENARIO",
    order=50,
    evidence="D",
    rewrite=rewrite(_NAME),
    effort_days=1,
    risk="low",
    needs=("text", "usage"),
    settings={"least_share": 0.05},
    prepare=_prepare,
    blocked=unmeasured,
    findings=_findings,
    conditions=(
        "assumed, not measured: the model can be made to leave it out, and nobody reads it; never in the sum",
        "phrases four fifths of the different answers begin or end with, prose behind a label where the instructions "
        "ask for a label, white space of JSON; in workflows where that is {least_share} of the answers or more",
    ),
    fix="Ask for the label alone, forbid introductions and closings, or use a schema; ask for JSON on one line.",
    never_costs=True,
)
