"""Clocks and request ids at the ends of a prompt: left out of a cache key where the log shows they don't matter.

A header is left out only in a workflow whose logged answers agree across prompts that differ in nothing else: the
certified share of differing answers is at most 2 %.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from audit.hashes import content_hash, folded
from audit.levers._response_cache_once import once
from audit.statistics.weighted_loss import LossSample
from audit.store import Store
from audit.store.ranges import request_ranges

MASKED = "response_cache_masked"
"""Temporary table (request_id, masked_key) of the requests whose header may be left out of the key."""

DIFFERING = 0.02
DELTA = 0.10
_HEAD, _FIRST, _LAST = 400, 4, 2

_MONTH = r"(?:jan|feb|mär|mar|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])\w*\.?"
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim)\w*\.?,?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)? ?(?:[ap]\.?m\.?)?"
_STAMP = (
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:[T ]{_CLOCK})?(?: ?(?:Z|[+-]\d{{2}}:?\d{{2}}))?"
    rf"|(?:{_DAY} )?\d{{1,2}}\.? {_MONTH},? \d{{4}}(?:,? (?:at )?{_CLOCK})?"
    rf"|(?:{_DAY} )?{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}(?:,? (?:at )?{_CLOCK})?"
    rf"|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}(?:,? {_CLOCK})?|{_CLOCK}|1\d{{9}}(?:\d{{3}})?)"
    r"(?: ?(?:UTC|GMT|CES?T|[ECMP][SD]T))?"
)
_ID = (
    r"(?:[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{12,64}"
    r"|[a-z]{1,12}[_-][0-9A-Za-z]{8,40})"
)
_LABEL = (
    r"(?:[a-z]{1,20}[ _-]){0,3}(?:date(?:[ _-]?(?:and|&|/)[ _-]?time)?|time|datetime|timestamp|clock|now|today|id|uuid"
    r"|guid|nonce|sent|received|generated|created|datum|uhrzeit|heure|fecha|hora)(?:[ _-](?:is|at|utc))?"
)
# hostile text: no two neighbouring repetitions can take the same characters
_LINE = re.compile(
    rf"[\[(<#* \t-]{{0,8}}(?:{_LABEL}[ \t]{{0,4}}[:=]?[ \t]{{0,4}})?(?:{_STAMP}|{_ID})[\])>*. \t\r]{{0,8}}", re.I
)
_OPENING = re.compile(rf"[ \t]{{0,4}}[\[(]?{_STAMP}[\])]?[\s:–—-]{{1,8}}", re.I)
# a cheap look before the exact one: a header has a clock, a date with its year, a long number or an id
_LIKELY = r"\d{1,2}:\d{2}|\d{4}[-/.]\d{1,2}|[-/. ]\d{4}|\d{10}|[0-9a-fA-F]{12}|[0-9A-Z]{26}|[a-z][_-][0-9A-Za-z]{8}"

_PLACES = f"""
WITH used AS (
    SELECT DISTINCT content_hash FROM segment WHERE direction = 'input' AND kind IN ('system', 'user')
)
SELECT u.content_hash, SUBSTR(c.text, 1, {_HEAD}) AS head,
       CASE WHEN LENGTH(c.text) > {_HEAD} THEN SUBSTR(c.text, LENGTH(c.text) - {_HEAD - 1}) ELSE '' END AS tail
FROM used AS u JOIN content AS c ON c.content_hash = u.content_hash
WHERE c.text IS NOT NULL
"""
_FULL = """
SELECT c.content_hash, c.text FROM response_cache_header AS h JOIN content AS c ON c.content_hash = h.content_hash
"""
_SEGMENTS = """
WITH chosen AS (
    SELECT DISTINCT s.request_id FROM segment AS s
    JOIN response_cache_header AS h ON h.content_hash = s.content_hash
    WHERE s.direction = 'input' AND s.request_id >= $first AND s.request_id < $last
)
SELECT s.request_id, s.position, COALESCE(h.masked_hash, c.normalised_hash, s.content_hash) AS part
FROM chosen AS q
JOIN segment AS s ON s.request_id = q.request_id AND s.direction = 'input'
    AND s.request_id >= $first AND s.request_id < $last
LEFT JOIN response_cache_header AS h ON h.content_hash = s.content_hash
LEFT JOIN content AS c ON c.content_hash = s.content_hash
"""
_REQUESTS = """
SELECT r.request_id, r.workflow_id, COALESCE(r.normalised_key, r.prompt_key) AS plain_key, k.masked_key,
       r.started_at_us, r.output_normalised_hash AS answer,
       MIN(r.request_id) OVER (PARTITION BY COALESCE(r.request_model, r.response_model), r.parameters) AS call_shape
FROM response_cache_masked_all AS k JOIN request AS r ON r.request_id = k.request_id
WHERE r.status = 'billable' AND r.prompt_key IS NOT NULL AND r.started_at_us IS NOT NULL
"""
_MASKS = pa.schema([("content_hash", pa.int64()), ("masked_hash", pa.int64())])
_EMPTY = pa.schema([("request_id", pa.int64()), ("masked_key", pa.int64())])


def mask_headers(store: Store) -> None:
    """Write the temporary table `MASKED`."""
    once(store, MASKED, {}, lambda: _mask(store))


def without_header(text: str) -> str:
    """The text with the clocks and ids of its first and last lines replaced by marks."""
    opening = _OPENING.match(text)
    text = f"‹header› {text[opening.end() :]}" if opening and opening.end() < len(text) else text
    lines = text.split("\n")
    for place in {*range(min(_FIRST, len(lines))), *range(max(0, len(lines) - _LAST), len(lines))}:
        if len(lines[place]) <= _HEAD and lines[place].strip() and _LINE.fullmatch(lines[place]):
            lines[place] = "‹header›"
    return "\n".join(lines)


def _mask(store: Store) -> None:
    found = _headers(store)
    store.replace(MASKED, _EMPTY.empty_table())
    if found.num_rows == 0:
        return
    store.replace("response_cache_header", found)
    store.replace("response_cache_masked_all", _EMPTY.empty_table())
    for first, last in request_ranges(store):
        store.write("response_cache_masked_all", _keys(store.query(_SEGMENTS, first=first, last=last)))
    requests = pl.DataFrame(store.query(_REQUESTS)).with_columns(pl.col("workflow_id").fill_null(0))
    columns = {name: requests[name].to_numpy() for name in ("request_id", "workflow_id", "plain_key", "started_at_us")}
    columns["masked_key"] = _mixed(requests["masked_key"].to_numpy(), requests["call_shape"].to_numpy())
    known = requests["answer"].is_not_null().to_numpy()
    answers = requests["answer"].fill_null(0).to_numpy()
    kept = np.isin(columns["workflow_id"], _agreeing(columns, known, answers))
    store.replace(MASKED, pa.table({name: columns[name][kept] for name in ("request_id", "masked_key")}, schema=_EMPTY))


def _headers(store: Store) -> pa.Table:
    """Contents with a header: content_hash and the hash of the text without it."""
    hashes = [key for rows in store.batches(_PLACES) for key in _with_header(pl.DataFrame(rows))]
    store.replace("response_cache_header", pa.table({"content_hash": pa.array(hashes, pa.int64())}))
    found = [_MASKS.empty_table()]
    for rows in store.stream(_FULL):
        masked = [content_hash(folded(without_header(text))) for text in map(str, rows["text"].to_pylist())]
        found.append(pa.table({"content_hash": rows["content_hash"], "masked_hash": masked}, schema=_MASKS))
    return pa.concat_tables(found)


def _with_header(places: pl.DataFrame) -> Iterator[int]:
    likely = places.filter(pl.col("head").str.contains(_LIKELY) | pl.col("tail").str.contains(_LIKELY))
    ends = likely.select("content_hash", pl.concat_str("head", "tail", separator="\n"))
    return (key for key, text in ends.iter_rows() if without_header(text) != text)


def _keys(segments: pa.Table) -> pa.Table:
    """One key per request from its parts and their places, in whatever order the rows come."""
    ids, places = segments["request_id"].to_numpy(), segments["position"].to_numpy().astype(np.int64)
    mixed = _mixed(segments["part"].to_numpy(), places)
    order = np.argsort(ids, kind="stable")
    ids, mixed = ids[order], mixed[order]
    starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
    return pa.table({"request_id": ids[starts], "masked_key": np.add.reduceat(mixed, starts)}, schema=_EMPTY)


def _mixed(values: NDArray[np.int64], salt: NDArray[np.int64]) -> NDArray[np.int64]:
    """Well spread 64-bit values of pairs (SplitMix64's finaliser, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = values.view(np.uint64) + (salt.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: NDArray[np.int64] = (z ^ (z >> np.uint64(31))).view(np.int64)
    return mixed


def _agreeing(
    columns: dict[str, NDArray[np.int64]], known: NDArray[np.bool_], answers: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Workflows in which prompts that differ only in their header get the same answer."""
    order = np.lexsort((columns["request_id"], columns["started_at_us"], columns["masked_key"]))
    key, plain = columns["masked_key"][order], columns["plain_key"][order]
    workflow, known, answers = columns["workflow_id"][order], known[order], answers[order]
    pairs = np.flatnonzero((key[1:] == key[:-1]) & (plain[1:] != plain[:-1]) & known[1:] & known[:-1])
    differ = answers[pairs + 1] != answers[pairs]
    proven = []
    for each in np.unique(workflow[pairs]):
        mine = workflow[pairs] == each
        sample = LossSample.of(differ[mine], clusters=key[pairs][mine])
        if sample.n and sample.p_above(DIFFERING) <= DELTA:
            proven.append(each)
    return np.array(proven, dtype=np.int64)
