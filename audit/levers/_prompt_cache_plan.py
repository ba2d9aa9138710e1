"""A choice of prompt-cache policies as tables: the charges to come, what each group gains, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.levers._prompt_cache_choice import Choice
from audit.promptcache import Calibrated, Calibration, Traffic
from audit.promptcache.bill import METERS, Bill
from audit.promptcache.play import Bools, Ints
from audit.promptcache.traffic import Floats

_TEXT, _WHOLE = pa.string(), pa.int64()
_PLAN_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("request_id", _WHOLE), ("provider_name", _TEXT), ("model", _TEXT), ("service_tier", _TEXT), ("sku_meter", _TEXT),
    ("consumed_quantity", _WHOLE), ("estimated", pa.bool_()),
]  # fmt: skip
_GAIN_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("workflow_id", _WHOLE), ("provider_name", _TEXT), ("model", _TEXT), ("policy", _TEXT), ("requests", _WHOLE),
    ("marked_tokens", _WHOLE), ("read_before", _WHOLE), ("written_before", _WHOLE), ("read_after", _WHOLE),
    ("written_after", _WHOLE), ("saving_pico", _WHOLE), ("hit_saving_pico", _WHOLE),
]  # fmt: skip
_PLAN = pa.schema(_PLAN_COLUMNS)
_GAIN = pa.schema(_GAIN_COLUMNS)


def plan_table(traffic: Traffic, bill: Bill, choice: Choice) -> pa.Table:
    """The charges for input of every request whose group takes another policy, one row per meter."""
    moved = bill.priced & choice.taken[traffic.group] if len(traffic) else bill.priced
    return pa.concat_tables([_PLAN.empty_table(), *(_rows(traffic, bill, choice, moved, meter) for meter in METERS)])


def _rows(traffic: Traffic, bill: Bill, choice: Choice, moved: Bools, meter: str) -> pa.Table:
    rank = np.flatnonzero(moved & (choice.quantity[meter] > 0))
    group = traffic.group[rank]
    return pa.table(
        {
            "request_id": traffic.request_id[rank],
            "provider_name": _named(group, [provider for _, provider, _ in traffic.groups]),
            "model": _named(group, [model for _, _, model in traffic.groups]),
            "service_tier": _named(bill.kind[rank], bill.tiers),
            "sku_meter": _named(np.zeros(len(rank), dtype=np.int64), [meter]),
            "consumed_quantity": choice.quantity[meter][rank],
            "estimated": np.full(len(rank), bill.estimated),
        },
        schema=_PLAN,
    )


def _named(place: NDArray[Any], names: list[str]) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(place, pa.int32()), pa.array(names, pa.string())).cast(pa.string())


def gains(traffic: Traffic, bill: Bill, choice: Choice) -> pa.Table:
    """What each group that takes another policy reads, writes and saves, before and after."""
    rows = []
    for group in np.flatnonzero(choice.taken).tolist():
        mine = np.flatnonzero(bill.priced & (traffic.group == group))
        covered = bill.total[mine] - choice.quantity["input"][mine]
        workflow_id, provider_name, model = traffic.groups[group]
        rows.append(
            {
                "workflow_id": workflow_id,
                "provider_name": provider_name,
                "model": model,
                "policy": choice.policy[group],
                "requests": len(mine),
                "marked_tokens": int(np.median(covered)),
                "read_before": int(bill.quantity["cache_read"][mine].sum()),
                "written_before": _written(bill.quantity, mine),
                "read_after": int(choice.quantity["cache_read"][mine].sum()),
                "written_after": _written(choice.quantity, mine),
                "saving_pico": round(float(choice.saving[group])),
                "hit_saving_pico": round(float(choice.hit_saving[group])),
            }
        )
    return pa.Table.from_pylist(rows, schema=_GAIN)


def _written(quantity: Any, mine: Ints) -> int:
    return int(quantity["cache_write_5m"][mine].sum() + quantity["cache_write_1h"][mine].sum())


def reliability_draws(gained: Sequence[dict[str, Any]], calibration: Calibration, draws: int, seed: int) -> Floats:
    """Draws of the share of the saving that is realised when the reliability of hits varies as the log shows.

    Each model's reliability is drawn from a Beta distribution of its mean and its day-to-day standard error; the
    part of the saving that hangs on hits moves with it.
    """
    random = np.random.default_rng(seed)
    total = sum(row["saving_pico"] for row in gained)
    if total <= 0:
        return np.ones(draws)
    drawn = {(each.provider_name, each.model): _drawn(each, random, draws) for each in calibration.models}
    moved: Floats = np.zeros(draws)
    for row in gained:
        moved += row["hit_saving_pico"] * (drawn[(row["provider_name"], row["model"])] - 1)
    return np.asarray(1 + moved / total, dtype=np.float64)


def _drawn(each: Calibrated, random: np.random.Generator, draws: int) -> Floats:
    """Reliability over its point value; exactly 1 where it is certain."""
    mean = min(each.reliability, 0.999)
    # a mean near 1 leaves little room above it, and below it no more than a skewed Beta can take
    spread = min(each.spread, 1 - mean, mean)
    if mean <= 0 or spread <= 0:
        return np.ones(draws)
    weight = mean * (1 - mean) / spread**2 - 1
    return np.asarray(random.beta(mean * weight, (1 - mean) * weight, size=draws) / each.reliability)


def rewrite(table: str) -> str:
    """The SELECT of a lever whose plan in `table` holds the prompt charges of the requests it changes."""
    return f"""
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       m.consumed_quantity, m.estimated, m.unit_price_pico
FROM remaining AS m
LEFT JOIN (SELECT DISTINCT request_id, provider_name, model FROM {table}) AS p
    ON p.request_id = m.request_id AND p.model = m.model AND p.provider_name = m.provider_name
WHERE p.request_id IS NULL OR m.sku_meter NOT IN ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h')
UNION ALL
SELECT NULL, p.request_id, NULL, p.sku_meter, p.provider_name, p.model, p.service_tier, p.consumed_quantity,
       p.estimated, NULL
FROM {table} AS p
"""
