"""The regression set: export it, and say how models did on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.evalset import Outcome, Resolved


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(evalset)


def evalset(
    out: Annotated[str, typer.Option("--out", "-o", help="The file to write.")] = "evalset.jsonl",
    form: Annotated[str, typer.Option("--format", help="jsonl, promptfoo or inspect.")] = "jsonl",
    workflow: Annotated[list[str] | None, typer.Option(help="Only prompts of this workflow; repeat.")] = None,
    rated: Annotated[bool, typer.Option("--rated", help="Only prompts of which people rated an answer.")] = False,
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Export decided prompts as a regression set. Each comes with the answer to come up to, for any later change.

    `audit replay --evalset FILE` runs it, also in an audit file of its own (`audit ingest --evalset FILE --db NEW`).
    It is no log and never counted as one. It holds texts of your log: keep it where the log may be.

    Example: audit evalset -o evalset.jsonl   then   audit replay --evalset evalset.jsonl --model gpt-5-mini
    """
    from audit import console
    from audit import evalset as sets
    from audit.cli.writing import write_file
    from audit.errors import ConfigError, ReplayError
    from audit.export import evalset as forms

    if form not in forms.FORMATS:
        raise ConfigError(f"unknown format {form!r}", f"known: {', '.join(forms.FORMATS)}")
    settings = load(config)
    with open_store(db) as store:
        found = sets.evalset(store, workflows=workflow or (), rated_only=rated)
        if not found.cases:
            why = "; ".join(f"{count} prompts: {reason}" for reason, count in found.left_out.items())
            raise ReplayError(
                f"no prompt has a decided answer to come up to{why and f' ({why})'}",
                "replay, judge or rate some as they were logged first (`audit replay`)",
            )
        write_file(out, forms.written(found.cases, form, settings.rubrics))
    by_workflow: dict[str, int] = {}
    for case in found.cases:
        by_workflow[case.workflow] = by_workflow.get(case.workflow, 0) + 1
    if as_json:
        left = [{"reason": reason, "count": count} for reason, count in found.left_out.items()]
        counts = {"prompts": len(found.cases), "by_workflow": by_workflow, "left_out": left}
        print_json({"file": out, "format": form} | counts)
        return
    parts = ", ".join(f"{count} {console.clean(name)}" for name, count in sorted(by_workflow.items()))
    console.say(f"{len(found.cases)} prompts with the answer to come up to ({parts}): {console.clean(out, 300)}")
    for reason, count in found.left_out.items():
        console.note(f"left out: {count} prompts: {reason}")


def print_outcomes(outcomes: Sequence[Outcome], resolved: Resolved) -> None:
    """How candidates did on a set, the worst first, with the prompts they failed."""
    from audit import console, figures

    console.table(
        "On the evaluation set",
        ("Workflow", "Model", "Prompts", "Acceptable", "Undecided", "Failed"),
        [
            (each.workflow or "(none)", each.model, figures.count(each.n), figures.count(each.acceptable),
             figures.count(each.undecided), figures.count(len(each.failed)))
            for each in outcomes
        ],
        left=2,
    )  # fmt: skip
    for each in outcomes:
        if each.failed:
            more = f" and {len(each.failed) - 5} more" if len(each.failed) > 5 else ""
            console.say(f"{console.clean(each.workflow)}, {each.model} failed {', '.join(each.failed[:5])}{more}")
    if resolved.missing:
        console.note(f"{len(resolved.missing)} prompts of the set are not in this audit file and were not asked")


def note_on_file(answers: int) -> None:
    """Say that answers of an earlier run were held against the set, and how to ask for new ones."""
    from audit import console, figures

    console.note(
        f"{figures.things(answers, 'answer')} came from earlier runs and can't show what a provider changed since; "
        "--again asks anew"
    )


def check_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Raise GateError where a model fails more prompts of a workflow than may be lost there."""
    from audit.errors import GateError
    from audit.statistics.verdicts import alpha_of

    bad = [each for each in outcomes if each.failed_share > alpha_of(each.task_kind)]
    if bad:
        raise GateError(
            f"{bad[0].model} fails {len(bad[0].failed)} of {bad[0].n} prompts of {bad[0].workflow or '(none)'}",
            "see which above; a set is a sample: `audit replay` certifies",
        )
