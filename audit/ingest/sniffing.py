"""What the records of an input would be read as, and why, without writing anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.containers import Item, PlaceError, Unreadable, expand, raw_chunks, records
from audit.errors import ReadError
from audit.ingest.classify import Classifier, all_readers
from audit.readers import Reader
from audit.readers._mapped import columns_of, leads_somewhere, suggest

DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class SniffRow:
    """One record: where it stands, the reader that takes it (None: nobody), what it becomes (`call`, `skip: reason`,
    `reject: reason`, `waits for its group`), and why; for a record that nobody takes a `--map` line to complete."""

    line: int
    reader: str | None
    result: str
    detail: str
    suggestion: str = ""


def sniff(path: str | Path, *, limit: int = DEFAULT_LIMIT, mapping: Mapping[str, str] | None = None) -> list[SniffRow]:
    """Look at the first records of a file, folder or pattern. Raises ReadError when nothing can be opened."""
    rows: list[SniffRow] = []
    problem: PlaceError | None = None
    classifier = Classifier(all_readers(mapping or {}))
    for place in expand([path]):
        if isinstance(place, PlaceError):
            problem = place
            continue
        try:
            with place.open() as file:
                found = _rows(records(raw_chunks(file), place.path), classifier)
                rows.extend(islice(found, limit - len(rows)))
        except PlaceError as error:
            problem = error
        if len(rows) >= limit:
            break
    if not rows and problem is not None:
        raise ReadError(problem.message, problem.hint or None)
    return rows


def absent(paths: Iterable[str | Path], mapping: Mapping[str, str], limit: int = 500) -> list[str]:
    """The fields of a map whose path leads nowhere in the first records of any of the files."""
    classifier = Classifier(all_readers(mapping))
    waiting = dict(mapping)
    for place in expand(paths):
        if isinstance(place, PlaceError) or place.path is None:
            continue
        try:
            with place.open() as file:
                items = (
                    each for item in records(raw_chunks(file), place.path) for each in _values(item[2], classifier)
                )
                for record in islice(items, limit):
                    waiting = {field: path for field, path in waiting.items() if not leads_somewhere(record, path)}
        except PlaceError:
            continue
    return list(waiting)


def _rows(items: Iterable[Item], classifier: Classifier) -> Iterator[SniffRow]:
    for line, _, value, _, repaired in items:
        for each in _values(value, classifier):
            yield _row(line, each, classifier, repaired)


def _values(value: Any, classifier: Classifier, depth: int = 0) -> Iterator[Any]:
    inner = value
    if isinstance(value, dict):
        inner = classifier.unwrapped(value)
        if inner is None and classifier.reader(value) is None:
            inner = classifier.inside(value)
    if isinstance(inner, list) and depth < 4:
        for item in inner:
            yield from _values(item, classifier, depth + 1)
    else:
        yield value


def _row(line: int, value: Any, classifier: Classifier, repaired: bool) -> SniffRow:
    if isinstance(value, Unreadable):
        return SniffRow(line, None, f"reject: {value.reason}", value.detail)
    if not isinstance(value, dict):
        return SniffRow(line, None, "reject: not_an_llm_record", f"a JSON {type(value).__name__}, not an object")
    reader = classifier.reader(value)
    if reader is None:
        seen = ", ".join(columns_of(value, 20))
        return SniffRow(line, None, "reject: not_an_llm_record", f"columns: {seen}", suggest(value))
    why = ", ".join(
        f"{name} {certainty}"
        for name, certainty in sorted(classifier.certainties(value).items(), key=lambda each: -each[1])
        if certainty
    )
    result, detail = _outcome(reader, value)
    notes = [f"matched: {why}", detail, "text repaired" if repaired else ""]
    return SniffRow(line, reader.name, result, "; ".join(note for note in notes if note))


def _outcome(reader: Reader, record: dict[str, Any]) -> tuple[str, str]:
    if reader.whole_file:
        return "read with the whole file", ""
    try:
        pieces = reader.parts(record) if reader.parts else {}
        key = reader.group(record) if reader.group and not pieces else next(iter(pieces), None)
        outcomes: list[Outcome] = list(reader.read(record))
    except Exception as error:  # what would be a reject in an ingest is one here
        return "reject: reader_failed", f"{type(error).__name__}: {error}"
    detail = "; ".join(_told(each) for each in outcomes[:3])
    if key is not None:
        return "read with its group", f"group {key}" + (f"; {detail}" if detail else "")
    kinds = ["call" if isinstance(each, Call) else f"skip: {each.reason}" if isinstance(each, Skip)
             else f"reject: {each.reason}" for each in outcomes]  # fmt: skip
    counted = {name: kinds.count(name) for name in dict.fromkeys(kinds)}
    return ", ".join(name if n == 1 else f"{n} × {name}" for name, n in counted.items()) or "nothing", detail


def _told(outcome: Outcome) -> str:
    if not isinstance(outcome, Call):
        return getattr(outcome, "detail", "")
    usage = outcome.usage
    counts = "no usage" if usage is None else f"{usage.input_tokens} in, {usage.output_tokens} out"
    model = outcome.response_model or outcome.request_model or "unknown model"
    return f"{outcome.status}, {model}, {counts}, text {outcome.text_status}"
