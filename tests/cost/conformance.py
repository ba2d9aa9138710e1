"""The conformance cases: raw usage payloads with their cost worked out by hand, and the document made of them.

`python tests/cost/conformance.py` rewrites docs/cost-conformance.md.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

CASES = Path(__file__).with_name("cases")
RECORDS = Path(__file__).with_name("records.toml")
DOCUMENT = Path(__file__).parents[2] / "docs" / "cost-conformance.md"

TITLES = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "gemini": "Gemini and Vertex",
    "bedrock": "Amazon Bedrock",
    "gateways": "Gateways, tracers, compatible servers",
}

LIMITS = """\
## What is not represented

These are priced as said, and a person with such traffic should know it:

* DeepSeek's peak hours leave out weekends but not Chinese public holidays: a call in peak hours of such a day reads up
  to twice its bill.
* Storage of explicit Gemini caches (per million tokens and hour) has no place in a request record: see the invoice.
* A 12-hour cache write at OpenAI has no published price: it is priced like the default life and flagged.
* Advisor sub-calls inside an Anthropic response run on another model: they are flagged and not counted.
* Anthropic's priority tier, OpenAI's `scale` tier and Claude in Bedrock's flex and priority tiers have no public rate:
  the standard price is used and marked as a fallback. Other models of Bedrock follow its general rule (half, 1.75
  times), marked as inferred.
* Prices that differ from region to region (Bedrock in some regions and in GovCloud, Azure's data zones and regional
  deployments at a tenth more) are not told by a log: a `[[contract]]` with `discount_percent = -10` states them.
* Provisioned capacity (Vertex's provisioned throughput, Azure's PTU) is paid by the hour: where the record says so its
  tokens are unpriced, and the capacity belongs into `[[cost]]`.
* A dearer rate of xAI beyond 128k tokens (Grok 4, Grok 4 Fast) is in no table at hand, and a regional Vertex endpoint's
  tenth more is in no record.
* Grounded searches of Gemini have a daily allowance that no record tells: they are flagged and not priced.
* OpenAI's batch and priority rates above 272k tokens are those of its table, which lists some without a step.
* Tiers that a provider does not list for a model (a batch of gpt-realtime, Gemini priority) follow the provider's
  general rule and are marked as inferred.
* OpenRouter's routes are priced at the base, Perplexity's searches at the default (low) context, unless the response
  reports its own cost, which then is the bill.
* Prices before the first change on record are taken to have always held.
"""

_TERM = re.compile(r"([\d,]+) (\w+) × (?:\$([\d.]+)/([Mk])|no price)")


@dataclass(frozen=True)
class Term:
    """One line of a case's arithmetic; no price = the meter has none and is not zero."""

    quantity: int
    meter: str
    unit_price_usd: Decimal | None

    @property
    def cost_usd(self) -> Decimal:
        return self.quantity * self.unit_price_usd if self.unit_price_usd is not None else Decimal(0)


@dataclass(frozen=True)
class Case:
    """One payload with what it must cost."""

    id: str
    title: str
    group: str
    provider: str
    model: str
    at: str
    reads: str
    usage: str
    arithmetic: str
    cost_usd: Decimal
    tier: str = ""
    tools: Mapping[str, int] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    fallback: bool = False
    unpriced: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    contract: Mapping[str, Any] = field(default_factory=dict)
    reasoning_apart: bool = False
    thread: str = ""

    @property
    def payloads(self) -> list[dict[str, Any]]:
        payload = json.loads(self.usage)
        return payload if isinstance(payload, list) else [payload]

    @property
    def at_us(self) -> int:
        return int(datetime.fromisoformat(self.at).timestamp()) * 1_000_000

    @property
    def terms(self) -> list[Term]:
        return [_term(line) for line in self.arithmetic.strip().splitlines()]


@dataclass(frozen=True)
class Whole:
    """One whole record with what it must cost; `reported_usd` = the record's own cost is the bill."""

    id: str
    title: str
    at: str
    record: str
    arithmetic: str
    cost_usd: Decimal
    reported_usd: Decimal | None = None

    @property
    def terms(self) -> list[Term]:
        return [_term(line) for line in self.arithmetic.strip().splitlines()]


@cache
def records() -> tuple[Whole, ...]:
    """The whole records, in the order of their file."""
    found = tomllib.loads(RECORDS.read_text(encoding="utf-8"))["case"]
    money = ("cost_usd", "reported_usd")
    return tuple(
        Whole(**{key: Decimal(value) if key in money else value for key, value in entry.items()}) for entry in found
    )


def _term(line: str) -> Term:
    found = _TERM.fullmatch(line.strip())
    if found is None:
        raise ValueError(f"not a term of a case's arithmetic: {line!r}")
    price = None if found[3] is None else Decimal(found[3]) / (1_000_000 if found[4] == "M" else 1_000)
    return Term(int(found[1].replace(",", "")), found[2], price)


@cache
def cases() -> tuple[Case, ...]:
    """Every case of every file, in the order of the document."""
    found: list[Case] = []
    for group in TITLES:
        for entry in tomllib.loads((CASES / f"{group}.toml").read_text(encoding="utf-8"))["case"]:
            values = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
            values["cost_usd"] = Decimal(entry["cost_usd"])
            found.append(Case(group=group, **values))
    return tuple(found)


def document() -> str:
    """The cases as a page people can cite."""
    lines = [
        "# Cost conformance",
        "",
        f"{len(cases())} raw usage payloads and {len(records())} whole records, each with its cost worked out by hand",
        "from published prices; `audit` must reproduce every one to the last digit. Made from `tests/cost/` by",
        "`tests/cost/conformance.py`.",
        "",
        "Prices are USD per million tokens (`/M`) or per thousand calls (`/k`). *Fallback* means that the tier has no",
        "price of its own: the standard price is used and the charge says so. *No price* means unpriced, never free.",
        "Records that appear several times (one API response as many log lines) are counted once before any of this.",
        "",
    ]
    for group, title in TITLES.items():
        lines += [f"## {title}", ""]
        for case in cases():
            if case.group == group:
                lines += _section(case)
    lines += ["## Whole records", ""]
    for whole in records():
        lines += _whole(whole)
    return "\n".join([*lines, LIMITS])


def _whole(whole: Whole) -> list[str]:
    told = f"reported by the biller: ${whole.reported_usd}" if whole.reported_usd is not None else ""
    lines = [f"### {whole.title}", "", f"{whole.id} · {whole.at}", "", "```json", whole.record, "```", "", "```text"]
    lines += whole.arithmetic.strip().splitlines()
    return [*lines, *([told] if told else []), f"= ${whole.cost_usd}", "```", ""]


def _section(case: Case) -> list[str]:
    facts = [f"`{case.model}`" + (f" at {case.provider}" if case.provider else ""), case.at.replace("T00:00:00Z", "")]
    if case.tier:
        facts.append(f"tier `{case.tier}`")
    if case.tools:
        facts.append("calls " + ", ".join(f"{name} × {number}" for name, number in case.tools.items()))
    if case.aliases:
        facts.append("alias " + ", ".join(f"`{name}` = `{target}`" for name, target in case.aliases.items()))
    if case.contract:
        facts.append("contract " + _contract(case.contract))
    lines = [
        f"### {case.title}",
        "",
        f"{case.id} · {' · '.join(facts)}",
        "",
        "```json",
        case.usage,
        "```",
        "",
        "```text",
    ]
    lines += case.arithmetic.strip().splitlines()
    lines += [f"= ${case.cost_usd}" + (" (fallback)" if case.fallback else ""), "```", ""]
    if case.flags:
        lines += [f"Flagged: {', '.join(case.flags)}.", ""]
    if case.thread:
        lines += [f"Seen wrong in public: {case.thread}.", ""]
    return lines


def _contract(contract: Mapping[str, Any]) -> str:
    if "discount_percent" in contract:
        return f"{contract['discount_percent']} % off `{contract['model']}`"
    prices = ", ".join(f"{meter} ${price}/M" for meter, price in contract["usd_per_million"].items())
    return f"`{contract['model']}`: {prices}"


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document(), encoding="utf-8")
