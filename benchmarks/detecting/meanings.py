"""Planted paraphrases: many wordings of questions with one right answer each, and how the semantic cache serves them.

A hit is false when the stored answer is that of another question. The stated bound comes from the log's own answers.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from audit.levers import semantic_cache
from audit.levers._similar_certificate import DEFAULTS, certificates
from audit.matching import matching
from audit.projection.bench import Bench, settings_of
from tests.planting import MINUTE, START, Plant

_ASKED = 2_000
FRAMES: tuple[tuple[str, ...], ...] = (
    ("How long is the warranty on the {x}?", "What warranty does the {x} come with?", "For how many years is the {x} guaranteed?",
     "Tell me the guarantee period of the {x}", "Is there a warranty for the {x} and how long does it last?",
     "how long am i covered if the {x} fails"),
    ("How do I clean the {x}?", "What is the best way to wash my {x}?", "My {x} is dirty, how should I get it clean?",
     "Any cleaning instructions for the {x}?", "which soap can i use to clean a {x}", "What do you recommend for cleaning the {x}?"),
    ("What does the {x} weigh?", "How heavy is the {x}?", "Could you tell me the weight of the {x}?", "weight of {x}",
     "Is the {x} heavy? How much does it weigh?", "I need to know how much the {x} weighs before I buy it"),
    ("Can I return the {x} if I do not like it?", "What is the return policy for the {x}?", "Is it possible to send back the {x} after trying it?",
     "I am not happy with the {x}, may I give it back?", "how do returns work for a {x}", "Do you take back a used {x}?"),
)  # fmt: skip
ITEMS = (
    "tent stove lantern kettle backpack jacket helmet compass rope hammock saddle pump bicycle ladder mattress pillow blanket "
    "cooler grill knife whistle paddle kayak tarp headlamp bottle boots gloves tripod binoculars"
).split()


OPENINGS = (
    "How do I {}?", "How can I {}?", "What is the best way to {}?", "I would like to {}, how does that work?", "i want to {}",
    "Is there a way to {}?", "Could you explain how to {}", "Which steps are needed to {}?", "please show me how to {}", "Where do I {}?",
)  # fmt: skip
INTENTS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("rent", "hire", "lease"), ("a car", "an automobile", "a vehicle")),
    (("book", "reserve"), ("a seat in the theatre", "a theatre seat", "a place in the playhouse")),
    (("translate",), ("a letter into French", "a French version of a letter", "some mail to the French language")),
    (("repair", "fix", "mend"), ("a leaking tap", "a dripping faucet", "a tap that leaks")),
    (("grow", "cultivate", "raise"), ("tomatoes on a balcony", "balcony tomatoes", "tomato plants on the balcony")),
    (("train", "teach"), ("a puppy to sit", "a young dog to sit", "sitting to a puppy")),
    (("bake", "make", "prepare"), ("sourdough bread", "a sourdough loaf", "bread from sourdough")),
    (("learn", "study", "practise"), ("the violin", "violin playing", "playing the violin")),
    (("file", "submit", "hand in"), ("a tax return", "my income tax declaration", "the yearly tax form")),
    (("remove", "get rid of", "wash out"), ("a wine stain", "spots of red wine", "stains left by wine")),
    (("apply for", "request", "get"), ("a residence permit", "permission to reside", "a permit of residence")),
    (("insulate",), ("an attic", "the loft", "the space under the roof")),
)
"""Verbs and objects that mean the same."""


@dataclass(frozen=True)
class Served:
    """One log: was it certified, at what bound; requests that could be, were and were wrongly served by a like one."""

    certified: bool
    bound: float
    hits: int
    false: int
    possible: int


def catalogue(seed: int) -> Served:
    """Four things asked of thirty articles in six wordings each: what differs is small, so little may be merged."""
    dice = random.Random(f"catalogue {seed}")

    def draw() -> tuple[str, Hashable]:
        frame, item = dice.randrange(len(FRAMES)), dice.choice(ITEMS)
        return dice.choice(FRAMES[frame]).format(x=item), (frame, item)

    return _played([draw() for _ in range(_ASKED)])


def composed(seed: int) -> Served:
    """Twelve intents, each in dozens of wordings."""
    dice = random.Random(f"composed {seed}")

    def draw() -> tuple[str, Hashable]:
        intent = dice.randrange(len(INTENTS))
        verbs, objects = INTENTS[intent]
        return dice.choice(OPENINGS).format(f"{dice.choice(verbs)} {dice.choice(objects)}"), intent

    return _played([draw() for _ in range(_ASKED)])


def _played(asked: list[tuple[str, Hashable]]) -> Served:
    plant = Plant()
    keys: dict[str, int] = {}
    answers: dict[Hashable, int] = {}
    for number, (text, meaning) in enumerate(asked):
        key = keys.setdefault(text, len(keys) + 1)
        request = plant.call(
            at_us=START + number * MINUTE, key=key, normalised_key=key, output_normalised_hash=answers.setdefault(meaning, len(answers) + 1),
            task_kind="short_answer",
        )  # fmt: skip
        plant.segment(request, 0, text, 20)
        plant.segment(request, 1, f"The answer to {meaning}.", 20, kind="text", direction="output")
    store = plant.store
    matching(store)
    meanings = {key: meaning for text, meaning in asked for key in (keys[text],)}
    possible = len(keys) - len(set(meanings.values()))
    found = certificates(store, DEFAULTS).get(1)
    if found is None or found.chosen is None:
        return Served(False, 1.0, 0, 0, possible)
    lever = semantic_cache.LEVER
    bench = Bench(store, settings_of([lever], {}), 2**60)
    bench.start()
    bench.apply(lever)
    alike = semantic_cache.neighbours(store, {1: found})
    hit = {row["request_id"] for row in store.rows("SELECT request_id FROM semantic_cache_hit")}
    order = [(request, keys[text]) for request, (text, _) in enumerate(asked, start=1)]
    return Served(True, found.steps[found.chosen].bound, *_served(order, meanings, hit, alike), possible)


def _served(
    order: list[tuple[int, int]], meanings: dict[int, Hashable], hit: set[int], alike: Mapping[int, tuple[int, ...]]
) -> tuple[int, int]:
    """Questions first asked in these words and served by a like one, and those served by one that asks something else."""
    stored: set[int] = set()
    known: set[int] = set()
    served = wrong = 0
    for request, key in order:
        if request not in hit:
            stored.add(key)
        elif key not in stored and key not in known:
            writer = next(each for each in alike[key] if each in stored)
            served += 1
            wrong += meanings[writer] != meanings[key]
        known.add(key)
    return served, wrong
