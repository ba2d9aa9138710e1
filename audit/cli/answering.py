"""The command that lists replayed answers one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.answers import Answer

_LINES, _WIDTH = 12, 160


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(answers)


def answers(
    workflow: Annotated[list[str] | None, typer.Option(help="Only answers of this workflow; repeat.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Only of this model, or ENDPOINT/MODEL; repeat.")] = None,
    verdict: Annotated[
        list[str] | None,
        typer.Option(help="Only unacceptable, no_answer, open, not_reached or acceptable ones; repeat."),
    ] = None,
    decided_by: Annotated[
        list[str] | None, typer.Option("--decided-by", help="Only those of program, judge, people or nobody; repeat.")
    ] = None,
    texts: Annotated[bool, typer.Option("--texts", help="What was asked, the logged answer and the new one.")] = False,
    top: Annotated[int, typer.Option(help="Answers to show here; --json and --csv hold all.", min=1)] = 40,
    csv: Annotated[str | None, typer.Option("--csv", help="Write them to this file instead.")] = None,
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Every replayed answer: acceptable or not, who decided that and why. With cost, tokens and time; the worst first.

    Example: audit answers --workflow support-faq --verdict unacceptable --texts
    """
    from audit import answers as listing
    from audit import console, figures
    from audit.cli.replay_plan import named_workflows
    from audit.cli.writing import new_file
    from audit.errors import ConfigError
    from audit.export import answers as written

    load(config)
    if csv and as_json:
        raise ConfigError("--csv and --json are two forms of one list", "name one of them")
    _known("verdict", verdict, listing.OUTCOMES)
    _known("decided-by", decided_by, listing.DECIDERS)
    with open_store(db) as store:
        names = named_workflows(store, workflow or ())
        every = listing.answers(store)
        wanted = listing.Wanted(names, _asked(every, model or ()), verdict or (), decided_by or ())
        every = [answer for answer in every if wanted.has(answer)]
        if as_json or csv:
            shown = listing.with_texts(store, every) if texts else every
            if csv:
                with new_file(csv) as place:
                    number = written.write_csv(shown, place)
                console.note(f"{figures.things(number, 'answer')}: {console.clean(csv, 300)}")
            else:
                print_json(written.answers_document(every, shown))
            return
        if texts:
            for answer in listing.with_texts(store, every[:top]):
                _print_texts(answer)
    _print(every, top, texts)


def _known(option: str, given: Sequence[str] | None, words: Sequence[str]) -> None:
    from audit.errors import ConfigError

    for word in given or ():
        if word not in words:
            raise ConfigError(f"--{option} {word!r} is none", f"known: {', '.join(words)}")


def _asked(every: Sequence[Answer], named: Sequence[str]) -> Sequence[str]:
    """Models named by a flag; ConfigError for one that gave no answer."""
    from difflib import get_close_matches

    from audit.errors import ConfigError

    known = sorted({f"{answer.key.endpoint}/{answer.key.model}" for answer in every})
    for name in named:
        if name not in known and all(name != answer.key.model for answer in every):
            near = ", ".join(get_close_matches(name, known, n=10, cutoff=0.0))
            raise ConfigError(
                f"no answer on file is of a model {name!r}",
                f"there are {near}" if near else "replay it (`audit replay`)",
            )
    return named


def _print(every: Sequence[Answer], top: int, texts: bool) -> None:
    """The table, unless texts were printed, and how many there are of which kind."""
    from collections import Counter

    from audit import console

    if not texts and every:
        console.table(
            "Replayed answers, the worst first",
            ("Verdict", "Request", "Workflow", "Candidate", "Decided by", "Why",
             "Stands for", "Cost", "Today", "Output", "Time"),
            [_line(answer) for answer in every[:top]],
            left=6, widths={1: 36, 2: 22, 3: 24, 4: 22, 5: 30}, unbroken=True,
        )  # fmt: skip
    kinds = Counter((answer.outcome, answer.by) for answer in every)
    parts = ", ".join(
        f"{count} {_word(outcome)}{'' if by == 'nobody' else f' by {by}'}" for (outcome, by), count in kinds.items()
    )
    console.say(f"{len(every)} answers{f': {parts}' if parts else ''}")
    if len(every) > top:
        console.say(f"shown are {top} (--top); --json and --csv FILE hold all")
    if not every:
        console.note("answers come from `audit replay`; with flags, leave some out")
    elif not texts:
        console.say("--texts shows what was asked and answered, audit show REQUEST the request as the model saw it")


def _word(outcome: str) -> str:
    return outcome.replace("_", " ")


def _decided(answer: Answer) -> str:
    if answer.by == "nobody":
        return "nobody"
    by = "program, with doubt" if answer.by == "program" and answer.unit.in_doubt else answer.by
    return f"{by}: {', '.join(name.removeprefix('judge:') for name in answer.deciders)}"


def _line(answer: Answer) -> tuple[str, ...]:
    from audit import figures

    unit = answer.unit
    return (
        _word(answer.outcome), answer.request, answer.row["workflow"] or "(none)", answer.candidate, _decided(answer),
        answer.reason, figures.count(round(unit.weight)), figures.money(unit.cost), figures.money(unit.current_cost),
        figures.count(unit.output_tokens), figures.seconds(unit.duration),
    )  # fmt: skip


def _print_texts(answer: Answer) -> None:
    from audit import console, figures

    if answer.texts is None:
        return
    unit = answer.unit
    heading = (
        f"{_word(answer.outcome)} · {answer.request} · {answer.row['workflow'] or '(none)'} · {answer.candidate} · "
        f"{_decided(answer)}: {answer.reason} · {figures.money(unit.cost)}, today {figures.money(unit.current_cost)}"
    )
    console.say(console.clean(heading, 400), style="bold")
    asked = answer.texts.turns[-1][1] if answer.texts.turns else ""
    for title, text in (("Asked", asked), ("Logged answer", answer.texts.logged), ("Answer", answer.texts.answer)):
        console.block(title, text, lines=_LINES, width=_WIDTH)
    console.say("")
