"""A server on loopback, in this process, that gives today's model's brief answers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from benchmarks.spending.flows import Log, brief, completion


class _Player(ThreadingHTTPServer):
    """Knows an answer for every prompt that is asked for briefly."""

    daemon_threads = True
    answers: dict[str, dict[str, Any]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Player

    def do_POST(self) -> None:
        """One chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = self.server.answers.get(json.dumps(body["messages"]))
        text = json.dumps(said or {"error": {"message": "no such prompt"}}).encode()
        self.send_response(200 if said else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *about: object) -> None:
        """Nothing."""


@contextmanager
def played(log: Log) -> Iterator[None]:
    """A log's brief answers behind OPENAI_BASE_URL."""
    prompts = (call.prompt for call in log.calls if call.first and call.prompt.flow.brief)
    server = _Player(("127.0.0.1", 0), _Handler)
    server.answers = {json.dumps(brief(each)): completion(each.logged, each.briefly) for each in prompts}
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    os.environ.update(OPENAI_BASE_URL=f"http://127.0.0.1:{server.server_port}/v1", OPENAI_API_KEY="none")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
