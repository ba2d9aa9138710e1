"""Commands that read logs into the audit file, and the ones that do everything in one go."""

from __future__ import annotations

import shlex
from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json
from audit.errors import ConfigError

if TYPE_CHECKING:
    from audit.config import Config
    from audit.ingest import IngestResult
    from audit.ingest.result import FileResult
    from audit.store import Store

Logs = Annotated[list[str], typer.Argument(help="Files, folders, globs, `-` for standard input, or URLs.")]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help="FIELD=PATH for a format no reader knows; repeat. See `audit formats`."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 3 when a record was rejected.")]


_LISTED = 20
_TELLING_BYTES = 10_000_000
"""Files named one by one; a bucket can hold one for each call."""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (run, demo, ingest, formats, sniff):
        app.command()(command)


def ingest(
    logs: Logs,
    db: Db = None,
    config: ConfigFile = None,
    mapping: Map = None,
    evalset: Annotated[
        bool, typer.Option("--evalset", help="Read a set of `audit evalset`, which is no log, into a file of its own.")
    ] = False,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Read logs into the audit file; nothing counts twice. Any gateway, tracer or provider.

    Example: audit ingest logs/*.jsonl exports/
    """
    from audit.errors import GateError
    from audit.export import documents

    settings = load(config)
    with open_store(db, create=True) as store:
        result = read_logs(store, logs, settings, _mapping(mapping), sets=evalset)
        if as_json:
            from audit.export.coverage import coverage_document
            from audit.projection import coverage

            document = documents.ingest_document(result)
            print_json({**document, "coverage": coverage_document(coverage(store, settings))})
        else:
            print_ingest(store, result)
            if result.accepted:
                from audit.cli.covering import print_coverage
                from audit.projection import coverage

                print_coverage(coverage(store, settings))
    if strict and result.rejected:
        rejected = sum(result.rejected.values())
        raise GateError(
            f"{rejected} {'record was' if rejected == 1 else 'records were'} rejected",
            "see the reasons above, or run without --strict",
        )


def formats(
    name: Annotated[str, typer.Argument(help="One format, to see what to switch on to log more.")] = "",
    as_json: Json = False,
) -> None:
    """List the log formats that are read without a flag. Of one, show the settings that log more.

    Example: audit formats helicone
    """
    from audit import console, plugins
    from audit.readers._mapped import FIELDS

    readers = plugins.find("readers", "READER")
    if name and name not in {reader.name for reader in readers}:
        raise ConfigError(f"no format is called {name!r}", "`audit formats` lists them")
    readers = tuple(reader for reader in readers if name in ("", reader.name))
    if as_json:
        print_json([{"name": r.name, "title": r.title, "unlock": dict(r.unlock or {})} for r in readers])
        return
    if name:
        settings = dict(readers[0].unlock or {})
        console.say(f"{readers[0].title}")
        for need, how in settings.items():
            console.say(f"  {need.replace('_', ' ')}: {how}")
        return
    console.table("Formats", ("Reader", "Reads"), [(r.name, r.title) for r in readers], left=2)
    console.say("What to switch on to log more: audit formats NAME")
    console.say(
        "Anything else: audit ingest FILE --map model=path --map input_tokens=path … (audit sniff FILE shows paths)"
    )
    console.say(f"Fields of --map: {', '.join(FIELDS)}, tag.NAME")


def sniff(
    file: Annotated[str, typer.Argument(help="A log file.")],
    mapping: Map = None,
    as_json: Json = False,
    limit: Annotated[int, typer.Option(help="Records to look at.")] = 20,
) -> None:
    """Say what each record of a file would be read as, and why. Writes nothing.

    Example: audit sniff export.jsonl
    """
    from dataclasses import asdict

    from audit import console
    from audit.ingest import sniff as look
    from audit.readers._mapped import fuller

    rows = look(file, limit=limit, mapping=_mapping(mapping))
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    console.table(
        f"{console.clean(file)}",
        ("Record", "Read as", "Result", "Detail"),
        [(str(row.line), row.reader or "–", row.result, row.detail) for row in rows],
        left=4,
    )
    # a line to copy must stand whole
    if line := reduce(fuller, (row.suggestion for row in rows), ""):
        console.say(f"To read it, complete and run: audit ingest {shlex.quote(console.clean(file, 500))} {line}")


def run(
    logs: Logs,
    db: Db = None,
    config: ConfigFile = None,
    mapping: Map = None,
    output: Annotated[str, typer.Option("--output", "-o", help="Where the report goes.")] = "reports/audit.html",
) -> None:
    """Ingest logs and write the report, offline and without keys. Then name the next step worth most.

    Example: audit run logs/
    """
    from audit.cli.covering import print_coverage
    from audit.cli.reporting import next_step, write_report

    settings = load(config)
    with open_store(db, create=True) as store:
        result = read_logs(store, logs, settings, _mapping(mapping))
        print_ingest(store, result)
        data = write_report(store, settings, output)
        print_coverage(data.coverage)
        next_step(data)


def demo(
    folder: Annotated[str | None, typer.Option(help="Where the demo writes; default ./reports.")] = None,
    prompts: Annotated[int, typer.Option(help="Most prompts to ask the embedded model.", min=0)] = 130,
) -> None:
    """The whole audit on made-up sample logs. Ingests, replays on an embedded real model, scores, reports.

    Example: audit demo
    """
    from audit.cli.demo import run_demo

    run_demo(folder or "reports", prompts)


def _mapping(pairs: list[str] | None) -> dict[str, str]:
    from audit.errors import ConfigError

    mapping: dict[str, str] = {}
    for pair in pairs or []:
        field, separator, path = pair.partition("=")
        if not separator or not field or not path:
            raise ConfigError(f"--map {pair!r} is not FIELD=PATH", "for example --map model=request.model")
        mapping[field.strip()] = path.strip()
    return mapping


def read_logs(
    store: Store, logs: list[str], settings: Config, mapping: dict[str, str], *, sets: bool = False
) -> IngestResult:
    """Read the logs and settle what follows from them; ReadError when no record of any file was usable."""
    from audit import console
    from audit.cli.pricing import catalogue, price_settings, repricing_told
    from audit.cli.settling import settle
    from audit.containers import without_secrets
    from audit.errors import ReadError
    from audit.ingest import ingest as read
    from audit.ledger import is_unsorted

    mapping = mapping or dict(settings.map)
    if mapping:
        from audit.ingest import absent

        for field in absent(logs, mapping):
            console.warn(f"no record has the column of --map {field}={mapping[field]}")
    with console.byte_progress("reading") as progress, repricing_told(store, settings):
        result = read(
            store,
            logs,
            mapping=mapping,
            tags=settings.tags,
            sets=sets,
            catalogue=lambda: catalogue(settings),
            price_settings=price_settings(settings),
            progress=progress,
        )
    if not any(file.usable for file in result.files):
        reason = next((file.error for file in result.files if file.error), "no usable record in any file")
        _warn_rejected(result, told=reason)
        hint = next((file.hint for file in result.files if file.hint), "see `audit formats`, or `audit sniff FILE`")
        raise ReadError(reason, hint)
    unsorted = bool(result.accepted) or is_unsorted(store)
    if unsorted or settings.path:
        with console.steps("sorting") as say:
            settle(store, settings, say, new_requests=unsorted)
    if result.accepted:
        store.log_event(
            "ingest",
            {"inputs": [without_secrets(each) for each in logs]},
            {"accepted": result.accepted, "records": result.records},
        )
    store.checkpoint()
    return result


def print_ingest(store: Store, result: IngestResult) -> None:
    """What became of each file, and warnings for what was rejected; of many files, those with trouble first."""
    from audit import console, figures

    files = result.files
    if len(files) > _LISTED:
        files = sorted(files, key=lambda file: (not (file.error or file.rejected), -file.records))[:_LISTED]
    more = len(result.files) - len(files)
    rest = f" from {figures.count(len(result.files))} files, of which {len(files)} are listed" if more else ""
    console.table(
        "Read",
        ("File", "Reader", "Records", "Calls", "Counted before", "Not calls", "Rejected"),
        [
            (figures.path(file.name),
             "known, not read again" if file.known else ", ".join(file.readers) or file.error or "–",
             figures.count(file.records), figures.count(file.accepted), figures.count(file.duplicates.total()),
             figures.count(file.skipped.total()), figures.count(file.rejected.total()))
            for file in files
        ],
        left=2,
        footer=f"{figures.things(result.accepted, 'call')} added to {console.clean(store.path)}{rest}{_size(store)}",
    )  # fmt: skip
    _warn_rejected(result)


def _size(store: Store) -> str:
    """How much smaller the audit file is than the logs in it, where there is enough of them to tell."""
    from pathlib import Path

    from audit.ledger import log_bytes

    path = Path(store.path)
    logs, size = log_bytes(store), path.stat().st_size if path.is_file() else 0
    if min(logs, size) < _TELLING_BYTES:
        return ""
    return f"; {logs / 1e6:,.0f} MB of logs in {size / 1e6:,.0f} MB, a factor of {logs / size:.1f}"


def _warn_rejected(result: IngestResult, told: str = "") -> None:
    """Warn of what could not be used, apart from the error that is told anyway."""
    from audit import console

    warned = [said for said in (_troubles(file, told) for file in result.files) if said]
    for text in chain.from_iterable(warned[:_LISTED]):
        console.warn(text)
    if len(warned) > _LISTED:
        console.warn(
            f"and {len(warned) - _LISTED} more files like these; `audit summary --json` counts what was rejected"
        )


def _troubles(file: FileResult, told: str) -> list[str]:
    """What is to be said of a file, a sentence each."""
    from audit import console
    from audit.figures import things

    name = console.clean(file.name)
    said = [f"{name}: {records} rejected: {reason}" for reason, records in sorted(file.rejected.items())]
    if file.unknown:
        said.append(f"{name}: {console.clean(file.unknown, 1500)}")
    if file.implausible_times:
        said.append(f"{name}: {things(file.implausible_times, 'call')} in no period: the time can't be right")
    if file.nameless:
        said.append(f"{name}: {things(file.nameless, 'call')} without a model: the cost is unknown")
    if file.doubtful_usage:
        said.append(
            f"{name}: {things(file.doubtful_usage, 'call')} with token counts or costs that can't be (negative, "
            "huge, more cached than sent);"
            " `audit show REQUEST` says what was made of each"
        )
    if file.error and file.error != told:
        error = console.clean(file.error, 500)
        said.append(error if error.startswith(name) else f"{name}: {error}")
    elif not (file.error or file.known or file.records):
        said.append(f"{name}: no records")
    return said
