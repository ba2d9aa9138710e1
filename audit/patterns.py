"""Workflows whose instructions are one text filled in differently: with names, tenants, retrieved documents.

Instructions are masked when they are read, so that dates, numbers and ids make no workflow of their own; names and
documents can't be masked by looking at one prompt. They show in many: where instructions of one shape share how they
begin (or end) and then go on in many ways, the shared part is a pattern if what follows is new nearly every time, or if
the texts differ in nothing but names. Prompts that share an opening and then ask for different things are neither.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import pyarrow as pa

from audit.hashes import digest
from audit.masking import MASKED_CHARACTERS, masked
from audit.store import Store
from audit.store.following import FOLLOW

_MOST = 20_000
"""Instructions looked at, those with the smallest hashes."""
_LEAST_NEW, _LEAST_NAMED = 8, 4
_NEW_REQUESTS = 3.0
_BRANCHES = 5
_LONG, _SHORT, _ENDING_WORDS = 40, 24, 3
_STATIC, _MOST_TEXTS = 0.6, 500
_CUT = 200
"""Characters kept of how masked instructions begin and end; of a longer text the word at the cut is half a word."""

_UNTAGGED = """
SELECT w.workflow_id, w.shape, w.title, w.ending, COUNT(*) AS requests
FROM workflow AS w JOIN request AS r ON r.workflow_id = w.workflow_id
WHERE w.origin = 'prompt' AND w.shape IS NOT NULL AND w.ending <> ''
GROUP BY w.workflow_id, w.shape, w.title, w.ending ORDER BY w.workflow_id LIMIT $most
"""
_WHOLE = f"""
WITH first_of AS (
    SELECT r.workflow_id, MIN(r.request_id) AS request_id
    FROM pattern_candidate AS p JOIN request AS r ON r.workflow_id = p.workflow_id GROUP BY r.workflow_id
)
SELECT f.workflow_id, SUBSTR(c.text, 1, {MASKED_CHARACTERS}) AS text
FROM first_of AS f
JOIN segment AS s ON s.request_id = f.request_id AND s.direction = 'input' AND s.kind = 'system'
JOIN content AS c ON c.content_hash = s.content_hash
ORDER BY f.workflow_id, s.position
"""
_KNOWN = "SELECT workflow_id FROM workflow WHERE origin = 'pattern'"
# of several patterns that fit, the one that says most
_MOVE = (
    """
CREATE OR REPLACE TEMP TABLE pattern_member AS
SELECT workflow_id, into_id FROM (
    SELECT w.workflow_id, p.workflow_id AS into_id, ROW_NUMBER() OVER (
               PARTITION BY w.workflow_id ORDER BY LENGTH(p.title) + LENGTH(p.ending) DESC, p.workflow_id) AS place
    FROM workflow AS w JOIN workflow AS p ON p.shape = w.shape AND p.origin = 'pattern'
    WHERE w.origin = 'prompt' AND (p.title = '' OR starts_with(CONCAT(w.title, ' '), CONCAT(p.title, ' ')))
      AND (p.ending = '' OR ends_with(CONCAT(' ', w.ending), CONCAT(' ', p.ending)))
) AS fitting WHERE place = 1
""",
    """
UPDATE request SET workflow_id = m.into_id FROM pattern_member AS m WHERE m.workflow_id = request.workflow_id
""",
    *FOLLOW,
    "DELETE FROM workflow WHERE workflow_id IN (SELECT workflow_id FROM pattern_member)",
    "DROP TABLE pattern_member",
)


@dataclass(frozen=True, slots=True)
class Instructions:
    """How masked instructions begin and end, word by word, and how many requests came with them.

    `whole` says that the beginning is all of them.
    """

    workflow_id: int
    beginning: tuple[str, ...]
    ending: tuple[str, ...]
    requests: int
    whole: bool

    def turned(self) -> Instructions:
        """The same read from the end."""
        return Instructions(self.workflow_id, self.ending[::-1], self.beginning[::-1], self.requests, self.whole)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The words all instructions of one template begin with, and those they end with."""

    beginning: tuple[str, ...]
    ending: tuple[str, ...]


def join_by_pattern(store: Store) -> None:
    """Give instructions that follow one pattern one workflow; a pattern once seen takes in what comes later."""
    known = {row["workflow_id"] for row in store.rows(_KNOWN)}
    if known:
        _move(store)
    by_shape: dict[int, list[Instructions]] = defaultdict(list)
    for row in store.rows(_UNTAGGED, most=_MOST):
        words, last = row["title"].split(), row["ending"].split()
        by_shape[row["shape"]].append(
            Instructions(
                row["workflow_id"],
                tuple(words[:-1] if len(row["title"]) >= _CUT else words),
                tuple(last[1:] if len(row["ending"]) >= _CUT else last),
                row["requests"],
                len(row["title"]) < _CUT,
            )
        )
    rows = []
    for shape, members in by_shape.items():
        for each in patterns(members, lambda group: _whole(store, group)):
            title, ending = " ".join(each.beginning), " ".join(each.ending)
            key = digest("workflow", "pattern", shape, title, ending)
            rows.append({"workflow_id": key, "origin": "pattern", "title": title, "ending": ending, "shape": shape})
    fresh = [row for row in rows if row["workflow_id"] not in known]
    if fresh:
        with store.transaction():
            store.write("workflow", pa.Table.from_pylist(fresh, store.schema("workflow", fresh[0])))
        _move(store)


def _move(store: Store) -> None:
    with store.transaction():
        for statement in _MOVE:
            store.run(statement)


def _whole(store: Store, group: Sequence[Instructions]) -> list[tuple[str, ...]]:
    """The masked instructions of a group, word by word, as far as the audit file holds them."""
    keys = pa.array([each.workflow_id for each in group], pa.int64())
    store.replace("pattern_candidate", pa.table({"workflow_id": keys}))
    texts: dict[int, str] = defaultdict(str)
    for row in store.rows(_WHOLE):
        texts[row["workflow_id"]] += f" {masked(row['text'] or '')}"
    return [tuple(text.split()) for text in texts.values()]


Reader = Callable[[Sequence[Instructions]], list[tuple[str, ...]]]


def patterns(members: Sequence[Instructions], whole: Reader) -> list[Pattern]:
    """The patterns that instructions of one shape (tools, answer format) follow; `whole` gives their texts."""
    found: list[Pattern] = []
    covered: set[int] = set()
    for pattern, group in _branching(members, whole):
        found.append(pattern)
        covered.update(each.workflow_id for each in group)
    rest = [each.turned() for each in members if each.workflow_id not in covered]
    found.extend(Pattern(each.ending[::-1], each.beginning[::-1]) for each, _ in _branching(rest, whole))
    return found


def _branching(members: Sequence[Instructions], whole: Reader) -> Iterator[tuple[Pattern, Sequence[Instructions]]]:
    """Follow the words instructions share from the first on; where they part, ask whether that makes a pattern."""
    waiting: list[tuple[int, Sequence[Instructions]]] = [(0, members)]
    while waiting:
        depth, group = waiting.pop()
        if len(group) < _LEAST_NAMED:
            continue
        ways: dict[str | None, list[Instructions]] = defaultdict(list)
        for each in group:
            ways[each.beginning[depth] if depth < len(each.beginning) else None].append(each)
        ended = ways.pop(None, [])
        if len(ways) != 1 or ended:
            pattern = _pattern(group, depth, len(ways) if ways else len(ended), whole)
            if pattern is not None:
                yield pattern, group
                continue
        waiting.extend((depth + 1, each) for _, each in sorted(ways.items(), reverse=True))


def _pattern(group: Sequence[Instructions], depth: int, ways: int, whole: Reader) -> Pattern | None:
    """The pattern of instructions that part after `depth` words in so many ways; None when they are no template."""
    beginning = group[0].beginning[:depth]
    ending = _common([each.ending[::-1] for each in group])[::-1]
    if len(ending) < _ENDING_WORDS:
        ending = ()
    shared = len(" ".join(beginning))
    often = sum(each.requests for each in group) / len(group)
    if (
        len(group) >= _LEAST_NEW
        and ways >= _BRANCHES
        and often <= _NEW_REQUESTS
        and (shared >= _LONG or (shared >= _SHORT and ending))
    ):
        return Pattern(beginning, ending)
    if ways < _LEAST_NAMED or len(group) > _MOST_TEXTS or not (beginning or ending):
        return None
    # the beginnings are at hand and rule most groups out
    if not _differ_in_names([each.beginning for each in group]):
        return None
    texts = [each.beginning for each in group] if all(each.whole for each in group) else whole(group)
    return Pattern(beginning, ending) if len(texts) == len(group) and _differ_in_names(texts) else None


def _common(texts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The words all texts begin with."""
    return tuple(words[0] for words in takewhile(lambda words: len(set(words)) == 1, zip(*texts, strict=False)))


def _differ_in_names(texts: Sequence[tuple[str, ...]]) -> bool:
    """Whether nine tenths of the texts consist of the words most of them share, and of names beside these."""
    frequency = Counter(word for text in texts for word in set(text))
    fitting = 0
    for text in texts:
        own = [word for word in text if 2 * frequency[word] < len(texts)]
        named = sum(map(_is_name, own))
        fitting += len(own) <= (1 - _STATIC) * len(text) and 10 * named >= 9 * len(own)
    return 10 * fitting >= 9 * len(texts)


def _is_name(word: str) -> bool:
    """Whether a word may be somebody's or something's name: capital, without case, or written like an identifier."""
    plain = word.strip("\"'`([{<>}]).,;:!?")
    return not plain[:1].islower() or any(not (char.isalpha() or char in "'’") for char in plain)
