"""OpenTelemetry's protobuf files read like the OTLP JSON they stand for."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from audit.ingest import IngestResult
from audit.store import Store

Read = Callable[..., IngestResult]


def attribute(key: str, value: str | int) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}


def spans(*numbers: int, resource: bool = True) -> dict[str, Any]:
    """OTLP JSON of one chat span per number, of 1000 + number tokens in."""
    answer = [{"role": "assistant", "parts": [{"type": "text", "content": "yes " * 400}], "finish_reason": "stop"}]
    return {"resourceSpans": [{
        "resource": {"attributes": [attribute("service.name", "helpdesk")]} if resource else {},
        "scopeSpans": [{"scope": {"name": "x"}, "spans": [{
            "traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "chat", "kind": 3,
            "startTimeUnixNano": "1788256800000000000", "endTimeUnixNano": "1788256801000000000",
            "attributes": [
                attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.request.model", "gpt-4o"),
                attribute("gen_ai.usage.input_tokens", 1000 + number), attribute("gen_ai.usage.output_tokens", 9),
                attribute("gen_ai.output.messages", json.dumps(answer)),
            ]} for number in numbers]}]}]}  # fmt: skip


def proto(document: dict[str, Any]) -> bytes:
    text = json.dumps(document)
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId"):
            text = text.replace(f'"{span[name]}"', f'"{base64.b64encode(bytes.fromhex(span[name])).decode()}"')
    return ParseDict(json.loads(text), TracesData()).SerializeToString()


def fixed(*messages: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(message)) + message for message in messages)


def delimited(*messages: bytes) -> bytes:
    return b"".join(bytes([len(each) & 0x7F | 0x80, len(each) >> 7]) + each for each in messages)


def packed(message: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(message)


FILES = {
    "one message": proto(spans(1, 2, 3)),
    "no resource": proto(spans(1, 2, 3, resource=False)),
    "collector": fixed(proto(spans(1, 2)), proto(spans(3))),
    "collector, compressed": fixed(packed(proto(spans(1, 2))), packed(proto(spans(3)))),
    "collector, compressed JSON": fixed(
        packed(json.dumps(spans(1, 2)).encode()), packed(json.dumps(spans(3)).encode())
    ),
    "delimited": delimited(proto(spans(1, 2)), proto(spans(3))),
    "gzip": gzip.compress(proto(spans(1, 2, 3))),
}


@pytest.mark.parametrize("name", FILES)
def test_spans_in_protobuf_are_those_of_the_json(name: str, store: Store, read: Read, tmp_path: Path) -> None:
    (tmp_path / "spans.binpb").write_bytes(FILES[name])
    (tmp_path / "spans.jsonl").write_text(json.dumps(spans(1, 2, 3)))
    assert not read(tmp_path / "spans.binpb").rejected
    assert store.value("SELECT SUM(input_tokens) FROM request") == 3006
    # the same spans as JSON are the same calls
    assert read(tmp_path / "spans.jsonl").accepted == 0


def test_log_events_in_protobuf_are_read(read: Read, tmp_path: Path) -> None:
    body = {"body": {"stringValue": "GET /"}, "timeUnixNano": "1788256800000000000"}
    event = {"eventName": "gen_ai.client.inference.operation.details", "timeUnixNano": "1788256800000000000",
             "attributes": [attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.request.model", "gpt-4o"),
                            attribute("gen_ai.usage.output_tokens", 1)]}  # fmt: skip
    data = {"resourceLogs": [{"resource": {"attributes": [attribute("service.name", "x")]},
                              "scopeLogs": [{"logRecords": [event, body]}]}]}  # fmt: skip
    (tmp_path / "logs.pb").write_bytes(ParseDict(data, LogsData()).SerializeToString())
    assert read(tmp_path / "logs.pb").accepted == 1


def test_a_cut_file_keeps_its_whole_messages(read: Read, tmp_path: Path) -> None:
    (tmp_path / "spans.pb").write_bytes(fixed(proto(spans(1, 2)), proto(spans(3)))[:-40])
    result = read(tmp_path / "spans.pb")
    assert (result.accepted, dict(result.rejected)) == (2, {"truncated_tail": 1})


def test_metrics_in_protobuf_are_named_for_what_they_are(read: Read, tmp_path: Path) -> None:
    point = {"asInt": "7", "timeUnixNano": "1788256800000000000"}
    data = {"resourceMetrics": [{"resource": {"attributes": [attribute("service.name", "x")]}, "scopeMetrics": [
        {"metrics": [{"name": "gen_ai.client.token.usage", "gauge": {"dataPoints": [point]}}]}]}]}  # fmt: skip
    (tmp_path / "metrics.pb").write_bytes(ParseDict(data, MetricsData()).SerializeToString())
    assert dict(read(tmp_path / "metrics.pb").rejected) == {"not_otlp": 1}
