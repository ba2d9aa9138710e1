"""The Batch APIs of OpenAI and Anthropic on loopback, with their wire shapes; a batch ends when the test says so."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.peer import Peer, answer

Spoil = Callable[[int, str, dict[str, Any]], Any]
"""Given a place, a custom id and a body, what becomes of a request other than an answer (None = answered)."""


class BatchPeer(Peer):
    """`spoil` makes requests expire or fail; `deaf` is how many seconds an accepted batch is kept quiet about.

    `damage` has the last word on a file of results.
    """

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.spoil: Spoil = lambda place, name, body: None
        self.deaf = 0.0
        self.deleted: list[str] = []
        self.damage: Callable[[str], str] = lambda lines: lines
        self.has_batches = True

    def end(self, status: str = "completed") -> None:
        """Let every open batch end."""
        for batch in self.batches.values():
            batch["ended"] = batch["ended"] or status

    def _routes(self, app: web.Application) -> None:
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_delete("/v1/files/{id}", self._delete)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._retrieve)
        app.router.add_post("/v1/messages/batches", self._create_messages)
        app.router.add_get("/v1/messages/batches", self._list)
        app.router.add_get("/v1/messages/batches/{id}", self._retrieve)
        app.router.add_get("/v1/messages/batches/{id}/results", self._message_results)
        app.router.add_delete("/v1/messages/batches/{id}", self._delete)
        super()._routes(app)

    async def _upload(self, request: web.Request) -> web.Response:
        if not self.has_batches:
            return web.json_response({"detail": "Not Found"}, status=404)
        form = await request.post()
        assert form["purpose"] == "batch"
        name = f"file-{len(self.files)}"
        self.files[name] = form["file"].file.read()  # type: ignore[union-attr]
        return web.json_response({"id": name, "object": "file", "bytes": len(self.files[name]),
                                  "created_at": int(time.time()), "filename": "x.jsonl", "purpose": "batch",
                                  "status": "processed"})  # fmt: skip

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        rows = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        assert {row["url"] for row in rows} == {body["endpoint"]}
        assert len({row["body"]["model"] for row in rows}) == 1, "one model a file"
        requests = [(row["custom_id"], row["body"]) for row in rows]
        return await self._accept({"kind": "batch", "requests": requests, "path": body["endpoint"], **body})

    async def _create_messages(self, request: web.Request) -> web.Response:
        body = await request.json()
        requests = [(row["custom_id"], row["params"]) for row in body["requests"]]
        return await self._accept({"kind": "msgbatch", "requests": requests, "path": "/v1/messages"})

    async def _accept(self, batch: dict[str, Any]) -> web.Response:
        name = f"{batch['kind']}_{len(self.batches)}"
        self.batches[name] = {**batch, "id": name, "ended": "", "made": time.time()}
        if self.deaf:
            await asyncio.sleep(self.deaf)
        return web.json_response(self._shown(self.batches[name]))

    def _shown(self, batch: dict[str, Any]) -> dict[str, Any]:
        total, ended = len(batch["requests"]), batch["ended"]
        if batch["kind"] == "msgbatch":
            counts = {"processing": 0 if ended else total, "succeeded": total if ended else 0, "errored": 0,
                      "canceled": 0, "expired": 0}  # fmt: skip
            made = datetime.fromtimestamp(batch["made"], UTC).isoformat().replace("+00:00", "Z")
            return {"id": batch["id"], "type": "message_batch", "request_counts": counts, "created_at": made,
                    "processing_status": "ended" if ended else "in_progress"}  # fmt: skip
        shown = {"id": batch["id"], "object": "batch", "endpoint": batch["endpoint"], "status": ended or "in_progress",
                 "input_file_id": batch["input_file_id"], "metadata": batch.get("metadata"),
                 "created_at": int(batch["made"]), "output_file_id": None, "error_file_id": None,
                 "request_counts": {"total": total, "completed": total if ended else 0, "failed": 0}}  # fmt: skip
        if ended == "failed":
            shown["errors"] = {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]}
        elif ended:
            good, bad = f"{batch['id']}-out", f"{batch['id']}-err"
            self._settle(batch, good, bad)
            shown.update(output_file_id=good, error_file_id=bad)
        return shown

    def _settle(self, batch: dict[str, Any], good: str, bad: str) -> None:
        if good in self.files:
            return
        lines: dict[str, list[str]] = {good: [], bad: []}
        # results come in any order
        for place, (name, body) in reversed(list(enumerate(batch["requests"]))):
            spoilt = self.spoil(place, name, body)
            if spoilt == "expired":
                line = {"custom_id": name, "response": None, "error": {"code": "batch_expired", "message": "expired"}}
            elif spoilt:
                line = {"custom_id": name, "response": {"status_code": 400, "body": {"error": {"message": spoilt}}}}
            else:
                line = {"id": f"r{place}", "custom_id": name, "error": None,
                        "response": {"status_code": 200, "body": self._served(batch, body)}}  # fmt: skip
            lines[bad if spoilt else good].append(json.dumps(line))
        self.files.update({name: "\n".join(each).encode() for name, each in lines.items()})

    def _served(self, batch: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        self._count(body)
        return answer(batch["path"], body, self.reply(body), self.prompt_tokens, self.completion_tokens)

    async def _message_results(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        lines = []
        for place, (name, body) in reversed(list(enumerate(batch["requests"]))):
            spoilt = self.spoil(place, name, body)
            result: dict[str, Any] = {"type": "succeeded"}
            if spoilt == "expired":
                result = {"type": "expired"}
            elif spoilt:
                wrong = {"type": "error", "error": {"type": "invalid_request_error", "message": spoilt}}
                result = {"type": "errored", "error": wrong}
            else:
                result["message"] = self._served(batch, body)
            lines.append(json.dumps({"custom_id": name, "result": result}))
        return web.Response(text=self.damage("\n".join(lines)), content_type="application/x-jsonl")

    async def _list(self, request: web.Request) -> web.Response:
        kind = "msgbatch" if "messages" in request.path else "batch"
        shown = [self._shown(each) for each in reversed(self.batches.values()) if each["kind"] == kind]
        return web.json_response({"data": shown, "has_more": False})

    async def _retrieve(self, request: web.Request) -> web.Response:
        return web.json_response(self.change(self._shown(self.batches[request.match_info["id"]])))

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.damage(self.files[request.match_info["id"]].decode()).encode())

    async def _delete(self, request: web.Request) -> web.Response:
        self.deleted.append(request.match_info["id"])
        return web.json_response({"id": request.match_info["id"], "deleted": True})
