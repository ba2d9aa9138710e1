"""OpenTelemetry GenAI: OTLP JSON spans and log events, trace stores and console exporters."""

from __future__ import annotations

from audit.readers import Reader, Record, _spans


def _detect(record: Record) -> int:
    return _spans.score(record, "gen_ai", 30)


READER = Reader(
    name="otel_genai",
    title="OpenTelemetry GenAI spans and events",
    signatures=_spans.SIGNATURES,
    detect=_detect,
    read=_spans.read,
    group=_spans.group,
    parts=_spans.parts,
    read_group=_spans.read_group,
    unlock={
        "text": "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT unset",
        "cache_tokens": "an instrumentation that writes gen_ai.usage.cache_read.input_tokens",
        "user": "span attributes user.id and gen_ai.conversation.id",
        "latency": "an instrumentation that writes gen_ai.response.time_to_first_chunk for streams",
    },
)
