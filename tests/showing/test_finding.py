"""Names of requests and workflows as people type them, and what is printed of hostile text."""

from __future__ import annotations

import pytest

from audit.console import clean_lines
from audit.errors import ConfigError
from audit.showing import Found, find, workflow_rows, workflow_view
from audit.store import Store
from tests.planting import MINUTE, START, Plant


@pytest.fixture
def store() -> Store:
    plant = Plant()
    for number, name in enumerate(("chatcmpl-aaaaaa1", "chatcmpl-aaaaaa2", "chatcmpl-bbbbbb1")):
        request = plant.call(
            at_us=START + number * MINUTE, key=number // 2, external_id=name, response_id=f"resp-{number}",
            workflow_id=1 + number // 2, input_tokens=100 * (number + 1),
        )  # fmt: skip
        plant.segment(request, 0, f"question {number // 2}", 10)
    plant.call(at_us=START + 9 * MINUTE, key=-1, external_id="minus-one", workflow_id=3)
    return plant.store


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("support", Found("workflow", 1)),
        ("supp", Found("workflow", 1)),
        ("chatcmpl-aaaaaa2", Found("request", 2)),
        ("resp-2", Found("request", 3)),
        ("chatcmpl-b", Found("request", 3)),
        ("#2", Found("request", 2)),
        ("evalset-0000000000000001", Found("request", 3)),
        ("evalset-ffffffffffffffff", Found("request", 4)),
    ],
)
def test_found(store: Store, name: str, found: Found) -> None:
    assert find(store, name) == found


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("chatcmpl-a", "write more of the id"),
        ("suport", "did you mean the workflow 'support'?"),
        ("evalset-00000000000000ff", "see `audit workflows`, or the ids in the log"),
        ("#99", "see `audit workflows`, or the ids in the log"),
        ("", "see `audit workflows`, or the ids in the log"),
        ("' OR 1=1 --", "see `audit workflows`, or the ids in the log"),
    ],
)
def test_not_found(store: Store, name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as error:
        find(store, name)
    assert error.value.hint == hint


def test_a_workflow_with_everything_known_of_it(store: Store) -> None:
    view = workflow_view(store, 1)
    assert view is not None
    assert (view.row.requests, view.row.repeated, view.row.models) == (2, 1, 1)
    assert view.tokens["input"] == {"p50": 100, "p95": 200, "highest": 200}
    assert view.typical == 1
    assert [(each["requests"], each["text"]) for each in view.duplicates] == [(2, "question 0")]
    assert sum(part["cost_pico"] for part in view.parts) == view.row.cost_pico
    assert workflow_view(store, 99) is None
    assert sum(row.share for row in workflow_rows(store)) == pytest.approx(1)


def test_text_of_a_log_cannot_drive_the_terminal() -> None:
    hostile = "first\r\nsec\x1b[31mond\x9b\u202eline\tend\nthird\ud800\u2028fourth\n" + "x" * 30
    lines = clean_lines(hostile, lines=3, width=20)
    assert lines == ["first", "sec\ufffd[31mond\ufffd\ufffdline  …", "third\ufffd\ufffdfourth", "… 1 more lines"]
    assert clean_lines(hostile)[3] == "x" * 30
