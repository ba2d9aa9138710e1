from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from audit.config import EndpointConfig
from audit.deciding import deciding
from audit.export.routes import litellm_document, routes_document
from audit.export.yaml import to_yaml
from audit.ledger import events
from audit.levers.routing import LEVER
from audit.routing import routing
from audit.scoring import scoring
from audit.statistics.verdicts import look_error, whole_error
from tests.cli.conftest import audit
from tests.scoring.conftest import Plant

__all__ = ["audit"]
DAY = 86_400_000_000
NOW = 20_000 * DAY


def planted(plant: Plant, *, costs: tuple[float, ...] = (0.001,), good: bool = True) -> None:
    """A workflow of 100 prompts answered by one candidate per cost, all on one day."""
    plant.workflow(1, "short_answer")
    for number in range(100):
        request = plant.logged(1, f"answer {number}")
        plant.drawn(request, seed=7)
        for place, cost in enumerate(costs):
            plant.replayed(request, f"answer {number}" if good else "", model=f"small-{place}", cost_usd=cost)
    plant.store.run("UPDATE request SET provider_name = 'openai'")
    plant.store.run("UPDATE replay SET started_at_us = $now, response_model = model || '-0715'", now=NOW)
    scoring(plant.store)
    deciding(plant.store)


def offered(plant: Plant) -> dict[str, Any]:
    (part,) = plant.store.rows("SELECT * FROM policy WHERE outcome = 'offered'")
    return part


def test_a_safe_verdict_becomes_a_route_with_its_certificate(plant: Plant) -> None:
    planted(plant)
    table = routing(plant.store, NOW + DAY)
    (route,) = table.routes
    assert (route.workflow, route.current_model, route.endpoint, route.model) == ("w1", "big-model", "test", "small-0")
    assert (route.cost_ratio, route.max_input_tokens) == (pytest.approx(0.1), 100)
    held = route.certificate
    assert 0 < held.loss_upper_bound <= held.alpha == 0.05
    assert (held.delta, held.tried, held.n, held.seeds) == (0.05, 1, 100, (7,))
    assert (held.snapshot, held.expires_at_us) == ("small-0-0715", NOW + 30 * DAY)
    assert held.event == events(plant.store)[-1]["hash"], "the decision's place in the chain"


def test_every_drawn_prompt_is_priced_for_the_bill(plant: Plant) -> None:
    planted(plant, costs=(0.001, 0.02))
    plant.store.run("UPDATE replay SET status = 'failed', error = 'rejected: no', cost_pico = 0 WHERE replay_id = 1")
    plant.store.run("UPDATE replay SET output_cost_pico = cost_pico // 2")
    deciding(plant.store)
    rows = plant.store.rows("SELECT * FROM priced_unit WHERE model = 'small-0' ORDER BY cost_ratio")
    assert len(rows) == 100
    assert (rows[0]["asked"], rows[0]["kept"]) == (1, 0), "no answer: today's model gives one"
    assert {
        (row["asked"], row["kept"], round(row["cost_ratio"], 3), round(row["output_ratio"], 3)) for row in rows[1:]
    } == {(1, 1, 0.1, 0.05)}


def test_shorter_prompts_are_routed_where_the_whole_is_not_certified(plant: Plant) -> None:
    plant.workflow(1, "short_answer")
    for number in range(400):
        request = plant.logged(1, f"answer {number}")
        plant.known[request]["input_tokens"] = 50 + number
        plant.drawn(request)
        plant.replayed(request, f"answer {number}" if number < 290 else "")
    plant.store.run("UPDATE replay SET started_at_us = $now, response_model = 'small-1'", now=NOW)
    scoring(plant.store)
    assert deciding(plant.store)[0].verdict == "not_safe"
    part = offered(plant)
    assert (part["step"], part["name"], part["max_input_tokens"]) == ("rule", "short prompts", 50 + 279)
    assert part["routed"] == pytest.approx(0.7), "the seventh decile: the next one would lose among the routed"
    assert (part["loss"], part["loss_routed"], part["thresholds"], part["n"]) == (0.0, 0.0, 9, 400)
    assert part["tried"] == 4, "short or long prompts, two kinds of routers"
    assert part["loss_high"] == pytest.approx(1 - ((look_error(1) - whole_error(1)) / 4) ** (1 / 400))
    assert part["saving"] == pytest.approx(0.7 * 0.9)
    (route,) = routing(plant.store, NOW).routes
    assert (route.routed, route.max_input_tokens, route.apply) == (
        pytest.approx(0.7), 329, {"when": {"input_tokens_to": 329}},
    )  # fmt: skip
    assert route.certificate.loss_upper_bound == part["loss_high"]
    assert (route.certificate.tried, route.certificate.policies_tried) == (1, 4)
    assert routing(plant.store, NOW).left_out == ()
    assert "certified as a rule (short prompts) for 70 % of requests" in deciding(plant.store)[0].reason
    assert LEVER.blocked is not None
    assert LEVER.blocked(plant.store, {}) is None
    assert plant.store.rows("SELECT model, tested_tokens FROM routing_choice") == [
        {"model": "small-model", "tested_tokens": 329}
    ]


def test_a_part_is_no_way_round_a_veto_or_a_loss_of_its_own(plant: Plant) -> None:
    plant.workflow(1, "short_answer")
    for number in range(400):
        request = plant.logged(1, f"answer {number}")
        plant.known[request]["input_tokens"] = 50 + number
        plant.drawn(request)
        plant.replayed(request, f"answer {number}" if number % 8 else "", model="even", duration=1.0)
        plant.replayed(request, f"answer {number}" if number < 290 else "", model="slow", duration=9.0)
        plant.replayed(request, f"answer {number}" if number < 290 else "", model="dear", cost_usd=0.02)
    scoring(plant.store)
    deciding(plant.store, {"w1": 5.0})
    found = {(row["model"], row["outcome"]) for row in plant.store.rows("SELECT model, outcome FROM policy")}
    assert {model for model, _ in found} == {"even", "dear"}, "a veto of the whole holds for its parts"
    assert not {"offered", "beaten"} & {outcome for _, outcome in found}


def test_the_cheapest_certified_candidate_is_taken_and_the_others_say_why(plant: Plant) -> None:
    planted(plant, costs=(0.004, 0.001, 0.02))
    table = routing(plant.store, NOW)
    assert [route.model for route in table.routes] == ["small-1"]
    assert {left.model: left.reason for left in table.left_out} == {
        "small-0": "small-1 is certified as well and cheaper",
        "small-2": "it would cost 2.00 times as much",
    }


@pytest.mark.parametrize(
    ("spoil", "now", "reason"),
    [
        ("", NOW + 30 * DAY, "older than 30 days"),
        ("UPDATE replay SET response_model = 'small-0-0801' WHERE replay_id = 3", NOW, "and as small-0-0801"),
        ("UPDATE verdict SET cost_ratio = NULL", NOW, "cost is not known"),
        ("UPDATE verdict SET endpoint = 'local'; UPDATE replay SET endpoint = 'local'", NOW, "serves nobody else"),
    ],
)
def test_what_is_no_longer_certain_is_not_routed(plant: Plant, spoil: str, now: int, reason: str) -> None:
    planted(plant)
    for statement in filter(None, spoil.split("; ")):
        plant.store.run(statement)
    table = routing(plant.store, now)
    assert table.routes == ()
    assert reason in table.left_out[0].reason


def test_what_is_not_safe_or_a_variant_is_never_routed(plant: Plant) -> None:
    planted(plant, good=False)
    table = routing(plant.store, NOW)
    assert table.routes == ()
    assert table.left_out[0].reason.startswith("not safe: ")
    plant.store.run("UPDATE verdict SET verdict = 'safe', variant = 'concise'")
    assert routing(plant.store, NOW) == type(table)((), (), NOW)


def test_a_litellm_proxy_gets_the_workflow_as_a_name_with_todays_model_behind_it(plant: Plant) -> None:
    planted(plant)
    table = routing(plant.store, NOW)
    house = EndpointConfig("test", base_url="http://10.0.0.5:8000/v1", key_env="HOUSE_KEY")
    document = yaml.safe_load(to_yaml(litellm_document(table, {"test": house})))
    first, second = document["model_list"]
    assert first["model_name"] == "w1"
    assert first["litellm_params"] == {
        "model": "openai/small-0", "api_base": "http://10.0.0.5:8000/v1", "api_key": "os.environ/HOUSE_KEY",
    }  # fmt: skip
    assert first["model_info"]["max_input_tokens"] == 100
    assert first["model_info"]["audit_certificate"]["expires_at"].endswith("Z")
    assert second == {
        "model_name": "w1 today",
        "litellm_params": {"model": "openai/big-model", "api_key": "os.environ/OPENAI_API_KEY"},
    }
    assert document["litellm_settings"]["fallbacks"] == [{"w1": ["w1 today"]}]
    assert document["router_settings"] == {"enable_pre_call_checks": True}


def test_a_hostile_workflow_name_stays_a_name(plant: Plant) -> None:
    planted(plant)
    name = 'x"\n- evil: !!python/object/apply:os.system ["true"]\u2028\x1b[31m #{{'
    plant.store.run("UPDATE workflow SET name = $name", name=name)
    document = routes_document(routing(plant.store, NOW))
    written = to_yaml(document)
    assert yaml.safe_load(written) == json.loads(json.dumps(document))
    assert yaml.safe_load(written)["routes"][0]["workflow"] == name
    assert "\x1b" not in written


NAMES = st.text(min_size=1, max_size=40)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DATA = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=20)


@given(st.dictionaries(NAMES, DATA))
def test_yaml_reads_back_as_what_was_written(data: dict[str, Any]) -> None:
    assert yaml.safe_load(to_yaml(data)) == data if data else True


def test_the_command_writes_what_it_says(plant: Plant, audit: Any, tmp_path: Path) -> None:
    import time

    planted(plant)
    plant.store.run("UPDATE replay SET started_at_us = $now", now=time.time_ns() // 1000)
    db = tmp_path / "audit.duckdb"
    plant.store.run(f"ATTACH '{db}' AS copied")
    plant.store.run("COPY FROM DATABASE memory TO copied")
    plant.store.run("DETACH copied")
    ran = audit("route", "-o", tmp_path / "routes.json", "--db", db, "--json")
    assert ran.document == json.loads((tmp_path / "routes.json").read_text())
    assert ran.document["routes"][0]["certificate"]["family_wise_error"] == 0.05
    said = audit("route", "-o", tmp_path / "r.yaml", "--format", "litellm", "--db", db).out
    assert "w1" in said
    assert yaml.safe_load((tmp_path / "r.yaml").read_text())["model_list"][0]["model_name"] == "w1"
    assert audit("route", "-o", tmp_path / "r.txt", "--db", db).code == 2
    assert audit("route", "-o", tmp_path / "r.yaml", "--format", "nginx", "--db", db).code == 2
    with_store = audit("route", "-o", tmp_path / "n.yaml", "--strict", "--db", db)
    assert with_store.code == 0
