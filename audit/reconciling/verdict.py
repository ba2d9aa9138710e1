"""From cells to an answer: causes, what stays open, and whether the bill is explained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from audit import figures
from audit.reconciling.causes import TITLES
from audit.reconciling.cells import Cell
from audit.reconciling.result import TOLERANCE, Basis, Cause, Residual, Verdict

_SHOWN_CAUSES = 3
_GUESSED = {"estimated_usage"}
Key = TypeVar("Key")


def causes_of(cells: Iterable[Cell], guessed_days: bool) -> tuple[Cause, ...]:
    """The causes with their dollars, largest first, what is unexplained last."""
    found: dict[str, list[tuple[Cell, int]]] = {}
    for cell in cells:
        for name, pico in cell.causes.items():
            found.setdefault(name, []).append((cell, pico))
    causes = [_cause(name, parts, guessed_days) for name, parts in found.items()]
    return tuple(sorted(causes, key=lambda cause: (cause.name == "unexplained", -abs(cause.pico), cause.name)))


def _cause(name: str, parts: list[tuple[Cell, int]], guessed_days: bool) -> Cause:
    days = _sums(parts, lambda cell: (cell.bin.first_day, cell.bin.last_day))
    models = _sums(parts, lambda cell: cell.label or cell.kind)
    return Cause(
        name,
        TITLES[name],
        sum(pico for _, pico in parts),
        name in _GUESSED or (name == "missing_log_days" and guessed_days),
        tuple((first, last, pico) for (first, last), pico in sorted(days.items())),
        tuple(sorted(models.items(), key=lambda each: (-abs(each[1]), each[0]))),
    )


def _sums(parts: list[tuple[Cell, int]], key: Callable[[Cell], Key]) -> dict[Key, int]:
    sums: dict[Key, int] = {}
    for cell, pico in parts:
        sums[key(cell)] = sums.get(key(cell), 0) + pico
    return {name: pico for name, pico in sums.items() if pico}


def residuals_of(cells: Iterable[Cell]) -> tuple[Residual, ...]:
    """Both sides of every cell, by day, biller, model and kind."""
    ordered = sorted(cells, key=lambda cell: (cell.bin.start_us, cell.provider_name, cell.label, cell.model, cell.kind))
    return tuple(
        Residual(
            cell.bin.first_day,
            cell.bin.last_day,
            cell.provider_name,
            cell.label or cell.model,
            cell.kind,
            cell.billed_pico,
            cell.logged_pico,
            cell.billed_quantity,
            cell.logged_quantity,
            {name: pico for name, pico in cell.causes.items() if pico},
        )
        for cell in ordered
    )


def gross(cells: Iterable[Cell], of: Callable[[Cell], int]) -> int:
    """The sum over models of an amount, each without its sign: what differs in one model can't excuse another."""
    sums: dict[tuple[str, str], int] = {}
    for cell in cells:
        key = cell.provider_name, cell.model or cell.kind
        sums[key] = sums.get(key, 0) + of(cell)
    return sum(abs(pico) for pico in sums.values())


def judge(
    billed: int, logged: int, gross_pico: int, unexplained: int, causes: Sequence[Cause], basis: Basis
) -> tuple[Verdict, str]:
    """The verdict and its reason in a sentence."""
    invoice, priced = ("invoice", "billed") if basis != "usage" else ("usage report", "counted, at the log's prices")
    if billed <= 0:
        return "not_reconciled", f"The {invoice} asks for nothing in the compared period."
    share = abs(billed - logged) / billed
    between = f"{figures.money(billed)} {priced}, {figures.money(logged)} in the log"
    if share <= TOLERANCE and gross_pico <= TOLERANCE * billed:
        return "reconciled", f"The log explains the {invoice} within {figures.share(share)}: {between}."
    text = f"The {invoice} and the log differ by {figures.share(share)}: {between}."
    if share <= TOLERANCE:
        text = (
            f"The totals agree within {figures.share(share)}, but the models differ by "
            f"{figures.share(gross_pico / billed)} in both directions: {between}."
        )
    named = [
        f"{cause.title} ({figures.signed_money(cause.pico)})"
        for cause in causes
        if cause.name not in ("unexplained", "rounding")
    ][:_SHOWN_CAUSES]
    if named:
        text += f" Found: {figures.listing(named)}."
    if unexplained <= TOLERANCE * billed:
        return "explained", f"{text} That explains all but {figures.share(unexplained / billed)}."
    left = f"{figures.money(unexplained)} ({figures.share(unexplained / billed)})"
    return "not_reconciled", f"{text} {left} is unexplained."
