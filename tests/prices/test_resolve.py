from __future__ import annotations

import pytest

from audit.prices.catalogue import NOT_BILLABLE, Catalogue, Contract, load


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


AWS_SONNET = "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.mark.parametrize(
    ("name", "provider", "model"),
    [
        # as the provider says it, dated, in odd case, padded
        ("gpt-4o", "openai", "gpt-4o"),
        ("gpt-4o-2024-11-20", "openai", "gpt-4o-2024-08-06"),
        ("gpt-4o-2024-05-13", "openai", "gpt-4o-2024-05-13"),
        ("GPT-4o-Mini", "openai", "gpt-4o-mini"),
        ("  gpt-5-mini-2025-08-07 ", "openai", "gpt-5-mini"),
        ("claude-sonnet-4-5-20250929", "anthropic", "claude-sonnet-4-5"),
        ("claude-3-5-sonnet-latest", "anthropic", "claude-3-5-sonnet"),
        ("gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("grok-4-latest", "x-ai", "grok-4-0709"),
        ("codestral-latest", "mistral", "codestral"),
        ("deepseek-reasoner", "deepseek", "deepseek-reasoner"),
        ("text-embedding-3-small", "openai", "text-embedding-3-small"),
        # gateways
        ("azure/gpt-4o", "azure", "gpt-4o"),
        ("azure/eu/gpt-4o-mini", "azure", "gpt-4o-mini"),
        ("openai:gpt-4o", "openai", "gpt-4o"),
        ('"gpt-4o"', "openai", "gpt-4o"),
        ("openai:chat:gpt-4o-mini", "openai", "gpt-4o-mini"),
        ("anthropic:messages:claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("azure/gpt-35-turbo-16k", "azure", "gpt-3.5-turbo-16k"),
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("openai/responses/gpt-5", "openai", "gpt-5"),
        ("vertex_ai/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("vertex_ai/claude-opus-4-5@20251101", "google", "claude-opus-4-5"),
        ("gemini/gemini-2.5-flash", "google", "gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "google", "gemini-2.5-flash"),
        ("publishers/google/models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("projects/p/locations/eu/publishers/anthropic/models/claude-haiku-4-5", "google", "claude-haiku-4-5"),
        ("accounts/fireworks/models/deepseek-v3p2", "fireworks", "deepseek-v3p2"),
        ("xai/grok-4", "x-ai", "grok-4-0709"),
        ("groq/llama-3.3-70b-versatile", "groq", "llama-3.3-70b-versatile"),
        ("openrouter/anthropic/claude-sonnet-4.5", "openrouter", "anthropic/claude-sonnet-4.5"),
        ("anthropic/claude-4.5-sonnet-20250929", "anthropic", "claude-sonnet-4-5"),
        ("claude-opus-4.5", "anthropic", "claude-opus-4-5"),
        ("deepseek/deepseek-r1:free", "openrouter", ":free"),
        # Bedrock
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", AWS_SONNET),
        ("jp.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", AWS_SONNET),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", AWS_SONNET),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", AWS_SONNET),
        ("bedrock/converse/us-east-1/anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", AWS_SONNET),
        (f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{AWS_SONNET[9:]}", "aws", AWS_SONNET),
        ("global.anthropic.claude-opus-5", "aws", "global.anthropic.claude-opus-5"),
        ("us.meta.llama3-3-70b-instruct-v1:0", "aws", "meta.llama3-3-70b-instruct-v1:0"),
        # fine-tunes
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", "openai", "ft:gpt-4o-mini"),
        ("ft:gpt-4.1-nano-2025-04-14:acme:x:abc", "openai", "ft:gpt-4.1-nano"),
        ("ft:gpt-4-0613:acme::abc", "openai", "gpt-4"),
        ("azure/gpt-4.1-mini-2025-04-14.ft-0a1b2c", "azure", "gpt-4.1-mini"),
    ],
)
def test_names_without_a_provider(catalogue: Catalogue, name: str, provider: str, model: str) -> None:
    match = catalogue.resolve(None, name)
    assert match is not None
    assert (match.provider_name, match.model) == (provider, model)
    assert match.how
    assert catalogue.rows_for(provider, model)


@pytest.mark.parametrize(
    ("provider_name", "name", "provider", "model"),
    [
        ("openai", "gpt-4o", "openai", "gpt-4o"),
        ("OpenAI", "gpt-4o", "openai", "gpt-4o"),
        ("openai.chat", "gpt-4o", "openai", "gpt-4o"),
        ("az.ai.openai", "gpt-4o", "azure", "gpt-4o"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", AWS_SONNET),
        ("bedrock", "claude-sonnet-4-5-20250929", "aws", AWS_SONNET),
        ("anthropic", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", AWS_SONNET),
        ("vertex_ai-anthropic_models", "claude-sonnet-4-5@20250929", "google", "claude-sonnet-4-5"),
        ("gcp.gemini", "gemini-2.5-flash", "google", "gemini-2.5-flash"),
        ("openrouter", "anthropic/claude-4.5-sonnet-20250929", "openrouter", "anthropic/claude-sonnet-4.5"),
        ("openrouter", "openai/gpt-4o:online", "openrouter", "openai/gpt-4o"),
        ("openrouter", "anthropic/claude-sonnet-4.5:beta", "openrouter", "anthropic/claude-sonnet-4.5"),
        ("openrouter", "x-ai/grok-4", "x-ai", "grok-4-0709"),
        ("openrouter", "meta-llama/any:free", "openrouter", ":free"),
        ("groq", "openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"),
        (
            "together_ai",
            "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            "together",
            "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        ),
        # an SDK's name is not a provider's price list
        ("openai", "claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("my-gateway", "gpt-4o", "openai", "gpt-4o"),
    ],
)
def test_names_with_a_provider(catalogue: Catalogue, provider_name: str, name: str, provider: str, model: str) -> None:
    match = catalogue.resolve(provider_name, name)
    assert match is not None
    assert (match.provider_name, match.model) == (provider, model)


@pytest.mark.parametrize(
    ("provider_name", "name"),
    [
        (None, "my-private-model"),
        (None, "gpt-4o-mycompany"),
        (None, "<script>alert(1)</script>"),
        (None, "llama3.2"),
        (None, "meta-llama/Llama-3.1-8B-Instruct"),
        (None, "mistralai/Mistral-7B-Instruct-v0.3"),
        (None, "gpt-oss-120b"),
        (None, "ollama/llama3.2"),
        (None, "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123"),
        ("ollama", "gpt-4o"),
        ("vllm", "claude-sonnet-4-5"),
        ("azure", "prod-chat-eu"),
        ("github-copilot", "gpt-4o"),
        (None, "x" * 100_000),
        (None, "/" * 1000),
    ],
)
def test_what_is_not_known_is_none(catalogue: Catalogue, provider_name: str | None, name: str) -> None:
    assert catalogue.resolve(provider_name, name) is None


@pytest.mark.parametrize("name", sorted(NOT_BILLABLE))
def test_placeholders_are_not_billable_rather_than_unknown(catalogue: Catalogue, name: str) -> None:
    assert catalogue.resolve("anthropic", name) is None


def test_how_says_what_was_assumed(catalogue: Catalogue) -> None:
    def how(provider: str | None, name: str) -> str:
        match = catalogue.resolve(provider, name)
        assert match is not None
        return match.how

    assert how("openai", "gpt-4o") == "exact"
    assert "provider inferred" in how(None, "gpt-4o")
    assert "openai does not list it" in how("openai", "claude-sonnet-4-5")
    assert "price of the base model" in how(None, "ft:gpt-4-0613:acme::abc")
    assert "price of the base model" not in how(None, "ft:gpt-4o-2024-08-06:acme::abc")
    assert "prefix azure/ removed" in how(None, "azure/gpt-4o")
    assert "variant :online removed" in how("openrouter", "openai/gpt-4o:online")


def test_aliases_come_first() -> None:
    catalogue = load(aliases={"Prod-Chat": "azure/gpt-4.1-mini", "gpt-4o": "claude-haiku-4-5"})
    deployment = catalogue.resolve("azure", "prod-chat")
    assert deployment is not None
    assert (deployment.provider_name, deployment.model) == ("azure", "gpt-4.1-mini")
    assert "alias azure/gpt-4.1-mini" in deployment.how
    moved = catalogue.resolve(None, "gpt-4o")
    assert moved is not None
    assert moved.provider_name == "anthropic"


def test_an_alias_to_itself_ends() -> None:
    catalogue = load(aliases={"a": "a"})
    assert catalogue.resolve(None, "a") is None


def test_a_contract_makes_a_private_model_known() -> None:
    prices = {"input": 0.2, "output": 0.6}
    catalogue = load(contracts=[Contract("vllm", "qwen/qwen3-32b", usd_per_million=prices)])
    match = catalogue.resolve("vllm", "Qwen/Qwen3-32B")
    assert match is not None
    assert (match.provider_name, match.model) == ("vllm", "qwen/qwen3-32b")
    assert {row.source for row in catalogue.rows_for("vllm", "qwen/qwen3-32b") if row.sku_meter == "input"} == {
        "contract price"
    }
