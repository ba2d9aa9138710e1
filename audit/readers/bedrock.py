"""Amazon Bedrock: model invocation logs (S3 or CloudWatch), and the output of its batch jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.wire.beside import error_name, status_problem
from audit.wire.bodies import take_usage
from audit.wire.dialect import Dialect, of_pair
from audit.wire.exchange import fill, settle
from audit.wire.stream import join
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import first_time, seconds
from audit.wire.usage import Usage, from_bedrock

_LOG = frozenset({"modelId", "operation", "accountId"})
_TYPED = frozenset({"schemaType", "requestId"})
_BATCH = frozenset({"recordId", "modelInput"})
_METRICS = "amazon-bedrock-invocationMetrics"
_OPAQUE = ("application-inference-profile", "provisioned-model", "imported-model", "custom-model")
_EMPTY: Mapping[str, Any] = {}
_TEXT_KEYS = ("generation", "outputText", "completion", "text", "answer")


def _detect(record: Record) -> int:
    keys = record.keys()
    if _BATCH.issubset(keys):
        return 30
    if _LOG.issubset(keys) or record.get("schemaType") == "ModelInvocationLog":
        return 30
    # a query's answer holds the fields that were asked for
    counted = "inputTokenCount" in _object(record.get("input")) or "outputTokenCount" in _object(record.get("output"))
    return 30 if counted and "modelId" in keys else 0


def _read(record: Record) -> Iterable[Outcome]:
    if "modelInput" in record:
        return (_batch_line(record),)
    if "modelId" not in record:
        return (Skip("not_an_llm_call"),)
    return (_logged(record),)


def _logged(record: Record) -> Call:
    call = Call(system="bedrock", native_id=label(record.get("requestId")), provider_name="aws.bedrock")
    asked, answered = _object(record.get("input")), _object(record.get("output"))
    request = maybe_json(asked.get("inputBodyJson"))
    raw = maybe_json(answered.get("outputBodyJson"))
    response = _joined(raw)
    call.started_at_us = first_time(call.flags, record.get("timestamp"), record.get("@timestamp"))
    operation = str(record.get("operation") or "")
    call.request_stream = operation.endswith("Stream")
    problem = error_name(record.get("errorCode")) or status_problem(record.get("status"))
    if problem is not None:
        call.status, call.error_type = "failed", problem
    _fill(call, request, response, "converse" if operation.startswith("Converse") else None)
    _fill_model(call, label(record.get("modelId")))
    lacking = call.usage is None or call.usage.input_tokens is None or call.usage.output_tokens is None
    if lacking and "implausible_usage" not in call.flags:
        counters = {**asked, "outputTokenCount": answered.get("outputTokenCount")}
        if counters.get("inputTokenCount") is not None or counters["outputTokenCount"] is not None:
            take_usage(call, counters, from_bedrock)
    metrics = _metrics(raw)
    if call.usage is None and metrics:
        take_usage(call, metrics, from_bedrock)
    _fill_images(call, response)
    if call.duration is None:
        call.duration = seconds(metrics.get("invocationLatency"), 1000.0)
    call.time_to_first_chunk = seconds(metrics.get("firstByteLatency"), 1000.0)
    _fill_owner(call, record)
    _judge_text(call, asked, answered)
    settle(call)
    call.native_id = label(record.get("requestId")) or call.native_id
    return call


def _fill_images(call: Call, response: Any) -> None:
    """Images are sold by the piece, and counted as no tokens at all."""
    images = response.get("images") or response.get("artifacts") if isinstance(response, dict) else None
    if isinstance(images, list) and images and (call.usage is None or not call.usage.output_tokens):
        call.usage = call.usage or Usage()
        call.usage.tool_calls["image"] = len(images)


def _fill_model(call: Call, model_id: str | None) -> None:
    """The id in the log is what is billed (its prefix sets the price); a body may name some internal build.

    An inference profile of one's own names no model: then only the body tells.
    """
    named = call.response_model
    opaque = model_id is None or any(word in model_id for word in _OPAQUE)
    if named is not None and not opaque and (named not in (model_id or "") or "global." in (model_id or "")):
        call.response_model = None
    call.request_model = model_id


def _fill_owner(call: Call, record: Record) -> None:
    tag(call, record.get("requestMetadata"))
    identity = _object(record.get("identity"))
    arn = label(identity.get("arn"))
    if arn is not None:
        call.tags["identity.arn"] = arn
        call.user = call.user or arn.rsplit(":", 1)[-1]
    call.organization = call.organization or label(record.get("accountId"))
    for key in ("region", "inferenceRegion"):
        found = label(record.get(key))
        if found is not None:
            call.tags[key] = found
    tier = _object(record.get("performanceConfig")).get("latency")
    if tier is not None:
        call.tags["performanceConfig.latency"] = label(tier)


def _judge_text(call: Call, asked: Mapping[str, Any], answered: Mapping[str, Any]) -> None:
    # bodies over 100 kB go to a file of their own
    if asked.get("inputBodyS3Path") and call.text_status in ("full", "absent"):
        call.text_status = "truncated" if call.segments else "absent"
    elif answered.get("outputBodyS3Path") and call.text_status == "full":
        call.text_status = "truncated"


def _batch_line(record: Record) -> Call:
    call = Call(system="bedrock", native_id=label(record.get("recordId")), provider_name="aws.bedrock")
    problem = error_name(maybe_json(record.get("error"))) or error_name(record.get("errorCode"))
    if problem is not None:
        call.status, call.error_type = "failed", problem
    output = maybe_json(record.get("modelOutput"))
    _fill(call, maybe_json(record.get("modelInput")), _joined(output), None)
    if call.status == "ok" and not output:
        call.status, call.error_type = "failed", "no_response"
    call.request_model = label(record.get("modelId")) or call.request_model
    call.service_tier = "batch"
    settle(call)
    return call


def _fill(call: Call, request: Any, response: Any, dialect: Dialect | None) -> None:
    """Bodies of an InvokeModel call are the model vendor's own; some vendors' are nobody else's."""
    found = dialect or of_pair(request, response) or "converse"
    if isinstance(request, dict):
        request = _vendor_request(request)
    if isinstance(response, dict) and found == "converse" and "output" not in response:
        response = _vendor(response)
    fill(call, found, request, response)


def _vendor_request(request: dict[str, Any]) -> dict[str, Any]:
    """Titan's prompt and Cohere's message and texts under names that others use too."""
    if "inputText" in request:
        return {**request, "prompt": request["inputText"]}
    if isinstance(request.get("message"), str) and "messages" not in request:
        history = [
            {"role": turn.get("role"), "content": turn.get("message")}
            for turn in request.get("chat_history") or ()
            if isinstance(turn, dict)
        ]
        return {**request, "messages": [*history, {"role": "user", "content": request["message"]}]}
    if isinstance(request.get("texts"), list) and "input" not in request:
        return {**request, "input": request["texts"]}
    return request


def _vendor(response: Mapping[str, Any]) -> dict[str, Any]:
    """Titan, Llama, Mistral and Cohere bodies as a Converse response."""
    inner: Mapping[str, Any] = response
    for key in ("results", "outputs", "generations"):
        entries = response.get(key)
        if isinstance(entries, list) and entries and isinstance(entries[0], dict):
            inner = {**response, **entries[0]}
    text = next((inner[key] for key in _TEXT_KEYS if isinstance(inner.get(key), str)), None)
    usage = {
        "inputTokens": response.get("inputTextTokenCount", response.get("prompt_token_count")),
        "outputTokens": inner.get("tokenCount", response.get("generation_token_count")),
    }
    result: dict[str, Any] = {"error": response.get("error")}
    if text is not None:
        result["output"] = {"message": {"role": "assistant", "content": [{"text": text}]}}
    reason = inner.get("completionReason") or inner.get("stop_reason") or inner.get("finish_reason")
    result["stopReason"] = reason
    if usage["inputTokens"] is not None or usage["outputTokens"] is not None:
        result["usage"] = usage
    elif isinstance(response.get("usage"), dict):
        result["usage"] = response["usage"]
    return result


def _joined(body: Any) -> Any:
    """A streamed answer is logged as the list of its events, with a closing word that is none."""
    if not isinstance(body, list):
        return join(body)
    events = [decoded for event in body if isinstance(decoded := maybe_json(event), dict)]
    joined = join(events)
    if isinstance(joined, dict):
        return joined
    texts = [text for event in events if (text := _event_text(event))]
    # what a later event leaves empty, an earlier one said
    told = {key: value for event in events for key, value in event.items() if value is not None}
    return {**told, "generation": "".join(texts)} if texts else None


def _event_text(event: Mapping[str, Any]) -> str:
    inner = event
    for key in ("results", "outputs", "generations"):
        entries = event.get(key)
        if isinstance(entries, list) and entries and isinstance(entries[0], dict):
            inner = entries[0]
    return next((inner[key] for key in _TEXT_KEYS if isinstance(inner.get(key), str)), "")


def _metrics(body: Any) -> Mapping[str, Any]:
    for event in reversed(body if isinstance(body, list) else [body]):
        decoded = maybe_json(event)
        if isinstance(decoded, dict) and isinstance(decoded.get(_METRICS), dict):
            metrics: Mapping[str, Any] = decoded[_METRICS]
            return metrics
    return _EMPTY


def _object(value: Any) -> Mapping[str, Any]:
    decoded = maybe_json(value)
    return decoded if isinstance(decoded, dict) else _EMPTY


READER = Reader(
    name="bedrock",
    title="Amazon Bedrock model invocation logs (S3, CloudWatch) and batch inference output",
    signatures=(
        *(_LOG, _TYPED, frozenset({"schemaType"}), _BATCH),
        *(frozenset({"modelId", "input"}), frozenset({"modelId", "output"})),
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "PutModelInvocationLoggingConfiguration: textDataDeliveryEnabled=true; add the largeDataDelivery files",
        "cache_tokens": "log bodies too (textDataDeliveryEnabled=true): usage in the body splits cache writes by life",
        "user": "send requestMetadata with each call (user, team, feature)",
        "latency": "Converse bodies hold metrics.latencyMs; InvokeModel has it in streams only",
    },
)
