"""Words of the search team: help articles for marketplace sellers, and questions about them."""

from __future__ import annotations

from typing import NamedTuple

_SUBJECTS = (
    "payout calendars",
    "return labels",
    "tax exports",
    "listing photos",
    "stock feeds",
    "price rules",
    "pickup windows",
    "gift notes",
    "bulk edits",
    "seller ratings",
    "refund limits",
    "shipping zones",
    "barcode prints",
    "order holds",
    "invoice layouts",
    "customs forms",
    "vacation modes",
    "brand pages",
    "review replies",
    "sample orders",
    "size charts",
    "parcel insurances",
    "split shipments",
    "account roles",
    "sandbox keys",
    "webhook retries",
    "report schedules",
    "currency displays",
    "address checks",
    "campaign slots",
    "coupon budgets",
    "pallet bookings",
    "damage claims",
    "battery labels",
    "late dispatches",
    "storage fees",
    "retention periods",
    "login checks",
    "supplier swaps",
    "packing slips",
    "carrier contracts",
    "lost parcels",
    "preorder dates",
    "bundle offers",
    "search keywords",
    "category moves",
    "recall notices",
    "warranty claims",
    "price histories",
    "team calendars",
    "chat transcripts",
    "image rights",
    "delivery promises",
    "restock alerts",
    "outlet rules",
    "weight limits",
    "repair orders",
    "rental returns",
    "gift cards",
    "audit trails",
)
_UNITS = ("hours", "days", "orders", "rows", "items", "parcels", "requests", "minutes", "pages", "files")
_FILLERS = (
    "Only owners and managers of the shop see the page for {s}; other roles get a message that explains whom to ask.",
    "Changes to {s} are written to the log, and the log can be filtered by person and by day.",
    "If the page stays empty, reload it once and check that the region in the header is the right one.",
    "Sellers who work with several shops repeat the step for each of them, since {s} are never shared.",
    "A banner shows when a change is being checked, and nothing is lost if you close the window.",
    "The help desk can see {s} but cannot edit them for you.",
    "Older shops keep their former settings until somebody opens the page and saves it.",
    "The mobile app shows {s} in short form, the full view needs a browser.",
    "You can undo the last change as long as no order was touched by it.",
    "The export holds the same columns in every language, so that scripts keep working.",
    "An e-mail is sent to every owner when {s} change outside office hours.",
    "Partners who connect through the interface find the same fields under the same names.",
    "New sellers go through a short tour that explains {s} with an example shop.",
    "When two people edit at once, the later change wins and the earlier one is kept in the log.",
)
_RULES = (
    "If a source about {s} is quoted, name the source in square brackets after the sentence.",
    "Never guess a fee, a limit or a deadline for {s}; say that the help desk can confirm it.",
    "Use the seller's own words for {s} and explain an abbreviation the first time it appears.",
)
INTRODUCTION = (
    "You answer questions of marketplace sellers from the help articles in the request. Read every document, use only "
    "what they say, and answer in at most four sentences. Name the id of each document you used in square brackets. "
    "If the documents do not hold the answer, say so and offer the help desk.\n\nHouse rules\n"
)


class Article(NamedTuple):
    """One retrievable passage; `fact` is the only part of it that an answer repeats."""

    doc_id: str
    subject: str
    fact: str
    text: str


def _article(index: int, subject: str) -> Article:
    # every number occurs in one article only, so that use of an article can be told from an answer
    low, high, code = 101 + 7 * index, 1003 + 11 * index, 20011 + 13 * index
    unit = _UNITS[index % len(_UNITS)]
    fact = f"Form SF-{code} covers {subject}; the limit is {low} {unit} and amounts above {high} EUR need approval."
    fillers = [_FILLERS[(index * 5 + step * 3) % len(_FILLERS)].format(s=subject) for step in range(12)]
    text = f"{subject.capitalize()}\n{fillers[0]} {fillers[1]} {fact} " + " ".join(fillers[2:])
    return Article(f"kb-{index + 1:03d}", subject, fact, text)


ARTICLES: tuple[Article, ...] = tuple(_article(index, subject) for index, subject in enumerate(_SUBJECTS))
SEARCH_SYSTEM = INTRODUCTION + "\n".join(
    f"{number + 1}. {_RULES[number % len(_RULES)].format(s=subject)}"
    for number, subject in enumerate(subject for subject in _SUBJECTS for _ in range(2))
)
QUESTIONS = (
    "What are the limits for {s}?",
    "How do {s} work, and from when on do I need approval?",
    "We run into a message about {s}. What is allowed?",
    "Which form do I need for {s}?",
    "A colleague says {s} are limited. Is that true?",
)
