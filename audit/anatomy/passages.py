"""Passages that retrieval put into a prompt: documents between tags, numbered sources, JSON lists of results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

_LEAST_WORDS = 12
_TAGS = (
    "document|doc|chunk|passage|source|context|article|result|item|snippet|page|record|search_result|reference|excerpt"
    "|dokument|quelle|auszug|documento|fuente|fragmento|fonte|extrait|文档|文書|资料|資料"
)
_TAGGED = re.compile(rf"<({_TAGS})\b([^>]{{0,300}})>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE = re.compile(r"\b(?:id|index|name|title|source|number)\s*=\s*[\"']?([^\"'>\s]{1,80})", re.IGNORECASE)
_WORDS = (
    "document|doc|source|passage|chunk|context|article|result|snippet|reference|excerpt|search result|page"
    "|dokument|quelle|auszug|textstelle|kontext|ergebnis"
    "|documento|fuente|fragmento|pasaje|contexto|resultado|fonte|trecho|brano|risultato"
    "|extrait|résultat|fragment|文档|资料|資料|来源|片段|搜索结果|文書|出典|参考|検索結果"
)
_HEADED = re.compile(
    rf"^[ \t#*=\-【〔]*(?:(?:{_WORDS})[ \t]*(?:no\.?|nr\.?|n[º°]\.?|#|number)?[ \t]*|\[|\(|(?<=【))"
    r"(\d{1,3}|[A-Z]{1,4}-?\d{1,5})(?:[\]):.：】〕]|[ \t*=\-]*(?=\n)|[ \t]+(?:[-–—(|]))",
    re.IGNORECASE | re.MULTILINE,
)
_END = re.compile(
    r"^(?:[ \t#*=\-]*(?:(?:question|query|user|task|instructions?|answer|request|customer|frage|aufgabe|anfrage"
    r"|pregunta|tarea|consulta|pergunta|domanda)\b|问题|用户|任务|質問|問題|指示|回答)[^\n]{0,40}[:：\n]"
    r"|</?\w+>|={3,}[ \t]*$|-{3,}[ \t]*$)",
    re.IGNORECASE | re.MULTILINE,
)
_RULE = re.compile(r"^(?:-{3,}|={3,}|\*{3,}|#{3,})[ \t]*$", re.MULTILINE)
_BODY = ("text", "content", "body", "passage", "snippet", "page_content", "chunk", "document", "abstract", "summary")
_LABEL = ("id", "doc_id", "document_id", "chunk_id", "source", "title", "url", "name")


class Passage(NamedTuple):
    """Where a passage stands in its text, and what an answer would cite it by (empty when nothing names it)."""

    start: int
    end: int
    label: str


def passages(text: str) -> list[Passage]:
    """The retrieved passages of a text, at least two of a dozen words each; empty when it shows no such structure.

    Tried in turn: documents between tags, headings or brackets with a number, a JSON list of results, parts between
    rules. The first way that finds two or more is taken.
    """
    if len(text) < 80:
        return []
    for way in (_tagged, _headed, _listed, _ruled):
        found = [each for each in way(text) if _is_long(text[each.start : each.end])]
        if len(found) >= 2:
            return found
    return []


def _is_long(text: str) -> bool:
    """A dozen words; in scripts without spaces, two signs are taken for one."""
    words = len(text.split(None, _LEAST_WORDS))
    return words >= _LEAST_WORDS or sum(char > "\u0dff" for char in text[: 4 * _LEAST_WORDS]) >= 2 * _LEAST_WORDS


def _tagged(text: str) -> Iterator[Passage]:
    if "<" not in text:
        return
    for match in _TAGGED.finditer(text):
        inner = list(_tagged(match[3])) if match[3].lstrip().startswith("<") else []
        if len(inner) >= 2:
            offset = match.start(3)
            yield from (Passage(each.start + offset, each.end + offset, each.label) for each in inner)
            continue
        named = _ATTRIBUTE.search(match[2])
        yield Passage(match.start(), match.end(), named[1] if named else "")


def _headed(text: str) -> Iterator[Passage]:
    heads = list(_HEADED.finditer(text))
    if len(heads) < 2 or not _in_order([head[1] for head in heads]):
        return
    stops = [*(head.start() for head in heads[1:]), len(text)]
    for head, stop in zip(heads, stops, strict=True):
        end = stop
        if stop == len(text):
            closing = _END.search(text, head.end())
            end = closing.start() if closing else stop
        yield Passage(head.start(), end, head[1])


def _in_order(labels: list[str]) -> bool:
    """Numbers of a list of sources rise one by one; numbers of anything else rarely do."""
    numbers = [int(label) for label in labels if label.isdigit()]
    if len(numbers) < len(labels):
        return len(set(labels)) == len(labels)
    return numbers[0] in (0, 1) and all(later == earlier + 1 for earlier, later in pairwise(numbers))


def _listed(text: str) -> Iterator[Passage]:
    """Items of the first JSON list of objects that hold a long text."""
    for match in re.finditer(r"\[\s*\{", text):
        items = list(_items(text, match.start() + 1))
        if len(items) >= 2:
            yield from items
            return


def _items(text: str, place: int) -> Iterator[Passage]:
    decoder = json.JSONDecoder()
    while place < len(text):
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if place >= len(text) or text[place] != "{":
            return
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return
        label = _label(value)
        if label is None:
            return
        yield Passage(place, end, label)
        place = end


def _label(value: Any) -> str | None:
    """How an answer would cite a result; None for an object that holds no text."""
    if not isinstance(value, dict) or not any(isinstance(value.get(key), str) for key in _BODY):
        return None
    return next((str(value[key])[:80] for key in _LABEL if isinstance(value.get(key), str | int)), "")


def _ruled(text: str) -> Iterator[Passage]:
    rules = [match.span() for match in _RULE.finditer(text)]
    if len(rules) >= 3:
        for (_, start), (end, _) in pairwise(rules):
            yield Passage(start, end, "")
