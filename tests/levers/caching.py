"""Audit files with prompts, prices and cache rules, and plain loops that say what a provider would have cached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from audit import store as stores
from audit.hashes import chain_hash, content_hash
from audit.store import Store

DAY_US = 86_400_000_000
START_US = 20_000 * DAY_US
SECOND = 1_000_000
FRAME, REPLY = 4, 3
"""Tokens a chat template adds to a message, and to open the answer."""

RULES: dict[str, dict[str, Any]] = {
    "auto": {"match": "longest_prefix", "min_tokens": 1024, "step": 128, "ttl_s": 600, "ttl_long_s": 86_400,
             "sliding": True, "write_premium": False, "reliability": 0.7},
    "marked": {"match": "breakpoints", "min_tokens": 1024, "step": 1, "ttl_s": 300, "ttl_long_s": 3600,
               "sliding": True, "write_premium": True, "reliability": 1.0},
    "exact": {"match": "exact_breakpoint", "min_tokens": 1024, "step": 1, "ttl_s": 1800, "ttl_long_s": 43_200,
              "sliding": False, "write_premium": True, "reliability": 1.0},
}  # fmt: skip
PRICES: dict[str, dict[str, int]] = {
    "auto": {"input": 2_500_000, "cache_read": 500_000, "output": 10_000_000},
    "marked": {"input": 3_000_000, "cache_read": 300_000, "cache_write_5m": 3_750_000, "cache_write_1h": 6_000_000,
               "output": 15_000_000},
    "exact": {"input": 5_000_000, "cache_read": 500_000, "cache_write_5m": 6_250_000, "output": 20_000_000},
}  # fmt: skip
"""pico-USD per token."""


@dataclass(frozen=True)
class Part:
    """One segment of a prompt; `mark` is the life of a cache mark at its end, "" for none."""

    text: str
    tokens: int
    kind: str = "user"
    role: str = "user"
    mark: str = ""


def system(text: str, tokens: int, mark: str = "") -> Part:
    return Part(text, tokens, "system", "system", mark)


def user(text: str, tokens: int, mark: str = "") -> Part:
    return Part(text, tokens, "user", "user", mark)


@dataclass
class Log:
    """An audit file in memory. `tokens` of parts are what is billed for them; opening the answer comes on top."""

    opened: Store = field(default_factory=lambda: stores.open(":memory:", create=True))
    calls: int = 0
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    texts: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for model in RULES:
            self._add("cache_rule", {
                "provider_name": "maker", "model": model, "valid_from_us": 0, "valid_to_us": 2**62,
                "max_breakpoints": 4, "lookback": 20, "batch_stack": "multiply", "source": "test", **RULES[model],
            })  # fmt: skip
            for meter, price in PRICES[model].items():
                for tier in ("standard", "batch"):
                    self._add("price", {
                        "provider_name": "maker", "model": model, "sku_meter": meter, "service_tier": tier,
                        "valid_from_us": 0, "valid_to_us": 2**62, "week_from_us": 0, "week_to_us": 7 * DAY_US,
                        "input_threshold": -1, "input_ceiling": 2**62,
                        "unit_price_pico": price // (2 if tier == "batch" else 1), "list_unit_price_pico": price,
                        "inferred": False, "source": "test", "checked_on": "",
                    })  # fmt: skip
        for number in range(1, 10):
            self._add("workflow", {"workflow_id": number, "name": f"workflow {number}"})

    def _add(self, table: str, row: dict[str, Any]) -> None:
        self.rows.setdefault(table, []).append(row)

    @property
    def store(self) -> Store:
        """The audit file with everything added so far."""
        for table, rows in self.rows.items():
            names = list(dict.fromkeys(name for row in rows for name in row))
            self.opened.write_rows(table, [{name: row.get(name) for name in names} for row in rows])
        self.rows.clear()
        return self.opened

    def call(
        self, at_s: float, parts: list[Part], model: str = "auto", *, read: int = 0, short: int = 0, long: int = 0,
        input_tokens: int | None = None, wait_s: float = 1.0, workflow: int = 1, told: bool = True,
        tier: str = "standard", **columns: Any,
    ) -> int:  # fmt: skip
        """Add one billable request; `read`, `short`, `long` are the billed cached tokens. Returns its id."""
        self.calls += 1
        total = input_tokens or sum(part.tokens for part in parts) + REPLY
        chain = 0
        for position, part in enumerate(parts):
            content = content_hash(part.text)
            chain = chain_hash(chain, part.role, content)
            self._add("segment", {
                "request_id": self.calls, "position": position, "direction": "input", "role": part.role,
                "kind": part.kind, "content_hash": content, "chain_hash": chain,
                "tokens": part.tokens - FRAME,
                "cache_breakpoint": bool(part.mark) or None, "cache_ttl": part.mark or None,
            })  # fmt: skip
            if content not in self.texts:
                self.texts.add(content)
                self._add("content", {"content_hash": content, "text": part.text, "characters": len(part.text),
                                      "tokens": part.tokens})  # fmt: skip
        at_us = START_US + round(at_s * SECOND)
        self._add("request", {
            "request_id": self.calls, "status": "billable", "started_at_us": at_us, "day": at_us // DAY_US,
            "prompt_key": chain, "normalised_key": chain, "question_key": chain, "input_tokens": total,
            "cache_read_input_tokens": read if told else None, "cache_write_5m_input_tokens": short,
            "cache_write_1h_input_tokens": long, "output_tokens": 10, "request_model": model, "response_model": model,
            "price_provider": "maker", "price_model": model, "workflow_id": workflow, "text_status": "full",
            "usage_source": "logged", "finish_reason": "stop", "reader": "test", "duration": wait_s,
            "service_tier": tier, **columns,
        })  # fmt: skip
        quantities = {"input": total - read - short - long, "cache_read": read, "cache_write_5m": short,
                      "cache_write_1h": long, "output": 10}  # fmt: skip
        for place, (meter, quantity) in enumerate(quantities.items()):
            if quantity:
                price = PRICES[model][meter] // (2 if tier == "batch" else 1)
                self._add("charge", {
                    "charge_id": self.calls * 10 + place, "request_id": self.calls, "sku_meter": meter,
                    "provider_name": "maker", "model": model, "service_tier": tier, "consumed_quantity": quantity,
                    "estimated": False, "unit_price_pico": price, "cost_pico": quantity * price, "tier_fallback": False,
                })  # fmt: skip
        return self.calls


Sent = tuple[float, float, list[tuple[str, int]]]
"""When a request began, when its answer began, and its prompt as (text, tokens)."""


def automatic(sent: list[Sent], *, life_s: float, minimum: int = 1024, step: int = 128) -> list[int]:
    """Cached tokens by a provider that compares token by token: every live finished prefix is tried, one by one."""
    entries: list[list[Any]] = []
    cached = []
    for start, ready, prompt in sorted(sent, key=lambda each: each[0]):
        whole = sum(tokens for _, tokens in prompt) + REPLY
        best = 0
        for entry in entries:
            shared = 0
            for (text, tokens), (other, _) in zip(prompt, entry[2], strict=False):
                if text != other:
                    break
                shared += tokens
                if start - entry[3].get(shared, -1e9) <= life_s and entry[1] <= start:
                    best = max(best, shared)
        best = min(best, whole - 1)
        cached.append(best // step * step if best >= minimum else 0)
        _use_all(entries, prompt, start, life_s)
        entries.append([start, ready, prompt, _uses(prompt, start)])
    return cached


def _uses(prompt: list[tuple[str, int]], start: float) -> dict[int, float]:
    uses, upto = {}, 0
    for _, tokens in prompt:
        upto += tokens
        uses[upto] = start
    return uses


def _use_all(entries: list[list[Any]], prompt: list[tuple[str, int]], start: float, life_s: float) -> None:
    """Every live prefix that a request shares with an entry was used again when it came."""
    for entry in entries:
        upto = 0
        for (text, tokens), (other, _) in zip(prompt, entry[2], strict=False):
            if text != other:
                break
            upto += tokens
            if start - entry[3].get(upto, -1e9) <= life_s:
                entry[3][upto] = start


def at_marks(
    sent: list[tuple[float, float, list[Part]]], *, life_s: float, minimum: int = 1024, lookback: int = 20
) -> list[tuple[int, int]]:
    """Tokens (read, written) by a provider that caches up to marks and looks back from them for older entries."""
    entries: dict[tuple[str, ...], list[float]] = {}
    answers = []
    for start, ready, parts in sorted(sent, key=lambda each: each[0]):
        marks = [place for place, part in enumerate(parts) if part.mark]
        read, last = 0, 0
        upto = [sum(part.tokens for part in parts[: place + 1]) for place in range(len(parts))]
        for place in range(len(parts)):
            near = any(0 <= mark - place <= lookback for mark in marks)
            if not near or upto[place] < minimum:
                continue
            key = tuple(part.text for part in parts[: place + 1])
            used, first_ready = entries.get(key, [-1e9, 1e18])
            alive = start - used <= life_s
            if alive and first_ready <= start:
                read = upto[place]
            if alive:
                entries[key] = [start, min(first_ready, ready) if place in marks else first_ready]
            elif place in marks:
                entries[key] = [start, ready]
            if place in marks:
                last = upto[place]
        answers.append((read, max(0, last - read)))
    return answers
