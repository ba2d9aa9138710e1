"""Keep the last reconciliation in the audit file, and tell whether the log has changed since."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from audit import figures
from audit.reconciling.files import InvoiceFile
from audit.reconciling.result import LEAST_CHECKED, TOLERANCE, Reconciliation
from audit.store import Store

_META = "reconciliation"
_STATE = """
SELECT COUNT(*) AS requests, CAST(COALESCE(SUM(c.cost_pico), 0) AS DECIMAL(38, 0)) AS cost
FROM request AS r JOIN request_cost AS c ON c.request_id = r.request_id WHERE r.status = 'billable'
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """The last reconciliation in short. `stale` = the log or its prices changed since."""

    verdict: str
    reason: str
    basis: str
    residual_share: float | None
    unexplained_share: float | None
    checked_share: float | None
    first_day: int
    last_day: int
    billed_pico: int
    logged_pico: int
    invoices: tuple[str, ...]
    contracts: int
    at_us: int
    stale: bool = False

    @property
    def confirms(self) -> bool:
        """Whether an invoice confirms the log's dollars: reconciled, in money, most of them checked, still the same."""
        return (
            self.verdict == "reconciled"
            and self.basis in ("dollars", "total")
            and (self.checked_share or 0.0) >= LEAST_CHECKED
            and not self.stale
        )

    @property
    def off(self) -> float:
        """Share of the bill the log is off by: models that differ in both directions are off by more than their sum."""
        return max(self.residual_share or 0.0, self.unexplained_share or 0.0)


def write(store: Store, result: Reconciliation, files: Sequence[InvoiceFile]) -> None:
    """Replace what the audit file holds of an earlier reconciliation."""
    with store.transaction():
        store.run("DELETE FROM invoice_line")
        store.run("DELETE FROM reconciliation")
        store.write_rows("invoice_line", [row for file in files for row in _line_rows(file)])
        store.write_rows("reconciliation", _residual_rows(result))
        kept = Checked(
            result.verdict,
            result.reason,
            result.basis,
            result.residual_share,
            result.unexplained_share,
            result.checked_share,
            result.first_day,
            result.last_day,
            result.billed_pico,
            result.logged_pico,
            tuple(each.path for each in result.invoices),
            len(result.contracts),
            time.time_ns() // 1000,
        )
        store.set_meta(_META, json.dumps({**asdict(kept), "state": _state(store)}))


def latest(store: Store) -> Checked | None:
    """The last reconciliation of this audit file, None when there was none."""
    text = store.meta(_META)
    if text is None:
        return None
    found: dict[str, Any] = json.loads(text)
    state = found.pop("state")
    return Checked(**{**found, "invoices": tuple(found["invoices"]), "stale": state != _state(store)})


def caveat(checked: Checked | None) -> str:
    """Why figures made of the log's dollars are not confirmed by an invoice, in a clause; empty where they are."""
    if checked is None:
        return "log-only: not held against an invoice"
    if checked.stale:
        return "log-only: the log or its prices changed since it was held against an invoice"
    if checked.confirms:
        return ""
    if checked.verdict == "reconciled":
        if checked.basis in ("usage", "mixed"):
            return "held against a usage report, which bills nothing: dollars unchecked"
        return f"held against an invoice for only {figures.share(checked.checked_share)} of the spend"
    held = f"held against {'a usage report' if checked.basis == 'usage' else 'an invoice'}"
    if checked.billed_pico <= 0:
        return f"{held} that asks for nothing"
    limit = figures.share(TOLERANCE, 0)
    if checked.off <= TOLERANCE:
        return f"{held}: the totals agree, models differ by more than {limit} in both directions"
    return f"{held}: off by {figures.share(checked.off)}, more than the {limit} that would make it reconciled"


def _state(store: Store) -> list[str]:
    row = store.rows(_STATE)[0]
    return [str(row["requests"]), str(int(row["cost"]))]


def _line_rows(file: InvoiceFile) -> list[dict[str, Any]]:
    return [
        {
            "path": file.path,
            "format": file.format,
            "provider_name": line.provider_name,
            "model": line.model,
            "sku_meter": line.sku_meter,
            "service_tier": line.service_tier,
            "charge_category": line.category,
            "description": line.label,
            "charge_start_us": line.start_us,
            "charge_end_us": line.end_us,
            "consumed_quantity": None if line.quantity is None or not line.unit_known else round(line.quantity),
            "requests": line.requests,
            "billed_cost_pico": None if line.amount_pico is None else Decimal(line.amount_pico),
        }
        for line in file.lines
        if line.category != "empty"
    ]


def _residual_rows(result: Reconciliation) -> list[dict[str, Any]]:
    return [
        {
            "first_day": each.first_day,
            "last_day": each.last_day,
            "provider_name": each.provider_name,
            "model": each.model,
            "kind": each.kind,
            "billed_cost_pico": Decimal(each.billed_pico),
            "logged_cost_pico": Decimal(each.logged_pico),
            "billed_quantity": each.billed_quantity,
            "logged_quantity": each.logged_quantity,
            "causes": json.dumps(dict(each.causes)),
        }
        for each in result.residuals
    ]
