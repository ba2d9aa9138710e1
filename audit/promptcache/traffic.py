"""The requests of a log that a provider's prompt cache could serve, as arrays in the order of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from audit.promptcache import gather
from audit.promptcache.columns import columns
from audit.promptcache.inside import add_inner_prefixes
from audit.promptcache.marks import infer_marks
from audit.promptcache.play import Bools, Ints
from audit.store import Store

Floats = NDArray[np.float64]
Small = NDArray[np.int32]
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

    Arrays are as narrow as what they hold: a log of millions of requests has to fit. `upto` arrays are tokens of the
    text as the tokenizer counts them, `input_tokens`, `read` and `written_*` as the provider billed them (`read` is -1
    where the log cannot tell). `events` are packed as `gather` says, sorted; `node_upto` is the length of each prefix.
    `groups` are (workflow, provider, model); `group`, `rule` and `realm` index them per request, a realm being what
    shares one cache: model, organization and key. Times are milliseconds; `wait` is how long an answer took to begin.
    """

    rules: list[Rule]
    groups: list[tuple[int, str, str]]
    request_id: Ints
    group: Small
    rule: Small
    realm: Small
    start: Ints
    wait: Small
    input_tokens: Small
    whole: Small
    head: Small
    first: Small
    mark: Small
    read: Small
    written_short: Small
    written_long: Small
    batch: Bools
    retained: Bools
    events: Ints
    node_upto: Floats
    made: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    played: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.request_id)

    def of_rule(self, name: str) -> Any:
        """A field of each request's rule."""
        return np.array([getattr(rule, name) for rule in self.rules])[self.rule]

    def matching(self, match: Match) -> Bools:
        """Which requests' caches match in this way."""
        return np.asarray(np.array([rule.match == match for rule in self.rules], dtype=np.bool_)[self.rule])

    def ready(self, rank: Ints) -> Ints:
        """When the answers to some requests began: only then can others read what they wrote."""
        return np.asarray(self.start[rank] + self.wait[rank], dtype=np.int64)

    def tokens(self, rank: Ints, upto: Floats | Small) -> Floats:
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
            most = max(2, _KEPT_BYTES // (8 * max(1, len(self))))
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


_COLUMNS = {
    "request_id": np.int64, "workflow": np.int32, "rule": np.int32, "realm": np.int32, "started_at_us": np.int64,
    "wait_s": np.float64, "input_tokens": np.int32, "whole": np.int32, "head": np.int32, "first": np.int32,
    "mark": np.int32, "read": np.int32, "written_short": np.int32, "written_long": np.int32, "batch": np.bool_,
    "retained": np.bool_,
}  # fmt: skip


def _read(store: Store) -> Traffic:
    gather.build(store)
    nodes = add_inner_prefixes(store)
    gather.make_events(store)
    size = {name: int(store.value(f"SELECT COUNT(*) FROM promptcache_{name}")) for name in ("event", "request")}
    events = columns(store, gather.EVENTS, size["event"], {"event": np.int64})["event"]
    events.sort()
    rows = columns(store, gather.REQUESTS, size["request"], _COLUMNS)
    workflows = [row["workflow_id"] for row in store.rows(gather.WORKFLOWS)]
    rules = [_rule(row) for row in store.rows(gather.RULES)]
    gather.drop(store)
    group, groups = _groups(rows.pop("workflow"), rows["rule"], workflows, rules)
    start = rows.pop("started_at_us")
    start //= 1000
    wait = np.clip(np.nan_to_num(rows.pop("wait_s")) * 1000, 0, 1e9).astype(np.int32)
    found = Traffic(
        rules=rules, groups=groups, group=group, start=start, wait=wait, events=events, node_upto=nodes, **rows
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


def _groups(
    workflow: Small, rule: Small, workflows: list[int], rules: list[Rule]
) -> tuple[Small, list[tuple[int, str, str]]]:
    """Number the pairs of workflow and model; rules of one model that differ in time are one model."""
    names = sorted({(each.provider_name, each.model) for each in rules})
    model = np.array([names.index((each.provider_name, each.model)) for each in rules], dtype=np.int64)
    pair = workflow * np.int64(max(1, len(names))) + model[rule]
    pairs = np.flatnonzero(np.bincount(pair))
    numbers = np.zeros(int(pairs[-1]) + 1 if len(pairs) else 0, dtype=np.int32)
    numbers[pairs] = np.arange(len(pairs))
    return numbers[pair], [(workflows[each // len(names)], *names[each % len(names)]) for each in pairs.tolist()]
