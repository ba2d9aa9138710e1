"""The open endpoints of a run, and the API each model is asked through there."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from audit.clients import Answer, CallError, Client, Session
from audit.clients._lane import Lane, LaneClosedError, Policy, Purse
from audit.replay.calls import Call, prepare
from audit.replay.prompts import Logged
from audit.replay.redaction import Redactor, restored
from audit.replay.routes import Route


class Lanes:
    """Opens each endpoint once per API.

    A request of the Responses API is asked through chat completions where the server has no Responses API: compatible
    servers often have only the one. What an endpoint lacks is found out once per model and noted.
    """

    def __init__(self, policy: Policy, redactor: Redactor | None = None) -> None:
        self._policy = policy
        self._redactor = redactor
        self._sessions: dict[tuple[str, str], Session] = {}
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._chat_only: set[tuple[str, str]] = set()

    def ready(self, logged: Logged, route: Route, idempotency_key: str) -> Call:
        """The call in the words of the API the model is asked through; raises NotReplayableError."""
        chat = _key(route) in self._chat_only
        return prepare(logged, route, idempotency_key, redactor=self._redactor, chat=chat)

    async def ask(self, call: Call, logged: Logged, route: Route, purse: Purse) -> Answer:
        """The answer with what was hidden from the endpoint; raises as `Lane.send` does."""
        return restored(await self._send(call, logged, route, purse), call.originals)

    async def _send(self, call: Call, logged: Logged, route: Route, purse: Purse) -> Answer:
        try:
            return await self._lane(route, call.client).send(call.translation, call.limits, purse)
        except (CallError, LaneClosedError) as failure:
            if failure.kind != "not_found" or call.client is not route.responses:
                raise
        self._chat_only.add(_key(route))
        call = self.ready(logged, route, call.limits.idempotency_key)
        return await self._lane(route, call.client).send(call.translation, call.limits, purse)

    def _lane(self, route: Route, client: Client) -> Lane:
        key = route.endpoint.name, client.name
        if key not in self._lanes:
            self._sessions[key] = client.open(route.endpoint)
            self._lanes[key] = Lane(client, self._sessions[key], self._policy)
        return self._lanes[key]

    def open(self, ways: Iterable[Route]) -> None:
        """Open everything that may be asked: what an SDK does once must not fall into the time of the first answers."""
        for route in ways:
            for client in filter(None, (route.client, route.responses)):
                self._lane(route, client)

    @property
    def busy(self) -> bool:
        """Whether any answer is being waited for."""
        return any(lane.on_the_wire for lane in self._lanes.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found out about the endpoints, a sentence each."""
        lacking = (
            f"{endpoint}/{model}: the server has no Responses API; its requests were asked through chat completions"
            for endpoint, model in sorted(self._chat_only)
        )
        again = (
            f"{endpoint} ({api}): {lane.tally.trouble}"
            for (endpoint, api), lane in sorted(self._lanes.items())
            if lane.tally.trouble
        )
        return *lacking, *again

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            with suppress(Exception):  # a connection that won't close changes no result
                await session.close()


def _key(route: Route) -> tuple[str, str]:
    return route.endpoint.name, route.sends
