"""How fine two sides can be compared: model and kind of token in the words both of them know."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from audit.reconciling.names import Model

WHOLE = "all"
"""Kind of a cell whose side does not tell kinds of tokens apart."""

_SAME = {"output_reasoning": "output", "output_citation": "output"}
_BASES = {
    "input_audio": "input",
    "input_image": "input",
    "input_video": "input",
    "cache_read_audio": "cache_read",
    "cache_read_image": "cache_read",
    "output_audio": "output",
    "output_image": "output",
    "cache_write_5m": "cache_write",
    "cache_write_1h": "cache_write",
}
_INPUT_PARTS = ("cache_read", "cache_write")
_TOKENS = {"input", "output", "cache_read", "cache_write", *_BASES, *_SAME}


def is_tool(meter: str) -> bool:
    """Whether a meter counts calls of a tool, which invoices bill without naming the model."""
    return meter not in _TOKENS and meter not in ("", "request", "billed_adjustment", WHOLE)


def is_token(meter: str) -> bool:
    """Whether a meter counts tokens."""
    return meter in _TOKENS


def model_keys(invoice: Iterable[Model], log: Iterable[Model]) -> dict[Model, str]:
    """The name each model is compared under: its snapshot where both sides name the same ones, else its family."""
    sides: dict[str, tuple[set[str], set[str]]] = {}
    for side, models in enumerate((invoice, log)):
        for each in models:
            sides.setdefault(each.family, (set(), set()))[side].add(each.snapshot)
    keys: dict[Model, str] = {}
    for family, (billed, logged) in sides.items():
        fine = billed == logged and len(billed) > 1
        for snapshot in billed | logged:
            keys[Model(family, snapshot)] = f"{family}@{snapshot}" if fine and snapshot else family
    return keys


def kinds(invoice: Collection[str], log: Collection[str]) -> dict[str, str]:
    """Meter → the kind one model is compared by, given the meters each side has of it.

    A meter one side lacks joins the plainer one it is part of: audio in text, five minutes and an hour in cache
    writes, cached tokens in input. An invoice without kinds, or a log with charges of no kind, is compared whole.
    """
    billed, logged = {_SAME.get(each, each) for each in invoice}, {_SAME.get(each, each) for each in log}
    every = billed | logged
    if "" in billed or logged & {"request", "billed_adjustment"}:
        return dict.fromkeys({*invoice, *log}, WHOLE)
    found = {each: each for each in every}
    if billed and logged:
        for base in set(_BASES.values()):
            group = {each for each in every if _BASES.get(each, each) == base}
            if group & billed != group & logged:
                found.update(dict.fromkeys(group, base))
        bases = {found[each] for each in billed}
        if "input" in bases and "output" in bases:
            for part in _INPUT_PARTS:
                if part not in bases:
                    found.update({each: "input" for each, kind in found.items() if kind == part})
    return {each: found[_SAME.get(each, each)] for each in {*invoice, *log}}
