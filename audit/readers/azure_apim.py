"""Azure API Management gateway logs: the bodies of calls to Azure OpenAI and other model APIs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers import _azure as azure
from audit.wire.beside import error_name, status_problem
from audit.wire.dialect import of_pair
from audit.wire.exchange import fill, settle
from audit.wire.stream import join
from audit.wire.text import maybe_json
from audit.wire.times import number, seconds

_RAW = frozenset({"category", "properties"})
_TABLE = frozenset({"CorrelationId", "ApiId"})
_MODEL_API = re.compile(
    r"openai|/completions|/messages\b|generatecontent|/responses\b|/embeddings\b|anthropic|/inference|/deployments/",
    re.I,
)
_ID = re.compile(r'"id"\s*:\s*"((?:chatcmpl|resp|msg|cmpl)[\w-]{1,80})"')
_MODEL = re.compile(r'"model"\s*:\s*"([^"\\]{1,120})"')


def _detect(record: Record) -> int:
    category = str(record.get("category") or record.get("Category") or "").lower()
    if category == "gatewaylogs":
        return 30
    names = {key.lower() for key in record}
    return (
        30 if {"apiid", "correlationid"} <= names and ("backendresponsebody" in names or "responsebody" in names) else 0
    )


def _read(record: Record) -> Iterable[Outcome]:
    found = azure.fields(record)
    request, response = (_body(found, side) for side in ("request", "response"))
    url = azure.text(found, "backendurl", "url") or ""
    if of_pair(maybe_json(request), join(maybe_json(response))) is None and not _MODEL_API.search(url):
        return (Skip("not_an_llm_call"),)
    return (_call(found, request, response, url),)


def _body(found: azure.Fields, side: str) -> Any:
    # what the model API saw and said, before and after the gateway's own policies
    return azure.first(found, f"backend{side}body", f"{side}body")


def _call(found: azure.Fields, request: Any, response: Any, url: str) -> Call:
    call = Call(system="azure_apim", native_id=azure.text(found, "correlationid"), provider_name=_provider(url))
    call.started_at_us = azure.time_us(found, "time", "timegenerated", "requesttime")
    call.duration = _duration(found)
    problem = status_problem(azure.first(found, "backendresponsecode", "responsecode"))
    problem = problem or status_problem(found.get("responsecode"))
    if problem is not None:
        call.status, call.error_type = "failed", problem
    if str(found.get("cache")).lower() == "hit":
        call.status = "cache_hit"
    asked, answered = maybe_json(request), join(maybe_json(response))
    cut = _is_cut(request, asked) or _is_cut(response, answered)
    answered = answered if isinstance(answered, dict) else None
    fill(call, of_pair(asked, answered) or _by_url(url), asked if isinstance(asked, dict) else None, answered)
    if call.request_model is None:
        call.request_model = azure.deployment_of(url)
    if answered is None and isinstance(response, str):
        _salvage(call, response)
    if cut or number(found.get("truncated")):
        call.text_status = "truncated" if call.segments else "absent"
        call.flags.append("body_truncated")
    if call.error_type is None and call.status == "ok" and call.usage is None:
        call.error_type = error_name(found.get("lasterrorreason"))
    _fill_owner(call, found)
    settle(call)
    call.native_id = azure.text(found, "correlationid") or call.native_id
    # the gateway's LLM log may hold the same call: a row with counts outranks one without
    call.rank = 2 if call.usage is not None else 0
    return call


def _provider(url: str) -> str | None:
    lower = url.lower()
    return "azure" if "azure.com" in lower or "/openai/" in lower else None


def _by_url(url: str) -> Any:
    lower = url.lower()
    if "/responses" in lower:
        return "responses"
    if "/embeddings" in lower:
        return "embeddings"
    return "anthropic" if "/messages" in lower else "chat"


def _duration(found: azure.Fields) -> float | None:
    for name in ("backendtime", "durationms", "totaltime"):
        value = seconds(found.get(name), 1000.0)
        if value is not None:
            return value
    return None


def _is_cut(raw: Any, decoded: Any) -> bool:
    return isinstance(raw, str) and raw.strip() != "" and not isinstance(decoded, dict | list)


def _salvage(call: Call, body: str) -> None:
    """Id and model stand at the head of a body that was cut at its end."""
    identity, model = _ID.search(body[:2000]), _MODEL.search(body[:4000])
    if identity is not None:
        call.response_id = identity.group(1)
    if model is not None:
        call.response_model = model.group(1)


def _fill_owner(call: Call, found: azure.Fields) -> None:
    call.team = call.team or azure.text(found, "apimsubscriptionid")
    call.user = call.user or azure.text(found, "userid")
    call.feature = call.feature or azure.text(found, "productid")
    for name in ("apimsubscriptionid", "apiid", "productid", "operationid", "location", "region"):
        value = azure.text(found, name)
        if value is not None:
            call.tags[name] = value


READER = Reader(
    name="azure_apim",
    title="Azure API Management gateway logs (request and response bodies)",
    signatures=(_RAW, _TABLE, frozenset({"Category"}), frozenset({"correlationId", "apiId"})),
    detect=_detect,
    read=_read,
    unlock={
        "text": "diagnostic setting of the API: log frontend and backend bodies, 8192 bytes each (longer ones are cut)",
        "cache_tokens": "log the backend response body: usage is in it; streams need stream_options.include_usage=true",
        "user": "give each caller its own subscription (apimSubscriptionId)",
    },
)
