"""Say every instruction once: sentences of a system prompt that repeat an earlier one in other small words."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

from audit.anatomy.repeats import repeats, sentences
from audit.figures import money, things
from audit.levers import Lever, Settings
from audit.levers._places import instance
from audit.levers._probe import Piece, fresh, prompts, remember
from audit.levers._spans import Spans, sampling_shares
from audit.levers._trims import cut, found, rewrite, unmeasured
from audit.similarity.guards import verdict
from audit.similarity.reading import reading
from audit.similarity.wording import NOTHING
from audit.store import Store
from audit.tokens import count as count_tokens

_NAME = "redundant_instructions"
_KINDS = frozenset({"system"})
_LEAST_SHARED = 0.6
_MOST_SENTENCES = 400
_KEPT = 2_000

Stretch = tuple[int, int]


def _prepare(store: Store, settings: Settings) -> None:
    if not fresh(store, _NAME, settings):
        spans, known = Spans(), dict[int, list[Stretch]]()
        for prompt in prompts(store):
            cuts = []
            for piece in prompt.pieces:
                if piece.direction == "input" and piece.kind in _KINDS and piece.text:
                    cuts += _cuts(piece, known, int(settings["least_words"]))
            spans.add(prompt, cuts, _KINDS)
        spans.write(store, _NAME)
        remember(store, _NAME, settings)
    cut(store, _NAME)


def _cuts(piece: Piece, known: dict[int, list[Stretch]], least: int) -> list[tuple[int, float, float, float]]:
    if piece.content_hash not in known:
        if len(known) > _KEPT:
            known.clear()
        known[piece.content_hash] = redundant(piece.text, least)
    size = len(piece.text)
    return [(piece.position, start / size, end / size, 1.0) for start, end in known[piece.content_hash]]


def redundant(text: str, least_words: int = 6) -> list[Stretch]:
    """Where sentences stand that say what an earlier one says, differing in small words, spelling and synonyms only.

    Sentences of fewer than `least_words` words of meaning are left alone, and so are long stretches that stand there
    twice word for word, which are another lever's.
    """
    cut_text = sentences(text)
    twice = repeats([text], [cut_text], lambda part: count_tokens([part])[0])
    parts = [
        (each.start, each.end, text[each.start : each.end].strip(), frozenset(words))
        for each in cut_text[:_MOST_SENTENCES]
        if len(words := reading(text[each.start : each.end]).content) >= least_words
        and not any(stretch.start <= each.start < stretch.end for stretch in twice)
    ]
    again: dict[int, Stretch] = {}
    for (_, one), (place, other) in combinations(enumerate(parts), 2):
        shared = len(one[3] & other[3])
        if place in again or shared < _LEAST_SHARED * max(len(one[3]), len(other[3])):
            continue
        if _says_again(one[2], other[2]):
            again[place] = other[:2]
    return [again[place] for place in sorted(again)]


@lru_cache(maxsize=100_000)
def _says_again(one: str, other: str) -> bool:
    # prompts that differ in a name or a time hold the same sentences over and over
    return verdict(one, other) == NOTHING


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    return [
        f"{row['workflow']}: {things(row['tokens'], 'token')} of instructions in {things(row['requests'], 'request')} "
        f"say again what stands before them ({money(row['saving_pico'])}){instance(row['example'])}"
        for row in found(store, _NAME)[:6]
        if row["saving_pico"] > 0
    ]


LEVER = Lever(
    name=_NAME,
    title="Instructions said twice",
    stage="SHRINK",
    order=15,
    evidence="B",
    rewrite=rewrite(_NAME),
    effort_days=1,
    risk="low",
    needs=("text", "usage"),
    settings={"least_words": 6},
    prepare=_prepare,
    blocked=unmeasured,
    shares=sampling_shares(_NAME),
    findings=_findings,
    conditions=(
        "sentences of a system prompt with {least_words} words of meaning or more that differ from an earlier one only "
        "in small words, spelling or synonyms; numbers, names, negations and opposites keep them apart",
        "an instruction repeated on purpose for weight is counted too: compare answers once before you drop it",
    ),
    fix="Keep the clearer of the two sentences.",
)
