"""What a reconciliation says; money in pico-USD, days since 1970-01-01."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from audit.reconciling.contracts import Suggestion

TOLERANCE = 0.02
"""How much of the invoice may be left between it and the log."""

LEAST_CHECKED = 0.9
"""Share of the log's dollars that must have been held against an invoice for their sum to count as confirmed."""

Verdict = Literal["reconciled", "explained", "not_reconciled"]
Basis = Literal["dollars", "usage", "mixed", "total"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why invoice and log differ: invoice minus log, the days and models it was found on, dearest first.

    `estimated` says that the figure is worked out from a mean or from a tokenizer, not from what was billed.
    """

    name: str
    title: str
    pico: int
    estimated: bool
    days: tuple[tuple[int, int, int], ...]
    """(first day, last day, pico)"""
    models: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Residual:
    """One span, model and kind of token on both sides; quantities are None where the side does not count."""

    first_day: int
    last_day: int
    provider_name: str
    model: str
    kind: str
    billed_pico: int
    logged_pico: int
    billed_quantity: int | None
    logged_quantity: int
    causes: Mapping[str, int]

    @property
    def pico(self) -> int:
        """Invoice minus log."""
        return self.billed_pico - self.logged_pico


@dataclass(frozen=True, slots=True)
class ProviderResult:
    """One biller: what it bills and what the log holds. `counts_only` = its reports count tokens and bill nothing."""

    name: str
    counts_only: bool
    time_zone: str
    billed_pico: int
    logged_pico: int
    unexplained_pico: int
    requests: tuple[tuple[int, str, int, int], ...] = ()
    """(first day, model, requests on the invoice, in the log) where they differ."""


@dataclass(frozen=True, slots=True)
class Read:
    """One invoice file that was read."""

    path: str
    format: str
    title: str
    records: int
    first_day: int
    last_day: int
    billed_pico: int
    currencies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Dollars of one side that the other says nothing about: they are in no residual."""

    side: Literal["log", "invoice"]
    name: str
    reason: str
    pico: int


@dataclass(frozen=True, slots=True)
class Beside:
    """Charges of an invoice that no request log holds: tax, credits, other services."""

    category: str
    label: str
    pico: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Does the log explain the bill? The causes add up to the residual, `unexplained` among them.

    `gross_pico` is the sum over models of what is left between the sides, without regard to sign; `checked_share` the
    share of the log's dollars that an invoice was held against.
    """

    verdict: Verdict
    reason: str
    basis: Basis
    first_day: int
    last_day: int
    billed_pico: int
    logged_pico: int
    gross_pico: int
    unexplained_pico: int
    checked_share: float | None
    providers: tuple[ProviderResult, ...]
    causes: tuple[Cause, ...]
    contracts: tuple[Suggestion, ...]
    residuals: tuple[Residual, ...]
    unchecked: tuple[Unchecked, ...]
    beside: tuple[Beside, ...]
    invoices: tuple[Read, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def residual_pico(self) -> int:
        """Invoice minus log."""
        return self.billed_pico - self.logged_pico

    @property
    def residual_share(self) -> float | None:
        """Of the invoice; None when it asks for nothing."""
        return abs(self.residual_pico) / self.billed_pico if self.billed_pico > 0 else None

    @property
    def unexplained_share(self) -> float | None:
        """Of the invoice; None when it asks for nothing."""
        return self.unexplained_pico / self.billed_pico if self.billed_pico > 0 else None

    @property
    def reconciled(self) -> bool:
        """Whether the log explains the invoice within the tolerance, in sum and model by model."""
        return self.verdict == "reconciled"
