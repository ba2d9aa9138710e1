"""Answers of log queries: the rows of a result set are records like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.ingest import IngestResult
from audit.store import Store

Read = Callable[..., IngestResult]
BEDROCK = {
    "timestamp": "2026-09-01T10:00:00Z",
    "accountId": "123456789012",
    "requestId": "aaaaaaaa-0000-0000-0000-000000000001",
    "operation": "Converse",
    "modelId": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "input": {"inputTokenCount": 12, "cacheReadInputTokenCount": 100},
    "output": {"outputTokenCount": 5},
    "schemaType": "ModelInvocationLog",
}
APIM = {
    "TimeGenerated": "2026-09-01T10:00:00.1234567Z",
    "CorrelationId": "c-1111-aaaa",
    "OperationName": "ChatCompletions_Create",
    "DeploymentName": "chat-prod",
    "ModelName": "gpt-4o",
    "PromptTokens": 100,
    "CompletionTokens": 20,
    "TotalTokens": 120,
    "SequenceNumber": 0,
    "RequestMessages": "",
    "ResponseMessages": "",
}
FLAT = {
    "@timestamp": "2026-09-01 10:00:00.000",
    "modelId": BEDROCK["modelId"],
    "requestId": "r-1111-2222",
    "input.inputTokenCount": "112",
    "input.cacheReadInputTokenCount": "0",
    "output.outputTokenCount": "5",
}


def insights(row: dict[str, Any]) -> dict[str, Any]:
    fields = [{"field": name, "value": value} for name, value in row.items()]
    return {"results": [[*fields, {"field": "@ptr", "value": "CmEKJg"}]], "statistics": {}, "status": "Complete"}


MESSAGE = {"@timestamp": "2026-09-01 10:00:03.000", "@message": json.dumps(BEDROCK)}
ROWS = [list(APIM.values())]
PRIMARY = {"name": "PrimaryResult", "columns": [{"name": name, "type": "string"} for name in APIM], "rows": ROWS}
CASES: dict[str, tuple[Any, str, int, int]] = {
    "insights, whole messages": (insights(MESSAGE), "bedrock", 112, 5),
    "insights, chosen fields": (insights(FLAT), "bedrock", 112, 5),
    "insights console JSON": ([{"@timestamp": MESSAGE["@timestamp"], "@message": BEDROCK}], "bedrock", 112, 5),
    "filter-log-events": ({"events": [{"timestamp": 1, "message": json.dumps(BEDROCK)}]}, "bedrock", 112, 5),
    "log analytics": ({"tables": [PRIMARY]}, "azure_apim_llm", 100, 20),
    "log analytics, column names": ({"tables": [{**PRIMARY, "columns": list(APIM)}], "status": "Success"},
                                    "azure_apim_llm", 100, 20),
    "bigquery": ({"schema": {"fields": [{"name": name} for name in APIM]},
                  "rows": [{"f": [{"v": value} for value in APIM.values()]}], "totalRows": "1"},
                 "azure_apim_llm", 100, 20),
    "clickhouse": ({"meta": [{"name": name} for name in APIM], "data": ROWS, "rows": 1}, "azure_apim_llm", 100, 20),
    "databricks": ({"manifest": {"schema": {"columns": [{"name": name} for name in APIM]}},
                    "result": {"data_array": ROWS}}, "azure_apim_llm", 100, 20),
    "data frame": ({"columns": list(APIM), "index": [0], "data": ROWS}, "azure_apim_llm", 100, 20),
    "athena": ({"ResultSet": {"Rows": [{"Data": [{"VarCharValue": str(cell)} for cell in row]}
                                       for row in (APIM, APIM.values())]}}, "azure_apim_llm", 100, 20),
    "loki": ({"status": "success", "data": {"resultType": "streams", "result": [
        {"stream": {"app": "gateway"}, "values": [["1788256800000000000", json.dumps(BEDROCK)]]}]}}, "bedrock", 112, 5),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_rows_of_a_query_are_records(name: str, store: Store, read: Read, tmp_path: Path) -> None:
    document, reader, input_tokens, output_tokens = CASES[name]
    (tmp_path / "answer.json").write_text(json.dumps(document, indent=1))
    result = read(tmp_path / "answer.json")
    assert not result.rejected
    (row,) = store.rows("SELECT reader, input_tokens, output_tokens, started_at_us // 86400000000 AS day FROM request")
    assert row == {"reader": reader, "input_tokens": input_tokens, "output_tokens": output_tokens, "day": 20697}


def test_the_console_table_of_a_log_query_is_read(store: Store, read: Read, tmp_path: Path) -> None:
    message = json.dumps(BEDROCK).replace('"', '""')
    (tmp_path / "logs.csv").write_text(f'@timestamp,@message,@log\n2026-09-01 10:00:03.000,"{message}",1:bedrock\n')
    assert read(tmp_path / "logs.csv").accepted == 1
    assert store.value("SELECT input_tokens FROM request") == 112


def test_the_answer_of_a_query_that_holds_no_calls_is_one_reject(read: Read, tmp_path: Path) -> None:
    sums = {"results": [[{"field": "modelId", "value": "m"}, {"field": "calls", "value": "7"}]], "status": "Complete"}
    (tmp_path / "answer.json").write_text(json.dumps(sums))
    assert dict(read(tmp_path / "answer.json").rejected) == {"not_an_llm_record": 1}
