"""Which price model a logged model name stands for, and how that was found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from audit.prices.overlay import Overlay
from audit.prices.rows import Match

NOT_BILLABLE = frozenset({"", "<synthetic>"})
"""Names of records that no provider billed: local placeholders of coding agents, and nothing at all."""

Find = Callable[[str, str], str | None]
"""(provider, name) → the price model the provider lists under that name, if any."""

# words gateways put into a path between provider and model
_NOISE = frozenset(
    (
        *("batch", "chat", "completion", "converse", "converse_like", "data-zone", "deployments", "eu", "global"),
        *("global-standard", "invoke", "litellm", "litellm_proxy", "models", "proxy", "regional", "responses"),
        *("standard", "us"),
    )
)
_COLON_NOISE = frozenset({"chat", "messages", "completion", "responses", "embedding", "embeddings"})
_PLACES = (
    (re.compile(r"(?:.*/)?azure(?:_ai)?/(?:eu|us|data-zone)/"), "+data-zone"),
    (re.compile(r"(?:.*/)?locations/(?!global/)[^/]+/publishers/anthropic/"), "+regional"),
)
"""Spellings of a model that say where it was asked to run, and the surcharge of running there."""
_AWS_REGION = re.compile(r"[a-z]{2}(-gov)?-[a-z]+-\d")
_AWS_MODEL = re.compile(
    r"((us|eu|apac|ap|jp|au|ca|sa|us-gov|global|regional)\.)?"
    r"(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|writer|google|nvidia|moonshot|minimax|zai)\."
)
_FAMILIES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), provider)
    for pattern, provider in (
        (r"(gpt-|chatgpt-|o\d($|-)|ft:|text-embedding-(3|ada)|text-davinci|davinci|babbage|curie|ada$)", "openai"),
        (r"(whisper-|tts-|dall-e|codex-|computer-use|omni-moderation|text-moderation)", "openai"),
        (r"claude", "anthropic"),
        (r"(gemini|text-embedding-0|gemma-\d.*-maas)", "google"),
        (r"grok", "x-ai"),
        (r"(mistral-(large|medium|small|tiny|embed|ocr|saba)|(code|mini|magi|pix|dev|vox)st?ral)", "mistral"),
        (r"deepseek-(chat|reasoner|coder|flash|v\d)", "deepseek"),
        (r"(command|embed-|rerank-)", "cohere"),
        (r"(sonar|pplx-|r1-1776)", "perplexity"),
        (r"voyage-", "voyageai"),
        (r"glm-\d", "zai"),
        (r"(kimi|moonshot)", "moonshotai"),
    )
)
_DATE = re.compile(r"[-@](20\d{2}-?(0[1-9]|1[0-2])-?\d{2}|\d{4}|\d{2}-20\d{2}|\d{2}-\d{2}|latest|default)$")
_CLAUDE_VERSION_FIRST = re.compile(r"claude-(\d+)(?:[.-](\d))?-(opus|sonnet|haiku|fable|mythos)")
_CLAUDE_DOT = re.compile(r"(claude-(?:opus|sonnet|haiku|fable|mythos)-\d+)\.(\d)")


def surcharge_of(model: str | None) -> str:
    """The suffix of the service tier that the spelling of a model calls for (`+data-zone`), "" for most."""
    name = model.strip().lower() if model and "/" in model else ""
    return next((suffix for pattern, suffix in _PLACES if name and pattern.match(name)), "")


class Names:
    """Resolve logged names against the providers' lists, with the user's aliases first."""

    def __init__(
        self, find: Find, overlay: Overlay, aliases: Mapping[str, str], fallback: Callable[[str], bool]
    ) -> None:
        self._find = find
        self._overlay = overlay
        self._aliases = {name.strip().lower(): target.strip() for name, target in aliases.items()}
        self._lists_without_price = fallback
        self.resolve = lru_cache(maxsize=65536)(self._resolve)

    def _resolve(self, provider_name: str | None, model: str) -> Match | None:
        # cells of some tables keep the quotes of JSON
        name = model.strip().strip("\"'").strip().lower()
        if name in NOT_BILLABLE:
            return None
        alias = self._aliases.get(name)
        if alias is not None:
            found = self._resolve_name(self.provider(provider_name), alias.lower())
            return found and Match(found.provider_name, found.model, f"alias {alias}; {found.how}")
        return self._resolve_name(self.provider(provider_name), name)

    def provider(self, provider_name: str | None) -> str | None:
        """The id of a provider as the price list knows it; an unknown name comes back as it is, in lower case."""
        if provider_name is None or not provider_name.strip():
            return None
        name = provider_name.strip().lower()
        known = self._overlay.provider_names
        if name in known or name in self._overlay.unpriced_providers:
            return known.get(name, name)
        # tracers append what was called: openai.chat, google.generative-ai, vertex_ai-anthropic_models
        head = re.split(r"[./-]", name, maxsplit=1)[0]
        return known.get(head, name)

    def _resolve_name(self, provider: str | None, name: str) -> Match | None:
        # a private model is whatever a contract calls it, wherever it runs
        private = self._find(provider, name) if provider else None
        if private:
            return Match(provider or "", private, _listed(name, private))
        if provider in self._overlay.unpriced_providers:
            return None
        if provider == "openrouter" or (provider is None and name.endswith(":free") and "/" in name):
            found = self._openrouter(name.removeprefix("openrouter/"))
            if found:
                return found
        inner, bare, note = self._unwrap(provider, name)
        if inner in self._overlay.unpriced_providers:
            return None
        if inner == "openrouter" and provider != "openrouter":
            return self._resolve_name("openrouter", bare)
        found = self._try(inner, bare, note) if inner else None
        if found or (inner and self._lists_without_price(f"{inner}/{bare}")):
            return found
        return self._infer(inner, bare, note)

    def _openrouter(self, name: str) -> Match | None:
        if name.endswith(":free"):
            return Match("openrouter", ":free", "OpenRouter variant that costs nothing")
        return self._try("openrouter", name, "")

    def _unwrap(self, provider: str | None, name: str) -> tuple[str | None, str, str]:
        """Peel provider prefixes, regions and resource paths off a name."""
        if name.startswith("arn:aws"):
            return "aws", name.rsplit("/", 1)[-1], "resource name of a Bedrock model"
        if "publishers/" in name:
            return "google", name.rsplit("/", 1)[-1].split(":")[0], "resource name of a Vertex model"
        if name.startswith(("accounts/fireworks/", "@cf/")):
            return ("fireworks" if name.startswith("accounts") else "cloudflare"), name, ""
        provider, name, note, ran_locally = self._peel(provider, name)
        if ran_locally:
            return provider, name, note
        if provider in (None, "anthropic") and _AWS_MODEL.match(name):
            provider, note = "aws", _join(note, "Bedrock model id")
        return provider, name, note

    def _peel(self, provider: str | None, name: str) -> tuple[str | None, str, str, bool]:
        """Take the words off a path that name hosts, gateways and regions; last, whether a server without a price runs
        what is left."""
        provider, name, note = self._before_colon(provider, name)
        if provider in self._overlay.unpriced_providers:
            return provider, name, note, True
        while "/" in name:
            # what a host itself lists with a slash is its own model: groq/openai/gpt-oss-120b is Groq's
            if note and provider and self._find(provider, name):
                break
            head, rest = name.split("/", 1)
            known = self._overlay.provider_names.get(head)
            if known:
                provider = known
            elif head in self._overlay.unpriced_providers:
                return head, rest, note, True
            elif head not in _NOISE and not _AWS_REGION.fullmatch(head):
                break
            name, note = rest, f"prefix {head}/ removed"
            if provider == "openrouter":
                break
        return provider, name, note, False

    def _before_colon(self, provider: str | None, name: str) -> tuple[str | None, str, str]:
        """Take off the provider that frameworks write before a colon (`openai:gpt-4o`, `openai:chat:gpt-4o`)."""
        head, _, rest = name.partition(":")
        known = self._overlay.provider_names.get(head)
        if not rest[:1].isalpha() or (known is None and head not in self._overlay.unpriced_providers):
            return provider, name, ""
        kind, _, inner = rest.partition(":")
        return known or head, inner if kind in _COLON_NOISE and inner else rest, f"prefix {head}: removed"

    def _try(self, provider: str, name: str, note: str) -> Match | None:
        for spelling, change in _spellings(name):
            model = self._find(provider, spelling)
            if model:
                if change.startswith("fine-tuned") and not model.startswith("ft:") and ".ft-" not in model:
                    change = f"{change}, price of the base model"
                return Match(provider, model, _join(note, change, _listed(spelling, model)))
        return None

    def _infer(self, provider: str | None, name: str, note: str) -> Match | None:
        if name.startswith(self._overlay.unpriced_prefixes):
            return None
        for pattern, inferred in _FAMILIES:
            if inferred != provider and pattern.match(name):
                reason = "provider inferred from the name"
                if provider:
                    reason = f"{provider} does not list it, {reason}"
                return self._try(inferred, name, _join(note, reason))
        return None


def _listed(name: str, model: str) -> str:
    return "exact" if name == model.lower() else f"listed as {model}"


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _spellings(name: str) -> Iterator[tuple[str, str]]:
    """A name and ever plainer spellings of it, each with what was changed."""
    base = name
    if name.startswith("ft:") or ".ft-" in name:
        base = name.split(":")[1] if name.startswith("ft:") else name.split(".ft-")[0]
        for spelling in (f"ft:{base}", f"ft:{_DATE.sub('', base)}", base):
            yield spelling, f"fine-tuned {base}"
    else:
        yield name, ""
        if ":" in name:
            base, _, variant = name.rpartition(":")
            yield base, f"variant :{variant} removed"
    for spelling, change in _plainer(base):
        if spelling != name:
            yield spelling, change


def _plainer(name: str) -> Iterator[tuple[str, str]]:
    ordered = _CLAUDE_VERSION_FIRST.sub(
        lambda found: f"claude-{found[3]}-{found[1]}" + (f"-{found[2]}" if found[2] else ""), name
    )
    dashed = _CLAUDE_DOT.sub(r"\1-\2", ordered)
    yield dashed, "version written in the provider's order"
    dateless = _DATE.sub("", dashed)
    yield dateless, "date suffix removed"
    yield _DATE.sub("", dateless), "date suffix removed"
