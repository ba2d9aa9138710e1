"""How far the spend depends on the price table, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.uncertainty import Uncertainty

_TOP = 10
_SAME = 1000
"""A report within one part in so many of the table says the same."""


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


def print_reported(rows: list[dict[str, Any]]) -> None:
    """Costs the log reports beside what the table says, per model, where they differ by more than a rounding."""
    from audit import console, figures

    listed = [row for row in rows if row["listed_requests"]]
    if not listed:
        return
    apart = [row for row in listed if _SAME * abs(row["logged_of_listed"] - row["listed"]) > max(row["listed"], 1)]
    apart.sort(key=lambda row: -abs(row["logged_of_listed"] - row["listed"]))
    reported, table = sum(row["logged_of_listed"] for row in listed), sum(row["listed"] for row in listed)
    if apart:
        console.table(
            "Costs the log reports against the price table",
            ("Model", "Requests", "Billed so", "Reported", "Table", "Difference"),
            [
                (row["model"], figures.count(row["requests"]), figures.count(row["billed"]),
                 figures.money(row["logged_of_listed"]), figures.money(row["listed"]),
                 figures.signed_money(row["logged_of_listed"] - row["listed"]))
                for row in apart[:_TOP]
            ],
        )  # fmt: skip
    console.say(
        f"The log reports {figures.money(reported)} for requests the table prices at {figures.money(table)} "
        f"({figures.signed_money(reported - table)}); what a biller reports is in the spend, any other report is not."
    )
    console.say("")
