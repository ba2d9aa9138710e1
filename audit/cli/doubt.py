"""How far the spend depends on the price table, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.uncertainty import Uncertainty

_TOP = 10


def print_uncertainty(found: Uncertainty) -> None:
    """What a second table says of this spend, per model and in total, and what was not compared."""
    from audit import console, figures

    if found.disagreements:
        console.table(
            f"Prices {found.table} lists otherwise",
            ("Model", "Meters", "Here", "There", "Difference"),
            [
                (f"{each.provider}/{each.model}", ", ".join(each.meters), figures.money(each.pico),
                 figures.money(each.other_pico), figures.signed_money(each.other_pico - each.pico))
                for each in found.disagreements[:_TOP]
            ],
            left=2,
            footer=f"and {len(found.disagreements) - _TOP} more (--json)" if len(found.disagreements) > _TOP else "",
        )  # fmt: skip
    console.say(found.sentence)
    if found.gap:
        console.say(found.gap)
    console.say("")
