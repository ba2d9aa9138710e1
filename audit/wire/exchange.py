"""One request body and its response, of any API, as a `Call`: models, usage, tier, finish, errors, text."""

from __future__ import annotations

from typing import Any

from audit.call import Call
from audit.wire.beside import error_name
from audit.wire.bodies import FILLERS, Body
from audit.wire.dialect import Dialect
from audit.wire.messages import transcript
from audit.wire.parameters import KNOWN, parameters
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json

_EMPTY: Body = {}
_SYNTHETIC = "<synthetic>"
"""Written by clients in place of an answer: no model was called."""


def fill(call: Call, dialect: Dialect, request: Any, response: Any, whole: bool = False) -> None:
    """Fill `call` from the two bodies; `response` is joined already (`audit.wire.stream.join`), either may be missing.

    `whole` says that the request body is the whole record (its other columns are no parameters). What the bodies don't
    say stays as it was. Call `settle` when everything else about the call is known.
    """
    asked: Body = request if isinstance(request, dict) else _EMPTY
    answer: Body = response if isinstance(response, dict) else _EMPTY
    model = asked.get("model") or asked.get("modelId")
    if isinstance(model, str) or "model" in asked:
        call.request_model = model if isinstance(model, str) else call.request_model
    if asked is not _EMPTY:
        call.parameters = parameters(asked, KNOWN if whole else None)
        if isinstance(asked.get("stream"), bool):
            call.request_stream = asked["stream"]
        _fill_caller(call, asked)
    if answer is not _EMPTY:
        FILLERS[dialect](call, answer)
        error = answer.get("error")
        if error:
            call.status = "failed" if call.status == "ok" else call.status
            call.error_type = error_name(maybe_json(error)) or call.error_type
    if call.service_tier is None and asked.get("service_tier") in ("flex", "batch"):
        # a flex request is served as flex or refused; any other wish may be downgraded
        call.service_tier = str(asked["service_tier"])
    transcript(request, response).apply(call)


def _fill_caller(call: Call, asked: Body) -> None:
    if call.user is None:
        call.user = label(asked.get("user") or asked.get("safety_identifier"))
    for key in ("metadata", "labels", "requestMetadata"):
        if asked.get(key):
            tag(call, asked[key])
    template = asked.get("prompt")
    if isinstance(template, dict) and call.prompt_template is None:
        # a prompt kept by the provider
        call.prompt_template = label(template.get("id"))


def settle(call: Call) -> None:
    """Last step: a failure that generated tokens was billed, an earlier one not; a call of no model is not billable."""
    if call.status == "failed":
        if call.usage is not None and call.usage.output_tokens:
            call.status = "ok"
        else:
            call.usage = None
    settle_model(call)
    call.native_id = call.response_id or call.native_id


def settle_model(call: Call) -> None:
    """An answer under a blank name was billed under one that the log does not tell, if anything was counted for it."""
    asked, answered = call.request_model, call.response_model
    blank = asked is not None or answered is not None
    if asked is not None and not asked.strip():
        asked = call.request_model = None
    if answered is not None and not answered.strip():
        answered = call.response_model = None
    model = asked if answered is None else answered
    if call.status == "ok" and (_is_uncounted(call) if model is None and blank else model == _SYNTHETIC):
        call.status = "not_billable"


def _is_uncounted(call: Call) -> bool:
    usage = call.usage
    return usage is None or not (usage.input_tokens or usage.output_tokens or usage.tool_calls)
