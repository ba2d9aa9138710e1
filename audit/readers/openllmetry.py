"""OpenLLMetry (Traceloop): OTLP JSON spans with its own and older `gen_ai` names."""

from __future__ import annotations

from audit.readers import Reader, Record, _spans


def _detect(record: Record) -> int:
    return _spans.score(record, "openllmetry", 31)


READER = Reader(
    name="openllmetry",
    title="OpenLLMetry spans (OTLP JSON)",
    signatures=_spans.SIGNATURES,
    detect=_detect,
    read=_spans.read,
    group=_spans.group,
    parts=_spans.parts,
    read_group=_spans.read_group,
    unlock={
        "text": "TRACELOOP_TRACE_CONTENT=true",
        "cache_tokens": "a release that writes gen_ai.usage.cache_read.input_tokens",
        "user": "Traceloop.set_association_properties({'user_id': …, 'team': …})",
    },
)
