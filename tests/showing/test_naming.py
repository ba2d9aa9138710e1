"""Workflows renamed and merged by the configuration, and back again."""

from __future__ import annotations

from audit.naming import naming
from audit.showing import workflow_rows
from audit.store import Store
from tests.planting import START, Plant


def planted() -> Plant:
    plant = Plant()
    plant.add("workflow", {"workflow_id": 3, "name": "search-2"})
    for number in range(9):
        plant.call(at_us=START + number, workflow_id=1 + number % 3)
    return plant


def names(store: Store) -> dict[str, int]:
    return {row.name: row.requests for row in workflow_rows(store)}


def test_rename_merge_and_back() -> None:
    store = planted().store
    assert naming(store, {"support": "help desk"}).changed
    assert names(store) == {"help desk": 3, "search": 3, "search-2": 3}
    assert naming(store, {"search-2": "search", "support": "help desk"}).changed
    assert names(store) == {"help desk": 3, "search": 6}
    assert naming(store, {"search-2": "all", "search": "all", "support": "all"}).changed
    assert names(store) == {"all": 9}
    assert naming(store, {}).changed
    assert names(store) == {"support": 3, "search": 3, "search-2": 3}


def test_the_same_names_again_change_nothing() -> None:
    store = planted().store
    assert not naming(store, {}).changed
    wanted = {"search-2": "search"}
    assert naming(store, wanted).changed
    assert not naming(store, wanted).changed


def test_new_requests_of_a_merged_workflow_join_it() -> None:
    plant = planted()
    wanted = {"search-2": "search"}
    naming(plant.store, wanted)
    plant.call(at_us=START + 50, workflow_id=3)
    assert naming(plant.store, wanted).changed
    assert names(plant.store) == {"support": 3, "search": 7}
    naming(plant.store, {})
    assert names(plant.store) == {"support": 3, "search": 3, "search-2": 4}


def test_names_can_be_swapped() -> None:
    store = planted().store
    naming(store, {"search": "support", "support": "search"})
    assert names(store) == {"support": 3, "search": 3, "search-2": 3}
    assert store.value("SELECT COUNT(*) FROM request AS r JOIN workflow AS w ON w.workflow_id = r.workflow_id"
                       " WHERE w.name = 'search' AND r.workflow_id = 1") == 3  # fmt: skip


def test_a_name_no_workflow_has_is_reported_with_the_nearest() -> None:
    assert naming(planted().store, {"serch": "x", "zzz": "y"}).unknown == (("serch", "search"), ("zzz", ""))


def test_drawn_units_follow_their_request() -> None:
    plant = planted()
    plant.add("sample", {"seed": 1, "prompt_key": 5, "request_id": 3, "workflow_id": 3})
    plant.add("replay", {"replay_id": 1, "prompt_key": 5, "request_id": 3, "workflow_id": 3, "status": "ok"})
    assert naming(plant.store, {"search-2": "search"}).moved_replays
    for table in ("sample", "replay"):
        assert plant.store.value(f"SELECT workflow_id FROM {table}") == 2
