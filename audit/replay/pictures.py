"""Pictures in prompts: an audit file keeps only their digests, so those to be sent are fetched from the log itself."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from audit.clients import Image
from audit.containers import Damaged, raw_chunks, records
from audit.store import Store
from audit.wire.media import placeholder
from audit.wire.text import maybe_json

PLACEHOLDER = r"<media (?:image(?:/[a-z0-9.+-]+)?|png|jpe?g|gif|webp) ([0-9a-f]{32})>"
"""What stands for a picture in the text of a prompt, by any of the names APIs have for its type."""
NOT_PICTURES = "it holds sound or files, or images outside the messages of the user"
"""Why a prompt with media that are no pictures of the user can't be replayed."""
_DETAILS = ("low", "high", "auto", "original")
_TYPES = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"RIFF", "image/webp"))
_DEEPEST = 40

_SOURCES = "SELECT source_id, path, place, beside FROM source WHERE source_id IN (SELECT source_id FROM request)"
_WANTED = """
SELECT DISTINCT o.path, o.place, o.beside, c.text
FROM replay_pictured AS p
JOIN segment AS s ON s.request_id = p.request_id AND s.direction = 'input' AND s.kind = 'media'
JOIN content AS c ON c.content_hash = s.content_hash
JOIN request AS r ON r.request_id = p.request_id
JOIN source AS o ON o.source_id = r.source_id
ORDER BY o.path, o.place, c.text
"""
_KEPT = "SELECT digest, media_type, data, url, detail FROM media WHERE data IS NOT NULL OR url IS NOT NULL"
_NEEDED = """
SELECT m.digest, m.media_type, m.data, m.url, m.detail FROM media AS m
WHERE m.digest IN (SELECT regexp_extract(text, '([0-9a-f]{32})>$', 1) FROM replay_placeholder)
"""


def at_hand(store: Store) -> list[int]:
    """Ids of the sources that are files on this machine still: only there can pictures be fetched."""
    return [row["source_id"] for row in store.rows(_SOURCES) if _place(store, row) is not None]


def _place(store: Store, row: Mapping[str, Any]) -> Path | None:
    """Where the file of a source is now: where it was, as far from the audit file as it was, or as it was named."""
    beside = row["beside"] and Path(store.path).resolve().parent / row["beside"]
    return next((Path(each) for each in (row["place"], beside, row["path"]) if each and Path(each).is_file()), None)


def fetch(store: Store, request_ids: Collection[int]) -> None:
    """Put the pictures of these requests on file (`media`), each read from the log its request came from.

    Those on file are not looked for again. One that is not found has a row without content, and so has one whose
    content is kept by the provider.
    """
    store.run("CREATE OR REPLACE TEMP TABLE replay_pictured (request_id BIGINT)")
    store.write("replay_pictured", pa.table({"request_id": pa.array(sorted(request_ids), pa.int64())}))
    known = {row["digest"] for row in store.rows(_KEPT)}
    wanted: dict[Path, set[str]] = {}
    for row in store.rows(_WANTED):
        found = re.fullmatch(PLACEHOLDER, row["text"] or "")
        if found and found.group(1) not in known:
            place = _place(store, row) or Path(row["path"])
            wanted.setdefault(place, set()).add(found.group(1))
    for path, digests in wanted.items():
        rows = [_row(digest, image) for digest, image in _in_file(path, digests)]
        store.run("DELETE FROM media WHERE digest IN (SELECT UNNEST($digests))", digests=sorted(digests))
        lost = digests - {row["digest"] for row in rows}
        store.write_rows("media", [*rows, *(_row(digest, Image(digest)) for digest in sorted(lost))])


def on_file(store: Store, texts: Iterable[str]) -> dict[str, Image]:
    """The pictures behind placeholders, by digest, as far as they were fetched; empty ones were not found."""
    store.run("CREATE OR REPLACE TEMP TABLE replay_placeholder (text VARCHAR)")
    store.write("replay_placeholder", pa.table({"text": pa.array(sorted(set(texts)), pa.string())}))
    return {
        row["digest"]: Image(
            row["digest"], 0, row["media_type"] or "", row["data"] or "", row["url"] or "", row["detail"] or ""
        )
        for row in store.rows(_NEEDED)
    }


def _row(digest: str, image: Image) -> dict[str, Any]:
    return {
        "digest": digest,
        "media_type": image.media_type or None,
        "data": image.data or None,
        "url": image.url or None,
        "detail": image.detail or None,
    }


def _in_file(path: Path, digests: Collection[str]) -> Iterator[tuple[str, Image]]:
    """The pictures of one log that have these digests; what can't be read holds none."""
    missing = set(digests)
    try:
        with path.open("rb") as file:
            for _, _, value, _, _ in records(raw_chunks(file), path):
                for text, detail in _strings(value):
                    digest, image = _picture(text)
                    if digest in missing and (image.data or image.url):
                        missing.discard(digest)
                        yield digest, Image(digest, 0, image.media_type, image.data, image.url, detail)
                if not missing:
                    return
    except (OSError, Damaged):
        return


def _strings(value: Any, detail: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text in a record that may be a picture, with the `detail` that stands beside it."""
    value = maybe_json(value)
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        beside = value.get("detail")
        detail = beside if isinstance(beside, str) and beside in _DETAILS else detail
        for item in value.values():
            yield from _strings(item, detail, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, "", depth + 1)
    elif isinstance(value, str) and len(value) > 8 and " " not in value[:100]:
        yield value, detail


def _picture(text: str) -> tuple[str, Image]:
    """The digest of a text as media have it, and the picture it is; an empty one where it is none."""
    head, payload = "", text
    if text[:5].lower() == "data:":
        head, _, payload = text.partition(",")
    digest = placeholder("image", payload)[-33:-1]
    if not head and re.match(r"https?://", text):
        return digest, Image(digest, url=text)
    media_type = _media_type(payload) or head[5:].partition(";")[0]
    return digest, Image(digest, media_type=media_type, data=payload if media_type else "")


def _media_type(payload: str) -> str:
    """The type of a picture by its first bytes; what a log says of it is not always so."""
    try:
        first = base64.b64decode(payload[:16], validate=True)
    except (binascii.Error, ValueError):
        return ""
    return next((name for begin, name in _TYPES if first.startswith(begin)), "")
