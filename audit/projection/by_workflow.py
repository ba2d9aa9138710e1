"""What each lever alone would save in one workflow: a quick look, without intervals or joint effects."""

from __future__ import annotations

import time
from dataclasses import dataclass

from audit.config import Config
from audit.errors import PriceError
from audit.levers import Evidence, Stage
from audit.projection.bench import Bench, settings_of
from audit.projection.needs import missing_need
from audit.projection.projection import configured_levers, only_estimates
from audit.store import Store


@dataclass(frozen=True, slots=True)
class WorkflowLever:
    """One lever on one workflow, alone, over the period of the log."""

    name: str
    title: str
    stage: Stage
    evidence: Evidence
    saving_pico: int
    requests: int


def workflow_levers(store: Store, config: Config, workflow_id: int) -> tuple[WorkflowLever, ...]:
    """Levers that would change what a workflow costs, the largest saving first; each as if it were the only one."""
    levers = configured_levers(config)
    bench = Bench(store, settings_of(levers, dict(config.levers)), time.time_ns() // 1000, only_estimates(store))
    bench.start()
    bench.only(workflow_id)
    before = int(bench.cost().sum())
    start = bench.save("workflow")
    found = []
    for lever in levers:
        if missing_need(store, lever) or (lever.blocked and lever.blocked(store, bench.settings[lever.name])):
            continue
        try:
            bench.apply(lever)
        except PriceError:
            pass
        else:
            requests = bench.touched(start)
            if requests:
                saving = before - int(bench.cost().sum())
                found.append(WorkflowLever(lever.name, lever.title, lever.stage, lever.evidence, saving, requests))
        bench.restore(start)
    bench.drop(start)
    return tuple(sorted(found, key=lambda each: (-each.saving_pico, each.name)))
