"""What each piece of a prompt cost: pieces add up to the bill, and the cached prefix comes first."""

from __future__ import annotations

import random
from typing import Any

from audit.measures.prompt_parts import MEASURE
from audit.showing import request_view
from tests.planting import PRICES, START, Plant

WRITE_PRICE = 2_500_000


def planted(seed: int, requests: int) -> Plant:
    """Requests of random shape: cached, written and fresh input, reasoning, media, more or less text than billed."""
    plant, dice = Plant(), random.Random(seed)
    for number in range(requests):
        output = dice.randint(0, 400)
        request = plant.call(
            at_us=START + number,
            input_tokens=dice.randint(1, 5000),
            cached=0,
            output_tokens=output,
            reasoning_output_tokens=dice.choice((None, 0, dice.randint(0, output))),
        )
        for meter in ("cache_read", "output"):
            if dice.random() < 0.5:
                plant.charge(request, meter, dice.randint(1, 3000))
        for position in range(dice.randint(0, 6)):
            kind = dice.choice(("system", "tools", "user", "media", "history"))
            plant.segment(request, position, f"{number} {position}", dice.randint(0, 1500), kind)
        for position in range(dice.randint(0, 3)):
            kind = dice.choice(("answer", "tool_call", "reasoning"))
            plant.segment(request, 10 + position, f"{number} {position} out", dice.randint(0, 200), kind, "output")
    return plant


def test_parts_add_up_to_every_bill() -> None:
    for seed in range(4):
        store = planted(seed, 250).store
        assert MEASURE.prepare is not None
        MEASURE.prepare(store)
        parts = store.rows(MEASURE.query)
        assert sum(row["cost_pico"] for row in parts) == store.value("SELECT SUM(cost_pico) FROM charge")
        assert all(row["cost_pico"] >= 0 and row["tokens"] >= 0 for row in parts)


def test_pieces_of_a_request_add_up() -> None:
    store = planted(9, 60).store
    for number in range(1, 61):
        view = request_view(store, number)
        inputs = [piece for piece in view.pieces if piece.direction == "input"]
        if sum(piece.counted or 0 for piece in inputs) > 6000:
            billed = sum(c.consumed_quantity for c in view.charges if c.sku_meter in ("input", "cache_read"))
            assert sum(piece.tokens or 0 for piece in inputs) == billed
        assert 0 <= view.placed_pico <= view.facts["cost_pico"]


def costs(view: Any) -> list[tuple[str, int, int, int]]:
    return [(piece.kind, piece.tokens, piece.cache_read_tokens, piece.cost_pico) for piece in view.pieces]


def test_the_cached_prefix_is_read_first() -> None:
    plant = Plant()
    # 600 + 4 and 396 - 4 … counted tokens and four of overhead each fill the 1,000 billed ones exactly
    request = plant.call(at_us=START, input_tokens=1000, cached=512, output_tokens=100)
    plant.segment(request, 0, "rules", 596, "system")
    plant.segment(request, 1, "question", 396, "user")
    plant.segment(request, 2, "answer", 100, "answer", "output")
    view = request_view(plant.store, request)
    assert costs(view) == [
        ("system", 600, 512, 512 * PRICES["cache_read"] + 88 * PRICES["input"]),
        ("user", 400, 0, 400 * PRICES["input"]),
        ("answer", 100, 0, 100 * PRICES["output"]),
    ]
    assert view.placed_pico == view.facts["cost_pico"]


def test_tokens_beyond_the_text_are_nobodys_when_the_tokenizer_is_the_models_own() -> None:
    plant = Plant()
    request = plant.call(at_us=START, input_tokens=500, output_tokens=10)
    plant.segment(request, 0, "question", 96, "user")
    store = plant.store
    assert costs(request_view(store, request))[0][1] == 500, "an unknown tokenizer: the text is all there was"
    store.run("UPDATE charge SET model = 'gpt-5.4'")
    assert costs(request_view(store, request))[0][1] == 100, "counted exactly: the rest is a schema"


def test_reasoning_that_was_billed_but_not_logged_is_a_piece() -> None:
    plant = Plant()
    request = plant.call(at_us=START, output_tokens=100, reasoning_output_tokens=70)
    plant.segment(request, 0, "answer", 30, "answer", "output")
    pieces = request_view(plant.store, request).pieces
    assert [(piece.kind, piece.tokens, piece.cost_pico) for piece in pieces] == [
        ("answer", 30, 30 * PRICES["output"]),
        ("reasoning", 70, 70 * PRICES["output"]),
    ]
    assert pieces[1].text is None


def test_images_take_what_the_text_leaves() -> None:
    plant = Plant()
    request = plant.call(at_us=START, input_tokens=1000, output_tokens=1)
    plant.segment(request, 0, "<media image/png 1>", 9, "media")
    plant.segment(request, 1, "what is this?", 196, "user")
    assert [row[:2] for row in costs(request_view(plant.store, request))] == [("media", 800), ("user", 200)]
