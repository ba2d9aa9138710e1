"""Planted near copies, and questions that differ in one thing that matters; how the tiers join them."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass

from audit.matching import matching
from benchmarks.detecting.counting import Counted
from benchmarks.detecting.worlds import WORLDS, World
from tests.planting import MINUTE, START, Plant

_SLOT = re.compile(r"\{(\w+)\}")
_GROUPS = 40
CHANGES = ("name", "thing", "number", "unit", "date", "act", "is", "roles")


@dataclass(frozen=True)
class Asked:
    """A question, the group it belongs to, and what was done to the group's first one to get it."""

    text: str
    group: int
    edit: str


def planted(world: World, seed: int, groups: int = _GROUPS) -> list[Asked]:
    """Groups of near copies; most have a neighbour group that differs in one slot."""
    dice = random.Random(f"questions {seed}")
    asked: list[Asked] = []
    seen: set[str] = set()
    while len(seen) < groups:
        sentence = dice.choice(world.sentences)
        slots = _filled(world, sentence, dice)
        variants = [("first", slots)]
        for _ in range(dice.randint(0, 2)):
            changed = _changed(world, sentence, slots, dice)
            if changed:
                variants.append(changed)
        for change, values in variants:
            text = _text(sentence, values)
            if text in seen:
                continue
            seen.add(text)
            group = len(seen)
            asked.append(Asked(text, group, change))
            for _ in range(dice.randint(0, 3)):
                edit, other = _reworded(world, text, dice)
                if _letters(other) not in {_letters(each.text) for each in asked if each.group == group}:
                    asked.append(Asked(other, group, edit))
    dice.shuffle(asked)
    return asked


def _letters(text: str) -> str:
    """What the normalised key keeps of a text, roughly."""
    return " ".join(text.casefold().rstrip(" .?!").split())


def _filled(world: World, sentence: str, dice: random.Random) -> dict[str, str]:
    one, two = dice.sample([each for each in world.name if " " not in each], 2)
    act = dice.choice(world.act)
    values = {
        "name": dice.choice([each for each in world.name if each not in (one, two)]), "thing": dice.choice(world.thing),
        "number": str(dice.randint(2, 900)), "unit": dice.choice(world.unit), "date": dice.choice(world.date),
        "act": dice.choice(act), "is": dice.choice(dice.choice(world.denied)), "one": one, "two": two,
    }  # fmt: skip
    return {slot: values[slot] for slot in _SLOT.findall(sentence)}


def _changed(
    world: World, sentence: str, slots: dict[str, str], dice: random.Random
) -> tuple[str, dict[str, str]] | None:
    """One slot filled with something else, the act turned round, a verb denied, or two parties exchanged."""
    kinds = [slot for slot in slots if slot not in ("one", "two")] + (["roles"] if "one" in slots else [])
    kind = dice.choice(kinds)
    if kind == "roles":
        return kind, {**slots, "one": slots["two"], "two": slots["one"]}
    if kind == "act":
        other = next(b if a == slots[kind] else a for a, b in world.act if slots[kind] in (a, b))
    elif kind == "is":
        facing = [b if a == slots[kind] else a for a, b in world.denied if slots[kind] in (a, b)]
        other = dice.choice(facing)
    elif kind == "number":
        other = str(dice.randint(2, 900))
    else:
        other = dice.choice(getattr(world, kind))
    return None if other == slots[kind] or other in slots.values() else (kind, {**slots, kind: other})


def _text(sentence: str, values: dict[str, str]) -> str:
    text = _SLOT.sub(lambda match: values[match[1]], sentence)
    return text[0].upper() + text[1:]


def _reworded(world: World, text: str, dice: random.Random) -> tuple[str, str]:
    """One or two small edits that leave the question as it is."""
    edits = {
        "courtesy before": lambda each: dice.choice(world.before) + (each[0].lower() + each[1:] if _ordinary(world, each) else each),
        "courtesy after": lambda each: each + dice.choice(world.after),
        "slip": lambda each: _slip(each, dice),
        "article": lambda each: re.sub(r"\b(the|a) (?=[a-z])", "", each, count=1),
        "small word": lambda each: _small_word(each, dice),
        "same word": lambda each: _same_word(world, each, dice),
        "layout": lambda each: each.replace(", ", " , ").replace("? ", " ?\n").replace(". ", ".\n"),
        "case": lambda each: each.lower() if dice.random() < 0.5 else each.upper(),
    }  # fmt: skip
    chosen = dice.sample(list(edits), dice.randint(1, 2))
    for name in chosen:
        text = edits[name](text)
    return " + ".join(sorted(chosen)), text


def _ordinary(world: World, text: str) -> bool:
    return not text.startswith(world.name) and not text.startswith("I ")


def _slip(text: str, dice: random.Random) -> str:
    """One word of six letters or more with two letters exchanged, one lost or one doubled."""
    places = [match for match in re.finditer(r"\b[a-z]{6,}\b", text) if match[0] != "please"]
    if not places:
        return text
    word = dice.choice(places)
    at = dice.randint(1, len(word[0]) - 3)
    kind = dice.randrange(3)
    letters = word[0]
    mistyped = (
        letters[:at] + letters[at + 1] + letters[at] + letters[at + 2 :] if kind == 0
        else letters[:at] + letters[at + 1 :] if kind == 1
        else letters[:at] + letters[at] + letters[at:]
    )  # fmt: skip
    return text[: word.start()] + mistyped + text[word.end() :]


def _small_word(text: str, dice: random.Random) -> str:
    words = text.split(" ")
    places = [place for place in range(1, len(words)) if not words[place - 1][-1:].isdigit()]
    words.insert(dice.choice(places), dice.choice(("really", "just", "actually", "please")))
    return " ".join(words)


def _same_word(world: World, text: str, dice: random.Random) -> str:
    fit = [pair for pair in world.same if re.search(rf"\b{pair[0]}\b", text)]
    if not fit:
        return text
    before, after = dice.choice(fit)
    return re.sub(rf"\b{before}\b", after, text, count=1)


@dataclass(frozen=True)
class Joined:
    """How planted questions were joined: counted, and by edit or change, with the texts of false joins."""

    counted: Counted
    missed: Counter[str]
    false: list[tuple[str, str]]


def near_copies(seed: int, world: str = "clinic") -> Joined:
    """Join planted near copies; a false join is one to a question that differs in something that matters."""
    asked = planted(WORLDS[world], seed)
    plant = Plant()
    for number, each in enumerate(asked):
        request = plant.call(
            at_us=START + number * MINUTE, key=number + 1, normalised_key=number + 1, output_normalised_hash=each.group,
        )  # fmt: skip
        plant.segment(request, 0, each.text, 20)
    store = plant.store
    matching(store)
    leaders = {row["question"]: row["leader"] for row in store.rows("SELECT question, leader FROM near_question")}
    total, missed, false = Counted(), Counter[str](), []
    first: dict[int, int] = {}
    for number, each in enumerate(asked, start=1):
        leader = leaders.get(number)
        copy = each.group in first
        first.setdefault(each.group, number)
        if leader is not None and asked[leader - 1].group != each.group:
            total += Counted(0, 1, int(copy))
            false.append((asked[leader - 1].text, each.text))
        elif copy:
            total += Counted(int(leader is not None), 0, int(leader is None))
            missed[each.edit] += leader is None
    return Joined(total, missed, false)
