"""The `--json` document of `audit reconcile`, keys as documented in docs/json.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.export.values import day, usd
from audit.reconciling import TOLERANCE, as_toml

if TYPE_CHECKING:
    from audit.reconciling import Cause, Reconciliation, Residual, Suggestion
    from audit.reconciling.result import ProviderResult, Read

Document = dict[str, Any]


def reconciliation_document(result: Reconciliation) -> Document:
    """`audit reconcile --json`."""
    return {
        "verdict": result.verdict,
        "reconciled": result.reconciled,
        "reason": result.reason,
        "tolerance": TOLERANCE,
        "basis": result.basis,
        "period": {"first": day(result.first_day), "last": day(result.last_day)},
        "billed_usd": usd(result.billed_pico),
        "logged_usd": usd(result.logged_pico),
        "residual_usd": usd(result.residual_pico),
        "residual_share": result.residual_share,
        "gross_residual_usd": usd(result.gross_pico),
        "unexplained_usd": usd(result.unexplained_pico),
        "unexplained_share": result.unexplained_share,
        "checked_share": result.checked_share,
        "invoices": [_invoice(each) for each in result.invoices],
        "providers": [_provider(each) for each in result.providers],
        "causes": [_cause(each) for each in result.causes],
        "contracts": [_contract(each) for each in result.contracts],
        "residuals": [_residual(each) for each in result.residuals],
        "unchecked": [
            {"side": each.side, "name": each.name, "reason": each.reason, "usd": usd(each.pico)}
            for each in result.unchecked
        ],
        "beside": [{"category": each.category, "label": each.label, "usd": usd(each.pico)} for each in result.beside],
        "notes": list(result.notes),
    }


def _invoice(read: Read) -> Document:
    return {
        "path": read.path,
        "format": read.format,
        "title": read.title,
        "records": read.records,
        "first": day(read.first_day),
        "last": day(read.last_day),
        "billed_usd": usd(read.billed_pico),
        "currencies": list(read.currencies),
    }


def _provider(provider: ProviderResult) -> Document:
    return {
        "name": provider.name,
        "basis": "usage" if provider.counts_only else "dollars",
        "time_zone": provider.time_zone,
        "billed_usd": usd(provider.billed_pico),
        "logged_usd": usd(provider.logged_pico),
        "residual_usd": usd(provider.billed_pico - provider.logged_pico),
        "unexplained_usd": usd(provider.unexplained_pico),
        "requests": [
            {"day": day(first), "model": model, "billed": billed, "logged": logged}
            for first, model, billed, logged in provider.requests
        ],
    }


def _cause(cause: Cause) -> Document:
    return {
        "name": cause.name,
        "title": cause.title,
        "usd": usd(cause.pico),
        "estimated": cause.estimated,
        "days": [{"first": day(first), "last": day(last), "usd": usd(pico)} for first, last, pico in cause.days],
        "models": [{"model": model, "usd": usd(pico)} for model, pico in cause.models],
    }


def _contract(found: Suggestion) -> Document:
    dates = day(found.from_day) or "", day(found.to_day) or ""
    return {
        "provider": found.provider_name,
        "model": found.model,
        "discount_percent": found.discount_percent,
        "prices_per_million": dict(found.usd_per_million),
        "valid_from": dates[0] or None,
        "valid_to": dates[1] or None,
        "ratio_low": found.ratio_low,
        "ratio_high": found.ratio_high,
        "days": found.days,
        "toml": as_toml(found, dates),
    }


def _residual(each: Residual) -> Document:
    return {
        "first": day(each.first_day),
        "last": day(each.last_day),
        "provider": each.provider_name,
        "model": each.model,
        "kind": each.kind,
        "billed_usd": usd(each.billed_pico),
        "logged_usd": usd(each.logged_pico),
        "residual_usd": usd(each.pico),
        "billed_quantity": each.billed_quantity,
        "logged_quantity": each.logged_quantity,
        "causes": {name: usd(pico) for name, pico in each.causes.items()},
    }
