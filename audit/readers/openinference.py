"""OpenInference and Phoenix: OTLP JSON spans, Phoenix JSONL, CSV and Parquet rows."""

from __future__ import annotations

from audit.readers import Reader, Record, _spans


def _detect(record: Record) -> int:
    return _spans.score(record, "openinference", 32)


READER = Reader(
    name="openinference",
    title="OpenInference / Phoenix spans",
    signatures=_spans.SIGNATURES,
    detect=_detect,
    read=_spans.read,
    group=_spans.group,
    parts=_spans.parts,
    read_group=_spans.read_group,
    unlock={
        "text": "OPENINFERENCE_HIDE_INPUTS=false and OPENINFERENCE_HIDE_OUTPUTS=false",
        "cache_tokens": "an instrumentor that writes llm.token_count.prompt_details.cache_read",
        "user": "using_attributes(user_id=…, session_id=…, metadata={'team': …})",
    },
)
