"""Retrieve less: passages in prompts that leave no trace in any answer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from audit.anatomy.drawing import drawn_on
from audit.anatomy.passages import Passage, passages
from audit.figures import money, share, things
from audit.levers import Lever, Settings
from audit.levers._places import instance
from audit.levers._probe import Piece, Prompt, fresh, prompts, remember
from audit.levers._spans import Spans
from audit.levers._trims import cut, found, rewrite, unmeasured
from audit.store import Store

_NAME = "unused_chunks"
_KINDS = frozenset({"system", "user", "tool_result"})
_LEAST_PROMPTS = 30
_SAMPLE = 200


@dataclass(slots=True)
class Retrieved:
    """The passages of one prompt in order, each with the segment it stands in and whether the answer draws on it."""

    prompt: Prompt
    places: list[tuple[Piece, Passage]]
    used: list[bool]


@dataclass(slots=True)
class _Workflow:
    """What a workflow retrieves and uses."""

    seen: list[Retrieved] = field(default_factory=list)

    def kept(self, quantile: float) -> int:
        """So many passages hold all the used ones in this share of the requests, if the best stand first."""
        return max(1, int(np.quantile([sum(each.used) for each in self.seen], quantile, method="higher")))


def retrieved(prompt: Prompt) -> Retrieved | None:
    """The passages of a prompt and which of them its answer draws on; None without passages or answer."""
    places: list[tuple[Piece, Passage]] = []
    rest = []
    for piece in prompt.pieces:
        if piece.direction != "input":
            continue
        inside = passages(piece.text) if piece.kind in _KINDS else []
        places.extend((piece, each) for each in inside)
        rest.append(_outside(piece.text, inside))
    answer = prompt.answer
    if not places or not answer.strip():
        return None
    texts = [piece.text[each.start : each.end] for piece, each in places]
    return Retrieved(prompt, places, drawn_on(answer, texts, [each.label for _, each in places], "\n".join(rest)))


def _outside(text: str, inside: list[Passage]) -> str:
    parts, place = [], 0
    for each in inside:
        parts.append(text[place : each.start])
        place = each.end
    return "".join([*parts, text[place:]])


def _prepare(store: Store, settings: Settings) -> None:
    if not fresh(store, _NAME, settings):
        _look(store, settings)
        remember(store, _NAME, settings)
    cut(store, _NAME)


def _look(store: Store, settings: Settings) -> None:
    workflows: dict[int, _Workflow] = defaultdict(_Workflow)
    spans = Spans()
    for prompt in prompts(store, _SAMPLE):
        each = retrieved(prompt)
        if each is not None:
            workflows[prompt.workflow_id].seen.append(each)
        else:
            spans.add(prompt, (), _KINDS)
    rows = []
    for workflow, one in workflows.items():
        kept = one.kept(float(settings["quantile"])) if len(one.seen) >= _LEAST_PROMPTS else 2**31
        for each in one.seen:
            spans.add(each.prompt, _cuts(each, kept), _KINDS)
        if len(one.seen) >= _LEAST_PROMPTS:
            rows.append(_facts(workflow, one, kept))
    spans.write(store, _NAME)
    store.run("CREATE OR REPLACE TEMP TABLE unused_chunks_fact (workflow_id BIGINT, prompts BIGINT, passages BIGINT,"
              " used BIGINT, kept BIGINT, first BIGINT)")  # fmt: skip
    store.write_rows("unused_chunks_fact", rows)


def _facts(workflow: int, one: _Workflow, kept: int) -> dict[str, int]:
    return {
        "workflow_id": workflow,
        "prompts": len(one.seen),
        "passages": sum(len(each.used) for each in one.seen),
        "used": sum(sum(each.used) for each in one.seen),
        "kept": kept,
        "first": sum(sum(each.used[:kept]) for each in one.seen),
    }


def _cuts(each: Retrieved, kept: int) -> list[tuple[int, float, float, float]]:
    """Unused passages from the end until so many are left; a passage that was used always stays."""
    excess = len(each.used) - max(kept, sum(each.used))
    going = [number for number in range(len(each.used) - 1, -1, -1) if not each.used[number]][: max(0, excess)]
    return [
        (piece.position, passage.start / len(piece.text), passage.end / len(piece.text), 1.0)
        for piece, passage in (each.places[number] for number in sorted(going))
    ]


def _findings(store: Store, settings: Settings) -> list[str]:
    facts = {row["workflow_id"]: row for row in store.rows("SELECT * FROM unused_chunks_fact")}
    lines = []
    for row in found(store, _NAME)[:6]:
        fact = facts.get(row["workflow_id"])
        if fact is None or row["saving_pico"] <= 0:
            continue
        unused = 1 - fact["used"] / fact["passages"]
        in_front = fact["first"] / fact["used"] if fact["used"] else 1.0
        advice = (
            "they stand in front: retrieve fewer" if in_front >= 0.95
            else f"only {share(in_front, 0)} of the used ones stand in front: rank them better before you cut"
        )  # fmt: skip
        lines.append(
            f"{row['workflow']}: {share(unused, 0)} of {things(fact['passages'], 'passage')} in "
            f"{things(fact['prompts'], 'request')} leave no trace in the answer; "
            f"{share(float(settings['quantile']), 0)} of requests use {fact['kept']} or fewer of "
            f"{fact['passages'] / fact['prompts']:.1f}; {advice} ({money(row['saving_pico'])})"
            f"{instance(row['example'])}"
        )
    return lines


LEVER = Lever(
    name=_NAME,
    title="Retrieved passages no answer uses",
    stage="SCENARIO",
    order=10,
    evidence="D",
    rewrite=rewrite(_NAME),
    effort_days=5,
    risk="medium",
    needs=("text", "usage"),
    settings={"quantile": 0.95},
    prepare=_prepare,
    blocked=unmeasured,
    findings=_findings,
    conditions=(
        "assumed, not measured: the used passages come first after ranking, and answers stay as good with fewer",
        "a passage counts as used when the answer cites it, shares a 5-gram, a number, a code or three uncommon words "
        "with it; so many are kept as {quantile} of the requests use, in a workflow with 30 such prompts or more",
        "never in the sum; replay with fewer passages to measure it",
    ),
    fix="Rank retrieved passages, send fewer of them, and replay a sample with the smaller number.",
)
