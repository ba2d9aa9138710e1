"""Precision and recall of every detector on planted logs: `python -m benchmarks.detectors`.

Writes docs/accuracy.md. A seed is one log (or one set of prompts).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean

from benchmarks.detecting import caches, ingested, meanings, prefixes, prompts, questions, traffic
from benchmarks.detecting.counting import Counted

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
_SEEDS, _CACHE_SEEDS = 20, 8


@dataclass(frozen=True)
class Detector:
    """One row of the page: what is planted, and what counts the findings for a seed."""

    name: str
    unit: str
    planted: Callable[[int], Counted]


def near(seed: int) -> Counted:
    return questions.near_copies(seed, "farm").counted


def paraphrases(seed: int) -> Counted:
    served = meanings.composed(seed)
    return Counted(served.hits - served.false, served.false, served.possible - served.hits)


DETECTORS = (
    Detector("exact repetitions", "request", partial(ingested.repeated_prompts, key="prompt_key")),
    Detector("repetitions but for layout", "request", partial(ingested.repeated_prompts, key="normalised_key")),
    Detector("near copies", "request", near),
    Detector("paraphrases served by the semantic cache", "question", paraphrases),
    Detector("text sent twice in one prompt", "prompt", prompts.repeated_text),
    Detector("tools never called", "tool", traffic.unused_tools),
    Detector("retrieved passages no answer draws on", "passage", prompts.unused_passages),
    Detector("turns of a history nobody comes back to", "turn", prompts.unused_turns),
    Detector("few-shot examples", "example", prompts.few_shot_examples),
    Detector("filler and layout in answers", "kind of answer", prompts.answer_filler),
    Detector("gibberish", "message", prompts.gibberish),
    Detector("health checks and tests on a key of production", "request", traffic.health_checks),
    Detector("causes of broken prefixes", "workflow", prefixes.broken_prefixes),
    Detector("runaway answers", "request", traffic.runaway_answers),
    Detector("workflows with cut-off answers", "workflow", traffic.cut_off_answers),
    Detector("calls retried or regenerated", "request", traffic.retries),
    Detector("work nobody waits for, by tag", "request", traffic.offline_work),
    Detector("workflows nobody tagged", "pair of requests", ingested.mined_workflows),
    Detector("jumps of the daily spend", "day", traffic.spend_jumps),
)

_HEAD = """# How accurate the detectors are

Written by `python -m benchmarks.detectors` (about {minutes:.0f} minutes); run it again after a change. Every
figure comes from planted logs whose truth is known, {seeds} logs of each kind made from the seeds 0 to {last}. *Precision*
is the share of findings that were planted, *recall* the share of what was planted that was found; the mean is over all
findings of all seeds, the least is that of the worst seed.

Planted logs are clean where real ones are not. They show that a detector does what it says, and where it begins to
fail; how often your own log holds such cases, only your log can tell. Near copies are reported on sentences the guards
were not developed on; most other detectors were mended until they found what is planted here.

| what is found | counted by | precision | least | recall | least |
|---|---|---:|---:|---:|---:|
"""

_CACHES = """
## Provider prompt caches

Predicted over billed cached tokens, {seeds} logs of each kind; the bill comes from simulators in
`benchmarks/detecting/caches.py` that follow the providers' documentation token by token or mark by mark and share nothing
with the product. Texts are complete and the rules known; where they are not, the measured reliability and its spread say
how far the prediction can be trusted.

| rule | least | mean | greatest |
|---|---:|---:|---:|
"""
_TAIL = """
## What is planted

- **Repetitions** go through the readers: the same messages and parameters again; for the second row also in other
  letters' case, white space, Unicode form or closing punctuation. Beside them stand prompts that differ in a digit, a
  word, the temperature or the system prompt.
- **Near copies** differ in courtesies, small words, articles, typing slips, synonyms, layout and case. Beside them stand
  questions that differ in a name (also at the start of a sentence), a thing, a number, a unit, a date, an opposite, a
  negation, or in who does what to whom. The sentences are those of a fourth world; three others were used to develop
  the guards. A false join would be a merge of two such questions.
- **Paraphrases** are twelve intents in dozens of wordings each. Recall is low by design: only what the log's own answers
  certify is served, at a bound of 3 % wrong answers. In {certified} of {seeds} logs of paraphrases something was certified;
  the wrong share of what was served was {wrong} where the certificates said at most {bound} on average. In
  {catalogue} of {seeds} logs of a catalogue (four things asked of thirty articles, six wordings each) something was
  certified; of {catalogue_hits} requests served there {catalogue_false} got the answer of another question, and in
  {broken} logs of either kind the wrong share lay above the stated bound (one in ten may).
- **Passages, turns** are used by quotation, citation, a figure or a paraphrase; a passage counts as found only if the
  detector also split the context at the right places.
- **Health checks** come at even intervals with jitter and missed beats, among people who ask the same short questions.
- **Causes of broken prefixes**: a time, a date, a UUID, an id, a name, an address, tools, examples or JSON in changing
  order; two workflows a log are sound.
- **Workflows nobody tagged** are eight templates: system prompts, system prompts with a date and a number filled in, and
  user messages that open with the instructions.
- **Conversations** for the prompt caches share one of three instructions and grow turn by turn, with pauses from seconds
  to an hour; the block trace has prompts of 512-token blocks by their ids, as serving clusters publish them. Models that
  cache by breakpoints are played twice over the log, strictly and looking back, and the reading that explains the bill
  is taken.
- **Jumps**: the level of spend moves by at least 1.6 times, or one day is 3.5 times as dear, among weekends and noise.

Frequently asked questions with one answer are not a detector of their own: the response caches find them.
"""


def counted(detector: int, seed: int) -> Counted:
    """One detector on one seed."""
    return DETECTORS[detector].planted(seed)


def row(name: str, unit: str, results: list[Counted]) -> str:
    """One line of the table."""
    whole = sum(results, Counted())
    least = min(each.precision for each in results), min(each.recall for each in results)
    return f"| {name} | {unit} | {whole.precision:.3f} | {least[0]:.3f} | {whole.recall:.3f} | {least[1]:.3f} |"


def cached(name: str, seed: int) -> float:
    """Predicted over billed cached tokens of one kind of rule."""
    return caches.FAMILIES[name](seed)


def cache_row(name: str, ratios: list[float]) -> str:
    """One line of the table of prompt caches."""
    return f"| {name} | {min(ratios):.3f} | {mean(ratios):.3f} | {max(ratios):.3f} |"


def bounds(seeds: int) -> dict[str, object]:
    """Whether served questions stay under the bound the certificates state."""
    plenty, hard = (
        [meanings.composed(seed) for seed in range(seeds)],
        [meanings.catalogue(seed) for seed in range(seeds)],
    )
    sure = [each for each in plenty if each.certified]
    hits = sum(each.hits for each in sure)
    return {
        "certified": len(sure), "wrong": f"{100 * sum(each.false for each in sure) / max(1, hits):.2f} %",
        "bound": f"{100 * mean([each.bound for each in sure] or [1.0]):.1f} %",
        "catalogue": sum(each.certified for each in hard), "catalogue_hits": sum(each.hits for each in hard),
        "catalogue_false": sum(each.false for each in hard),
        "broken": sum(each.false > each.bound * each.hits for each in (*plenty, *hard)),
    }  # fmt: skip


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=_SEEDS)
    parser.add_argument("--only", default="", help="part of a detector's name; prints without writing the page")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    started, lines = time.perf_counter(), []
    with ProcessPoolExecutor(given.workers) as pool:
        for place, each in enumerate(DETECTORS):
            if given.only in each.name:
                lines.append(row(each.name, each.unit, list(pool.map(partial(counted, place), range(given.seeds)))))
                print(lines[-1], flush=True)
        caching = []
        for name in () if given.only else caches.FAMILIES:
            caching.append(cache_row(name, list(pool.map(partial(cached, name), range(_CACHE_SEEDS)))))
            print(caching[-1], flush=True)
    if given.only:
        return
    facts = bounds(given.seeds)
    spent = time.perf_counter() - started
    numbers = {"seeds": given.seeds, "last": given.seeds - 1, "minutes": max(1.0, spent / 60)}
    PAGE.write_text(
        (_HEAD.format(**numbers) + "\n".join(lines) + "\n" + _TAIL.format(**numbers, **facts)), encoding="utf-8"
    )
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
