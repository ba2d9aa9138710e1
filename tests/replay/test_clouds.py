from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest

from audit.clients._lane import Policy
from audit.config import EndpointConfig
from audit.errors import ReplayError
from audit.plugins import find
from audit.prices.catalogue import Catalogue
from audit.replay import Plan, plan, replay
from audit.store import Store
from tests.peer import Peer
from tests.replay.logs import fill, shop

QUICK = Policy(concurrency=4, first_backoff=0.01, last_backoff=0.02)
CLIENTS = {client.name: client for client in find("clients", "CLIENT")}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION", "AWS_REGION",
                 "AWS_DEFAULT_REGION", "CLOUD_ML_REGION", "ANTHROPIC_VERTEX_PROJECT_ID"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "aws-token")
    monkeypatch.setenv("GOOGLE_TOKEN", "google-token")


def cloud(flavour: str, url: str = "", **settings: Any) -> EndpointConfig:
    wanted = {
        "azure_openai": {},
        "anthropic_bedrock": {"region": "eu-central-1"},
        "anthropic_vertex": {"region": "europe-west1", "project": "shop", "key_env": "GOOGLE_TOKEN"},
    }
    return EndpointConfig("cloud", url, flavour, **{**wanted[flavour], **settings})  # type: ignore[arg-type]


def planned(store: Store, catalogue: Catalogue, model: str, endpoint: EndpointConfig, **settings: Any) -> Plan:
    return plan(store, catalogue, **{"sample": 20, "models": [f"cloud/{model}"], "endpoints": [endpoint],
                                     "floor": False, **settings})  # fmt: skip


@pytest.mark.parametrize(
    ("flavour", "model", "path", "key", "price"),
    [
        ("azure_openai", "gpt-4o-mini", "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21",
         ("api-key", "azure-key"), 100 * 150_000 + 5 * 600_000),
        ("anthropic_bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0",
         "/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke",
         ("authorization", "Bearer aws-token"), 137_500_000),
        ("anthropic_vertex", "claude-haiku-4-5@20251001",
         "/projects/shop/locations/europe-west1/publishers/anthropic/models/claude-haiku-4-5@20251001:rawPredict",
         ("authorization", "Bearer google-token"), 125_000_000),
    ],
)  # fmt: skip
def test_a_cloud_is_asked_in_its_own_way_at_its_own_price(
    store: Store, catalogue: Catalogue, flavour: str, model: str, path: str, key: tuple[str, str], price: int
) -> None:
    fill(store, shop({"sort": 40}))
    with Peer() as peer:
        made = planned(store, catalogue, model, cloud(flavour, peer.url))
        result = replay(store, made, max_cost_usd=5.0, policy=QUICK)
    assert (result.answered, result.failed) == (20, ())
    assert {each.replace("%40", "@").replace("%3A", ":") for each in peer.paths} == {path}
    assert {headers[key[0]] for headers in peer.headers} == {key[1]}
    assert {row["cost_pico"] for row in store.rows("SELECT cost_pico FROM replay")} == {price}
    assert {row["text"] for row in store.rows("SELECT text FROM replay")} == {"refund"}


def test_content_goes_where_it_is_said_to_go() -> None:
    urls = {flavour: CLIENTS[flavour].locate(cloud(flavour)) for flavour in ("anthropic_bedrock", "anthropic_vertex")}
    assert urls == {
        "anthropic_bedrock": "https://bedrock-runtime.eu-central-1.amazonaws.com",
        "anthropic_vertex": "https://europe-west1-aiplatform.googleapis.com/v1",
    }
    for flavour, url in urls.items():
        opened = CLIENTS[flavour].open(cloud(flavour))
        assert str(opened._client.base_url).rstrip("/") == url  # type: ignore[attr-defined]


def test_a_log_of_a_cloud_is_asked_again_there_by_its_own_name(
    store: Store, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    fill(store, shop({"sort": 40}, provider="azure"))
    store.run("UPDATE request SET request_model = 'our-deployment'")
    endpoint = cloud("azure_openai", "https://shop.openai.azure.com")
    made = planned(store, catalogue, "gpt-4o-mini", endpoint, floor=True)
    (place,) = made.destinations
    assert (place.host, place.serves_already) == ("shop.openai.azure.com", True)
    with Peer() as peer:
        made = planned(store, catalogue, "gpt-4o-mini", cloud("azure_openai", peer.url), floor=True)
        assert replay(store, made, max_cost_usd=5.0, policy=QUICK).answered == 40
    assert sum("/deployments/our-deployment/" in path for path in peer.paths) == 20
    stranger = planned(store, catalogue, "claude-haiku-4-5", cloud("anthropic_vertex"))
    assert stranger.needs_consent


@pytest.mark.parametrize(
    ("flavour", "settings", "unset", "hint"),
    [
        ("azure_openai", {}, "", "base_url, or AZURE_OPENAI_ENDPOINT"),
        ("azure_openai", {"base_url": "https://shop.openai.azure.com"}, "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"),
        ("anthropic_bedrock", {"region": ""}, "", "AWS_REGION"),
        ("anthropic_bedrock", {}, "AWS_BEARER_TOKEN_BEDROCK", "[bedrock]"),
        ("anthropic_vertex", {"region": ""}, "", "CLOUD_ML_REGION"),
        ("anthropic_vertex", {"project": ""}, "", "ANTHROPIC_VERTEX_PROJECT_ID"),
        ("anthropic_vertex", {}, "GOOGLE_TOKEN", "GOOGLE_TOKEN"),
        ("anthropic_vertex", {"key_env": ""}, "", "[vertex]"),
    ],
)
def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, flavour: str, settings: dict[str, str], unset: str, hint: str
) -> None:
    if unset:
        monkeypatch.delenv(unset)
    real = importlib.util.find_spec
    for name in ("anthropic_bedrock", "anthropic_vertex"):
        monkeypatch.setattr(f"audit.clients.{name}.find_spec",
                            lambda each: None if each in ("boto3", "google.auth") else real(each))  # fmt: skip
    url = settings.pop("base_url", "")
    with pytest.raises(ReplayError) as caught:
        CLIENTS[flavour].ready(cloud(flavour, url, **settings))
    assert hint in str(caught.value.hint)


def test_keys_of_clouds_are_never_on_file(store: Store, catalogue: Catalogue) -> None:
    fill(store, shop({"sort": 20}))
    with Peer() as peer:
        peer.fault_for = lambda number, body: "400:bad token Bearer aws-token9999"
        made = planned(
            store, catalogue, "anthropic.claude-haiku-4-5-20251001-v1:0", cloud("anthropic_bedrock", peer.url)
        )
        with pytest.raises(ReplayError) as caught:
            replay(store, made, max_cost_usd=5.0, policy=QUICK)
    assert "aws-token" not in str(caught.value.message)
    assert "aws-token" not in json.dumps(store.rows("SELECT error FROM replay"))
