"""Words of the support team: facts, frequent questions, intents and chat lines of an invented outdoor shop."""

from __future__ import annotations

from typing import NamedTuple


class Faq(NamedTuple):
    """One frequent question, other ways to ask it, and the answer the shop gives."""

    question: str
    paraphrases: tuple[str, ...]
    answer: str


FAQS: tuple[Faq, ...] = (
    Faq(
        "Where is my order?",
        ("How can I track my parcel?",),
        "You can follow your parcel with the tracking link in the shipping e-mail or under My orders.",
    ),
    Faq(
        "How do I return an item?",
        ("What do I have to do to send something back?",),
        "Print the return label under My orders and hand the parcel in at any pickup point within 30 days.",
    ),
    Faq(
        "How long does delivery take?",
        ("When will my parcel arrive?",),
        "Orders placed before 14:00 leave the same day and arrive within 2 to 4 working days.",
    ),
    Faq(
        "How do I cancel my order?",
        ("I want to stop my order, how?",),
        "Open My orders and choose Cancel; this works until the parcel is packed.",
    ),
    Faq(
        "How much is shipping?",
        ("What does delivery cost?",),
        "Standard shipping costs 4.90 EUR and is free from 60 EUR.",
    ),
    Faq(
        "When do I get my refund?",
        ("How long until the money is back on my account?",),
        "Refunds are paid within 5 working days after the return reaches our warehouse.",
    ),
    Faq(
        "How do I change my delivery address?",
        ("Can I still send the order to another address?",),
        "Change the address under My orders as long as the status is Open.",
    ),
    Faq(
        "Which payment methods do you accept?",
        ("How can I pay?",),
        "We accept card, bank transfer, direct debit and gift cards.",
    ),
    Faq(
        "Do you ship outside the EU?",
        ("Can you send parcels to countries outside the European Union?",),
        "Yes, to Switzerland, Norway and the United Kingdom; customs fees are paid by the recipient.",
    ),
    Faq(
        "Do you ship inside the EU?",
        ("Which European Union countries do you deliver to?",),
        "Yes, we ship to every country of the European Union at the standard fee.",
    ),
    Faq("How do I reset my password?", (), "Choose Forgot password on the login page and follow the link we send you."),
    Faq(
        "How do I renew my membership?",
        (),
        "Memberships renew by themselves each year; you can also renew under My account.",
    ),
    Faq(
        "How do I cancel my membership?",
        (),
        "Cancel under My account up to 14 days before the membership year ends.",
    ),
    Faq("Can I get an invoice with a VAT number?", (), "Yes, enter the VAT number under Billing before you order."),
    Faq("Is my size in stock?", (), "The product page shows the stock of each size and updates every 15 minutes."),
    Faq(
        "Can I exchange an item for another size?",
        (),
        "Exchanges are free: choose Exchange instead of Return under My orders.",
    ),
    Faq("Where is my discount code?", (), "Discount codes are sent by e-mail and are listed under My vouchers."),
    Faq("Why does my voucher not work?", (), "Vouchers need a basket of at least 40 EUR and cannot be combined."),
    Faq("How do I delete my account?", (), "Choose Delete account under My account; your data is erased in 30 days."),
    Faq("Do you have a store I can visit?", (), "We sell online only; returns can be handed in at 900 pickup points."),
    Faq("How do I wash my rain jacket?", (), "Wash it at 30 degrees without softener and tumble dry it on low heat."),
    Faq("How long is the warranty?", (), "All tents and packs have a warranty of 5 years, everything else 2 years."),
    Faq("Can I order as a company?", (), "Yes, business customers order on account after a short check."),
    Faq("Do you repair broken zips?", (), "Yes, zip repairs cost 18 EUR and take about 10 working days."),
    Faq("Can I change the date of my delivery?", (), "Choose another day with the link in the shipping e-mail."),
    Faq("Why was my card declined?", (), "Most banks ask you to confirm the payment in their app; please try again."),
    Faq("Do you offer gift wrapping?", (), "Yes, gift wrapping costs 3.50 EUR and is chosen in the basket."),
    Faq("Can I add an item to my order?", (), "Orders cannot be extended; please place a second order."),
    Faq("How do I unsubscribe from the newsletter?", (), "Use the link at the end of any newsletter."),
    Faq("What do I do if a part is missing?", (), "Send us a photo of the parts list and we post the part in 3 days."),
)

# pairs that read alike and mean the opposite: no cache may answer one with the other
OPPOSITE_QUESTIONS: tuple[tuple[str, str], ...] = (
    ("Do you ship outside the EU?", "Do you ship inside the EU?"),
    ("How do I renew my membership?", "How do I cancel my membership?"),
)

FAQ_SYSTEM = (
    "You are the help desk of an online outdoor shop. Answer in one or two sentences, friendly and exact. "
    "Use only these facts; if none fits, say that a colleague will answer by e-mail.\n\nFacts\n"
    + "\n".join(f"- {faq.answer}" for faq in FAQS)
)
FAQ_CLOSING = " Just write again if anything is unclear."
UNKNOWN_ANSWER = "Thank you for your message. A colleague will answer you by e-mail."
GIBBERISH = ("asdf jkl asdf", "qwe qwe rtz 000", "........ hhhh", "test test 123 lol", "xx bla xx bla")

INTENTS: dict[str, tuple[str, ...]] = {
    "delivery_status": (
        "My parcel with the {item} was promised for {day}, where is it?",
        "Nobody told me when the {item} will come.",
        "The tracking of the {item} has not moved since {day}.",
        "Has the {item} left your warehouse yet?",
    ),
    "cancel_order": (
        "Please stop the order of the {item}, I found one elsewhere.",
        "I ordered the {item} twice on {day}, take one off please.",
        "Do not send the {item}, I changed my mind.",
        "Kindly take the {item} out of my order before it ships.",
    ),
    "change_address": (
        "I moved on {day}, can the {item} go to the new flat?",
        "The house number for the {item} is wrong, please correct it.",
        "Send the {item} to my office instead of my home.",
        "There is a typo in the street name on my order of the {item}.",
    ),
    "invoice_request": (
        "I need a bill with our VAT number for the {item}.",
        "Can you send me the receipt of the {item} for my tax papers?",
        "Our accounts team asks for the invoice of {day} for the {item}.",
        "The PDF for the {item} never arrived, please mail the invoice again.",
    ),
    "product_question": (
        "Is the {item} fine for a week of rain?",
        "How heavy is the {item}?",
        "Does the {item} come with a bag?",
        "Which size of the {item} fits a person of 1.90 m?",
    ),
    "return_request": (
        "The {item} does not fit and I want to send it back.",
        "How do I get a label to return the {item}?",
        "I got the {item} on {day} and would like to hand it back.",
        "The {item} is not what I expected, who collects it?",
    ),
    "discount_code": (
        "The voucher from {day} is refused when I put the {item} in the basket.",
        "Is there a code for the {item}?",
        "I forgot to enter my code for the {item}, can you still take it off?",
        "My birthday code does not work on the {item}.",
    ),
    "complaint": (
        "This is the third {item} with a broken seam. I am tired of this.",
        "Your driver threw the {item} over the fence on {day}.",
        "I was promised an answer about the {item} on {day} and heard nothing.",
        "The {item} smells terrible and nobody cares.",
    ),
}
ITEMS = (
    "rain jacket",
    "tent",
    "sleeping bag",
    "camping stove",
    "head lamp",
    "hiking boots",
    "trekking poles",
    "backpack",
    "water filter",
    "fleece",
    "hammock",
    "dry bag",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
INTENT_SYSTEM = "Classify the customer message into one intent: " + ", ".join(INTENTS) + ". Return JSON."

CHAT_SYSTEM = (
    "You are the chat assistant of an online outdoor shop. You help with orders, repairs and trip planning. "
    "Ask one question at a time. Never promise a date that is not in the order. Hand over to a person when asked."
)
CHAT_ITEMS = ("rain jacket", "tent", "sleeping bag", "camping stove", "backpack", "fleece", "hammock", "dry bag")
CHAT_OPENERS = (
    "Hi, I need help with the {item} I bought.",
    "I am planning a trip of {n} days and need advice about a {item}.",
    "The {item} arrived damaged, what now?",
    "Can you compare the {item} with the older model for me?",
    "My {item} needs a repair, how does it work?",
)
CHAT_FOLLOW_UPS = (
    "It is order {order}. What do you see there?",
    "I also own a {other}, does that change your advice?",
    "And what if the weather turns cold, say {n} degrees at night?",
    "How much would it weigh with everything packed?",
    "Could you explain the second point again, in simpler words?",
    "Which of the two would last longer?",
    "I would rather not send it in, is there another way?",
    "Fine. What do I have to do next?",
    "Is there a cheaper choice that does the same?",
    "My partner carries the {other}, can we share the load?",
)
CHAT_SENTENCES = (
    "Thank you for the details about the {item}.",
    "For {n} days on the trail I would plan a margin of one day.",
    "The fabric keeps water out for about {n} hours of steady rain, after that the seams decide.",
    "Please lay the {item} flat, take one photo of the whole and one of the damage.",
    "A newer model weighs {n} grams less, while the older one has the stronger zip.",
    "If you share the load, put the heavy pieces close to the back and the {item} on top.",
    "Order {order} shows that the parcel left the warehouse and was handed in at a pickup point.",
    "The repair shop needs about {n} working days and sends an offer before it starts.",
    "In cold nights a second layer helps more than a heavier bag.",
    "Check the lower seam first, because most leaks of a {item} begin there.",
    "You can keep using it meanwhile if you cover the spot with tape.",
    "I noted this in your case so that you need not explain it again.",
    "Both choices fit your plan; the lighter one costs a little more.",
    "Let me know which of the two you prefer and I prepare the next step.",
)
