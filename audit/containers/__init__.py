"""Bytes to records, by what the bytes are and never by a file's name."""

from audit.containers.items import EXCERPT_BYTES, Item, Unreadable
from audit.containers.json_text import JsonText
from audit.containers.places import Place, expand
from audit.containers.reading import Text, as_text, records
from audit.containers.remote import PlaceError, without_secrets
from audit.containers.streams import Damaged, raw_chunks
from audit.containers.tables import open_sqlite

__all__ = [
    "EXCERPT_BYTES",
    "Damaged",
    "Item",
    "JsonText",
    "Place",
    "PlaceError",
    "Text",
    "Unreadable",
    "as_text",
    "expand",
    "open_sqlite",
    "raw_chunks",
    "records",
    "without_secrets",
]
