"""What a certificate for similar questions says where it is refused."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from planting import MINUTE, START, Plant

from audit.levers._similar_certificate import DEFAULTS, certificates


def planted(commonest: int) -> Plant:
    """A hundred questions, each like an earlier one and given its answer; one of them comes more often."""
    plant = Plant()
    for number in range(200):
        for again in range(commonest if number == 1 else 1):
            request = plant.call(
                at_us=START + (number + 200 * again) * MINUTE, key=number + 1, normalised_key=number + 1
            )
            if number % 2 and not again:
                plant.add("pair", {"request_id": request, "neighbour_id": request - 1, "similarity": 0.95,
                                   "method": "near", "agree": True, "reason": "the same answer"})  # fmt: skip
    return plant


def test_a_question_that_comes_far_more_often_than_others_takes_more_pairs_and_the_reason_says_so() -> None:
    assert certificates(planted(1).store, DEFAULTS)[1].chosen is not None
    refused = certificates(planted(100).store, DEFAULTS)[1]
    assert refused.chosen is None
    assert refused.reason == (
        "100 pairs with both answers were found; 76 without a fault would do if all questions came equally often, "
        "here it takes more"
    )
