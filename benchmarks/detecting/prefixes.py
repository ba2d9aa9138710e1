"""Prompts whose static part is broken by something small, by cause, among prompts that are sound."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable

from audit.levers._prefix_order_cause import cause
from audit.levers._prefix_order_text import align, pieces
from benchmarks.detecting.counting import Counted, compare
from benchmarks.detecting.prose import Prose

Prompt = list[tuple[str, str]]
_REQUESTS = 40
_NAMES = (
    "Ada Byron",
    "Bo Larsson",
    "Çiğdem Kaya",
    "Dmitri Orlov",
    "Élodie Petit",
    "Femi Bello",
    "Grace O'Neil",
    "Hana Sato",
)
_MONTHS = ("January", "March", "May", "August", "October", "December")


def broken_prefixes(seed: int) -> Counted:
    """The cause named for each planted workflow; sound ones must get none."""
    found, planted = [], []
    for number, (make, name) in enumerate(_CAUSES):
        prose = Prose(f"prefix {seed} {number}")
        static = "\n".join(prose.sentence() for _ in range(prose.dice.randint(40, 90)))
        blocks = [prose.paragraph(3) for _ in range(8)]
        prompts = [pieces(make(prose.dice, static, blocks)) for _ in range(_REQUESTS)]
        named = {cause(each).name for each in align(prompts, "gpt-5") if each.breaks and each.tokens >= 100}
        found.extend((number, each) for each in named)
        if name:
            planted.append((number, name))
    return compare(found, planted)


def _clock(dice: random.Random, static: str, _: list[str]) -> Prompt:
    at = f"2026-0{dice.randint(1, 9)}-1{dice.randint(0, 9)} {dice.randint(10, 23)}:{dice.randint(10, 59)}:{dice.randint(10, 59)}"
    return [("system", f"Current date and time: {at}\n{static}")]


def _date(dice: random.Random, static: str, _: list[str]) -> Prompt:
    return [("system", f"Today's date is {dice.randint(1, 28)} {dice.choice(_MONTHS)} 2026.\n{static}")]


def _uuid(dice: random.Random, static: str, _: list[str]) -> Prompt:
    return [("system", f"[trace {uuid.UUID(int=dice.getrandbits(128))}]\n{static}")]


def _id(dice: random.Random, static: str, _: list[str]) -> Prompt:
    return [("system", f"Tenant: acct_{dice.randint(10**7, 10**8)}\n{static}")]


def _name(dice: random.Random, static: str, _: list[str]) -> Prompt:
    return [("system", f"The customer is called {dice.choice(_NAMES)}.\n{static}")]


def _mail(dice: random.Random, static: str, _: list[str]) -> Prompt:
    return [("system", f"Replies go to p{dice.randint(1, 999)}@firm{dice.randint(1, 99)}.example\n{static}")]


def _tools(dice: random.Random, static: str, blocks: list[str]) -> Prompt:
    tools = [json.dumps({"name": f"tool_{place}", "description": block}) for place, block in enumerate(blocks)]
    return [*(("tools", each) for each in dice.sample(tools, len(tools))), ("system", static)]


def _examples(dice: random.Random, static: str, blocks: list[str]) -> Prompt:
    shots = [f"Example {place}: {block}" for place, block in enumerate(blocks)]
    return [("system", "\n".join(dice.sample(shots, len(shots))) + f"\n{static}")]


def _json(dice: random.Random, static: str, blocks: list[str]) -> Prompt:
    places = dice.sample(range(len(blocks)), len(blocks))
    return [("system", json.dumps({f"field_{place}": blocks[place] for place in places})), ("system", static)]


def _sound(dice: random.Random, static: str, _: list[str]) -> Prompt:
    return [("system", static), ("user", f"What about parcel {dice.randint(1, 9999)}?")]


def _sound_dated(dice: random.Random, static: str, _: list[str]) -> Prompt:
    return [
        ("system", static),
        ("user", f"It is 2026-05-{dice.randint(10, 28)}. What about parcel {dice.randint(1, 9999)}?"),
    ]


_CAUSES: tuple[tuple[Callable[[random.Random, str, list[str]], Prompt], str], ...] = (
    (_clock, "a time"), (_date, "a date"), (_uuid, "a UUID"), (_id, "an id"), (_name, "a name"),
    (_mail, "an e-mail address"), (_tools, "tool definitions in changing order"), (_examples, "examples in changing order"),
    (_json, "JSON in changing order"), (_sound, ""), (_sound_dated, ""),
)  # fmt: skip
