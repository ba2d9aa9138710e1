"""Send every text once: instructions or documents that stand in the same prompt two times."""

from __future__ import annotations

from functools import lru_cache

from audit.anatomy.repeats import Sentence, repeats, sentences
from audit.figures import money, things
from audit.levers import Lever, Settings
from audit.levers._places import instance
from audit.levers._probe import Piece, Prompt, fresh, prompts, remember
from audit.levers._spans import Spans, sampling_shares
from audit.levers._trims import cut, found, rewrite, unmeasured
from audit.store import Store
from audit.tokens import count as count_tokens

_NAME = "repeated_text"
# what the model or a tool said before is a record of what happened, and stays
_KINDS = frozenset({"system", "user", "history", "tool_result"})


def _prepare(store: Store, settings: Settings) -> None:
    if not fresh(store, _NAME, settings):
        spans = Spans()
        cutter = _Cutter()
        for prompt in prompts(store):
            spans.add(prompt, _cuts(prompt, cutter, int(settings["least_tokens"])), _KINDS)
        spans.write(store, _NAME)
        remember(store, _NAME, settings)
    cut(store, _NAME)


class _Cutter:
    """Sentences of texts that come again and again, cut once."""

    def __init__(self) -> None:
        self._known: dict[int, list[Sentence]] = {}

    def of(self, piece: Piece) -> list[Sentence]:
        if piece.content_hash not in self._known:
            if len(self._known) > 2_000:
                self._known.clear()
            self._known[piece.content_hash] = sentences(piece.text)
        return self._known[piece.content_hash]


def _cuts(prompt: Prompt, cutter: _Cutter, least: int) -> list[tuple[int, float, float, float]]:
    pieces = [piece for piece in prompt.pieces if _may_go(piece)]
    again = repeats([piece.text for piece in pieces], [cutter.of(piece) for piece in pieces], _count, least)
    cuts = []
    for each in again:
        piece = pieces[each.text]
        since = each.start / len(piece.text)
        part = min(1.0 - since, each.tokens / max(1, piece.tokens))
        cuts.append((piece.position, since, since + part, 1.0))
    return cuts


def _may_go(piece: Piece) -> bool:
    return piece.direction == "input" and piece.kind in _KINDS and piece.role != "assistant"


@lru_cache(maxsize=4_096)
def _count(text: str) -> int:
    return count_tokens([text])[0]


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    return [
        f"{row['workflow']}: {things(row['tokens'], 'token')} in {things(row['requests'], 'request')} stand in their "
        f"prompt a second time ({money(row['saving_pico'])}){instance(row['example'])}"
        for row in found(store, _NAME)[:6]
        if row["saving_pico"] > 0
    ]


LEVER = Lever(
    name=_NAME,
    title="Text sent twice in one prompt",
    stage="SHRINK",
    order=10,
    evidence="B",
    rewrite=rewrite(_NAME),
    effort_days=2,
    risk="low",
    needs=("text", "usage"),
    settings={"least_tokens": 64},
    prepare=_prepare,
    blocked=unmeasured,
    shares=sampling_shares(_NAME),
    findings=_findings,
    conditions=(
        "whole sentences of {least_tokens} tokens or more that stand word for word earlier in the same prompt",
        "the first copy stays; what the model itself said before is left alone",
        "an instruction repeated on purpose behind a long context is counted too: test before you drop that one",
    ),
    fix="Build each prompt from distinct parts: drop retrieved documents and instructions that are already in it.",
)
