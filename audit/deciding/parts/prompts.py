"""Replayed prompts as a router in front of the models sees them: before anybody answered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from audit.scorers._language import language
from audit.store import Store

CHARACTERS = 4000
"""Characters of the last user message that are looked at: of a longer one half from its start, half from its end."""

_SEGMENTS = """
SELECT s.request_id, s.kind, c.text
FROM segment AS s
JOIN parts_wanted AS w ON w.request_id = s.request_id
JOIN content AS c ON c.content_hash = s.content_hash
WHERE s.direction = 'input' AND s.kind IN ('user', 'tools')
ORDER BY s.request_id, s.position
"""


@dataclass(frozen=True, slots=True)
class Prompt:
    """`text` is the last user message, its parts joined by line breaks; `tools` how many were offered."""

    text: str = ""
    tools: int = 0

    @property
    def language(self) -> str:
        """Language or script of the text, "" where it is short, mixed or not known."""
        return language(self.text) or ""


def prompts(store: Store, request_ids: Collection[int]) -> dict[int, Prompt]:
    """The prompts of these requests; a text that was not kept is empty."""
    store.replace("parts_wanted", pa.table({"request_id": pa.array(sorted(set(request_ids)), pa.int64())}))
    texts: dict[int, list[str]] = {}
    tools: dict[int, int] = {}
    for row in store.rows(_SEGMENTS):
        if row["kind"] == "tools":
            tools[row["request_id"]] = tools.get(row["request_id"], 0) + 1
        elif row["text"]:
            texts.setdefault(row["request_id"], []).append(row["text"])
    return {
        request: Prompt(_excerpt("\n".join(texts.get(request, ()))), tools.get(request, 0)) for request in request_ids
    }


def _excerpt(text: str) -> str:
    """What is looked at of a text; a question may stand before what it is about, or behind."""
    half = CHARACTERS // 2
    return text if len(text) <= CHARACTERS else f"{text[:half]}\n{text[-half:]}"
