"""Long standing instructions of back-office workflows: sales manual, contract policy, listing rules."""

from __future__ import annotations

_AREAS = (
    "tents",
    "sleeping bags",
    "backpacks",
    "rain wear",
    "footwear",
    "stoves",
    "lighting",
    "water treatment",
    "climbing gear",
    "winter clothing",
    "repair kits",
    "travel bags",
    "base layers",
    "cook sets",
    "hammocks",
    "maps",
)
_SALES_RULES = (
    "When a customer asks about {a}, find out first for how many people and for which season it is meant.",
    "Offer at most two products from {a}, the lighter one first, and say in one sentence what each does better.",
    "Do not compare our {a} with products of other shops, and do not name a price that is not in the request.",
    "If {a} are out of stock, offer to send a message when they return, never a date.",
    "Mention the repair service for {a} when the customer says that something broke.",
    "Close a talk about {a} with one question that helps the customer decide, not with a link.",
    "Beginners hear about {a} in plain words; explain at most one technical word and say why it matters to them.",
    "If somebody names a weight limit for {a}, keep to it and say what is lost by going lighter.",
    "Questions about {a} for children are answered with sizes first, because most returns come from wrong sizes.",
)
SALES_MANUAL = "You are the sales assistant of an online outdoor shop. Follow the manual.\n\n" + "\n".join(
    f"{number + 1}. {rule}"
    for number, rule in enumerate(rule.format(a=area) for area in _AREAS for rule in _SALES_RULES)
)
SALES_QUESTIONS = (
    "I need {a} for {n} people in {season}. What do you suggest?",
    "What do I look for when I buy {a} for {season}?",
    "My old {a} lasted {n} years. What has changed since then?",
    "We are a club of {n} and look for {a}. Where do we begin?",
)
SALES_ANSWERS = (
    "For {season} I would look at two kinds of {a}: a light one that packs small, and a sturdier one that forgives "
    "rough use. With {n} in mind the sturdier one is the safer choice. May I ask how far you carry it on a usual day?",
    "The fabric and the weight matter most for {a}. In {season} I would put weather protection first and save weight "
    "elsewhere. Shall I list the two models that fit {n} best?",
)
SEASONS = ("spring", "summer", "autumn", "winter")
AREAS = _AREAS

_CLAUSES = (
    "liability",
    "term and notice",
    "payment",
    "confidentiality",
    "data protection",
    "delivery",
    "warranty",
    "insurance",
    "subcontractors",
    "audit rights",
    "price changes",
    "force majeure",
    "governing law",
    "assignment",
    "penalties",
)
_POLICY = (
    "On {c}: compare the wording with the house standard and quote the sentence that differs, forty words at most.",
    "Mark {c} as red when the supplier can change it alone, as amber when a limit is missing, and as green otherwise.",
    "If {c} refers to another document that is not attached, ask for that document before you give a mark.",
    "Never rewrite {c}; propose the change in one sentence that the buyer can send as it stands.",
    "Where {c} contradicts an earlier clause, name both clauses by number and treat the stricter one as meant.",
    "Report {c} in plain words first and in legal words after that, since buyers read only the first line.",
    "When {c} names an amount, repeat the amount and its currency exactly and say per which period it counts.",
    "If {c} is missing from the contract, say so and quote the sentence of the house standard that should stand there.",
)
CONTRACT_POLICY = "You review supplier contracts for the purchasing team.\n\n" + "\n".join(
    f"{number + 1}. {rule}"
    for number, rule in enumerate(rule.format(c=clause) for clause in _CLAUSES for rule in _POLICY)
)
CLAUSES = _CLAUSES
CONTRACT_CLAUSE = (
    "Clause {n}. On {c} the parties agree that the supplier acts with due care, informs the buyer within {days} days "
    "of any change, and bears costs up to {amount} EUR per year; anything beyond is settled in writing."
)
CONTRACT_ANSWER = (
    "Mark: {mark}. In plain words: the supplier tells us within {days} days and pays up to {amount} EUR per year. The "
    "house standard on {c} asks for {standard} days. Proposed change: replace {days} days with {standard} days."
)

_LISTING_FAULTS = (
    "contact details",
    "links to other shops",
    "medical claims",
    "borrowed photos",
    "wrong category",
    "false origin",
    "missing safety notes",
    "price in the title",
    "capital letters only",
    "copied text",
    "forbidden batteries",
    "weapons",
)
_LISTING_RULES = (
    "Reject a listing with {f} unless the fault stands only in a quoted review of a customer.",
    "If {f} can be repaired by removing one sentence, answer with the verdict edit and quote that sentence.",
    "A seller who was told about {f} before gets the verdict escalate, whatever the size of the fault.",
    "Doubtful cases of {f} get the verdict review together with the words that raised the doubt.",
    "Photos are not part of the request: judge {f} by the words alone and never guess what a photo shows.",
    "Write the reason for {f} so that the seller can repair the listing without asking, in at most thirty words.",
)
LISTING_POLICY = (
    "You check marketplace listings before they go live. Answer with a verdict and a reason.\n\n"
    + "\n".join(
        f"{number + 1}. {rule}"
        for number, rule in enumerate(rule.format(f=fault) for fault in _LISTING_FAULTS for rule in _LISTING_RULES)
    )
)
LISTING_TEXT = "Seller s-{seller:04d} offers: {title}. {body}"
LISTING_BODIES = (
    "Used on two tours, washed, no holes. Comes with the original bag.",
    "New and in the box. Ships within two days from our own store.",
    "Call us before you buy, the number is on our page.",
    "As good as the brand product, only cheaper. It also helps against back pain.",
    "Colour as in the photo, size as in the chart, returns within 30 days.",
)
LISTING_VERDICTS = (
    "Verdict: accept. Reason: the text describes the item and breaks no rule.",
    "Verdict: accept. Reason: a complete offer with delivery time.",
    "Verdict: edit. Reason: contact details in 'Call us before you buy, the number is on our page.'",
    "Verdict: reject. Reason: a medical claim, 'It also helps against back pain.'",
    "Verdict: accept. Reason: size, colour and returns are stated.",
)
