"""Answer without a model what needs none: health checks, tests on the production account, gibberish."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from audit.anatomy.junk import is_junk, is_monitor_word
from audit.figures import count, money, share, things
from audit.levers import Lever, Settings
from audit.levers._places import instance
from audit.levers._probe import fresh, remember
from audit.statistics.intervals import lower_bound
from audit.store import Store
from audit.store.naming import REQUEST_NAME

_NAME = "filtered"
_TEST_WORD = re.compile(
    r"(?:^|[^a-z])(test|tests|testing|staging|stage|stg|dev|develop|development|qa|uat|ci|sandbox|e2e|"
    r"load-?_?test|preprod|pre-production|integration)(?:[^a-z]|$)"
)
_LEAST_GROUP = 20
_REGULAR = 0.8
_TOLERANCE = 0.2
_SMALL_TOKENS = 64
_DELTA = 0.1

_ENVIRONMENTS = """
SELECT COALESCE(environment, '') AS environment, COALESCE(organization, '') AS organization,
       COALESCE(api_key_hash, '') AS api_key_hash, COUNT(*) AS requests
FROM request WHERE status = 'billable'
GROUP BY COALESCE(environment, ''), COALESCE(organization, ''), COALESCE(api_key_hash, '')
"""
_OF_ENVIRONMENT = """
SELECT r.request_id, 'test' AS reason FROM request AS r
JOIN filtered_environment AS e ON e.environment = COALESCE(r.environment, '')
    AND e.organization = COALESCE(r.organization, '') AND e.api_key_hash = COALESCE(r.api_key_hash, '')
WHERE r.status = 'billable'
"""
# one short message, no history, no tools
_MESSAGES = """
WITH shaped AS (
    SELECT request_id, SUM(CASE WHEN kind = 'user' THEN 1 ELSE 0 END) AS messages,
           MAX(CASE WHEN kind = 'user' THEN content_hash ELSE NULL END) AS content_hash,
           SUM(CASE WHEN kind IN ('tools', 'history', 'tool_call', 'tool_result', 'media') THEN 1 ELSE 0 END) AS more
    FROM segment WHERE direction = 'input' GROUP BY request_id
)
SELECT s.request_id, s.content_hash FROM shaped AS s
JOIN content AS c ON c.content_hash = s.content_hash
WHERE s.messages = 1 AND s.more = 0 AND c.characters <= 80 AND c.text IS NOT NULL
"""
_DISTINCT = """
SELECT c.content_hash, c.text FROM content AS c
JOIN (SELECT DISTINCT content_hash FROM filtered_message) AS m ON m.content_hash = c.content_hash
"""
_WORDED = """
SELECT r.request_id, r.workflow_id, m.content_hash, r.prompt_key, r.user_id, r.started_at_us, r.input_tokens,
       r.output_normalised_hash, w.monitor, w.junk
FROM filtered_word AS w JOIN filtered_message AS m ON m.content_hash = w.content_hash
JOIN request AS r ON r.request_id = m.request_id WHERE r.status = 'billable'
"""
_GROUPS = """
WITH grouped AS (
    SELECT r.prompt_key, COUNT(*) AS requests FROM request AS r
    JOIN filtered_message AS m ON m.request_id = r.request_id
    WHERE r.status = 'billable' AND r.prompt_key IS NOT NULL AND r.started_at_us IS NOT NULL AND r.user_id IS NULL
      AND r.conversation_id IS NULL AND r.input_tokens <= $small AND r.output_tokens <= $small
    GROUP BY r.prompt_key HAVING COUNT(*) >= $least
)
SELECT r.request_id, r.prompt_key, r.started_at_us FROM request AS r JOIN grouped AS g ON g.prompt_key = r.prompt_key
WHERE r.status = 'billable' AND r.user_id IS NULL ORDER BY r.prompt_key, r.started_at_us
"""
_COSTS = f"""
SELECT h.reason, COALESCE(w.name, '(none)') AS workflow, r.workflow_id, COUNT(*) AS requests,
       CAST(SUM(c.cost_pico) AS DECIMAL(38, 0)) AS cost_pico,
       MIN({REQUEST_NAME}) AS example
FROM filtered_hit AS h JOIN request AS r ON r.request_id = h.request_id
JOIN request_cost AS c ON c.request_id = h.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
GROUP BY h.reason, COALESCE(w.name, '(none)'), r.workflow_id ORDER BY cost_pico DESC, h.reason, workflow
"""
_COST_OF = """
SELECT CAST(AVG(CAST(c.cost_pico AS DOUBLE)) AS DOUBLE) FROM request_cost AS c
JOIN filtered_junk AS j ON j.request_id = c.request_id
"""
_HITS: dict[str, pa.DataType] = {"request_id": pa.int64(), "reason": pa.string()}
_RULES: dict[str, pa.DataType] = {
    "hits": pa.int64(), "agreed": pa.int64(), "precision": pa.float64(), "needed": pa.float64(),
    "applied": pa.bool_(),
}  # fmt: skip


def _prepare(store: Store, settings: Settings) -> None:
    if fresh(store, _NAME, settings):
        return
    hits = dict.fromkeys(_tests(store), "test")
    store.run(f"CREATE OR REPLACE TEMP TABLE filtered_message AS {_MESSAGES}")
    words = _words(store)
    hits = {**dict.fromkeys(_junk(store, words, float(settings["cost_of_wrong_usd"])), "gibberish"),
            **dict.fromkeys(_monitors(store, words), "health check"), **hits}  # fmt: skip
    rows = {"request_id": list(hits), "reason": list(hits.values())}
    store.replace("filtered_hit", pa.table(rows, schema=pa.schema(_HITS)))
    remember(store, _NAME, settings)


def _tests(store: Store) -> list[int]:
    """Requests of test environments that share their key with production; a log of tests alone is left alone."""
    rows = store.rows(_ENVIRONMENTS)
    production = {(row["organization"], row["api_key_hash"]) for row in rows if not says_test(row["environment"])}
    chosen = [
        {name: row[name] for name in ("environment", "organization", "api_key_hash")}
        for row in rows
        if says_test(row["environment"]) and (row["organization"], row["api_key_hash"]) in production
    ]
    columns: dict[str, pa.DataType] = dict.fromkeys(("environment", "organization", "api_key_hash"), pa.string())
    store.replace("filtered_environment", pa.Table.from_pylist(chosen, schema=pa.schema(columns)))
    return [row["request_id"] for row in store.rows(_OF_ENVIRONMENT)]


def says_test(environment: str) -> bool:
    """Whether the name of an environment says that nobody outside the team waits for the answer."""
    return _TEST_WORD.search(environment.lower()) is not None


def _words(store: Store) -> list[dict[str, Any]]:
    """Requests whose message is a monitor's word or junk."""
    texts = store.query(_DISTINCT)
    rows = [
        {"content_hash": key, "monitor": is_monitor_word(text), "junk": is_junk(text)}
        for key, text in zip(texts["content_hash"].to_pylist(), texts["text"].to_pylist(), strict=True)
        if text is not None and (is_monitor_word(text) or is_junk(text))
    ]
    columns: dict[str, pa.DataType] = {"content_hash": pa.int64(), "monitor": pa.bool_(), "junk": pa.bool_()}
    store.replace("filtered_word", pa.Table.from_pylist(rows, schema=pa.schema(columns)))
    return store.rows(_WORDED)


def _monitors(store: Store, words: Iterable[dict[str, Any]]) -> set[int]:
    """Monitors' words, and short prompts without a user that come again and again at even intervals."""
    found = {row["request_id"] for row in words if row["monitor"] and row["user_id"] is None}
    groups: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in store.rows(_GROUPS, small=_SMALL_TOKENS, least=_LEAST_GROUP):
        groups[row["prompt_key"]].append((row["started_at_us"], row["request_id"]))
    for group in groups.values():
        if is_regular([at for at, _ in group]):
            found.update(request for _, request in group)
    return found


def is_regular(times_us: Iterable[int]) -> bool:
    """Whether four fifths of the gaps are within a fifth of the median gap, or of a small multiple of it."""
    gaps = np.diff(np.sort(np.array(list(times_us), dtype=np.float64)))
    if gaps.size < _LEAST_GROUP - 1:
        return False
    usual = float(np.median(gaps))
    if usual < 1_000_000:
        return False
    multiple = np.clip(np.round(gaps / usual), 1, 5)
    return bool(np.mean(np.abs(gaps - multiple * usual) <= _TOLERANCE * usual) >= _REGULAR)


def _junk(store: Store, words: Iterable[dict[str, Any]], cost_of_wrong: float) -> list[int]:
    """Junk messages, if the rule is precise enough: logged answers agree that there was nothing to answer."""
    by_workflow: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in words:
        if row["junk"] and row["output_normalised_hash"] is not None:
            by_workflow[row["workflow_id"]].append(row)
    hits = [row for rows in by_workflow.values() for row in rows]
    # the answer most junk gets is the one for what can't be understood
    agreed = sum(
        Counter(row["output_normalised_hash"] for row in rows).most_common(1)[0][1] for rows in by_workflow.values()
    )
    columns: dict[str, pa.DataType] = {"request_id": pa.int64()}
    ids = [row["request_id"] for row in hits]
    store.replace("filtered_junk", pa.table({"request_id": ids}, schema=pa.schema(columns)))
    cost = float(store.value(_COST_OF) or 0.0) / 1e12
    needed = max(0.0, 1 - cost / cost_of_wrong) if cost_of_wrong > 0 else 0.0
    precision = lower_bound(agreed, len(hits), _DELTA) if hits else 0.0
    applied = bool(hits) and precision >= needed
    rule = {"hits": len(hits), "agreed": agreed, "precision": precision, "needed": needed, "applied": applied}
    store.replace("filtered_rule", pa.Table.from_pylist([rule], schema=pa.schema(_RULES)))
    return ids if applied else []


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    lines = [
        f"{row['workflow']}: {things(row['requests'], 'request')} {'is' if row['requests'] == 1 else 'are'} "
        f"{_SAID[row['reason']]} ({money(row['cost_pico'])}){instance(row['example'])}"
        for row in store.rows(_COSTS)[:8]
    ]
    rule = store.rows("SELECT * FROM filtered_rule")[0]
    if rule["hits"]:
        what = "filtered" if rule["applied"] else "not filtered: too few to be that sure"
        lines.append(
            f"gibberish: the logged answers of {count(rule['agreed'])} of {count(rule['hits'])} such messages agree, "
            f"so the rule is right in {share(rule['precision'])} at least; it pays from {share(rule['needed'])} on: "
            f"{what}"
        )
    return lines


_SAID = {
    "test": "from a test environment on a key that production uses, too",
    "health check": "health checks of a monitor",
    "gibberish": "no message in any language",
}

LEVER = Lever(
    name=_NAME,
    title="Health checks, tests and gibberish",
    stage="WASTE",
    order=20,
    evidence="B",
    rewrite="""
SELECT m.* FROM remaining AS m
LEFT JOIN filtered_hit AS h ON h.request_id = m.request_id
WHERE h.request_id IS NULL
""",
    effort_days=2,
    risk="low",
    needs=("usage",),
    settings={"cost_of_wrong_usd": 0.5},
    prepare=_prepare,
    findings=_findings,
    conditions=(
        "a health check is a monitor's word (ping, health check), or a short prompt without a user or tools that came "
        "20 times at even intervals for a short answer; a monitor can ask the provider's list of models, which is free",
        "a test is what its environment's name says, on a key that production uses (without keys in the log, all are "
        "one key); recorded answers serve it as well",
        "gibberish is filtered only if the logged answers prove the rule right more often than 1 - cost of a request / "
        "cost of a wrong filter, assumed as ${cost_of_wrong_usd}",
        "questions with one answer belong to the response cache, not here",
    ),
    fix="Point monitors at a free endpoint, give tests recorded answers and a key of their own, check input for words.",
)
