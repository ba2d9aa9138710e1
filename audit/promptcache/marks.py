"""Marks the log does not show: where a prompt was cached up to, told from the cached tokens that were billed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.promptcache.gather import FLAG_BITS, FLAG_MASK, LONG, MARK, NODE_SHIFT, RANK_MASK
from audit.promptcache.play import Bools, Ints

if TYPE_CHECKING:
    from audit.promptcache.traffic import Traffic

_NEAR = 0.05


def infer_marks(traffic: Traffic) -> None:
    """Mark the shared prefixes nearest in length to the cached tokens billed, where a log holds no marks.

    Gateways often drop `cache_control` from what they log. Tokens read tell of one mark, tokens read and written
    together of the last one. A prefix further than 5 % from the billed tokens is not taken.
    """
    if len(traffic) == 0:
        return
    read = np.maximum(traffic.read, 0)
    known = read + traffic.written_short + traffic.written_long
    wanted = traffic.matching("breakpoints") & (traffic.mark == 0) & (known > 0)
    if not wanted.any():
        return
    life = np.where(traffic.written_long > traffic.written_short, LONG, 0)
    _mark_nearest(traffic, wanted & (read > 0) & (read < known), read, life)
    for rank, upto in zip(*_mark_nearest(traffic, wanted, known, life), strict=True):
        traffic.mark[rank] = upto


def _mark_nearest(traffic: Traffic, wanted: Bools, target: Ints, life: Ints) -> tuple[Ints, Ints]:
    """Mark one prefix of each wanted request; returns the ranks marked and the lengths of the prefixes."""
    rank = (traffic.events >> FLAG_BITS) & RANK_MASK
    places = np.flatnonzero(wanted[rank])
    rank = rank[places]
    upto = traffic.node_upto[traffic.events[places] >> NODE_SHIFT]
    away = np.abs(upto / traffic.whole[rank] * traffic.input_tokens[rank] - target[rank]) / target[rank]
    order = np.lexsort((away, rank))
    best = order[np.diff(rank[order], prepend=-1) != 0]
    best = best[away[best] <= _NEAR]
    flags = (traffic.events[places[best]] & FLAG_MASK) | MARK | life[rank[best]]
    traffic.events[places[best]] = (traffic.events[places[best]] & ~np.int64(FLAG_MASK)) | flags
    return rank[best], upto[best].astype(np.int64)
