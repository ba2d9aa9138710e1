"""Fewer examples: pairs of input and output that every prompt carries along."""

from __future__ import annotations

from collections import defaultdict

from audit.anatomy.examples import Example, examples
from audit.figures import money, things
from audit.levers import Lever, Settings
from audit.levers._places import instance
from audit.levers._probe import Prompt, fresh, prompts, remember
from audit.levers._spans import Spans
from audit.levers._trims import cut, found, rewrite, unmeasured
from audit.store import Store

_NAME = "few_shot"
_KINDS = frozenset({"system", "user", "history"})
_LEAST_PROMPTS = 20
_CONSTANT = 0.9
_SAMPLE = 200

# turns before the question that nearly every request of a workflow has at the same place were written by hand
_WRITTEN = """
WITH asked AS (
    SELECT r.workflow_id, COUNT(*) AS requests FROM request AS r
    WHERE r.status = 'billable' AND r.text_status = 'full' AND r.workflow_id IS NOT NULL GROUP BY r.workflow_id
),
held AS (
    SELECT r.workflow_id, s.position, s.chain_hash, MIN(s.role) AS role, COUNT(*) AS requests
    FROM segment AS s JOIN request AS r ON r.request_id = s.request_id
    WHERE s.direction = 'input' AND s.kind = 'history' AND r.status = 'billable' AND r.text_status = 'full'
    GROUP BY r.workflow_id, s.position, s.chain_hash
)
SELECT h.workflow_id, h.position, h.role FROM held AS h JOIN asked AS a ON a.workflow_id = h.workflow_id
WHERE CAST(h.requests AS DOUBLE) >= $constant * CAST(a.requests AS DOUBLE) AND a.requests >= $least
ORDER BY h.workflow_id, h.position
"""


def _prepare(store: Store, settings: Settings) -> None:
    if not fresh(store, _NAME, settings):
        _look(store, int(settings["kept"]))
        remember(store, _NAME, settings)
    cut(store, _NAME)


def _look(store: Store, kept: int) -> None:
    written: dict[int, list[list[int]]] = defaultdict(list)
    for row in store.rows(_WRITTEN, constant=_CONSTANT, least=_LEAST_PROMPTS):
        turns = written[row["workflow_id"]]
        if row["role"] == "user" or not turns:
            turns.append([])
        turns[-1].append(row["position"])
    spans = Spans()
    known: dict[int, list[Example]] = {}
    shots: dict[int, list[int]] = defaultdict(list)
    for prompt in prompts(store, _SAMPLE):
        number, cuts = shots_of(prompt, written.get(prompt.workflow_id, []), known, kept)
        shots[prompt.workflow_id].append(number)
        spans.add(prompt, cuts, _KINDS)
    spans.write(store, _NAME)
    store.run("CREATE OR REPLACE TEMP TABLE few_shot_fact (workflow_id BIGINT, prompts BIGINT, examples DOUBLE)")
    store.write_rows("few_shot_fact", [
        {"workflow_id": workflow, "prompts": len(numbers), "examples": sum(numbers) / len(numbers)}
        for workflow, numbers in shots.items()
    ])  # fmt: skip


def shots_of(
    prompt: Prompt, written: list[list[int]], known: dict[int, list[Example]], kept: int
) -> tuple[int, list[tuple[int, float, float, float]]]:
    """How many examples a prompt holds, and what goes when the first `kept` stay.

    `written` are the positions of turns that nearly every request of the workflow has; `known` remembers texts.
    """
    cuts: list[tuple[int, float, float, float]] = []
    number = 0
    for turn in written if len(written) >= 2 else []:
        number += 1
        if number > kept:
            cuts.extend((position, 0.0, 1.0, 1.0) for position in turn)
    places = {position for turn in written for position in turn}
    for piece in prompt.pieces:
        if piece.direction != "input" or piece.kind not in ("system", "user") or piece.position in places:
            continue
        if piece.content_hash not in known:
            known[piece.content_hash] = examples(piece.text)
        for each in known[piece.content_hash]:
            number += 1
            if number > kept:
                cuts.append((piece.position, each.start / len(piece.text), each.end / len(piece.text), 1.0))
    held = {piece.position for piece in prompt.pieces}
    return number, [each for each in cuts if each[0] in held]


def _findings(store: Store, settings: Settings) -> list[str]:
    facts = {row["workflow_id"]: row for row in store.rows("SELECT * FROM few_shot_fact")}
    return [
        f"{row['workflow']}: {facts[row['workflow_id']]['examples']:.1f} examples a prompt; with {settings['kept']} of "
        f"them {things(row['tokens'] / max(1, row['requests']), 'token')} less a request in "
        f"{things(row['requests'], 'request')} ({money(row['saving_pico'])}){instance(row['example'])}"
        for row in found(store, _NAME)[:6]
        if row["saving_pico"] > 0 and row["workflow_id"] in facts
    ]


LEVER = Lever(
    name=_NAME,
    title="Fewer examples in the prompt",
    stage="SCENARIO",
    order=30,
    evidence="D",
    rewrite=rewrite(_NAME),
    effort_days=2,
    risk="medium",
    needs=("text", "usage"),
    settings={"kept": 1},
    prepare=_prepare,
    blocked=unmeasured,
    findings=_findings,
    conditions=(
        "assumed, not measured: answers stay as good; never in the sum; go down the ladder 5, 2, 1, 0 with replays",
        "examples are blocks between tags, under numbered headings, labelled pairs, or turns nearly every request has; "
        "the first {kept} stay",
    ),
    fix="Drop examples one by one while a replay on a sample stays acceptable; a schema often replaces them.",
)
