"""Amazon SageMaker data capture: the bodies of an endpoint's requests and responses, base64 or plain."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers._gateway import body, fill_bodies, put_time, settle
from audit.wire.counts import part
from audit.wire.dialect import of_pair
from audit.wire.text import label, maybe_json


def _detect(record: Record) -> int:
    return 30 if isinstance(maybe_json(record.get("captureData")), dict) else 0


def _read(record: Record) -> Iterable[Outcome]:
    captured = part(maybe_json(record.get("captureData")))
    request, response = (_body(part(captured.get(side))) for side in ("endpointInput", "endpointOutput"))
    if of_pair(request, response) is None:
        return (Skip("not_an_llm_call"),)
    metadata = part(maybe_json(record.get("eventMetadata")))
    call = Call(system="sagemaker", provider_name="sagemaker")
    put_time(call, metadata.get("inferenceTime"))
    fill_bodies(call, request, response)
    if response is None:
        call.status, call.error_type = "failed", "no_response"
    settle(call, label(metadata.get("eventId")))
    return (call,)


def _body(side: Mapping[str, Any]) -> Any:
    data = side.get("data")
    if side.get("encoding") == "BASE64" and isinstance(data, str):
        try:
            data = base64.b64decode(data, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return None
    return body(data) if data not in (None, "") else None


READER = Reader(
    name="sagemaker",
    title="Amazon SageMaker data capture of endpoints that speak a known API",
    signatures=(frozenset({"captureData", "eventMetadata"}),),
    detect=_detect,
    read=_read,
    unlock={
        "text": "DataCaptureConfig with CaptureOptions Input and Output at 100 %",
        "cache_tokens": "a server whose usage object counts them (vLLM: --enable-prompt-tokens-details)",
        "user": "send user or metadata in the request body",
        "latency": "nothing: data capture holds no durations",
    },
)
