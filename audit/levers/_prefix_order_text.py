"""Prompts of one workflow laid side by side: which pieces of text all of them hold, and where they first differ.

A piece is a line, a sentence of a long line, or one tool definition. Pieces that 19 of 20 distinct prompts hold are
static whatever their place, so pieces that only change order are found too; the first piece of a prompt that does not
stand where the static order has it breaks the prefix that a provider could cache.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

import orjson

from audit.hashes import content_hash
from audit.tokens import MESSAGE_OVERHEAD, count

STATIC_SHARE = 0.95
_LONG_LINE = 300
_FEWEST_IN_VERSION = 8
_WORTH_SPLITTING = 1.3
_SMALLEST_BLOCK = 400
"""Characters of a run of static pieces, about 100 tokens, from which on it is worth moving."""
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a prompt; `key` is equal for equal text, and for JSON that differs only in the order of its keys.

    `spellings` are the different texts of one key that the prompts hold.
    """

    key: int
    text: str
    kind: str
    size: int
    spellings: int = 1


@dataclass(frozen=True, slots=True)
class Break:
    """Where one prompt leaves the static order: the piece that stands there, and the static tokens before it.

    `moved` says that the piece is static itself and only stands, or is spelled, differently.
    """

    piece: Piece
    moved: bool
    before: int


@dataclass(frozen=True, slots=True)
class Static:
    """What prompts of one version have in common, in the order most of them have it, and how each departs from it.

    `tokens` counts all static pieces, `anchors` are the largest of them, by which other prompts of this version are
    recognised.
    """

    prompts: int
    tokens: int
    anchors: tuple[str, ...]
    breaks: tuple[Break, ...]


def pieces(segments: Sequence[tuple[str, str]]) -> list[Piece]:
    """The lines, JSON values and tool definitions of a prompt given as (kind, text) segments."""
    return [_piece(text, kind) for kind, whole in segments for text in _split(kind, whole) if text]


def _piece(text: str, kind: str) -> Piece:
    return Piece(_key(text), text, kind, len(text))


def _split(kind: str, text: str) -> list[str]:
    if kind == "tools" or _is_json(text):
        return [text]
    return [line.strip() for line in text.split("\n")]


def _sentences(prompts: Sequence[list[Piece]]) -> list[list[Piece]]:
    """Divide long lines that no other prompt holds into sentences: what changes may be only one of them."""
    held = Counter(key for prompt in prompts for key in {piece.key for piece in prompt})
    divided = []
    for prompt in prompts:
        fine: list[Piece] = []
        for piece in prompt:
            if piece.size <= _LONG_LINE or held[piece.key] > 1 or piece.kind == "tools" or _is_json(piece.text):
                fine.append(piece)
            else:
                fine.extend(_piece(text, piece.kind) for text in _SENTENCE.split(piece.text) if text)
        divided.append(fine)
    return divided


def _is_json(text: str) -> bool:
    return len(text) > 2 and text[0] in "{[" and text[-1] in "}]" and _canonical(text) is not None


def _canonical(text: str) -> bytes | None:
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, RecursionError):
        return None


def _key(text: str) -> int:
    canonical = _canonical(text) if text[0] in "{[" else None
    return content_hash(text if canonical is None else canonical.decode("utf-8", "replace"))


def align(prompts: Sequence[list[Piece]], model: str) -> list[Static]:
    """Find what the prompts have in common, version by version; versions of fewer than eight prompts are left out."""
    return [_static(version, model) for version in _versions(_sentences(prompts), depth=2)]


def _versions(prompts: Sequence[list[Piece]], depth: int) -> list[Sequence[list[Piece]]]:
    """Divide prompts that hold different templates, where each part has clearly more in common than the whole."""
    held = Counter(key for prompt in prompts for key in {piece.key for piece in prompt})
    size = {piece.key: piece.size for prompt in prompts for piece in prompt}
    some = [key for key, n in held.items() if 0.1 * len(prompts) <= n < STATIC_SHARE * len(prompts)]
    if depth == 0 or not some:
        return [prompts]
    chosen = max(some, key=lambda key: (size[key] * held[key], key))
    parts = [
        [prompt for prompt in prompts if any(piece.key == chosen for piece in prompt) == present]
        for present in (True, False)
    ]
    worth = sum(len(part) * _common_size(part) for part in parts)
    if worth <= _WORTH_SPLITTING * len(prompts) * _common_size(prompts):
        return [prompts]
    return [version for part in parts if len(part) >= _FEWEST_IN_VERSION for version in _versions(part, depth - 1)]


def _common_size(prompts: Sequence[list[Piece]]) -> int:
    return sum(piece.size for piece in _common(prompts)) if prompts else 0


def _common(prompts: Sequence[list[Piece]]) -> list[Piece]:
    """The pieces that nearly all prompts hold, as most of them spell them, in the usual order."""
    held: Counter[int] = Counter()
    once: Counter[int] = Counter()
    places: dict[int, list[int]] = defaultdict(list)
    spelled: dict[int, Counter[str]] = defaultdict(Counter)
    kinds: dict[int, str] = {}
    for prompt in prompts:
        first: dict[int, int] = {}
        for place, piece in enumerate(prompt):
            first.setdefault(piece.key, place)
            kinds[piece.key] = piece.kind
        once.update(key for key, n in Counter(piece.key for piece in prompt).items() if n == 1)
        for key, place in first.items():
            held[key] += 1
            places[key].append(place)
            spelled[key][prompt[place].text] += 1
    # instructions stand once in a prompt; phrases of documents come as often as there are documents
    wide = {key for key, n in held.items() if n >= STATIC_SHARE * len(prompts) and once[key] >= STATIC_SHARE * n}
    static = _in_blocks(prompts, wide)
    static.sort(key=lambda key: (median(places[key]), key))
    texts = {key: spelled[key].most_common(1)[0][0] for key in static}
    return [Piece(key, texts[key], kinds[key], len(texts[key]), len(spelled[key])) for key in static]


def _in_blocks(prompts: Sequence[list[Piece]], static: set[int]) -> list[int]:
    """The static pieces that usually stand among others: a phrase scattered through documents can't be moved."""
    blocks: dict[int, list[int]] = defaultdict(list)
    for prompt in prompts:
        for inside, run in groupby(prompt, key=lambda piece: piece.key in static):
            if inside:
                block = list(run)
                size = sum(piece.size for piece in block)
                for key in {piece.key for piece in block}:
                    blocks[key].append(size)
    return [key for key, sizes in blocks.items() if median(sizes) >= _SMALLEST_BLOCK]


def _static(prompts: Sequence[list[Piece]], model: str) -> Static:
    common = _common(prompts)
    counted = count([piece.text for piece in common], model)
    tokens = {piece.key: n for piece, n in zip(common, counted, strict=True)}
    breaks = [found for prompt in prompts if (found := _first_break(prompt, common, tokens)) is not None]
    largest = sorted((piece for piece in common if piece.spellings == 1), key=lambda each: (-each.size, each.key))[:2]
    return Static(
        prompts=len(prompts),
        tokens=sum(counted) + MESSAGE_OVERHEAD if common else 0,
        anchors=tuple(piece.text for piece in largest),
        breaks=tuple(breaks),
    )


def _first_break(prompt: Sequence[Piece], common: Sequence[Piece], tokens: Mapping[int, int]) -> Break | None:
    """The first piece that is not the next static one; None where all static pieces come first and in order."""
    held = {piece.key for piece in prompt}
    expected = [piece for piece in common if piece.key in held]
    before, place = 0, 0
    seen: set[int] = set()
    for piece in prompt:
        if piece.key in seen:
            continue
        seen.add(piece.key)
        if place >= len(expected):
            return None
        if piece.text != expected[place].text:
            return Break(piece, piece.key in tokens, before)
        before += tokens[piece.key]
        place += 1
    return None
