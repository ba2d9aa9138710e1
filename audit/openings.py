"""Workflows of requests without a system prompt: those whose messages open with the same instructions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile

import pyarrow as pa

from audit.hashes import digest
from audit.store import Store
from audit.store.following import FOLLOW

OPENING = 40
"""Characters that messages must share from their first to count as one template."""

_END = re.compile(r"[.!?:;](?=\s)|\n")
_STEP, _MOST, _WAYS, _COVERED = 8, 320, 4, 0.9
_LEAST_REQUESTS, _LEAST_TEXTS, _LEAST_CHARACTERS = 20, 5, 60
_LOOKED_AT = 20_000

# the first message says what a request without system prompt and tools is for; numbers in it change with every request
_OPENINGS = f"""
CREATE OR REPLACE TEMP TABLE opening_request AS
WITH first_of AS (
    SELECT r.request_id, MIN(s.position) AS position
    FROM workflow AS w
    JOIN request AS r ON r.workflow_id = w.workflow_id
    JOIN segment AS s ON s.request_id = r.request_id AND s.direction = 'input'
    WHERE w.origin = 'prompt' AND w.title = 'no instructions' GROUP BY r.request_id
)
SELECT f.request_id, regexp_replace(SUBSTR(c.text, 1, {_MOST}), '[0-9]+', '‹n›', 'g') AS text, s.content_hash
FROM first_of AS f
JOIN segment AS s ON s.request_id = f.request_id AND s.position = f.position AND s.kind = 'user'
JOIN content AS c ON c.content_hash = s.content_hash
WHERE c.characters >= {_LEAST_CHARACTERS} AND c.text IS NOT NULL
"""
_TEXTS = """
SELECT MIN(o.text) AS text, COUNT(*) AS requests FROM opening_request AS o
GROUP BY o.content_hash ORDER BY o.content_hash LIMIT $most
"""
_KNOWN = "SELECT COUNT(*) FROM workflow WHERE origin = 'opening'"
# of several openings that fit, the longest
_MOVE = (
    """
CREATE OR REPLACE TEMP TABLE opening_member AS
SELECT request_id, workflow_id FROM (
    SELECT o.request_id, w.workflow_id, ROW_NUMBER() OVER (
               PARTITION BY o.request_id ORDER BY LENGTH(w.title) DESC, w.workflow_id) AS place
    FROM opening_request AS o JOIN workflow AS w ON w.origin = 'opening' AND starts_with(o.text, w.title)
) AS fitting WHERE place = 1
""",
    """
UPDATE request SET workflow_id = m.workflow_id FROM opening_member AS m WHERE m.request_id = request.request_id
""",
    *FOLLOW,
    "DELETE FROM opening_request WHERE request_id IN (SELECT request_id FROM opening_member)",
    "DROP TABLE opening_member",
)


def split_by_opening(store: Store) -> None:
    """Give requests without instructions a workflow of their own where 20 of them, with five different texts, open so.

    A template once seen takes in what comes later, however little. Messages that open alike and then go on in a few
    ways, each often enough for itself, ask for different things and are told apart where they part.
    """
    store.run(_OPENINGS)
    if store.value(_KNOWN):
        _move(store)
    texts = [(row["text"], row["requests"]) for row in store.rows(_TEXTS, most=_LOOKED_AT)]
    found = [
        {"workflow_id": digest("workflow", "opening", title), "origin": "opening", "title": title}
        for title in openings(texts)
    ]
    if found:
        schema = store.schema("workflow", found[0])
        store.write("workflow", pa.Table.from_pylist(found, schema))
        _move(store)
    store.run("DROP TABLE opening_request")


def _move(store: Store) -> None:
    with store.transaction():
        for statement in _MOVE:
            store.run(statement)


Text = tuple[str, int]
"""How a message begins, and in how many requests it came."""


def openings(texts: Sequence[Text]) -> list[str]:
    """The beginnings that messages share because they are one template, in order."""
    return sorted(title for group in _groups(texts, OPENING) for title in _deeper(group, OPENING))


def _groups(texts: Sequence[Text], length: int) -> list[list[Text]]:
    """Messages that share so many characters, where they are often and varied enough to be a template."""
    groups: dict[str, list[Text]] = defaultdict(list)
    for text, requests in texts:
        if len(text) >= length:
            groups[text[:length]].append((text, requests))
    return [group for group in groups.values() if len(group) >= _LEAST_TEXTS and _requests(group) >= _LEAST_REQUESTS]


def _requests(texts: Sequence[Text]) -> int:
    return sum(requests for _, requests in texts)


def _deeper(group: Sequence[Text], length: int) -> Iterator[str]:
    """How the messages of a group open: in one way, or in several where they part inside their first line."""
    shared = length
    while shared < _MOST:
        longer = _groups(group, shared + _STEP)
        if not longer or _requests([each for part in longer for each in part]) < _COVERED * _requests(group):
            break
        if len(longer) > 1:
            if len(longer) <= _WAYS and "\n" not in group[0][0][:shared]:
                for part in longer:
                    yield from _deeper(part, shared + _STEP)
                return
            break
        shared += _STEP
    yield _instruction([text for text, _ in group], length)


def _instruction(texts: Sequence[str], least: int) -> str:
    """What texts share, to the end of the sentence or line that so many characters fall into; no half words."""
    pairs = zip(min(texts), max(texts), strict=False)
    shared = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    ended = _END.search(shared, least)
    if ended is not None:
        return shared[: ended.start() + 1]
    end = max(shared.rfind(" "), shared.rfind("\n"))
    return shared[: end + 1] if end + 1 >= least else shared
