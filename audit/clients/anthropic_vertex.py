"""Claude on Google Vertex AI, through the SDK's own class."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from audit.clients import Client
from audit.clients.anthropic_messages import MessagesSession, adapt, thinks, translate
from audit.config import EndpointConfig
from audit.errors import ReplayError

PROJECT = "ANTHROPIC_VERTEX_PROJECT_ID"
REGION = "CLOUD_ML_REGION"
MISSING = "pip install 'llm-workload-audit[vertex]', or put an access token into the variable key_env names"
_MULTI = {
    "global": "https://aiplatform.googleapis.com/v1",
    "us": "https://aiplatform.us.rep.googleapis.com/v1",
    "eu": "https://aiplatform.eu.rep.googleapis.com/v1",
}


def region(config: EndpointConfig) -> str:
    """The region asked: the configured one, else the environment's; empty when neither names one."""
    return config.region or os.environ.get(REGION) or ""


def locate(config: EndpointConfig) -> str:
    """The address of the region."""
    place = region(config) or "(no region)"
    return config.base_url or _MULTI.get(place, f"https://{place}-aiplatform.googleapis.com/v1")


def ready(config: EndpointConfig) -> None:
    """Raises ReplayError without region or project, or with neither a token nor the package that fetches one."""
    if not region(config):
        raise ReplayError(f"endpoint {config.name!r} needs a region", f"set region, or {REGION}")
    if not _project(config):
        raise ReplayError(f"endpoint {config.name!r} needs a project", f"set project, or {PROJECT}")
    if config.key_env and not os.environ.get(config.key_env):
        raise ReplayError(f"endpoint {config.name!r} needs a token", f"set the environment variable {config.key_env}")
    if not config.key_env and not _installed():
        raise ReplayError(f"endpoint {config.name!r} needs google-auth", MISSING)


def _project(config: EndpointConfig) -> str:
    return config.project or os.environ.get(PROJECT) or ""


def _installed() -> bool:
    try:
        return find_spec("google.auth") is not None
    except ModuleNotFoundError:  # not even the parent package is there
        return False


def connect(config: EndpointConfig) -> Any:
    """An AsyncAnthropicVertex client; without a token it uses the application default credentials."""
    from anthropic import AsyncAnthropicVertex

    ready(config)
    return AsyncAnthropicVertex(
        region=region(config),
        project_id=_project(config),
        access_token=os.environ[config.key_env] if config.key_env else None,
        base_url=locate(config),
        max_retries=0,
        default_headers=dict(config.headers) or None,
        open_telemetry=False,
    )


class VertexSession(MessagesSession):
    """An open region."""

    def __init__(self, config: EndpointConfig) -> None:
        self._client = connect(config)


CLIENT = Client(
    name="anthropic_vertex",
    title="Claude on Google Vertex AI",
    translate=translate,
    adapt=adapt,
    thinks=thinks,
    locate=locate,
    ready=ready,
    open=VertexSession,
    seller="google",
    streaming={"stream": True},
)
