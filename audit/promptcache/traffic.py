"""The requests of a log that a provider's prompt cache could serve, as arrays in the order of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from audit.promptcache import gather
from audit.promptcache.inside import add_inner_prefixes
from audit.promptcache.marks import infer_marks
from audit.promptcache.play import Bools, Ints
from audit.store import Store

Floats = NDArray[np.float64]
Match = Literal["longest_prefix", "exact_breakpoint", "breakpoints"]
MATCHES: tuple[Match, ...] = ("longest_prefix", "exact_breakpoint", "breakpoints")
_KEPT_BYTES = 128_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """How the prompt cache of one model behaves in one period; lives in seconds, `long_life_s` 0 = none offered."""

    provider_name: str
    model: str
    match: Match
    min_tokens: int
    step: int
    life_s: int
    long_life_s: int
    sliding: bool
    write_premium: bool
    reliability: float


@dataclass(slots=True)
class Traffic:
    """Requests by rank in time, and the prefixes they share with others.

    `upto` arrays are tokens of the text as the tokenizer counts them, `input_tokens`, `read` and `written_*` as the
    provider billed them (`read` is -1 where the log cannot tell). `events` are packed as `gather` says, sorted;
    `node_upto` is the length of each prefix. `groups` are (workflow, provider, model); `group`, `rule` and `realm`
    index them per request, a realm being what shares one cache: model, organization and key.
    """

    rules: list[Rule]
    groups: list[tuple[int, str, str]]
    request_id: Ints
    group: Ints
    rule: Ints
    realm: Ints
    start: Ints
    ready: Ints
    input_tokens: Ints
    whole: Floats
    head: Floats
    first: Floats
    mark: Floats
    read: Ints
    written_short: Ints
    written_long: Ints
    batch: Bools
    retained: Bools
    events: Ints
    node_upto: Floats
    made: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    played: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.request_id)

    def of_rule(self, name: str) -> Any:
        """A field of each request's rule, as an array not to be written to."""
        return self.once("rule", name, make=lambda: np.array([getattr(rule, name) for rule in self.rules])[self.rule])

    def tokens(self, rank: Ints, upto: Floats) -> Floats:
        """Billed tokens of a prefix of each request, from the tokenizer's count of it.

        The billed total is shared in proportion. Where the log says how many tokens were read or written up to a
        mark, the mark divides the prompt and both parts are shared apart.
        """
        known = np.maximum(self.read[rank], 0) + self.written_short[rank] + self.written_long[rank]
        marked = (self.mark[rank] > 0) & (known > 0)
        knot = np.where(marked, self.mark[rank], 0.0)
        known = np.where(marked, known, 0)
        before = np.divide(known, knot, out=np.ones(len(rank)), where=marked)
        rest = self.whole[rank] - knot
        after = np.divide(self.input_tokens[rank] - known, rest, out=np.zeros(len(rank)), where=rest > 0)
        return np.asarray(np.where(upto <= knot, upto * before, known + (upto - knot) * after), dtype=np.float64)

    def ranks_of(self, request_ids: Ints) -> Ints:
        """Ranks of requests; -1 for those that are not here."""
        if len(self) == 0:
            return np.full(len(request_ids), -1, dtype=np.int64)
        order = self.once("order", make=lambda: np.argsort(self.request_id))
        place = np.clip(np.searchsorted(self.request_id, request_ids, sorter=order), 0, len(self) - 1)
        rank = order[place]
        return np.where(self.request_id[rank] == request_ids, rank, -1)

    def once(self, *key: Any, make: Callable[[], Any]) -> Any:
        """What `make()` returns, made once for this traffic."""
        found = self.made.get(key)
        if found is None:
            found = self.made[key] = make()
        return found

    def remember(self, *key: Any, alive: Bools, make: Callable[[], Any]) -> Any:
        """What `make()` returns for these survivors, made once; the oldest are forgotten when memory runs short."""
        whole = (*key, blake2b(np.packbits(alive).tobytes(), digest_size=16).digest())
        found = self.played.get(whole)
        if found is None:
            most = max(4, _KEPT_BYTES // (8 * max(1, len(self))))
            for name in list(self.played)[: max(0, len(self.played) - most + 1)]:
                del self.played[name]
            found = self.played[whole] = make()
        return found


_known: WeakKeyDictionary[Store, tuple[dict[str, Any], Traffic]] = WeakKeyDictionary()


def traffic(store: Store) -> Traffic:
    """The traffic of an audit file; read once, and again when the file has changed since."""
    stamp = store.rows(gather.STAMP)[0]
    found = _known.get(store)
    if found is None or found[0] != stamp:
        found = _known[store] = (stamp, _read(store))
    return found[1]


def _read(store: Store) -> Traffic:
    gather.build(store)
    nodes = add_inner_prefixes(store)
    events = [store.query(gather.EVENTS), store.query(gather.INNER_EVENTS)]
    rows = store.query(gather.REQUESTS)
    rules = [_rule(row) for row in store.rows(gather.RULES)]
    gather.drop(store)
    rule = _ints(rows, "rule")
    group, groups = _groups(_ints(rows, "workflow_id"), rule, rules)
    packed = np.concatenate([_ints(each, "event") for each in events])
    packed.sort()
    start_us = _ints(rows, "started_at_us")
    wait_ms = np.clip(_floats(rows, "wait_s") * 1000, 0, 1e9).astype(np.int64)
    found = Traffic(
        rules=rules,
        groups=groups,
        request_id=_ints(rows, "request_id"),
        group=group,
        rule=rule,
        realm=_ints(rows, "realm"),
        start=start_us // 1000,
        ready=start_us // 1000 + wait_ms,
        input_tokens=_ints(rows, "input_tokens"),
        whole=_floats(rows, "whole"),
        head=_floats(rows, "head"),
        first=_floats(rows, "first"),
        mark=_floats(rows, "mark"),
        read=_ints(rows, "read", missing=-1),
        written_short=_ints(rows, "written_short"),
        written_long=_ints(rows, "written_long"),
        batch=_ints(rows, "batch") == 1,
        retained=_ints(rows, "retained") == 1,
        events=packed,
        node_upto=nodes,
    )
    infer_marks(found)
    return found


def _rule(row: dict[str, Any]) -> Rule:
    return Rule(
        provider_name=row["provider_name"],
        model=row["model"],
        match=row["match"],
        min_tokens=int(row["min_tokens"]),
        step=max(1, int(row["step"] or 1)),
        life_s=int(row["ttl_s"]),
        long_life_s=int(row["ttl_long_s"]),
        sliding=bool(row["sliding"]),
        write_premium=bool(row["write_premium"]),
        reliability=float(row["reliability"] if row["reliability"] is not None else 0.7),
    )


def _groups(workflow: Ints, rule: Ints, rules: list[Rule]) -> tuple[Ints, list[tuple[int, str, str]]]:
    """Number the pairs of workflow and model; rules of one model that differ in time are one model."""
    names = sorted({(each.provider_name, each.model) for each in rules})
    model = np.array([names.index((each.provider_name, each.model)) for each in rules], dtype=np.int64)
    workflows, place = np.unique(workflow, return_inverse=True)
    pairs, group = np.unique(place * max(1, len(names)) + model[rule], return_inverse=True)
    groups = [(int(workflows[pair // len(names)]), *names[pair % len(names)]) for pair in pairs.tolist()]
    return group.astype(np.int64), groups


def _ints(table: pa.Table, name: str, missing: int = 0) -> Ints:
    column = table[name]
    filled = compute.coalesce(column, pa.scalar(missing, column.type)) if column.null_count else column
    return np.asarray(filled.to_numpy(), dtype=np.int64)


def _floats(table: pa.Table, name: str) -> Floats:
    return np.nan_to_num(np.asarray(table[name].to_numpy(), dtype=np.float64))
