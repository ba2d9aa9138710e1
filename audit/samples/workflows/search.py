"""The search team: answers from retrieved help articles, with more context than any answer uses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import accumulate
from random import Random

from audit.samples.calls import SERVER_ERROR, Call
from audit.samples.texts import knowledge
from audit.samples.timetable import MODEL_SWITCH, NOVEMBER, OFFICE_HOURS, PREFIX_BREAK, day_of
from audit.samples.workflows._desk import Desk, environment, finish_call

SOURCE = "search-openai-responses"
FLAGSHIP_SHARE_BEFORE = 0.25
FLAGSHIP_SHARE_LATER = 0.65
_POPULARITY = list(accumulate(1 / rank**0.9 for rank in range(1, len(knowledge.ARTICLES) + 1)))


def calls(desk: Desk) -> Iterator[Call]:
    """Yield every document search: sellers ask a few questions in a row, so searches come in bursts."""
    rng = desk.rng("docs-search")
    for start in desk.calendar.moments(rng, desk.calendar.scale(160), OFFICE_HOURS, weekend=0.3, growth=1.2):
        user, moment = desk.calendar.user(rng, start), start
        workspace = f"ws-{rng.randrange(900):03d}"
        for _ in range(rng.randint(1, 5)):
            call = _search(rng, moment, user, workspace)
            yield call
            moment += call.latency_ms + round(1000 * rng.uniform(20, 160))


def _articles(rng: Random, day: date) -> tuple[list[knowledge.Article], list[knowledge.Article]]:
    """Return the retrieved articles in rank order, and the one or two that answer the question."""
    wanted = 16 if day >= NOVEMBER else 10
    found: dict[str, knowledge.Article] = {}
    while len(found) < wanted:
        article = rng.choices(knowledge.ARTICLES, cum_weights=_POPULARITY)[0]
        found.setdefault(article.doc_id, article)
    retrieved = list(found.values())
    used = [retrieved[0]] + ([retrieved[rng.randint(1, 3)]] if rng.random() < 0.3 else [])
    return retrieved, used


def _search(rng: Random, moment: int, user: str, workspace: str) -> Call:
    day = day_of(moment)
    retrieved, used = _articles(rng, day)
    share = FLAGSHIP_SHARE_LATER if day >= MODEL_SWITCH else FLAGSHIP_SHARE_BEFORE
    model = "gpt-5.5" if rng.random() < share else "gpt-5-mini"
    question = rng.choice(knowledge.QUESTIONS).format(s=used[0].subject)
    documents = "\n".join(f'<document id="{a.doc_id}">\n{a.text}\n</document>' for a in retrieved)
    text = f"Documents\n{documents}\n\nQuestion: {question}"
    broken = day >= PREFIX_BREAK
    instructions = (f"Workspace: {workspace}\n\n" if broken else "") + knowledge.SEARCH_SYSTEM
    body = {
        "model": model,
        "instructions": instructions,
        "input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}],
        "reasoning": {"effort": "low"},
        "max_output_tokens": 600,
        "prompt_cache_retention": "24h",
        "stream": True,
    }
    answer = " ".join(f"{article.fact} [{article.doc_id}]" for article in used)
    call = Call(
        "docs-search",
        SOURCE,
        "responses",
        moment,
        model,
        body,
        [instructions, text],
        answer,
        team="search",
        feature="docs-search",
        environment=environment(rng, 0.03),
        user=user,
        reasoning_tokens=64 * rng.randint(0, 3),
        failure=SERVER_ERROR if rng.random() < 0.008 else None,
        plants={"unused_documents": str(len(retrieved) - len(used)), **({"prefix_break": workspace} if broken else {})},
    )
    return finish_call(call, rng, streamed=True)
