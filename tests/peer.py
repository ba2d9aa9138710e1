"""A server on loopback that speaks the providers' APIs and misbehaves on demand; it counts what it would bill."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import pytest
from aiohttp import web

from tests.streams import said, sse

Fault = Callable[["Peer", web.Request, dict[str, Any]], Any]
"""Given the request, return a response, or None to answer as usual."""


@dataclass(frozen=True)
class Wire:
    """An answer byte by byte: `pieces` are written one after another; `then` the answer ends, is `cut`, or hangs."""

    pieces: Sequence[bytes]
    kind: str = "text/event-stream; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    then: Literal["end", "cut", "hang"] = "end"


class Peer:
    """Answers chat completions, Responses and Messages with `reply`; `script` holds faults for the next requests.

    `change` has the last word on the body of an answer; `wire` gives answers byte by byte, None those of `reply`.

    `served` counts full answers handed out per prompt (a digest of model and messages): what a provider would bill.
    """

    def __init__(self, reply: Callable[[dict[str, Any]], str] = lambda body: "refund") -> None:
        self.reply = reply
        self.script: list[str] = []
        self.fault_for: Callable[[int, dict[str, Any]], str | None] = lambda number, body: None
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.served: Counter[str] = Counter()
        self.billed_tokens = [0, 0]
        self.in_flight = self.most_in_flight = 0
        self.delay = 0.0
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: body
        self.wire: Callable[[str, dict[str, Any]], Wire | None] = lambda path, body: None
        self.prompt_tokens = 100
        self.completion_tokens = 5
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(60):
            raise RuntimeError("the server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Be OpenAI and Anthropic for what runs from here on."""
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{self.url}/v1")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", self.url)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        app = web.Application(client_max_size=1 << 26)
        self._routes(app)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._started.set()
        await self._stop.wait()
        await runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _routes(self, app: web.Application) -> None:
        app.router.add_post("/{path:.*}", self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number = len(self.requests)
        self.requests.append(body)
        self.paths.append(request.path_qs)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            fault = self.script.pop(0) if self.script else self.fault_for(number, body)
            if fault:
                response = await self._fault(fault, request, body)
                if response is not None:
                    return response
            wire = self.wire(request.path, body)
            if wire is None:
                return self._answer(request.path, body)
            self._count(body)
            return await self._write(wire, request)
        finally:
            self.in_flight -= 1

    def _answer(self, path: str, body: dict[str, Any]) -> web.Response:
        self._count(body)
        made = answer(path, body, self.reply(body), self.prompt_tokens, self.completion_tokens)
        return web.json_response(self.change(made))

    async def _write(self, wire: Wire, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=wire.status, headers={"Content-Type": wire.kind, **wire.headers})
        await response.prepare(request)
        for piece in wire.pieces:
            await response.write(piece)
            await asyncio.sleep(wire.pause)
        if wire.then == "hang":
            await asyncio.sleep(60)
        elif wire.then == "cut" and request.transport is not None:
            request.transport.close()
        return response

    def _count(self, body: dict[str, Any]) -> None:
        said = json.dumps([body.get("model"), body.get("messages") or body.get("input")], sort_keys=True)
        self.served[hashlib.sha256(said.encode()).hexdigest()[:12]] += 1
        self.billed_tokens[0] += self.prompt_tokens
        self.billed_tokens[1] += self.completion_tokens

    async def _fault(self, name: str, request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        name, _, argument = name.partition(":")
        status = {"400": 400, "401": 401, "402": 402, "403": 403, "404": 404, "500": 500, "503": 503, "529": 529}
        if name in status:
            return web.json_response({"error": {"message": argument or f"status {name}"}}, status=status[name])
        if name == "429":
            headers = {"retry-after-ms": argument} if argument else {}
            return web.json_response({"error": {"message": "slow down"}}, status=429, headers=headers)
        if name == "redirect":
            return web.Response(status=307, headers={"location": argument})
        if name == "429-after":
            return web.json_response({"error": {"message": "wait"}}, status=429, headers={"retry-after": argument})
        if name == "quota":
            wrong = {"message": "You exceeded your current quota", "code": "insufficient_quota"}
            return web.json_response({"error": wrong}, status=429)
        if name == "refuse":
            # refuse a parameter as long as it is sent, as providers do
            if argument not in body:
                return None
            wrong = {"message": f"Unsupported parameter: '{argument}'", "param": argument, "code": "unsupported"}
            return web.json_response({"error": wrong}, status=400)
        texts = {
            "html": "<html>Bad gateway</html>",
            "garbage": '{"choices": [',
            "null": '{"choices": null}',
            "list": "[]",
            "deep": "[" * 100_000 + "]" * 100_000,
            "busy": '{"error": {"message": "busy", "code": 503}}',
        }
        if name in texts:
            return web.Response(text=texts[name], content_type="text/html" if name == "html" else "application/json")
        if name.endswith("-stream"):
            # half a stream: the connection ends, breaks, or an error takes the place of the rest
            half = said(request.path, self.reply(body))[:3]
            wrong = {"type": "error", "error": {"type": "server_error", "message": "no luck"}}
            rest = [wrong] if name == "error-stream" else []
            return await self._write(
                Wire([sse(half), sse(rest)], then="cut" if name == "cut-stream" else "end"), request
            )
        return await self._break(name, request)

    async def _break(self, name: str, request: web.Request) -> web.StreamResponse | None:
        transport = request.transport
        if transport is None:
            return web.Response()
        if name == "hang":
            await asyncio.sleep(60)
        elif name == "truncate":
            response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
            await response.prepare(request)
            await response.write(b'{"id": "cut", "choices": [')
            transport.close()
            return response
        elif name in ("reset", "reset-body", "close"):
            if name == "reset-body":
                started = web.StreamResponse(headers={"Content-Type": "application/json"})
                await started.prepare(request)
                await started.write(b'{"id": "cut", "choices": [')
            if name != "close":
                sock = transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.close() if name == "close" else transport.abort()
            return web.Response()
        else:
            raise ValueError(f"no fault named {name}")
        return None


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """A loopback server that stands for OpenAI and Anthropic."""
    with Peer() as running:
        running.stand_in(monkeypatch)
        yield running


def answer(path: str, body: dict[str, Any], text: str, prompt: int, completion: int) -> dict[str, Any]:
    """A full answer in the API of `path`."""
    model = body.get("model", "")
    if path.endswith(("/messages", "/invoke", ":rawPredict")):
        usage = {"input_tokens": prompt, "output_tokens": completion, "cache_read_input_tokens": 0}
        content = [{"type": "text", "text": text}]
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content,
                "stop_reason": "end_turn", "usage": usage}  # fmt: skip
    if path.endswith("/responses"):
        usage = {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + completion,
        }
        output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]
        return {"id": "resp_1", "object": "response", "status": "completed", "model": model, "output": output,
                "usage": usage}  # fmt: skip
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": model, "choices": [choice], "usage": usage}
