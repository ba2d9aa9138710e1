"""Ratings come back: read what a reviewer exported, check it against the draw, keep it under the event chain."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.errors import ReadError
from audit.hashes import rows_digest
from audit.store import Store
from audit.wire.text import read_json, repaired

FORMAT = "audit-ratings/1"
PAIR = ("first_better", "second_better", "equal", "first_only", "second_only", "neither", "cannot_tell")
SINGLE = ("acceptable", "unacceptable", "cannot_tell")
_LONGEST_NOTE = 4000
_LONGEST_NAME = 80

_ITEMS = "SELECT item, replay_id, request_id, candidate_first FROM review_item WHERE review = $review"
_KNOWN = "SELECT item, rater, replay_id, verdict, note, rated_at_us FROM rating WHERE event_id IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Rating:
    """One reviewer's choice on one item: of `PAIR` where two answers stood, of `SINGLE` where one did."""

    item: str
    choice: str
    note: str
    rated_at_us: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import: ratings new to the audit file, known before, and changed by the same rater."""

    rater: str
    new: int
    known: int
    changed: int
    undecided: int


def read_ratings(path: str | Path) -> tuple[str, str, list[Rating]]:
    """Review, rater and ratings of an exported file; raises ReadError where it is none."""
    try:
        data = read_json(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ReadError(f"{path}: {error.strerror or error}", "name the file the review page exported") from error
    except ValueError as error:
        raise ReadError(f"{path}: not JSON ({error})", "name the file the review page exported") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ReadError(f"{path}: not a file of ratings ({FORMAT})", "name the file the review page exported")
    said = data.get("rater")
    rater = " ".join(repaired(said).split()) if isinstance(said, str) else ""
    if not rater or len(rater) > _LONGEST_NAME:
        raise ReadError(f"{path}: the rater has no name", "enter one on the page and export again")
    listed = data.get("ratings")
    if not isinstance(listed, list):
        raise ReadError(f"{path}: it holds no list of ratings", "export them again")
    found = {each.item: each for each in (_rating(entry, place, path) for place, entry in enumerate(listed, 1))}
    return str(data.get("review") or ""), rater, list(found.values())


def _rating(entry: Any, place: int, path: str | Path) -> Rating:
    if not isinstance(entry, dict) or not isinstance(entry.get("item"), str):
        raise ReadError(f"{path}: rating {place} names no item", "export them again")
    note = entry.get("note")
    return Rating(
        entry["item"],
        str(entry.get("choice")),
        repaired(note[:_LONGEST_NOTE]) if isinstance(note, str) else "",
        _moment(entry.get("rated_at")),
    )


def _moment(value: Any) -> int:
    """When it was rated; now where that can't be read, or where a fast clock would let no later rating count."""
    now = time.time_ns() // 1000
    try:
        return min(now, round(datetime.fromisoformat(str(value)).timestamp() * 1e6))
    except (ValueError, OverflowError, OSError):
        return now


def import_ratings(store: Store, paths: Sequence[str | Path]) -> list[Imported]:
    """Take the ratings of exported files; raises ReadError, and keeps none of any file, where one can't be taken."""
    read = [(path, *read_ratings(path)) for path in paths]
    for path, review, _, ratings in read:
        _check(store, review, ratings, f"{path}: ")
    return [keep_ratings(store, review, rater, ratings) for _, review, rater, ratings in read]


def keep_ratings(store: Store, review: str, rater: str, ratings: Sequence[Rating]) -> Imported:
    """Keep one reviewer's ratings of a draw; known ones are not kept twice, changed ones stand beside the old.

    Of several ratings of one answer by one rater the latest counts. Raises ReadError, and keeps nothing, where the
    draw is not of this audit file, or a rating names an item or a choice it does not have.
    """
    items = _check(store, review, ratings)
    known: dict[tuple[str, str, bool], Mapping[str, Any]] = {}
    for row in sorted(store.rows(_KNOWN), key=lambda row: row["rated_at_us"]):
        known[row["item"], row["rater"], row["replay_id"] is None] = row
    rows: list[dict[str, Any]] = []
    counts = {"new": 0, "known": 0, "changed": 0}
    for rating in ratings:
        made = _rows(items[rating.item], rating, rater)
        before = [known.get((rating.item, rater, row["replay_id"] is None)) for row in made]
        alike = [old is not None and (old["verdict"], old["note"] or "") == (row["verdict"], row["note"])
                 for old, row in zip(before, made, strict=True)]  # fmt: skip
        kind = "known" if all(alike) and made else "changed" if any(before) else "new"
        counts[kind] += bool(made)
        rows += made if kind != "known" else []
    undecided = sum(rating.choice == "cannot_tell" for rating in ratings)
    if rows:
        with store.transaction():
            event = int(store.value("SELECT COALESCE(MAX(event_id), 0) FROM event")) + 1
            for row in rows:
                row["event_id"] = event
            store.write_rows("rating", rows)
            settings = {"review": review, "rater": rater, "digest": rows_digest(rows, "event_id")}
            store.log_event("rate", settings, counts | {"cannot_tell": undecided})
    return Imported(rater, counts["new"], counts["known"], counts["changed"], undecided)


def _check(store: Store, review: str, ratings: Sequence[Rating], place: str = "") -> Mapping[str, Mapping[str, Any]]:
    """The items of a draw, by name; raises ReadError where the ratings are not of it. `place` begins its message."""
    items = {row["item"]: row for row in store.rows(_ITEMS, review=review)}
    if not items:
        raise ReadError(
            f"{place}the draw {review!r} is not of this audit file",
            "nothing was imported; name the audit file it came from with --db",
        )
    strange = [rating.item for rating in ratings if rating.item not in items]
    if strange:
        raise ReadError(
            f"{place}{len(strange)} of {len(ratings)} ratings name items that were not drawn ({strange[0][:20]!r})",
            "nothing was imported; export the ratings of this draw again",
        )
    for rating in ratings:
        allowed = SINGLE if items[rating.item]["replay_id"] is None else PAIR
        if rating.choice not in allowed:
            raise ReadError(
                f"{place}item {rating.item}: no choice is called {rating.choice[:40]!r}",
                f"nothing was imported; choices are {', '.join(allowed)}",
            )
    return items


def _rows(item: Mapping[str, Any], rating: Rating, rater: str) -> list[dict[str, Any]]:
    """A choice as verdicts: of a pair one on the candidate and one on the logged answer."""
    if rating.choice == "cannot_tell":
        return []
    shared = {
        "rater": rater, "note": rating.note, "rated_at_us": rating.rated_at_us, "item": rating.item,
        "request_id": item["request_id"], "phase": "two_phase",
    }  # fmt: skip
    if item["replay_id"] is None:
        return [shared | {"replay_id": None, "verdict": rating.choice}]
    candidate, logged = verdicts(rating.choice, bool(item["candidate_first"]))
    return [
        shared | {"replay_id": item["replay_id"], "verdict": candidate},
        shared | {"replay_id": None, "verdict": logged},
    ]


def verdicts(choice: str, candidate_first: bool) -> tuple[str, str]:
    """Verdicts on the candidate and on the logged answer that a choice between first and second means."""
    mine, other = ("first", "second") if candidate_first else ("second", "first")
    return {
        "equal": ("equal", "acceptable"),
        f"{mine}_better": ("better", "acceptable"),
        f"{other}_better": ("acceptable_but_worse", "acceptable"),
        f"{mine}_only": ("better", "unacceptable"),
        f"{other}_only": ("unacceptable", "acceptable"),
        "neither": ("unacceptable", "unacceptable"),
    }[choice]
