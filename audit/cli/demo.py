"""`audit demo`: the whole audit on synthetic logs, with a real small model answering on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.logs import print_ingest, read_logs
from audit.cli.options import open_store
from audit.cli.quality import carry_out, print_result
from audit.cli.replay_plan import print_plan
from audit.cli.reporting import write_report
from audit.config import Config, EndpointConfig

if TYPE_CHECKING:
    from audit.report import ReportData
    from audit.store import Store

# what two rented CPU cores cost at the speed the embedded model has on them: an assumption, stated where it is used
LOCAL = EndpointConfig("local", flavour="local", input_per_million=0.11, output_per_million=0.44)


def run_demo(folder: str, prompts: int) -> None:
    """Ingest the sample logs, replay up to `prompts` of them on the embedded model, and write the report."""
    from audit import console

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    database = target / "demo.duckdb"
    database.unlink(missing_ok=True)
    config = replace(Config(), endpoint=(LOCAL,))
    console.say("Synthetic sample logs of a made-up company; every step is the one your own logs take.")
    with open_store(str(database), create=True) as opened:
        opened.set_meta("synthetic", "sample_logs")
        print_ingest(opened, read_logs(opened, _sample_files(target), config, {}))
        if prompts:
            _replay(opened, config, prompts)
        data = write_report(opened, config, str(target / "demo.html"), title="LLM workload audit: demonstration")
    _findings(data)
    console.say("")
    console.say(f"Report: {(target / 'demo.html').resolve()}")
    console.say(f"Ask it more: audit savings --db {database}   ·   your own logs: audit run LOGS")


def _sample_files(target: Path) -> list[str]:
    """The sample logs of the checkout; made anew from their seed where only the package is installed."""
    shipped = Path(__file__).parents[2] / "sample_logs"
    if not any(shipped.glob("*.jsonl.gz")):
        from audit.samples import generate

        shipped = target / "sample_logs"
        generate(shipped)
    return sorted(str(path) for path in shipped.glob("*.jsonl.gz"))


def _replay(store: Store, config: Config, prompts: int) -> None:
    from audit import console
    from audit.cli.pricing import catalogue
    from audit.errors import ReplayError
    from audit.ledger import workflow_names
    from audit.replay import plan

    try:
        made = plan(store, catalogue(config), sample=prompts, models=["local"], endpoints=config.endpoint)
    except ReplayError as error:
        console.warn(f"replay left out: {error.message}; {error.hint}")
        return
    print_plan(made, None)
    console.say("Asking the embedded model; this takes a minute or two on two cores …")
    result, verdicts = carry_out(store, made, None, agreed=True)
    print_result(result, verdicts, workflow_names(store))


def _findings(data: ReportData) -> None:
    """The three largest findings of the plan, and the total they belong to."""
    from audit import console, figures
    from audit.cli.saving import print_stated

    savings = data.savings
    console.say("")
    console.say(
        f"Spend {figures.money(savings.baseline_pico)} in {figures.things(data.summary.days, 'day')}; all levers "
        f"together would have saved {figures.money(savings.joint.saving_pico)} ({figures.share(savings.joint.share)}), "
        f"90 % interval {figures.money_range(savings.joint.interval_pico)}. The three largest findings:"
    )
    largest = sorted(savings.levers, key=lambda lever: -lever.attributed_pico)[:3]
    for place, lever in enumerate(largest, start=1):
        console.say(
            f"  {place}. {lever.title}: {figures.money(lever.attributed_pico)} "
            f"({figures.money_range(lever.interval_pico)}, class {lever.evidence}, "
            f"{figures.things(lever.requests, 'request')}). {lever.fix}"
        )
        print_stated(lever)
