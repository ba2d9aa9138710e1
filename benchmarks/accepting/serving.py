"""A server on loopback that plays the recorded answers of a world by prompt; in a process of its own."""

from __future__ import annotations

import json
import sys
from typing import Any

from aiohttp import web

from benchmarks.accepting.worlds import STRONG, WORLDS, World, build, message, tokens


class Player:
    """Answers chat completions from a world; the strong model repeats what was logged, unless `one_for_all`."""

    def __init__(self, world: World, one_for_all: bool) -> None:
        self._world, self._one_for_all = world, one_for_all

    async def answer(self, request: web.Request) -> web.Response:
        """One chat completion."""
        body = await request.json()
        key = json.dumps(body["messages"])
        strong = body["model"] == STRONG and not self._one_for_all
        said = (self._world.logged if strong else self._world.answers).get(key)
        if said is None:
            return web.json_response({"error": {"message": "no such prompt"}}, status=400)
        used: dict[str, Any] = {"prompt_tokens": tokens(body["messages"]), "completion_tokens": tokens(said)}
        return web.json_response(
            {
                "id": "chatcmpl-1", "object": "chat.completion", "model": body["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": message(said)}],
                "usage": used | {"total_tokens": sum(used.values())},
            }
        )  # fmt: skip


async def _announce(app: web.Application) -> None:
    del app
    print("ready", flush=True)


def main(name: str, seed: int, port: int, one_for_all: bool) -> None:
    """Serve one world until the process ends, at most an hour."""
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/chat/completions", Player(build(WORLDS[name], seed), one_for_all).answer)
    app.on_startup.append(_announce)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["one-for-all"])
