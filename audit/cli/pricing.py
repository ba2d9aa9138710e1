"""The price catalogue a configuration asks for, and `audit prices`."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json
from audit.errors import PriceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.config import Config
    from audit.prices.catalogue import Catalogue
    from audit.prices.rows import PriceRow
    from audit.store import Store
    from audit.uncertainty import Uncertainty

_OPEN_US = 2**62
_STAND_IN = "none listed"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(prices)


def price_settings(config: Config) -> str:
    """What prices are made of beside the price data: when it is another, everything is priced anew."""
    return repr((config.contract, sorted(config.aliases.items())))


def _other_settings(store: Store, config: Config) -> bool:
    """Whether the audit file was priced with other contracts or aliases."""
    return store.meta("price_settings") not in (None, price_settings(config))


def warn_if_stale(store: Store, config: Config) -> None:
    """Warn when the configuration names other contracts or aliases than the audit file was priced with."""
    from audit import console

    if config.path and _other_settings(store, config):
        console.warn(
            f"{console.clean(config.path)}: contracts or aliases changed since this audit file was priced; "
            "run `audit ingest` on any of its logs again to price it anew"
        )


def repricing_told(store: Store, config: Config) -> AbstractContextManager[None]:
    """Around what prices the audit file anew when contracts or aliases are others: say in dollars what that did."""
    return _told(store, config) if _other_settings(store, config) else nullcontext()


@contextmanager
def _told(store: Store, config: Config) -> Iterator[None]:
    """Say in dollars what a new pricing made of the calls that were in the audit file before, and by whose prices."""
    from audit import console, figures, ledger

    newest, before = ledger.spend_up_to(store)
    yield
    after = ledger.spend_up_to(store, newest)[1]
    if before != after:
        basis = console.clean(config.path) if config.path else "list prices: no configuration file was found"
        console.warn(
            f"priced anew by {basis}: what was in the audit file before costs {figures.money(after)} now, "
            f"{figures.money(before)} until now"
        )


def reprice_if_stale(store: Store, config: Config, prices: Catalogue) -> None:
    """Price the audit file anew where price data or contracts are others than it was priced with.

    Contracts it was priced with stand while there is no configuration file: nobody said that they are to be dropped.
    """
    from audit import console
    from audit.ingest import reprice

    if not config.path and _other_settings(store, config):
        console.note("The log stays priced with the contracts it was read with; no configuration file was found here.")
    elif store.meta("price_hash") not in (None, prices.snapshot_hash):
        with _told(store, config):
            reprice(store, lambda: prices)
            store.set_meta("price_settings", price_settings(config))


def catalogue(config: Config) -> Catalogue:
    """Prices with the configuration's contracts and aliases; ConfigError for a contract that can't hold."""
    from audit import console
    from audit.prices.catalogue import load as load_catalogue
    from audit.prices.contracts import from_config

    found = load_catalogue(contracts=from_config(config.contract, config.path), aliases=dict(config.aliases))
    for contract in found.idle_contracts():
        console.warn(
            f"[[contract]] {contract.provider_name} {contract.model}: no model in the price list has this name, so it"
            " changes no price (`audit prices MODEL` shows the provider and name in use)"
        )
    return found


def prices(
    model: Annotated[str | None, typer.Argument(help="A model as logged, any gateway's spelling.")] = None,
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Dated prices in use, with their sources. Of one model, or of the models in the audit file.

    Also says where a second price table disagrees: for the spend of the audit file in dollars, for one model by row.

    Example: audit prices azure/gpt-4o
    """
    from audit.cli.doubt import print_uncertainty

    settings = load(config)
    found: Uncertainty | None = None
    if model is None:
        rows, found = _of_file(db, settings)
    else:
        rows = _of_model(model, catalogue(settings))
    if as_json:
        from audit.export.documents import uncertainty_document

        print_json({"prices": rows, **({"price_uncertainty": uncertainty_document(found)} if found else {})})
        return
    for (provider, name), group in groupby(rows, key=lambda row: (row["provider_name"], row["model"])):
        _print_rows(f"{provider}/{name}", list(group))
    if found:
        print_uncertainty(found)


def _of_model(model: str, prices: Catalogue) -> list[dict[str, Any]]:
    match = prices.resolve(None, model)
    if match is None:
        raise PriceError(
            f"no price is known for {model!r}",
            "map it with [aliases] in audit.toml, or state its price with [[contract]]",
        )
    return _rows(prices, match.provider_name, match.model)


def _of_file(db: str | None, settings: Config) -> tuple[list[dict[str, Any]], Uncertainty]:
    """Standard prices of every model the audit file met."""
    from audit.ledger import price_models
    from audit.uncertainty import uncertainty

    with open_store(db) as store:
        keys, found = price_models(store), uncertainty(store)
    prices = catalogue(settings)
    return [row for key in keys for row in _rows(prices, *key) if row["service_tier"] == "standard"], found


def _rows(prices: Catalogue, provider: str, model: str) -> list[dict[str, Any]]:
    from audit.prices.second_table import second_table

    table = second_table()
    other = {
        each.sku_meter: each.other_unit_price_pico
        for each in table.conflicts
        if (each.provider_name, each.model) == (provider, model)
    }
    rows = []
    for row in prices.rows_for(provider, model):
        key = provider, model, row.sku_meter
        # only today's standard price of the smallest size was read from the second table
        read = (row.service_tier, row.valid_to_us, row.input_threshold <= 0) == ("standard", _OPEN_US, True)
        same = row.list_unit_price_pico or row.unit_price_pico
        there = other.get(row.sku_meter, same if key in table.compared else None) if read else None
        rows.append({**_row(row), "other_usd_per_million": None if there is None else there / 1e6})
    return rows


def _row(row: PriceRow) -> dict[str, Any]:
    return {
        "provider_name": row.provider_name,
        "model": row.model,
        "sku_meter": row.sku_meter,
        "service_tier": row.service_tier,
        "valid_from": _date(row.valid_from_us, 0),
        "valid_to": _date(row.valid_to_us, _OPEN_US),
        "input_threshold": max(0, row.input_threshold),
        "usd_per_million": row.unit_price_pico / 1e6,
        "list_usd_per_million": (row.list_unit_price_pico or row.unit_price_pico) / 1e6,
        "inferred": row.inferred,
        "source": row.source,
        "checked_on": row.checked_on,
        **_hours(row),
    }


def _date(us: int, otherwise: int) -> str | None:
    return None if us == otherwise else datetime.fromtimestamp(us / 1e6, UTC).date().isoformat()


def _hours(row: PriceRow) -> dict[str, Any]:
    from audit.prices.rows import WEEK_US

    if row.week_from_us == 0 and row.week_to_us == WEEK_US:
        return {"hours": None}
    (first, opens), (last, closes) = _moment(row.week_from_us), _moment(row.week_to_us)
    return {"hours": f"{first} {opens}–{closes}" if first == last else f"{first} {opens} – {last} {closes}"}


def _moment(week_us: int) -> tuple[str, str]:
    """Weekday and time; weeks are counted from the epoch, a Thursday."""
    days, rest = divmod(week_us // 60_000_000, 24 * 60)
    return ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")[days % 7], f"{rest // 60:02d}:{rest % 60:02d}"


def _print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    """One model's rows in 80 columns: sources are numbered and named below, columns without a word are left out.

    Meters a provider bills at another meter's rate without listing them are left to `--json`, unless tables differ.
    """
    from audit import console, figures

    told = [row for row in rows if _STAND_IN not in row["source"] or _other(row)]
    sources = list(dict.fromkeys(row["source"] for row in told))
    columns = {
        "Meter": [row["sku_meter"] for row in told],
        "Tier": [row["service_tier"] + (" (guess)" if row["inferred"] else "") for row in told],
        "Valid (UTC)": [_span(row["valid_from"], row["valid_to"]) for row in told],
        "Hours (UTC)": [row["hours"] or "" for row in told],
        "Above": [figures.tokens(row["input_threshold"]) if row["input_threshold"] else "" for row in told],
        "List": [_unless(row["list_usd_per_million"], row["usd_per_million"]) for row in told],
        "2nd table": [_other(row) for row in told],
        "USD/1M": [f"{row['usd_per_million']:g}" for row in told],
        "Src": [str(sources.index(row["source"]) + 1) for row in told],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    console.table(
        title,
        list(shown),
        list(zip(*shown.values(), strict=True)),
        left=sum(1 for name in shown if name in ("Meter", "Tier", "Valid (UTC)", "Hours (UTC)")),
        footer="Above: for requests with more input tokens" if "Above" in shown else "",
    )
    for number, source in enumerate(sources, start=1):
        console.say(f"  [{number}] {console.clean(source, 400)}")
    if len(told) < len(rows):
        console.say(f"  {len(rows) - len(told)} rows of meters at another meter's rate: --json")
    console.say("")


def _span(first: str | None, last: str | None) -> str:
    if first and last:
        return f"{first} – {last}"
    return f"from {first}" if first else f"to {last}" if last else ""


def _other(row: dict[str, Any]) -> str:
    return _unless(row["other_usd_per_million"], row["list_usd_per_million"])


def _unless(value: float | None, usual: float) -> str:
    return "" if value is None or value == usual else f"{value:g}"
