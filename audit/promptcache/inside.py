"""Prefixes that end inside a text: where prompts that begin alike part in the middle of a message.

Providers that cache by themselves compare tokens, not messages. Texts that follow the same prefix are sorted, and the
lengths they share with their neighbours divide them into the prefixes that two or more of them have in common.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.promptcache.columns import columns
from audit.promptcache.gather import NODES
from audit.store import Store
from audit.tokens import MESSAGE_OVERHEAD, count

_LEAST_CHARACTERS = 32
_WORD = 40
"""Longest word looked back over: tokens begin where words do, so a shared length ends there."""
_FEWEST_TOKENS = 64
_ALL_CHARACTERS = 200_000_000
_COUNTED_CHARACTERS = 8_000_000
"""Text counted exactly; what many requests share first, the rest in proportion to its characters."""

# texts that follow one prefix and begin alike: only these can part in the middle
_SIBLINGS = f"""
CREATE OR REPLACE TEMP TABLE promptcache_sibling AS
WITH child AS (
    SELECT realm, parent_hash, chain_hash, MAX(tokens) AS tokens, MAX(upto) AS upto, COUNT(*) AS requests
    FROM promptcache_segment
    WHERE automatic = 1 AND upto >= least AND tokens >= {_FEWEST_TOKENS}
    GROUP BY realm, parent_hash, chain_hash
),
several AS (SELECT realm, parent_hash FROM child GROUP BY realm, parent_hash HAVING COUNT(*) > 1),
candidate AS (
    SELECT c.realm, c.parent_hash, c.chain_hash, c.tokens, c.upto, c.requests
    FROM child AS c JOIN several AS v ON v.realm = c.realm AND v.parent_hash = c.parent_hash
),
named AS (
    SELECT s.chain_hash, MIN(s.content_hash) AS content_hash, MIN(s.role) AS role
    FROM segment AS s JOIN (SELECT DISTINCT chain_hash FROM candidate) AS c ON c.chain_hash = s.chain_hash
    WHERE s.direction = 'input' GROUP BY s.chain_hash
),
begun AS (
    SELECT c.*, n.content_hash, CONCAT(n.role, ' ', SUBSTR(t.text, 1, 128)) AS opening
    FROM candidate AS c
    JOIN named AS n ON n.chain_hash = c.chain_hash
    JOIN content AS t ON t.content_hash = n.content_hash
    WHERE t.text IS NOT NULL
),
alike AS (SELECT realm, parent_hash, opening FROM begun GROUP BY realm, parent_hash, opening HAVING COUNT(*) > 1)
SELECT DENSE_RANK() OVER (ORDER BY b.realm, b.parent_hash, b.opening) AS family, b.realm, b.chain_hash,
       b.content_hash, b.tokens, b.upto, b.requests
FROM begun AS b
JOIN alike AS a ON a.realm = b.realm AND a.parent_hash = b.parent_hash AND a.opening = b.opening
"""

_TEXTS = """
SELECT s.family, s.realm, s.chain_hash, s.tokens, s.upto, s.requests, t.characters,
       SUBSTR(t.text, 1, $longest) AS text
FROM promptcache_sibling AS s JOIN content AS t ON t.content_hash = s.content_hash
ORDER BY s.family, s.chain_hash
"""


@dataclass(frozen=True, slots=True)
class Shared:
    """A beginning of so many characters that the texts `low` to `high` (both included) of a sorted list share."""

    characters: int
    low: int
    high: int


@dataclass(slots=True)
class _Family:
    """Texts that follow the same prefix, sorted."""

    realm: int
    texts: list[str]
    chains: list[int]
    tokens: list[int]
    characters: list[int]
    before: int
    requests: list[int]


def add_inner_prefixes(store: Store) -> NDArray[np.float64]:
    """Make the temporary table `promptcache_inner` and return the lengths of all prefixes, those inside texts last."""
    nodes = int(store.value("SELECT COUNT(*) FROM promptcache_node"))
    uptos = columns(store, NODES, nodes, {"upto": np.float64})["upto"]
    store.run(_SIBLINGS)
    siblings = int(store.value("SELECT COUNT(*) FROM promptcache_sibling"))
    longest = max(256, _ALL_CHARACTERS // max(1, siblings))
    rows: dict[str, list[int]] = {"realm": [], "chain_hash": [], "node": [], "upto": []}
    lengths: list[float] = []
    if siblings:
        found = list(_prefixes(store.query(_TEXTS, longest=longest)))
        for (family, shared), length in zip(found, _lengths(found), strict=True):
            node = len(uptos) + len(lengths)
            lengths.append(length)
            for place in range(shared.low, shared.high + 1):
                rows["realm"].append(family.realm)
                rows["chain_hash"].append(family.chains[place])
                rows["node"].append(node)
                rows["upto"].append(round(length))
    store.replace("promptcache_inner", pa.table({name: pa.array(rows[name], pa.int64()) for name in rows}))
    store.run("DROP TABLE promptcache_sibling")
    return np.concatenate([uptos, np.array(lengths, dtype=np.float64)])


def _prefixes(table: pa.Table) -> Iterator[tuple[_Family, Shared]]:
    for family in _families(table):
        for shared in shared_beginnings(family.texts):
            yield family, shared


def _families(table: pa.Table) -> Iterator[_Family]:
    members: dict[int, list[int]] = defaultdict(list)
    for place, family in enumerate(table["family"].to_numpy().tolist()):
        members[family].append(place)
    texts = [str(text) for text in table["text"].to_pylist()]
    columns = {
        name: table[name].to_numpy() for name in ("realm", "chain_hash", "tokens", "upto", "requests", "characters")
    }
    for places in members.values():
        places.sort(key=texts.__getitem__)
        chosen = {name: column[places].tolist() for name, column in columns.items()}
        yield _Family(
            realm=chosen["realm"][0],
            texts=[texts[place] for place in places],
            chains=chosen["chain_hash"],
            tokens=[tokens - MESSAGE_OVERHEAD for tokens in chosen["tokens"]],
            characters=chosen["characters"],
            before=int(chosen["upto"][0] - chosen["tokens"][0]),
            requests=chosen["requests"],
        )


def shared_beginnings(texts: Sequence[str]) -> Iterator[Shared]:
    """Every beginning of 32 characters or more that two or more neighbours of a sorted list share, in whole words.

    The intervals of equal common prefixes of a sorted list are nested (Kasai et al. 2001); each is returned once.
    """
    waiting: list[tuple[int, int]] = []
    for place in range(1, len(texts) + 1):
        length = _in_words(texts[place - 1], texts[place]) if place < len(texts) else 0
        low = place - 1
        while waiting and waiting[-1][0] > length:
            characters, low = waiting.pop()
            yield Shared(characters, low, place - 1)
        if length and (not waiting or waiting[-1][0] < length):
            waiting.append((length, low))


def _in_words(first: str, second: str) -> int:
    """Number of characters that two texts share up to the end of a word; 0 for too few to matter."""
    length = common(first, second)
    if any(text[length - 1 : length + 1].isalnum() and length < len(text) for text in (first, second)):
        start = max(0, length - _WORD)
        length = next((at for at in range(length - 1, start, -1) if not first[at].isalnum()), length)
    return length if length >= _LEAST_CHARACTERS else 0


def common(first: str, second: str) -> int:
    """Number of characters at the beginning that two texts share."""
    most = min(len(first), len(second))
    if first[:most] == second[:most]:
        return most
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _lengths(found: Sequence[tuple[_Family, Shared]]) -> list[float]:
    """Tokens of each prefix, those before its text included."""
    lengths = [
        family.before + family.tokens[shared.low] * shared.characters / max(1, family.characters[shared.low])
        for family, shared in found
    ]
    worth = sorted(range(len(found)), key=lambda place: -sum(_requests(found[place])))
    budget, chosen = _COUNTED_CHARACTERS, []
    for place in worth:
        budget -= found[place][1].characters
        if budget < 0:
            break
        chosen.append(place)
    texts = [found[place][0].texts[found[place][1].low][: found[place][1].characters] for place in chosen]
    for place, tokens in zip(chosen, count(texts), strict=True):
        lengths[place] = found[place][0].before + tokens
    return lengths


def _requests(found: tuple[_Family, Shared]) -> list[int]:
    family, shared = found
    return family.requests[shared.low : shared.high + 1]
