"""Chat completions of an Azure OpenAI resource, through the SDK's own class; models are named by deployment."""

from __future__ import annotations

import os
from typing import Any

from audit.clients import Client
from audit.clients._http import need_key
from audit.clients._openai import adapt, thinks
from audit.clients.openai_chat import STREAMING, ChatSession, translate
from audit.config import EndpointConfig
from audit.errors import ReplayError

KEY = "AZURE_OPENAI_API_KEY"
TOKEN = "AZURE_OPENAI_AD_TOKEN"
ADDRESS = "AZURE_OPENAI_ENDPOINT"
VERSION = "2024-10-21"
"""The latest API version that is no preview; chat completions have not changed in a newer one."""


def locate(config: EndpointConfig) -> str:
    """The resource's address, or that there is none."""
    return config.base_url or os.environ.get(ADDRESS) or f"({ADDRESS} is not set)"


def ready(config: EndpointConfig) -> None:
    """Raises ReplayError when the address, or both a key and a token of Entra ID, are missing."""
    if not (config.base_url or os.environ.get(ADDRESS)):
        raise ReplayError(f"endpoint {config.name!r} needs an address", f"set base_url, or {ADDRESS}")
    if config.key_env or not os.environ.get(TOKEN):
        need_key(config, config.key_env or KEY)


class AzureSession(ChatSession):
    """An open resource."""

    def __init__(self, config: EndpointConfig) -> None:
        self._client = connect(config)


def connect(config: EndpointConfig) -> Any:
    """An AsyncAzureOpenAI client that retries nothing by itself."""
    from openai import AsyncAzureOpenAI

    ready(config)
    key = os.environ.get(config.key_env or KEY)
    return AsyncAzureOpenAI(
        azure_endpoint=locate(config),
        api_version=config.api_version or os.environ.get("OPENAI_API_VERSION") or VERSION,
        api_key=key,
        azure_ad_token=None if key else os.environ.get(TOKEN),
        max_retries=0,
        default_headers=dict(config.headers) or None,
    )


CLIENT = Client(
    name="azure_openai",
    title="Azure OpenAI",
    translate=translate,
    adapt=adapt,
    thinks=thinks,
    locate=locate,
    ready=ready,
    open=AzureSession,
    seller="azure",
    streaming=STREAMING,
)
