"""Let people rate logged and replayed answers, blind, and take their ratings into every later figure."""

from audit.review.agreement import Agreement, agreement
from audit.review.drawing import Drawn, draw_review
from audit.review.items import Item, items
from audit.review.page import page
from audit.review.ratings import Imported, Rating, import_ratings, keep_ratings, read_ratings

__all__ = [
    "Agreement",
    "Drawn",
    "Imported",
    "Item",
    "Rating",
    "agreement",
    "draw_review",
    "import_ratings",
    "items",
    "keep_ratings",
    "page",
    "read_ratings",
]
