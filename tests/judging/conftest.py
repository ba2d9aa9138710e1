"""A judge that is a real HTTP server on loopback, and answers for it to judge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.config import EndpointConfig
from audit.deciding import Verdict, deciding
from audit.judging import Judged, JudgePlan, judging, plan_judging
from audit.prices.catalogue import load
from audit.scoring import scoring
from tests.cli.conftest import audit
from tests.peer import Peer
from tests.scoring.conftest import Plant, plant

__all__ = ["audit", "plant"]

FIRST = ("Ramot", "Lined", "Sorab", "Tavik", "Wolem", "Zurid", "Fanol", "Gerat", "Hokim", "Pelus")
LAST = ("Brandström", "Cavendale", "Dorrington", "Ekmanson", "Falkenrath", "Gillespor", "Harrowgate", "Ivanescu")
OTHER = ("Ulf", "Kay", "Ivo", "Axe", "Uwe", "Pip", "Guy", "Jay", "Fay", "Zoe")

Judge = Callable[[dict[str, Any]], dict[str, Any]]


def document(body: dict[str, Any]) -> dict[str, Any]:
    """What the judge was given to read."""
    found: dict[str, Any] = json.loads(body["messages"][-1]["content"])
    return found


def verdict(first: bool, second: bool, better: str = "equal") -> dict[str, Any]:
    words = {True: "acceptable", False: "unacceptable"}
    return {"defects_1": [], "defects_2": [], "answer_1": words[first], "answer_2": words[second], "better": better}


def careful(body: dict[str, Any]) -> dict[str, Any]:
    """An honest judge of the planted letters: right are those about the customer and the amount that were asked for."""
    read = document(body)
    asked = read["conversation"][-1]["text"].removeprefix("Write to ")

    def good(text: str) -> bool:
        return asked in text and "judge" not in text.lower() and "instructions" not in text.lower()

    return verdict(good(read["answer_1"]), good(read["answer_2"]))


class House:
    """An audit file with a drafting workflow, and a judge beside it."""

    def __init__(self, plant: Plant, peer: Peer) -> None:
        self.plant = plant
        self.peer = peer
        self.right: dict[str, list[str]] = {}
        self.endpoint = EndpointConfig(
            "house", base_url=f"{peer.url}/v1", input_per_million=1.0, output_per_million=1.0
        )

    def expert(self, body: dict[str, Any]) -> dict[str, Any]:
        """An honest judge who knows every right answer of the quiz, and the letters."""
        read = document(body)
        names = self.right.get(read["conversation"][-1]["text"])
        if names is None:
            return careful(body)
        known = [f"It was {name}." for name in names] + names
        return verdict(read["answer_1"] in known, read["answer_2"] in known)

    def says(self, judge: Judge | Callable[[dict[str, Any]], str]) -> None:
        def reply(body: dict[str, Any]) -> str:
            said = judge(body)
            return said if isinstance(said, str) else json.dumps(said)

        self.peer.reply = reply

    def letters(self, candidate: Callable[[int, str], str], n: int = 80) -> None:
        """n requests with a logged letter and the candidate's; `candidate` gets the number and the right words."""
        self.plant.workflow(1, "drafting")
        for number in range(n):
            right = f"customer {number:03} about {1000 + 7 * number} EUR"
            request = self.plant.logged(1, f"Dear {right}, thank you very much.", prompt=f"Write to {right}")
            self.plant.drawn(request)
            self.plant.replayed(request, candidate(number, right))
        scoring(self.plant.store)

    def quiz(self, n: int, *, rename: int = 0, accepts: bool = False) -> None:
        """n questions for a name: the candidate says another to the first `rename`, which is right too if `accepts`."""
        self.plant.workflow(2, "short_answer")
        for number in range(n):
            first, last = f"{FIRST[number % 10]}", f"{LAST[number // 10]}"
            asked = f"who sang the {first.lower()} of {last.lower()} best"
            logged, other = f"{first[::-1].capitalize()} {last}", f"{OTHER[number % 10]} Quixby"
            request = self.plant.logged(2, logged, prompt=asked)
            self.plant.drawn(request)
            self.plant.replayed(request, other if number < rename else f"It was {logged}.")
            self.right[asked] = [logged, *([other] if accepts else [])]
        scoring(self.plant.store)

    def plan(self, **options: Any) -> JudgePlan:
        return plan_judging(self.plant.store, load(), "house/judge-1", endpoints=[self.endpoint], **options)

    def judge(self, cap: float | None = 10.0, **options: Any) -> Judged:
        return judging(self.plant.store, self.plan(**options), max_cost_usd=cap, consent=True)

    def decide(self) -> Verdict:
        (found,) = deciding(self.plant.store)
        return found


def at_the_command_line(house: House, folder: Path) -> tuple[str | Path, ...]:
    """The options that let `audit judge` ask the judge of a house about its answers."""
    config, db = folder / "audit.toml", folder / "audit.duckdb"
    config.write_text(
        f'[[endpoint]]\nname = "house"\nbase_url = "{house.peer.url}/v1"\ninput_per_million = 1.0\n'
        'output_per_million = 1.0\n\n[rubrics]\nw1 = "It names the customer and the amount."\n'
    )
    house.plant.store.run(f"ATTACH '{db}' AS copied")
    house.plant.store.run("COPY FROM DATABASE memory TO copied")
    house.plant.store.run("DETACH copied")
    return "--model", "house/judge-1", "--db", db, "--config", config


@pytest.fixture
def house(plant: Plant) -> Iterator[House]:
    with Peer() as peer:
        yield House(plant, peer)
