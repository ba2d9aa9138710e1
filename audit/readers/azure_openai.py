"""Azure OpenAI's own diagnostics (category RequestResponse): times, models and status, but no tokens and no text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers import _azure as azure
from audit.wire.beside import status_problem
from audit.wire.bodies import take_usage
from audit.wire.exchange import settle
from audit.wire.times import seconds
from audit.wire.usage import from_mapping

_RAW = frozenset({"category", "operationName", "resourceId"})
_TABLE = frozenset({"Category", "OperationName"})
_CATEGORIES = frozenset({"requestresponse", "azureopenairequestusage"})
_OTHER_CATEGORIES = frozenset({"audit", "trace"})
_GENERATES = re.compile(r"completion|embedding|response|image|audio|speech|transcri")
_READS = ("list", "get", "delete", "cancel", "upload", "check")


def _detect(record: Record) -> int:
    category = str(record.get("category") or record.get("Category") or "").lower()
    if category in _CATEGORIES:
        return 30
    provider = str(record.get("resourceId") or record.get("ResourceId") or record.get("_ResourceId") or "").upper()
    return 30 if category in _OTHER_CATEGORIES and "COGNITIVESERVICES" in provider else 0


def _read(record: Record) -> Iterable[Outcome]:
    found = azure.fields(record)
    operation = (azure.text(found, "operationname") or "").lower()
    # threads and files have operations of their own, and no model
    other = operation.startswith(_READS) or (not azure.text(found, "modelname") and not _GENERATES.search(operation))
    if str(found.get("category")).lower() not in _CATEGORIES or other:
        return (Skip("not_an_llm_call"),)
    return (_call(found, operation),)


def _call(found: azure.Fields, operation: str) -> Call:
    call = Call(system="azure_openai", provider_name="azure", native_id=azure.text(found, "correlationid"))
    call.operation_name = "embeddings" if "embedding" in operation else "chat"
    call.request_model = azure.text(found, "modeldeploymentname")
    call.response_model = azure.text(found, "modelname")
    call.started_at_us = azure.time_us(found, "requesttime", "time", "timegenerated")
    call.duration = seconds(found.get("durationms"), 1000.0)
    stream = str(found.get("streamtype") or "").lower()
    call.request_stream = None if not stream else not stream.startswith("non")
    problem = status_problem(azure.first(found, "resultsignature", "statuscode"))
    if problem is not None:
        call.status, call.error_type = "failed", problem
    elif any("token" in name for name in found):
        take_usage(call, {_camel(name): value for name, value in found.items() if "token" in name}, from_mapping)
    for name in ("modelversion", "location", "apiname", "tenant"):
        value = azure.text(found, name)
        if value is not None:
            call.tags[name] = value
    call.organization = azure.text(found, "resourceid")
    call.user = azure.text(found, "objectid")
    settle(call)
    return call


def _camel(name: str) -> str:
    return {"prompttokens": "promptTokens", "completiontokens": "completionTokens"}.get(name, name)


READER = Reader(
    name="azure_openai",
    title="Azure OpenAI diagnostic logs (RequestResponse)",
    signatures=(_RAW, _TABLE, frozenset({"category", "properties"}), frozenset({"Category", "properties_s"})),
    detect=_detect,
    read=_read,
    unlock={
        "text": "put API Management in front and log bodies (GatewayLogs with request and response body), "
        "or log pairs in the application: Azure OpenAI's diagnostics hold no bodies",
        "cache_tokens": "the diagnostics hold no tokens: API Management's llm-emit-token-metric or LLM log holds them",
        "user": "API Management's GatewayLogs hold the subscription of the caller",
    },
)
