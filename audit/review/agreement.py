"""How well reviewers agree with each other, on the answers more than one of them rated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from audit.statistics.agreement import cohen_kappa, gwet_ac1
from audit.store import Store

_RATINGS = """
SELECT COALESCE(item, CAST(replay_id AS VARCHAR)) AS item, replay_id, rater, verdict
FROM rating ORDER BY rated_at_us, event_id
"""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two raters on the answers both rated as acceptable or not: how often alike, and beyond chance.

    `kappa` (Cohen 1960) collapses where nearly all answers are acceptable and is None where it is not defined; `ac1`
    (Gwet 2008) does not.
    """

    raters: tuple[str, str]
    n: int
    alike: float
    kappa: float | None
    ac1: float


def agreement(store: Store) -> list[Agreement]:
    """Every pair of raters with answers in common, the most first."""
    said: dict[str, dict[tuple[str, bool], bool]] = {}
    for row in store.rows(_RATINGS):
        said.setdefault(row["rater"], {})[row["item"], row["replay_id"] is None] = row["verdict"] != "unacceptable"
    return sorted(_pairs(said), key=lambda each: (-each.n, each.raters))


def _pairs(said: dict[str, dict[tuple[str, bool], bool]]) -> Iterator[Agreement]:
    for first, second in combinations(sorted(said), 2):
        common = said[first].keys() & said[second].keys()
        if not common:
            continue
        table = np.zeros((2, 2))
        for key in common:
            table[int(said[first][key]), int(said[second][key])] += 1
        kappa = cohen_kappa(table)
        yield Agreement(
            (first, second),
            len(common),
            float(np.trace(table) / table.sum()),
            None if np.isnan(kappa) else kappa,
            gwet_ac1(table),
        )
