from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import audit.store
from audit.replay.drawing import Sample, draw, drawn_before, keep
from audit.replay.frame import Excluded, Frame, frame
from audit.replay.strata import Strata, allocate, stratify
from audit.store import Store
from tests.replay.logs import KINDS, Request, fill, shop


def kinds_of(store: Store) -> dict[int, str]:
    return {row["workflow_id"]: row["task_kind"] for row in store.rows("SELECT workflow_id, task_kind FROM workflow")}


def frame_of(requests: list[Request]) -> tuple[Frame, Strata]:
    with audit.store.open(":memory:", create=True) as store:
        fill(store, requests)
        units = frame(store)
        return units, stratify(units, kinds_of(store))


def keys(units: Frame, sample: Sample) -> set[int]:
    return set(units.prompt_key[sample.rows].tolist())


def drawn(units: Frame, strata: Strata, n: int, seed: int = 1) -> Sample:
    return draw(units, strata, np.ones(len(units), dtype=np.bool_), n, seed, {})


def test_the_frame_holds_each_prompt_once_and_names_what_is_left_out() -> None:
    media = (("user", "media", "<media audio/wav abc>"), ("user", "user", "What is it?"))
    requests = [
        Request("sort", "Where is my order?", cost_pico=5),
        Request("sort", "Where is my order?", cost_pico=7, answer="shipping"),
        Request("sort", "I want my money back", cost_pico=11),
        Request("sort", "no text", text_status="absent", cost_pico=100),
        Request("sort", "redacted", text_status="redacted", cost_pico=200),
        Request("sort", "cut", text_status="truncated", cost_pico=300),
        Request("faq", segments=media, cost_pico=400),
        Request("sort", "never billed", status="failed", cost_pico=9999),
        Request("secret", "hush", cost_pico=500),
    ]
    with audit.store.open(":memory:", create=True) as store:
        fill(store, requests)
        store.run("UPDATE request SET output_hash = NULL WHERE prompt_key IS NOT NULL AND request_id = 3")
        units = frame(store, left_out=["secret"])
    assert sorted(zip(units.requests.tolist(), units.cost_pico.tolist(), strict=True)) == [(2, 12)]
    assert set(units.excluded) == {
        Excluded("no logged answer to compare with", 1, 11),
        Excluded("the log holds no text", 1, 100),
        Excluded("the text is redacted", 1, 200),
        Excluded("the text is cut, or a part of it is kept by the provider", 1, 300),
        Excluded("it holds sound or files, or images outside the messages of the user", 1, 400),
        Excluded("its workflow is left out on request", 1, 500),
    }
    assert units.total_pico == 12 + 11 + 100 + 200 + 300 + 400 + 500


def test_texts_dropped_for_privacy_are_out_of_the_frame() -> None:
    with audit.store.open(":memory:", create=True) as store:
        fill(store, [Request("sort", "keep this", cost_pico=1), Request("faq", "drop this", cost_pico=2, system="S")])
        store.run("UPDATE content SET text = NULL WHERE text = 'drop this'")
        units = frame(store)
        assert len(units) == 1
        assert units.excluded == (Excluded("the text was not kept", 1, 2),)


def test_the_representative_does_not_depend_on_the_order_of_rows() -> None:
    requests = [Request("sort", "same", answer=f"answer {number}") for number in range(6)]
    with audit.store.open(":memory:", create=True) as store:
        fill(store, requests)
        first = frame(store).request_id.tolist()
        store.run("UPDATE request SET request_id = 100 - request_id")
        store.run("UPDATE charge SET request_id = 100 - request_id")
        assert [100 - number for number in frame(store).request_id.tolist()] == first


def test_small_workflows_share_strata_and_bands_hold_equal_dollars() -> None:
    requests = shop({"sort": 300, "extract": 200}) + shop({"tiny": 3, "wee": 2}, model="gpt-4o-mini")
    for request in requests[-5:]:
        request.cost_pico = 10**5
    units, strata = frame_of(requests)
    labels = {stratum.label for stratum in strata.strata}
    assert any(label.startswith("other:open/gpt-4o-mini") for label in labels)
    assert [pair.kind for pair in strata.pairs] == ["classification", "extraction"]
    assert sum(stratum.members.size for stratum in strata.strata) == len(units)
    assert len({row for stratum in strata.strata for row in stratum.members.tolist()}) == len(units)


def test_a_small_sample_serves_the_dearest_workflow_first() -> None:
    units, strata = frame_of(shop({"sort": 400, "faq": 300, "draft": 200}))
    everyone = np.ones(len(units), dtype=np.bool_)
    given = allocate(strata, units, everyone, 150)
    per_pair = [0] * len(strata.pairs)
    for place, number in enumerate(given):
        pair = strata.strata[place].certificate
        assert pair is not None
        per_pair[pair] += number
    assert per_pair[0] > per_pair[1] > per_pair[2] > 0
    assert per_pair[0] >= 80, "enough for a certificate adjusted for three workflows"


frames = st.lists(
    st.tuples(
        st.sampled_from(sorted(KINDS)),
        st.sampled_from(["gpt-4o", "gpt-4o-mini"]),
        st.one_of(st.just(0), st.integers(1, 10**9)),
        st.integers(1, 60),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda group: group[:2],
)


def built(groups: list[tuple[str, str, int, int]]) -> tuple[Frame, Strata]:
    """A frame without an audit file: workflows are numbered like their kinds."""
    rows = [
        (sorted(KINDS).index(workflow), model, cost * (1 + number % 7), 1 + number % 3)
        for workflow, model, cost, size in groups
        for number in range(size)
    ]
    workflows, models, costs, requests = (list(column) for column in zip(*rows, strict=True))
    number = np.arange(len(rows))
    providers = ["openai"] * len(rows)
    costs, requests = np.array(costs), np.array(requests)
    units = Frame(number * 7919, number, np.array(workflows), models, providers, requests, costs, ())
    return units, stratify(units, dict(enumerate(KINDS[name] for name in sorted(KINDS))))


@settings(max_examples=25, deadline=None)
@given(groups=frames, n=st.integers(1, 120), more=st.integers(1, 120), seed=st.integers(0, 5))
def test_samples_are_nested_and_have_their_size(
    groups: list[tuple[str, str, int, int]], n: int, more: int, seed: int
) -> None:
    units, strata = built(groups)
    everyone = np.ones(len(units), dtype=np.bool_)
    small, large = allocate(strata, units, everyone, n), allocate(strata, units, everyone, n + more)
    assert all(a <= b for a, b in zip(small, large, strict=True)), "a larger sample only adds"
    first = drawn(units, strata, n, seed)
    assert len(first) == min(n, len(units))
    assert ((first.probabilities > 0) & (first.probabilities <= 1)).all(), "what costs nothing has a chance too"
    before = {
        int(units.prompt_key[row]): (float(chance), 1)
        for row, chance in zip(first.rows.tolist(), first.probabilities.tolist(), strict=True)
    }
    grown = draw(units, strata, everyone, n + more, seed, before)
    assert len(grown) == min(n + more, len(units))
    assert keys(units, first) <= keys(units, grown)
    assert set(grown.batches[len(first) :].tolist()) <= {2}


def test_samples_of_one_seed_are_nested_without_a_memory() -> None:
    units, strata = frame_of(shop({"sort": 500, "extract": 300, "faq": 200}))
    for seed in range(5):
        assert keys(units, drawn(units, strata, 200, seed)) <= keys(units, drawn(units, strata, 300, seed))
    assert keys(units, drawn(units, strata, 200, 1)) != keys(units, drawn(units, strata, 200, 2))


def test_the_estimate_of_a_total_is_unbiased_over_seeds() -> None:
    units, strata = frame_of(shop({"sort": 300, "faq": 150}))
    truth = float(units.requests.sum())
    estimates = []
    for seed in range(120):
        sample = drawn(units, strata, 90, seed)
        estimates.append(float((units.requests[sample.rows] / sample.probabilities).sum()))
    assert abs(np.mean(estimates) / truth - 1) < 0.02


def test_a_kept_sample_grows_in_place() -> None:
    with audit.store.open(":memory:", create=True) as store:
        fill(store, shop({"sort": 200, "faq": 100}))
        units = frame(store)
        strata = stratify(units, kinds_of(store))
        everyone = np.ones(len(units), dtype=np.bool_)
        keep(store, units, strata, draw(units, strata, everyone, 50, 1, {}), 1)
        first = {row["prompt_key"]: row for row in store.rows("SELECT * FROM sample")}
        store.write_rows("verdict", [{"workflow_id": 1, "verdict": "unknown"}])
        keep(store, units, strata, draw(units, strata, everyone, 80, 1, drawn_before(store, 1)), 1)
        rows = {row["prompt_key"]: row for row in store.rows("SELECT * FROM sample")}
        assert len(first) == 50
        assert len(rows) == store.value("SELECT COUNT(*) FROM sample") == 80
        assert first.keys() <= rows.keys()
        assert {row["batch"] for key, row in rows.items() if key in first} == {1}
        assert {row["batch"] for key, row in rows.items() if key not in first} == {2}, "drawn after a verdict was seen"
        for key, row in first.items():
            assert rows[key]["inclusion_probability"] >= row["inclusion_probability"] - 1e-12
            assert rows[key]["stratum"] == row["stratum"]
