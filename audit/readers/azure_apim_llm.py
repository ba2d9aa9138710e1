"""Azure API Management's log of language model calls: several rows a call, tokens and text in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers import _azure as azure
from audit.wire.beside import status_problem
from audit.wire.bodies import take_usage
from audit.wire.exchange import settle
from audit.wire.messages import transcript
from audit.wire.text import maybe_json
from audit.wire.times import number
from audit.wire.usage import from_mapping

_TABLE = frozenset({"CorrelationId", "PromptTokens"})
_MESSAGES = frozenset({"CorrelationId", "RequestMessages"})
_RAW = frozenset({"category", "properties"})
_CATEGORIES = frozenset({"gatewayllmlogs", "gatewayllmlog", "apimanagementgatewayllmlog"})
_COUNTS = {
    "prompttokens": "promptTokens",
    "completiontokens": "completionTokens",
    "totaltokens": "totalTokens",
    "promptcachedtokens": "promptCachedTokens",
    "cachedtokens": "promptCachedTokens",
    "reasoningtokens": "reasoning_tokens",
}


def _detect(record: Record) -> int:
    category = str(record.get("category") or record.get("Category") or record.get("Type") or "").lower()
    if category in _CATEGORIES:
        return 30
    keys = {key.lower() for key in record}
    told = {"sequencenumber", "prompttokens"} & keys and {"modelname", "deploymentname"} & keys
    return 30 if "correlationid" in keys and told else 0


def _key(found: azure.Fields) -> str | None:
    return azure.text(found, "correlationid", "requestid")


def _group(record: Record) -> str | None:
    return _key(azure.fields(record))


def _read(record: Record) -> Iterable[Outcome]:
    return _read_group([record])


def _read_group(records: list[Record]) -> Iterable[Outcome]:
    rows = sorted((azure.fields(record) for record in records), key=_sequence)
    yield _call(rows)
    for _ in rows[1:]:
        yield Skip("part_of_a_call")


def _sequence(row: azure.Fields) -> float:
    return number(row.get("sequencenumber")) or 0.0


def _call(rows: list[azure.Fields]) -> Call:
    merged: azure.Fields = {}
    for row in rows:
        merged.update({name: value for name, value in row.items() if value is not None and name not in merged})
    # below a gateway row with a body, above one without
    call = Call(system="azure_apim", native_id=_key(merged), rank=1)
    call.request_model = azure.text(merged, "deploymentname")
    call.response_model = azure.text(merged, "modelname")
    call.provider_name = azure.provider_of(call.response_model or call.request_model)
    call.started_at_us = min((at for row in rows if (at := azure.time_us(row, "time", "timegenerated"))), default=None)
    call.operation_name = "embeddings" if "embedding" in str(merged.get("operationname")).lower() else "chat"
    stream = azure.text(merged, "isstreamcompletion")
    call.request_stream = None if stream is None else stream.lower() in ("true", "1")
    counts = {spelled: value for name, spelled in _COUNTS.items() if (value := _most(rows, name)) is not None}
    if counts:
        take_usage(call, counts, from_mapping)
    problem = status_problem(azure.first(merged, "responsecode", "statuscode"))
    if problem is not None:
        call.status, call.error_type = "failed", problem
    transcript(_messages(rows, "requestmessages"), _messages(rows, "responsemessages")).apply(call)
    for name in ("region", "apiversion", "apimsubscriptionid"):
        value = azure.text(merged, name)
        if value is not None:
            call.tags[name] = value
    settle(call)
    return call


def _most(rows: list[azure.Fields], name: str) -> Any:
    """Every row of a call repeats its counts, or one of them holds all: the largest is the call's."""
    values = [row[name] for row in rows if row.get(name) not in (None, "")]
    numbers = [found for value in values if (found := number(value)) is not None]
    return max(numbers) if len(numbers) == len(values) and numbers else next(iter(values), None)


def _messages(rows: list[azure.Fields], name: str) -> Any:
    """Messages arrive as lists per row, or as one text cut into pieces."""
    pieces = [row[name] for row in rows if row.get(name) not in (None, "", [])]
    if not pieces:
        return None
    if all(isinstance(piece, str) for piece in pieces):
        whole = "".join(pieces)
        decoded = maybe_json(whole)
        if decoded is not whole:
            return decoded
    joined: list[Any] = []
    for piece in pieces:
        decoded = maybe_json(piece)
        joined.extend(decoded if isinstance(decoded, list) else [decoded])
    if all(isinstance(entry, str) for entry in joined):
        return "".join(joined)
    return joined


READER = Reader(
    name="azure_apim_llm",
    title="Azure API Management LLM logs (ApiManagementGatewayLlmLog)",
    signatures=(_TABLE, _MESSAGES, _RAW, frozenset({"Category"}), frozenset({"correlationId", "modelName"})),
    detect=_detect,
    read=_read,
    group=_group,
    read_group=_read_group,
    unlock={
        "text": "diagnostic setting of the LLM API: log prompts and completions",
        "cache_tokens": "stream the log to an Event Hub: promptCachedTokens is only there; cache writes are nowhere",
        "user": "ingest the GatewayLogs of the same API Management as well: they hold the subscription",
        "latency": "ingest the GatewayLogs of the same API Management as well",
    },
)
