"""Planted prompts: text sent twice, passages and turns an answer uses, examples, filler in answers, gibberish."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from audit.anatomy.answers import compact, labels_before_prose, opening, shared_phrases
from audit.anatomy.drawing import drawn_on
from audit.anatomy.examples import examples
from audit.anatomy.junk import is_junk
from audit.anatomy.passages import passages
from audit.anatomy.repeats import repeats, sentences
from audit.tokens import count
from benchmarks.detecting.counting import Counted, compare
from benchmarks.detecting.messages import JUNK_SYLLABLES, REAL
from benchmarks.detecting.prose import Prose

_PROMPTS = 60


def _tokens(text: str) -> int:
    return count([text])[0]


def repeated_text(seed: int) -> Counted:
    """Prompts with a block of 64 to 400 tokens twice, against near copies, short repeats and even tables."""
    prose, found, planted = Prose(f"repeat {seed}"), [], []
    for number in range(_PROMPTS):
        texts, twice = _repeating(prose, number % 2 == 0)
        if twice:
            planted.append(number)
        if repeats(texts, [sentences(text) for text in texts], _tokens):
            found.append(number)
    return compare(found, planted)


def _repeating(prose: Prose, twice: bool) -> tuple[list[str], bool]:
    dice = prose.dice
    block = prose.paragraph(dice.randint(6, 25))
    others = [prose.paragraph(dice.randint(2, 12)) for _ in range(3)]
    if twice:
        return dice.choice((
            [f"{others[0]}\n\n{block}\n\n{others[1]}\n\n{block}"],
            [block, f"{others[0]} {block}"],
            [others[0], f"<doc>{block}</doc>\n<doc>{others[1]}</doc>\n<doc>{block}</doc>"],
            [json.dumps({"rule": block}), json.dumps({"again": [others[2], block]})],
            [block, others[0], block, others[1], block],
        )), _tokens(block) >= 64  # fmt: skip
    changed = "".join(str(dice.randint(0, 9)) if char.isdigit() else char for char in block)
    short = block.split(". ")[0] + "."
    return dice.choice((
        [f"{short} {others[0]} {short} {others[1]} {short}"],
        ["\n".join(f"Order {n}: {dice.randint(1, 9)} pieces, {dice.randint(10, 99)} EUR." for n in range(60))],
        [others[0], others[1], others[2]],
        [f"{prose.paragraph(6)} Number {dice.randint(1, 9**9)}.", changed.replace(" the ", f" the {dice.randint(2, 99)}th ")],
    )), False  # fmt: skip


def unused_passages(seed: int) -> Counted:
    """Passages no answer draws on, in six dresses; answers quote, cite, name a number, or say it in other words."""
    prose, found, planted = Prose(f"passages {seed}"), [], []
    for number in range(_PROMPTS):
        dice = prose.dice
        bodies = [prose.paragraph(dice.randint(4, 12)) for _ in range(dice.randint(4, 12))]
        labels = [f"kb-{dice.randint(100, 999)}-{place}" for place in range(len(bodies))]
        dress = dice.choice(_DRESSES)
        text = f"{dress(bodies, labels)}\n\nQuestion: {prose.question()}"
        used = set(dice.sample(range(len(bodies)), dice.randint(0, 3)))
        answer = " ".join(_say(prose, bodies[place], labels[place], dress in _NAMED) for place in sorted(used))
        answer = f"{answer} Do not hesitate to write again." if answer else "I am sorry, I cannot help with that."
        spans = passages(text)
        rest = text[: spans[0].start] + text[spans[-1].end :] if spans else text
        drawn = drawn_on(answer, [text[each.start : each.end] for each in spans], [each.label for each in spans], rest)
        whole = len(spans) == len(bodies)
        found.extend((number, place) for place in range(len(spans)) if not drawn[place] or not whole)
        planted.extend((number, place) for place in range(len(bodies)) if place not in used)
    return compare(found, planted)


def _tagged(bodies: list[str], labels: list[str]) -> str:
    return "\n".join(
        f'<document id="{label}">\n{body}\n</document>' for body, label in zip(bodies, labels, strict=True)
    )


def _numbered(bodies: list[str], _: list[str]) -> str:
    return "\n\n".join(f"[{place}] {body}" for place, body in enumerate(bodies, 1))


def _headed(bodies: list[str], _: list[str]) -> str:
    return "\n\n".join(f"### Source {place}\n{body}" for place, body in enumerate(bodies, 1))


def _listed(bodies: list[str], labels: list[str]) -> str:
    return json.dumps([{"id": label, "content": body} for body, label in zip(bodies, labels, strict=True)])


def _ruled(bodies: list[str], _: list[str]) -> str:
    return "Context\n---\n" + "\n---\n".join(bodies) + "\n---\n"


def _prefixed(bodies: list[str], _: list[str]) -> str:
    return "\n".join(f"Passage {place}: {body}" for place, body in enumerate(bodies, 1))


_DRESSES: tuple[Callable[[list[str], list[str]], str], ...] = (_tagged, _numbered, _headed, _listed, _ruled, _prefixed)
_NAMED = (_tagged, _listed)


def _say(prose: Prose, body: str, label: str, named: bool) -> str:
    """An answer's words about a passage: a quotation, a citation, a figure, or a paraphrase."""
    dice = prose.dice
    way = dice.random()
    if named and way < 0.3:
        return f"{prose.question()[:-1]}: see [{label}]."
    line = dice.choice(body.split(". ")).rstrip(".")
    numbers = [word for word in line.split() if word.isdigit() and len(word) > 2]
    if numbers and way < 0.5:
        return f"It is {numbers[0]}."
    if way < 0.75:
        return f"As far as we know, {line}."
    return "In short: " + " ".join(reversed([word.strip(",.") for word in line.split() if len(word) > 4])) + "."


def unused_turns(seed: int) -> Counted:
    """Turns of a chat the next answer does not come back to."""
    prose, found, planted = Prose(f"turns {seed}"), [], []
    for number in range(_PROMPTS):
        dice = prose.dice
        turns = [f"{prose.question()}\n{prose.paragraph(dice.randint(2, 6))}" for _ in range(dice.randint(3, 12))]
        used = set(dice.sample(range(len(turns)), dice.randint(0, 2)))
        answer = (
            " ".join(_say(prose, turns[place].split("\n")[1], "", False) for place in sorted(used)) or "Yes, I will."
        )
        drawn = drawn_on(answer, turns, rest=prose.question())
        found.extend((number, place) for place in range(len(turns)) if not drawn[place])
        planted.extend((number, place) for place in range(len(turns)) if place not in used)
    return compare(found, planted)


def few_shot_examples(seed: int) -> Counted:
    """Examples in a prompt by their places, against questionnaires, documents and tables."""
    prose, total = Prose(f"examples {seed}"), Counted()
    for number in range(_PROMPTS):
        text, shots = _shots(prose) if number % 2 else (_not_shots(prose), [])
        spans = examples(text)
        hit = [any(span.start <= text.index(shot) + 1 < span.end for span in spans) for shot in shots]
        false = sum(not any(span.start <= text.index(shot) + 1 < span.end for shot in shots) for span in spans)
        total += Counted(sum(hit), false, len(shots) - sum(hit))
    return total


def _shots(prose: Prose) -> tuple[str, list[str]]:
    dice = prose.dice
    labels = dice.sample(("billing", "delivery", "returns", "praise", "other", "urgent"), 3)
    pairs = [(prose.question(), dice.choice(labels)) for _ in range(dice.randint(2, 6))]
    first, second = dice.choice(
        (("Input", "Output"), ("Q", "A"), ("Message", "Category"), ("Text", "Label"), ("User", "Assistant"))
    )
    style = dice.randint(0, 3)
    if style == 0:
        shots = [f"{first}: {asked}\n{second}: {label}" for asked, label in pairs]
        return f"{prose.sentence()}\n\n" + "\n\n".join(shots) + f"\n\n{first}: {prose.question()}\n{second}:", shots
    if style == 1:
        shots = [f"<example>\n{asked} => {label}\n</example>" for asked, label in pairs]
        return f"{prose.sentence()}\n<examples>\n" + "\n".join(shots) + f"\n</examples>\n{prose.question()}", shots
    if style == 2:
        shots = [f"Example {place}\n{asked}\nThe label is {label}." for place, (asked, label) in enumerate(pairs, 1)]
        return f"{prose.sentence()}\n\n" + "\n\n".join(shots) + f"\n\n{prose.question()}", shots
    pairs = [*pairs, (prose.question(), labels[0])]
    shots = [f"{asked} -> {label}" for asked, label in pairs]
    return f"{prose.sentence()}\n" + "\n".join(shots) + f"\n\n{prose.question()}", shots


def _not_shots(prose: Prose) -> str:
    dice = prose.dice
    return dice.choice((
        f"Name: Ada\nCity: Turin\nOrder: {dice.randint(1, 99)}\nQuestion: {prose.question()}",
        prose.paragraph(12),
        "\n".join(f"| {dice.randint(1, 9)} | {dice.randint(1, 9)} |" for _ in range(6)),
        f"Question: {prose.question()}\nContext: {prose.paragraph(3)}\nAnswer:",
        "\n".join(f"{place}. {prose.sentence()}" for place in range(1, 8)),
        _tagged([prose.paragraph(3) for _ in range(3)], ["a1", "b2", "c3"]),
    ))  # fmt: skip


def answer_filler(seed: int) -> Counted:
    """Kinds of answers (a hundred each) with set phrases, prose behind a label or layout of JSON, and kinds without."""
    prose, found, planted = Prose(f"answers {seed}"), [], []
    for number in range(12):
        answers, instructions, filler = _answers(prose, number % 6)
        if filler:
            planted.append(number)
        head, tail = shared_phrases(answers)
        labels = labels_before_prose(answers, instructions)
        wordy = sum(opening(answer) in labels and len(answer) > 40 for answer in answers) > len(answers) / 2
        if head or tail or wordy or sum(compact(answer) != answer for answer in answers) > len(answers) / 2:
            found.append(number)
    return compare(found, planted)


def _answers(prose: Prose, kind: int) -> tuple[list[str], str, bool]:
    labels = ["billing", "delivery", "returns", "other"]
    asked = f"Classify the message as one of: {', '.join(labels)}."
    opener, closer = f"Thank you for writing to us about {prose.sentence()[4:20]}", "I hope this answers your question!"
    pick = prose.dice.choice
    each: dict[int, Callable[[], str]] = {
        0: lambda: f"{opener} {prose.sentence()} {closer}" if prose.dice.random() < 0.95 else prose.sentence(),
        1: lambda: f"{pick(labels).capitalize()}. {prose.sentence()}",
        2: lambda: json.dumps({"label": pick(labels), "order": prose.dice.randint(1, 999)}, indent=2),
        3: lambda: prose.paragraph(prose.dice.randint(1, 3)),
        4: lambda: pick(labels),
        5: lambda: f"{pick(labels).capitalize()}. {prose.sentence()}",
    }
    instructions = "" if kind in (0, 3) else f"{asked} Explain your choice." if kind == 5 else asked
    return [each[kind]() for _ in range(100)], instructions, kind < 3


def gibberish(seed: int) -> Counted:
    """Mashed keys and filler against real short messages in a dozen languages."""
    dice = random.Random(f"junk {seed}")
    junk = {_mashed(dice) for _ in range(60)} - set(REAL)
    return compare([text for text in [*junk, *REAL] if is_junk(text)], junk)


def _mashed(dice: random.Random) -> str:
    rows = ("qwertyuiop", "asdfghjkl", "zxcvbnm")

    def word() -> str:
        row = dice.choice(rows)
        start = dice.randint(0, len(row) - 4)
        run = row[start : start + dice.randint(4, 7)]
        return dice.choice((run, run[::-1], dice.choice("hxmk") * dice.randint(4, 9), dice.choice(JUNK_SYLLABLES) * 3))

    return " ".join(word() for _ in range(dice.randint(1, 4)))
