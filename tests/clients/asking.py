"""One attempt against the loopback peer, as a stream or whole."""

from __future__ import annotations

import asyncio

from audit.clients import Answer, Client, Limits, Message, Prompt
from audit.config import EndpointConfig
from audit.plugins import find
from tests.peer import Peer

CLIENTS: dict[str, Client] = {client.name: client for client in find("clients", "CLIENT")}
FLAVOURS = ["openai_chat", "openai_responses", "anthropic_messages"]
PROMPT = Prompt((Message("user", ("Classify: I want my money back",)),), temperature=0.0)
LIMITS = Limits(50, timeout=5)
PATIENCE = 30.0
"""Seconds for an attempt: longer than the product waits for anything, shorter than the peer hangs."""


def endpoint(peer: Peer, flavour: str) -> EndpointConfig:
    return EndpointConfig("test", peer.url if flavour.startswith("anthropic") else f"{peer.url}/v1", flavour)


def attempt(peer: Peer, flavour: str = "openai_chat", *, limits: Limits = LIMITS, stream: bool = False) -> Answer:
    """One attempt, without a lane; TimeoutError where it waits for what will not come."""
    client = CLIENTS[flavour]

    async def main() -> Answer:
        session = client.open(endpoint(peer, flavour))
        try:
            body = client.translate(PROMPT, "m", limits).body
            async with asyncio.timeout(PATIENCE):
                return await session.send({**body, **(client.streaming if stream else {})}, limits)
        finally:
            await session.close()

    return asyncio.run(main())
