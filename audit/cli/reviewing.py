"""Commands in which people rate answers."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.config import Config
    from audit.review import Agreement, Drawn, Imported, Item, Rating
    from audit.store import Store

Files = Annotated[
    list[str] | None,
    typer.Option("--import", help="Ratings a reviewer exported; repeat. A later import is a new look."),
]
Workflows = Annotated[list[str] | None, typer.Option("--workflow", help="Only answers of this workflow; repeat.")]
Models = Annotated[list[str] | None, typer.Option("--model", help="Only answers of this candidate; repeat.")]

_PAIR = {
    "1": ("first_better", "1 better"),
    "2": ("second_better", "2 better"),
    "3": ("equal", "equally good"),
    "4": ("first_only", "only 1 is acceptable"),
    "5": ("second_only", "only 2 is acceptable"),
    "6": ("neither", "neither is acceptable"),
}
_SINGLE = {"1": ("acceptable", "acceptable"), "2": ("unacceptable", "not acceptable")}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(review)


def review(
    n: Annotated[int, typer.Option("--n", help="Replayed answers to rate.", min=0)] = 60,
    logged: Annotated[int, typer.Option(help="Logged answers to rate alone, for dollars per correct outcome.")] = 0,
    out: Annotated[str, typer.Option("--out", "-o", help="The page to write.")] = "review.html",
    files: Files = None,
    workflow: Workflows = None,
    model: Models = None,
    terminal: Annotated[bool, typer.Option("--terminal", help="Rate here instead of writing a page.")] = False,
    rater: Annotated[str | None, typer.Option(help="Who rates, with --terminal.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 1,
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Let people rate answers blind. Their ratings correct every later verdict and figure.

    Writes one HTML page that works from disk and sends nothing: two answers in an order drawn by chance, or one logged
    answer alone. Half of the draw had passed, half had not, and a fifth is for a second reviewer. `--import` takes the
    exported ratings back.

    Example: audit review --n 60 -o review.html   then   audit review --import ratings.json
    """
    from audit import review as reviewing
    from audit.cli.writing import write_file
    from audit.errors import ConfigError
    from audit.export import opinions as written

    settings = load(config)
    if terminal and not (rater and rater.strip()):
        raise ConfigError("--terminal needs a name for the reviewer", "add --rater NAME")
    with open_store(db, writes=True) as store:
        if files:
            _after(store, settings, reviewing.import_ratings(store, files), as_json)
            return
        drawn = reviewing.draw_review(
            store, n=n, logged=logged, seed=seed, workflows=workflow or (), models=model or ()
        )
        shown = reviewing.items(store, drawn.review)
        if terminal:
            made = _rate_here(shown)
            _after(store, settings, [reviewing.keep_ratings(store, drawn.review, str(rater).strip(), made)], as_json)
            return
        write_file(out, reviewing.page(shown, drawn.review))
    if as_json:
        print_json(written.drawn_document(drawn, out))
    else:
        _say_drawn(drawn, out)


def _say_drawn(drawn: Drawn, out: str) -> None:
    from audit import console

    words = {
        "passed": "that passed",
        "failed": "that failed",
        "doubtful": "that failed with doubt",
        "open": "nobody could decide",
        "logged": "logged ones",
    }
    parts = ", ".join(f"{count} {words.get(said, said)}" for said, count in sorted(drawn.said.items()))
    console.say(f"{drawn.size} answers to rate ({parts}), {drawn.twice} of them twice: {console.clean(out, 300)}")
    console.say("It holds texts of your log: keep it where the log may be. Open it in a browser, rate, export, then:")
    console.say("  audit review --import ratings-….json")


def _after(store: Store, settings: Config, taken: Sequence[Imported], as_json: bool) -> None:
    """Decide again with the new ratings, and say what came of them."""
    from audit import console
    from audit.cli.quality import print_totals, print_verdicts
    from audit.deciding import deciding, totals
    from audit.export import opinions as written
    from audit.ledger import workflow_names
    from audit.outcomes import correct_outcomes
    from audit.review import agreement

    verdicts, agreed, names = (
        deciding(store, settings.latency, settings.first_chunk),
        agreement(store),
        workflow_names(store),
    )
    correct, overall = correct_outcomes(store), totals(store)
    if as_json:
        print_json(written.ratings_document(taken, agreed, correct, verdicts, names, overall))
        return
    for each in taken:
        more = f", {each.changed} changed" if each.changed else ""
        console.say(
            f"{console.clean(each.rater)}: {each.new} ratings taken, {each.known} known before{more}, "
            f"{each.undecided} could not tell"
        )
    for pair in agreed:
        console.say(_agreement_line(pair))
    print_correct(correct)
    if verdicts:
        print_verdicts(verdicts, names)
    print_totals(overall)


def _agreement_line(pair: Agreement) -> str:
    from audit import console, figures

    kappa = "not defined" if pair.kappa is None else f"{pair.kappa:.2f}"
    return (
        f"{console.clean(' and '.join(pair.raters))} rated {pair.n} answers both, {figures.share(pair.alike)} alike: "
        f"kappa {kappa}, AC1 {pair.ac1:.2f}"
    )


def print_correct(rows: Sequence[Any]) -> None:
    """Dollars per correct outcome, beside dollars per success."""
    from audit import console, figures

    if not rows:
        return
    console.table(
        "Logged answers people found acceptable",
        ("Workflow", "Rated", "Acceptable", "90 % interval", "Per success", "Per correct outcome", "90 % interval"),
        [
            (row.key, figures.count(row.rated), figures.share(row.share.estimate),
             f"{figures.share(row.share.low)} – {figures.share(row.share.high)}",
             figures.money(row.per_success_pico), figures.money(row.per_correct_pico),
             figures.money_range(row.interval_pico))
            for row in rows
        ],
    )  # fmt: skip


def _rate_here(shown: Sequence[Item]) -> list[Rating]:
    """Rate on the terminal: one item after the other until the last, or until q."""
    from audit import console
    from audit.errors import ConfigError
    from audit.review import Rating

    if not sys.stdin.isatty():
        raise ConfigError("--terminal needs a terminal to ask on", "write a page instead: audit review -o review.html")
    made: dict[str, Rating] = {}
    place = 0
    while place < len(shown):
        item = shown[place]
        _show(item, place, len(shown))
        keys = _PAIR if len(item.answers) == 2 else _SINGLE
        console.say("  ".join(f"{key} {title}" for key, (_, title) in keys.items()))
        word, _, note = _line("0 can't tell  u undo  q stop; a note may follow the number: ").strip().partition(" ")
        if word == "q":
            break
        if word == "u":
            place = max(0, place - 1)
            made.pop(shown[place].item, None)
        elif word == "0" or word in keys:
            choice = "cannot_tell" if word == "0" else keys[word][0]
            made[item.item] = Rating(item.item, choice, note.strip(), time.time_ns() // 1000)
            place += 1
    return list(made.values())


def _show(item: Item, place: int, total: int) -> None:
    from audit import console

    console.say("")
    console.say(f"{place + 1} of {total}  {console.clean(item.workflow)}", style="bold")
    if item.turns:
        console.block("Asked", item.turns[-1][1], lines=40)
    for number, text in enumerate(item.answers, start=1):
        console.block(f"Answer {number}" if len(item.answers) == 2 else "Answer", text, lines=60)


def _line(prompt: str) -> str:
    from audit import console

    console.note(prompt)
    return sys.stdin.readline() or "q"
