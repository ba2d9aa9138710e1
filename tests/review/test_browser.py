"""The review page in a real browser: from disk, by keyboard, without a network. Left out where no Chromium is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from audit.deciding import deciding
from audit.review import draw_review, items, keep_ratings, page, read_ratings
from tests.review.browser import Browser
from tests.review.test_review import HOSTILE
from tests.scoring.conftest import Plant


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "saved").mkdir()
    return tmp_path


def drive(folder: Path, text: str, steps: Callable[[Browser], Coroutine[Any, Any, None]]) -> None:
    """Open a page in a browser and do the steps; nothing may have gone wrong on its console."""
    (folder / "review.html").write_text(text, encoding="utf-8")

    async def run() -> None:
        async with Browser(folder / "saved") as browser:
            await browser.open(folder / "review.html")
            await steps(browser)
            assert browser.faults == []

    asyncio.run(run())


async def begin(browser: Browser, name: str) -> None:
    await browser.value("document.getElementById('rater').focus()")
    await browser.type(name)
    await browser.press("Enter")


def test_rating_by_keyboard_from_the_first_answer_to_the_imported_file(
    drafted: Callable[..., Plant], folder: Path
) -> None:
    store = drafted(6).store
    review = draw_review(store, n=6, logged=2).review
    shown = items(store, review)

    async def steps(browser: Browser) -> None:
        count = "document.getElementById('count').textContent"
        asked = "document.getElementById('asked').textContent"
        # a logged answer and the one beside it share their prompt
        seen = f"{asked} + document.getElementById('answers').textContent"
        await begin(browser, "ann")
        assert await browser.value(count) == "0 of 8 rated"
        assert await browser.value(asked) in {item.turns[-1][1] for item in shown}
        first = await browser.value(seen)
        await browser.press("n")
        await browser.type("no 1 is short")
        await browser.press("Escape")
        await browser.press("1")
        assert await browser.value(count) == "1 of 8 rated"
        assert await browser.value(seen) != first
        await browser.press("u")
        assert (await browser.value(count), await browser.value(seen)) == ("0 of 8 rated", first)
        for _ in range(8):
            single = await browser.value("document.querySelectorAll('#answers pre').length") == 1
            await browser.press("1" if single else "3")
        assert await browser.value(count) == "8 of 8 rated"
        assert await browser.value("document.getElementById('end').hidden") is False
        await browser.press("ArrowLeft")
        assert await browser.value("document.querySelectorAll('#choices [aria-pressed=true]').length") == 1
        await browser.press("e")
        taken = keep_ratings(store, *read_ratings(await browser.saved()))
        assert (taken.rater, taken.new, taken.undecided) == ("ann", 8, 0)

    drive(folder, page(shown, review), steps)
    (found,) = deciding(store)
    assert (found.rated, found.acceptable) == (6, 1.0)


def test_a_second_reviewer_sees_what_is_to_be_rated_twice_and_work_survives_a_reload(
    drafted: Callable[..., Plant], folder: Path
) -> None:
    store = drafted(40).store
    drawn = draw_review(store, n=40)
    assert 0 < drawn.twice < 40

    async def steps(browser: Browser) -> None:
        await browser.value("document.getElementById('second').click()")
        await begin(browser, "bob")
        assert await browser.value("document.getElementById('count').textContent") == f"0 of {drawn.twice} rated"
        await browser.press("0")
        await browser.open(folder / "review.html")
        await browser.value("document.getElementById('second').click()")
        await begin(browser, "bob")
        assert await browser.value("document.getElementById('count').textContent") == f"1 of {drawn.twice} rated"

    drive(folder, page(items(store, drawn.review), drawn.review), steps)


def test_nothing_a_log_holds_runs_on_the_page(plant: Plant, folder: Path) -> None:
    attack = f"{HOSTILE}<svg onload='document.title=1'><a href='javascript:document.title=2'>x</a>"
    plant.workflow(1, "drafting")
    request = plant.logged(1, attack, prompt=attack)
    plant.drawn(request)
    plant.replayed(request, f"{attack} too")
    plant.store.run("UPDATE workflow SET name = $name", name=attack)
    review = draw_review(plant.store).review

    async def steps(browser: Browser) -> None:
        await begin(browser, "<b>ann</b>")
        assert await browser.value("document.title") == f"Review {review}"
        assert await browser.value("document.querySelectorAll('main svg, main img, main a, header b b').length") == 0
        shown = await browser.value("[...document.querySelectorAll('#answers pre')].map((pre) => pre.textContent)")
        assert sorted(shown) == sorted([attack, f"{attack} too"])
        await browser.press("2")
        await browser.press("e")
        assert json.loads((await browser.saved()).read_text())["rater"] == "<b>ann</b>"

    drive(folder, page(items(plant.store, review), review), steps)
