"""What the planted workflows ask, and how two models answer: rightly or wrongly, each in a manner of its own.

The cheap model writes as such models do: in Markdown, in sentences, in code fences, with other layout, dates and keys
in another order. Whether an answer serves is known because it was made so: `Item.good` says that it means what the
logged one means.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmarks.accepting.words import CITIES, DOMAINS, FILLER, FIRST, LABELS, LAST, NOISE, PRODUCTS, TOPICS


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt, the logged answer, the cheap model's, and whether that serves; a list is a set of tool calls."""

    user: str
    logged: str | list[tuple[str, dict[str, Any]]]
    weak: str | list[tuple[str, dict[str, Any]]]
    good: bool


@dataclass(frozen=True, slots=True)
class Task:
    """A workflow's fixed part, and how one of its prompts is made; `make` gets the chance of a right answer."""

    name: str
    system: str
    make: Callable[[Random, bool, int], Item]
    parameters: dict[str, Any] = field(default_factory=dict)


def padding(rng: Random, sentences: int) -> str:
    return " ".join(rng.choice(FILLER) for _ in range(sentences))


def _labelled(rng: Random, label: str) -> str:
    """A label as a cheap model writes it."""
    way = rng.random()
    if way < 0.55:
        return label
    title = label.replace("_", " ").title()
    return rng.choice(
        [f"{label}.", f"**{label}**", f"Category: {label}", f"The category is {label}.", label.upper(), f'"{label}"',
         f"`{label}`", f"Label: **{label}**", f" {label}\n", f"{label}\n\nThe customer asks about {rng.choice(NOISE)}.",
         f"{label} - the message is about {rng.choice(NOISE)}", title]
    )  # fmt: skip


def intent(rng: Random, right: bool, length: int) -> Item:
    label = rng.choices(list(LABELS), weights=[30, 20, 15, 12, 10, 8, 5])[0]
    said = label if right else rng.choice([other for other in LABELS if other != label])
    user = f"{rng.choice(LABELS[label])} {padding(rng, length)} Ref {rng.randrange(10**6)}"
    return Item(user, label, _labelled(rng, said), right)


def rare(rng: Random, right: bool, length: int) -> Item:
    """Ninety-five of a hundred messages are of one label."""
    label = "no" if rng.random() < 0.95 else "yes"
    said = label if right else {"no": "yes", "yes": "no"}[label]
    told = "wants to cancel the contract" if label == "yes" else "asks about an invoice"
    dressed = rng.choice([said, said, said, said.title(), f"{said}.", f"{said.title()}, the customer {told}."])
    return Item(f"The customer {told}. {padding(rng, length)} Ticket {rng.randrange(10**6)}", label, dressed, right)


def extraction(rng: Random, right: bool, length: int) -> Item:
    amount, tax = rng.randrange(1000, 900000) / 100, rng.choice([7, 19])
    day, month, year = rng.randrange(1, 29), rng.randrange(1, 13), rng.choice([2025, 2026])
    number, who = f"INV-{rng.randrange(1000, 9999)}", f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    lines = [
        {"sku": f"A-{rng.randrange(100, 999)}", "quantity": rng.randrange(1, 9)} for _ in range(rng.randrange(1, 4))
    ]
    truth: dict[str, Any] = {
        "invoice_number": number, "customer": who, "date": f"{year}-{month:02d}-{day:02d}", "total": amount,
        "tax_percent": tax, "paid": rng.random() < 0.5, "lines": lines,
    }  # fmt: skip
    ours = json.loads(json.dumps(truth))
    if right:
        ours["lines"] = rng.sample(lines, len(lines))
        if rng.random() < 0.3:
            ours["invoice_number"] = number.lower()
        if rng.random() < 0.3:
            ours["total"] = round(amount, 2) if rng.random() < 0.5 else float(f"{amount:.3f}")
        ours = dict(rng.sample(list(ours.items()), len(ours)))
    else:
        _spoil(rng, ours)
    text = json.dumps(ours, indent=rng.choice([None, None, 2]), ensure_ascii=False)
    if rng.random() < 0.4:
        text = f"```json\n{text}\n```"
    shown = f"Invoice {number}\nBilled to {who}, {day}.{month}.{year}\nTotal {amount:.2f} EUR incl. {tax} % VAT"
    return Item(f"{shown}\n{padding(rng, length)}", json.dumps(truth, ensure_ascii=False), text, right)


def _spoil(rng: Random, value: dict[str, Any]) -> None:
    way = rng.randrange(6)
    if way == 0:
        value["total"] = round(value["total"] + rng.choice([-10, 0.1, 100]), 2)
    elif way == 1:
        value["invoice_number"] = f"{value['invoice_number'][:-1]}{(int(value['invoice_number'][-1]) + 1) % 10}"
    elif way == 2:
        del value["customer"]
    elif way == 3:
        value["paid"] = 0 if value["paid"] is False else not value["paid"]
    elif way == 4:
        value["lines"] = [*value["lines"], {"sku": "A-000", "quantity": 1}]
    else:
        year, month, day = value["date"].split("-")
        value["date"] = f"{year}-{month}-{int(day) % 28 + 1:02d}"


def capital(rng: Random, right: bool, length: int) -> Item:
    country = rng.choice(list(CITIES))
    city = CITIES[country]
    said = city if right else rng.choice([other for other in CITIES.values() if other != city])
    weak = rng.choice(
        [said, said, f"{said}.", f"**{said}**", f"The capital of {country} is {said}.", f"Answer: {said}",
         f"The answer is {said}.", f"{said}, {country}", f"It is {said}."]
    )  # fmt: skip
    return Item(
        f"{padding(rng, length)} Question {rng.randrange(10**6)}: What is the capital of {country}?", city, weak, right
    )


def arithmetic(rng: Random, right: bool, length: int) -> Item:
    """A sum with its working; both models end with a number, each in its way."""
    price, number, off = rng.randrange(3, 60), rng.randrange(2, 30), rng.randrange(1, 20)
    answer = price * number - off
    said = answer if right else answer + rng.choice([-10, -1, 1, off, 2 * off, 100])
    name, thing = rng.choice(FIRST), rng.choice(PRODUCTS)
    user = (
        f"{padding(rng, length)} {name} buys {number} {thing}s at ${price} each and gets ${off} off. "
        "What does it cost? Think step by step."
    )
    logged = (
        f"{name} buys {number} {thing}s at ${price} each.\nThat is {number} * {price} = {price * number} dollars.\n"
        f"After ${off} off it is {price * number} - {off} = {answer}.\n#### {answer}"
    )
    work = f"First, {number} {thing}s cost {number} × ${price} = ${price * number}. "
    ending = rng.choice(
        [f"The answer is {said}.", f"So the final answer is **${said}**.", f"#### {said}", f"\n\n**Answer: {said}**",
         f"Final answer: ${said:,}", f"\\[\\boxed{{{said}}}\\]", f"Therefore, it costs ${said}.00 in total.\n\nThe answer is ${said}.00."]
    )  # fmt: skip
    return Item(user, logged, f"{work}Then we subtract the discount of ${off}. {ending}", right)


def choice(rng: Random, right: bool, length: int) -> Item:
    """Multiple choice: today's model gives the letter alone, the cheap one often says why."""
    country = rng.choice(list(CITIES))
    others = rng.sample([each for each in CITIES.values() if each != CITIES[country]], 3)
    options = rng.sample([CITIES[country], *others], 4)
    answer = "ABCD"[options.index(CITIES[country])]
    said = answer if right else rng.choice([letter for letter in "ABCD" if letter != answer])
    named = options["ABCD".index(said)]
    listed = "\n".join(f"{letter}) {option}" for letter, option in zip("ABCD", options, strict=True))
    user = f"{padding(rng, length)}\nNo. {rng.randrange(10**6)}. Which city is the capital of {country}?\n{listed}"
    weak = rng.choice(
        [said, said, f"{said}.", f"({said})", f"{said}) {named}", f"**{said}**", f"The answer is {said}.",
         f"Answer: {said}", f"The correct answer is **{said}) {named}**.", f"{said}. {named}", f"['{said}']",
         f"{named} is the seat of government of {country}.\n\nThe answer is {said}."]
    )  # fmt: skip
    return Item(user, answer, weak, right)


def reasoned(rng: Random, right: bool, length: int) -> Item:
    """Multiple choice where both models reason first."""
    made = choice(rng, right, length)
    letter = made.logged
    said = letter if right else rng.choice([each for each in "ABCD" if each != letter])
    ours = f"Let us go through the options one after the other. {padding(rng, 3)}\n\nThe answer is {letter}."
    theirs = rng.choice(
        [f"{padding(rng, 2)} Therefore the answer is ({said}).", f"{padding(rng, 4)}\n\n**Answer: {said}**",
         f"Looking at each option in turn: {padding(rng, 2)}\n\nFinal answer: {said}", f"{padding(rng, 2)} So the correct answer is {said}."]
    )  # fmt: skip
    return Item(f"{made.user}\nThink step by step, then give the letter.", ours, theirs, right)


def german(rng: Random, right: bool, length: int) -> Item:
    """Sentiment in German, with umlauts and formatting."""
    label = rng.choices(["positiv", "negativ", "neutral"], weights=[50, 30, 20])[0]
    said = label if right else rng.choice([each for each in ("positiv", "negativ", "neutral") if each != label])
    told = {"positiv": "Großartiger Service, gerne wieder!", "negativ": "Schlecht verpackt, zu spät geliefert.",
            "neutral": "Das Paket kam am Dienstag an."}[label]  # fmt: skip
    weak = rng.choice(
        [said, said, said.title(), f"{said}.", f"Stimmung: {said}", f"Die Stimmung ist {said}.", f"**{said.title()}**"]
    )
    return Item(f"{told} Bewertung {rng.randrange(10**6)}. {padding(rng, length)}", label, weak, right)


def tool(rng: Random, right: bool, length: int) -> Item:
    order, city = f"{rng.choice('ABC')}-{rng.randrange(10000, 99999)}", rng.choice(list(CITIES.values()))
    number, day = rng.randrange(1, 9), f"2026-11-{rng.randrange(1, 29):02d}"
    name, arguments = rng.choice(
        [("get_order", {"order_id": order}), ("book_courier", {"city": city, "date": day, "parcels": number})]
    )
    said = dict(rng.sample(list(arguments.items()), len(arguments)))
    called = name
    if not right:
        if name == "get_order":
            said["order_id"] = order[:-1] if rng.random() < 0.5 else order.replace("-", "-9")
        elif rng.random() < 0.4:
            called, said = "get_order", {"order_id": order}
        else:
            said["parcels"] = number + 1
    told = f"{order}, {city}, {day}, {number} parcels: {'where is it?' if name == 'get_order' else 'send a courier'}"
    return Item(f"{told} {padding(rng, length)}", [(name, arguments)], [(called, said)], right)


def number_of(rng: Random, right: bool, length: int) -> Item:
    """A figure read off a text: units, thousands marks and sentences differ."""
    value, domain = rng.randrange(1200, 980000), rng.choice(DOMAINS)
    said = value if right else rng.choice([value + 1, value * 10, value // 10])
    weak = rng.choice(
        [
            f"{said}",
            f"{said:,}",
            f"{said:,} EUR",
            f"€{said:,}",
            f"The revenue was €{said:,}.",
            f"**€{said:,}**",
            f"EUR {said}.00",
        ]
    )
    return Item(
        f"{domain} reported a revenue of {value:,} EUR in 2025. {padding(rng, length)} What was the revenue in EUR?",
        f"€{value:,}", weak, right,
    )  # fmt: skip


_TOOLS = [
    {"type": "function", "function": {"name": "get_order", "parameters": {
        "type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}}},
    {"type": "function", "function": {"name": "book_courier", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}, "date": {"type": "string"},
                                         "parcels": {"type": "integer"}},
        "required": ["city", "date", "parcels"]}}},
]  # fmt: skip

TASKS = {
    each.name: each
    for each in (
        Task("intent", f"Classify the message into one of: {', '.join(LABELS)}. Answer with the label only.", intent),
        Task("rare", "Does the customer want to cancel? Answer yes or no.", rare),
        Task("extraction", "Extract the invoice as JSON.", extraction, {"response_format": {"type": "json_object"}}),
        Task("capital", "Answer the question with the name only.", capital),
        Task("arithmetic", "You are a careful tutor of arithmetic.", arithmetic),
        Task("choice", "Answer the multiple-choice question with the letter of the right option.", choice),
        Task("reasoned", "You solve exam questions.", reasoned),
        Task("german", "Bestimme die Stimmung der Bewertung: positiv, negativ oder neutral.", german),
        Task("tool", "You are the dispatcher of a parcel service.", tool, {"tools": _TOOLS}),
        Task("figure", "Read figures off company reports.", number_of),
        Task("topics", f"Assign the text to one topic of: {', '.join(TOPICS)}.", intent),
    )
}
