"""Claude on Amazon Bedrock, through the SDK's own class."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from audit.clients import Client
from audit.clients.anthropic_messages import MessagesSession, adapt, thinks, translate
from audit.config import EndpointConfig
from audit.errors import ReplayError

TOKEN = "AWS_BEARER_TOKEN_BEDROCK"
MISSING = "pip install 'llm-workload-audit[bedrock]', or set AWS_BEARER_TOKEN_BEDROCK"


def region(config: EndpointConfig) -> str:
    """The region asked: the configured one, else the environment's; empty when neither names one."""
    return config.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""


def locate(config: EndpointConfig) -> str:
    """The address of the region's runtime."""
    return config.base_url or f"https://bedrock-runtime.{region(config) or '(no region)'}.amazonaws.com"


def ready(config: EndpointConfig) -> None:
    """Raises ReplayError without a region, or with neither a bearer token nor the package that signs requests."""
    if not region(config):
        raise ReplayError(f"endpoint {config.name!r} needs a region", "set region, or AWS_REGION")
    if not os.environ.get(config.key_env or TOKEN) and find_spec("boto3") is None:
        raise ReplayError(f"endpoint {config.name!r} needs boto3 to sign requests", MISSING)


def connect(config: EndpointConfig) -> Any:
    """An AsyncAnthropicBedrock client; AWS credentials come from where the AWS tools look for them."""
    from anthropic import AsyncAnthropicBedrock

    ready(config)
    return AsyncAnthropicBedrock(
        aws_region=region(config),
        api_key=os.environ.get(config.key_env or TOKEN),
        base_url=locate(config),
        max_retries=0,
        default_headers=dict(config.headers) or None,
        open_telemetry=False,
    )


class BedrockSession(MessagesSession):
    """An open region."""

    def __init__(self, config: EndpointConfig) -> None:
        self._client = connect(config)


CLIENT = Client(
    name="anthropic_bedrock",
    title="Claude on Amazon Bedrock",
    translate=translate,
    adapt=adapt,
    thinks=thinks,
    locate=locate,
    ready=ready,
    open=BedrockSession,
    seller="aws",
)
