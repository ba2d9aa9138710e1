"""Words of the growth team: product pages, reviews, listings, newsletters and weekly figures."""

from __future__ import annotations

PRODUCTS = (
    ("Fjellra 2", "two-person tent", "camping"),
    ("Fjellra 4", "family tent", "camping"),
    ("Skarv", "rain jacket", "hiking"),
    ("Skarv Light", "packable rain jacket", "trail running"),
    ("Lomvi", "down sleeping bag", "winter camping"),
    ("Lomvi Summer", "light sleeping bag", "camping"),
    ("Teist", "poncho", "trekking"),
    ("Teist Duo", "tarp for two", "family camping"),
    ("Alke", "pair of gaiters", "wet meadows"),
    ("Havhest", "hiking boot", "rocky paths"),
    ("Havhest Low", "hiking shoe", "day walks"),
    ("Rype", "fleece jacket", "cool evenings"),
    ("Orrfugl", "65 litre backpack", "long treks"),
    ("Orrfugl 30", "day pack", "day walks"),
    ("Krykkje", "pack cover", "trekking"),
    ("Spurv", "pair of rain trousers", "steep paths"),
    ("Lerke", "hammock", "summer nights"),
    ("Terne", "dry bag", "kayak trips"),
    ("Ugle", "bivy bag", "nights without a tent"),
    ("Falk", "rope bag", "mountain tours"),
    ("Svale", "sun hat", "summer walks"),
    ("Trane", "wind shirt", "ridge walks"),
    ("Ravn", "wool base layer", "winter tours"),
    ("Due", "rain hat", "trekking"),
)
PRODUCT_SENTENCES = (
    "The {name} is a {kind} made for {use}.",
    "Its main fabric is woven from recycled yarn and is coated twice, so that it stays dry in steady rain.",
    "All seams are taped by hand and every piece is tested in water before it leaves the workshop.",
    "At {weight} grams it disappears in the pack, and the bag it comes in doubles as a pocket organiser.",
    "We changed {parts} parts since last season after {reports} reports from customers, above all the zip.",
    "Spare parts stay available for at least {years} years and most repairs can be done at home with the kit we sell.",
    "The colour comes from a dye bath that uses a third of the usual water.",
    "A reflecting thread runs along the edges, so that you find it in the dark.",
    "Wash it cold, let it dry in the shade and store it loose.",
    "The {name} carries a warranty of {years} years that follows the product, not the buyer.",
    "It was drawn by a team of three in {months} months and worn on {tours} tours before we put it on sale.",
    "Packed, it measures {length} by {width} centimetres.",
)
SUMMARY_SYSTEM = (
    "You write the short text on the product tile of an outdoor shop. Summarise the product page in two sentences: "
    "what it is for, then the two facts a buyer compares. No superlatives, no prices."
)
SUMMARY_ANSWER = (
    "The {name} is a {kind} for {use} that weighs {weight} grams and packs to {length} by {width} centimetres. "
    "It has taped seams and a warranty of {years} years."
)

REVIEW_SYSTEM = (
    "You read one product review per request. Return JSON with the keys product, rating (1 to 5), "
    "topic (fit, quality, delivery, price, service) and action (none, reply, refund)."
)
REVIEW_TOPICS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "fit": (("The {kind} is one size too small for me.", 3, "reply"), ("Fits as if made for me.", 5, "none")),
    "quality": (
        ("The seam of the {kind} opened on tour {n}.", 1, "refund"),
        ("Still like new after {n} tours.", 5, "none"),
    ),
    "delivery": (("It came {n} days late.", 2, "reply"), ("Ordered at noon, here the next morning.", 5, "none")),
    "price": (("{n} euros less would be fair for a {kind}.", 3, "none"), ("Good value for a {kind}.", 4, "none")),
    "service": (("Nobody answered my {n} mails.", 1, "reply"), ("They called back within {n} minutes.", 5, "none")),
}
REVIEW_EXTRAS = (
    "I used it in the hills near our town.",
    "My daughter borrowed it for a week.",
    "The colour is darker than on the photo.",
    "I bought the {name} because a friend has one.",
    "I will write again after the winter.",
    "The bag it comes in is too tight.",
)

LISTING_NOUNS: dict[str, tuple[str, str]] = {
    "tent": ("Zelt", "tent"),
    "backpack": ("Rucksack", "rugzak"),
    "sleeping bag": ("Schlafsack", "slaapzak"),
    "rain jacket": ("Regenjacke", "regenjas"),
    "stove": ("Kocher", "brander"),
    "head lamp": ("Stirnlampe", "hoofdlamp"),
    "hiking boot": ("Wanderstiefel", "wandelschoen"),
    "hammock": ("Hängematte", "hangmat"),
    "water bottle": ("Trinkflasche", "drinkfles"),
    "camp chair": ("Campingstuhl", "campingstoel"),
    "wool hat": ("Wollmütze", "wollen muts"),
    "gloves": ("Handschuhe", "handschoenen"),
}
LISTING_TRAITS: dict[str, tuple[str, str]] = {
    "waterproof": ("wasserdicht", "waterdicht"),
    "light": ("leicht", "licht"),
    "warm": ("warm", "warm"),
    "washable": ("waschbar", "wasbaar"),
    "foldable": ("faltbar", "opvouwbaar"),
    "robust": ("robust", "robuust"),
    "breathable": ("atmungsaktiv", "ademend"),
    "windproof": ("winddicht", "winddicht"),
}
LANGUAGES = ("German", "Dutch")
TRANSLATION_SYSTEM = "Translate the listing title into {language}. Return the title only."

NEWSLETTER_THEMES = (
    "first frost",
    "long weekend",
    "night walks",
    "repair week",
    "wool season",
    "gear for two",
    "last minute gifts",
)
NEWSLETTER_SYSTEM = "Write three subject lines of at most 45 characters for an outdoor newsletter. One per line."
NEWSLETTER_LINES = (
    "Ready for {theme}?",
    "{theme}: our short list",
    "What we pack for {theme}",
    "Three ideas for {theme}",
    "{theme}, made lighter",
    "Small kit, big {theme}",
    "Your plan for {theme}",
    "Notes on {theme}",
)

REGIONS = ("North", "South", "East", "West", "Coast", "Alps", "Lowlands", "Islands")
REPORT_SYSTEM = (
    "You are an analyst of an outdoor shop. Write the weekly sales report for the managers from the table below: "
    "one paragraph per region, then risks, then three actions. Use the figures exactly."
)
REPORT_PARAGRAPH = (
    "{region} sold {units} units for {revenue} EUR at a return rate of {rate} percent. Compared with the week before, "
    "demand moved with the weather and with the stock of tents, and the team expects the same pattern next week. "
    "Most returns came from sizes that were ordered twice, which the size guide should reduce."
)
REPORT_CLOSING = (
    "Risks: the stock of rain jackets covers fewer than two weeks, and one carrier announced slower pickups. "
    "Actions: move stock between warehouses, publish the new size guide, and agree on a second carrier."
)
REPORT_LOOP = "The north region stays ahead of the plan, and the plan stays ahead of the north region. "
