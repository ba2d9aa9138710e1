"""The two sides of the bill, cell by cell: one span, model and kind of token on the invoice and in the log."""

from __future__ import annotations

from dataclasses import dataclass, field

from audit.reconciling.bins import Bin


@dataclass(slots=True)
class Part:
    """The log's tokens of one meter and tier in a cell, estimated ones included; money in pico-USD."""

    quantity: int = 0
    cost_pico: int = 0


@dataclass(slots=True)
class Tier:
    """What the invoice says of one tier in a cell: dollars and their tokens, and tokens of usage reports."""

    amount_pico: int = 0
    paid_quantity: int = 0
    counted_quantity: int = 0


@dataclass(slots=True, eq=False)
class Cell:
    """One span, model and kind of token on both sides; money in pico-USD.

    `rest` is the part of invoice minus log that no cause has taken yet; causes take all of it in the end, so that they
    add up to the residual. `tolerance_pico` is what the invoice's rounding can hide. `paid_lines` carry dollars,
    `uncounted_lines` are those of them without a quantity.
    """

    bin: Bin
    provider_name: str
    model: str
    kind: str
    label: str = ""
    price_key: tuple[str, str] | None = None
    on_invoice: bool = False
    in_log: bool = False
    billed_pico: int = 0
    paid_lines: int = 0
    uncounted_lines: int = 0
    counted_lines: int = 0
    tiers: dict[str, Tier] = field(default_factory=dict)
    tolerance_pico: int = 0
    logged_pico: int = 0
    list_pico: int = 0
    estimated_pico: int = 0
    logged_quantity: int = 0
    unpriced_quantity: int = 0
    parts: dict[tuple[str, str], Part] = field(default_factory=dict)
    rest: int = 0
    causes: dict[str, int] = field(default_factory=dict)

    @property
    def billed_quantity(self) -> int | None:
        """Tokens or calls on the invoice: those of its dollars, else those of a usage report; None = not told."""
        if self.paid_lines and not self.uncounted_lines:
            return sum(each.paid_quantity for each in self.tiers.values())
        if self.counted_lines:
            return sum(each.counted_quantity for each in self.tiers.values())
        return None

    @property
    def expected_pico(self) -> int:
        """What the log says this cell costs: with requests whose usage was not logged, in the tier that was billed."""
        return self.logged_pico + self.estimated_pico + self.causes.get("tier", 0)

    @property
    def estimated_share(self) -> float:
        """What requests without logged usage add to the log's dollars, as a share of them."""
        return self.estimated_pico / self.logged_pico if self.logged_pico > 0 else 0.0

    @property
    def priced_pico(self) -> int:
        """What the invoice asks for the log's tokens: what is left of its price once causes took their part."""
        return self.expected_pico + self.rest

    @property
    def both(self) -> bool:
        """Whether both sides know the cell and the log has a price for it."""
        return self.on_invoice and self.in_log and self.expected_pico > 0

    def take(self, cause: str, amount_pico: int) -> None:
        """Attribute a part of the residual to a cause."""
        if amount_pico:
            self.causes[cause] = self.causes.get(cause, 0) + amount_pico
            self.rest -= amount_pico


@dataclass(slots=True)
class Requests:
    """Requests of one span and model on both sides, where the invoice counts them."""

    billed: int | None = None
    logged: int = 0


@dataclass(slots=True)
class Provider:
    """Both sides of one biller; `counts_only` says that no invoice of it states dollars."""

    name: str
    counts_only: bool
    cells: list[Cell]
    requests: dict[tuple[int, str], Requests] = field(default_factory=dict)
