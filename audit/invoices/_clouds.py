"""How the clouds describe tokens on their bills: service and meter names as model, kind of token and tier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from audit.invoices._meters import meter_of, tier_of


@dataclass(frozen=True, slots=True)
class Described:
    """What a cloud's line bills; `is_model` is false for other services, and for capacity no request log holds."""

    model: str = ""
    sku_meter: str = ""
    service_tier: str = ""
    is_model: bool = True


OTHER = Described(is_model=False)

_EDITION = re.compile(r"^(.*?)\s*\(Amazon Bedrock Edition\)", re.IGNORECASE)
_AWS_REGION = re.compile(r"^(?:[A-Z]{2,4}\d?-)?(?:MP:[A-Z0-9]+[_-])?")
_AWS_KIND = re.compile(
    r"[-_]?(text|image|video|audio|speech|prompt)?[-_]?(cache|input|output|search|created|request)(?=[-_A-Z]|tokens?).*$",
    re.IGNORECASE,
)
_AWS_FAMILY = re.compile(r"^(Claude|Nova|Titan)(\d[\d.]*)?-?([A-Z].*)?$")

_AZURE_WORDS = re.compile(
    r"\b(inp|inpt|input|in|outp|outpt|output|out|opt|cached|cchd|cd|cache|batch|flex|pp|priority|glbl|global|gl|regnl|"
    r"regional|rgnl|reg|dz|dzone|datazone|data|zone|txt|text|aud|audio|img|image|tokens?|std|standard|long|short|"
    r"context|1m|1k|wr|write|read|hit)\b"
)
_AZURE_MODEL = re.compile(
    r"openai|foundry models|\bgpt|\bo[134]\b|\bo[134][ -]|claude|llama|mistral|deepseek|embedding|\bgrok|\bphi\b|"
    r"cohere|\btokens?\b",
    re.IGNORECASE,
)
_AZURE_HOME = re.compile(r"cognitive services|openai|foundry|azure ai|machine learning|marketplace|saas", re.IGNORECASE)

_GOOGLE_HOME = re.compile(r"vertex|gemini|generative language|agent platform|claude", re.IGNORECASE)
_GOOGLE_MODEL = re.compile(
    r"gemini|gemma|claude|llama|mistral|codestral|deepseek|qwen|gpt.?oss|embedding|token|grounding", re.IGNORECASE
)
_GOOGLE_WORDS = re.compile(
    r"\b(generate_?\s?content|text|audio|image|video|input|output|thinking|non-thinking|response|reasoning|tokens?|"
    r"count|counts?|for|predictions?|short|long|caching|cached|cache|hit|read|write|batch|flex|priority|global|regional|"
    r"context|online|on|vertex|ai|api|ga|via|the|of|and|with|modality|5m|1h|standard|non)\b"
)


@lru_cache(maxsize=65536)
def aws(service: str, usage_type: str, description: str = "") -> Described:
    """A line of Amazon's bill: the service carries the model where a partner sells it, the usage type where not."""
    edition = _EDITION.match(service) or _EDITION.match(description)
    if not edition and "bedrock" not in f"{service} {description}".lower():
        return OTHER
    rest = _AWS_REGION.sub("", usage_type)
    named = edition[1] if edition else _AWS_KIND.sub("", rest)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", rest)
    return _described(_aws_name(named), f"{words} {description}" if not meter_of(words) else words)


def _aws_name(name: str) -> str:
    family = _AWS_FAMILY.match(name)
    if family and " " not in name:
        inner = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", family[3] or "")
        return "-".join(part for part in (family[1], family[2] or "", inner) if part)
    return name


@lru_cache(maxsize=65536)
def azure(category: str, *names: str) -> Described:
    """A line of Azure's bill; the meter name holds the model, the kind of token and the kind of deployment."""
    words = " ".join(names)
    if not _AZURE_HOME.search(category) or not _AZURE_MODEL.search(f"{category} {words}"):
        return OTHER
    meter_name = names[0].lower()
    plain = meter_name.replace("-", " ").replace("text embedding", "text_embedding")
    model = re.sub(r"[\s_-]+", "-", _AZURE_WORDS.sub(" ", plain)).strip("-")
    return _described(model, re.sub(r"[-_]", " ", meter_name))


@lru_cache(maxsize=65536)
def google(service: str, sku: str) -> Described:
    """A line of Google's bill; the SKU holds the model, the kind of token and the tier."""
    if not _GOOGLE_HOME.search(service) or not _GOOGLE_MODEL.search(sku):
        return OTHER
    plain = re.sub(r"\b(flash|pro|lite) image(?= (?:image|text)|\s*$)", r"\1_image", sku.lower().replace("_", " "))
    model = re.sub(r"[^a-z0-9.]+", "-", _GOOGLE_WORDS.sub(" ", plain.replace("text embedding", "text_embedding")))
    return _described(model.strip("-."), sku)


def _described(model: str, words: str) -> Described:
    meter = meter_of(words)
    if meter == "other":
        return OTHER
    if not meter and "embed" in model:
        meter = "input"
    return Described("" if meter == "web_search" else model, meter, tier_of(re.sub(r"[-_]", " ", words)))


_UNITS = (
    (re.compile(r"\b(1\s*m|million|1,?000,?000|1e6|mtok)", re.IGNORECASE), 1_000_000),
    (re.compile(r"\b(1\s*k|thousand|1,?000)\b", re.IGNORECASE), 1_000),
    (re.compile(r"^\s*1?\s*tokens?\s*$", re.IGNORECASE), 1),
)


@lru_cache(maxsize=4096)
def unit_of(words: str) -> int | None:
    """How many tokens a unit of measure holds (`1K tokens` → 1000); None when it does not say."""
    return next((size for pattern, size in _UNITS if pattern.search(words)), None)


def counted(described: Described, quantity: Decimal | None) -> Decimal | None:
    """The quantity of a line that counts something a log counts, None for any other."""
    return quantity if described.is_model and described.sku_meter and quantity is not None and quantity >= 0 else None
