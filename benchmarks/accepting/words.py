"""Words the planted workflows are made of."""

from __future__ import annotations

LABELS = {
    "billing": ["I was charged twice this month.", "My invoice shows the wrong address."],
    "refund_request": ["I want my money back for the broken lamp.", "Please refund order 7."],
    "shipping": ["Where is my parcel?", "The courier never came."],
    "technical_issue": ["The app crashes when I log in.", "The page stays blank."],
    "account": ["I cannot change my password.", "Please delete my profile."],
    "product_question": ["Does the tent fit four people?", "Is the jacket waterproof?"],
    "other": ["Good morning to the whole team.", "What a lovely shop you have."],
}
TOPICS = ("billing", "shipping", "product")
NOISE = ("an invoice", "a late parcel", "a broken lamp", "the login page", "a jacket")
FIRST = ("Ada", "Ben", "Carla", "Deniz", "Eva", "Farid", "Grace", "Hugo", "Ines", "Jonas")
LAST = ("Abel", "Brandt", "Costa", "Dubois", "Eriksen", "Farkas", "Gruber", "Hansen", "Ivanova", "Jansen")
PRODUCTS = ("lamp", "tent", "jacket", "bottle", "stove", "rope", "map", "torch")
DOMAINS = ("Alpenglow Ltd", "Brookside AG", "Cedar & Sons", "Dune Logistics", "Ember Foods", "Fjord Textiles")
CITIES = {
    "France": "Paris", "Japan": "Tokyo", "Norway": "Oslo", "Kenya": "Nairobi", "Peru": "Lima", "Egypt": "Cairo",
    "Canada": "Ottawa", "Poland": "Warsaw", "Chile": "Santiago", "Cuba": "Havana", "Ghana": "Accra", "Iraq": "Baghdad",
    "Italy": "Rome", "Latvia": "Riga", "Mali": "Bamako", "Nepal": "Kathmandu", "Oman": "Muscat", "Qatar": "Doha",
    "Spain": "Madrid", "Sweden": "Stockholm", "Brazil": "Brasília", "Costa Rica": "San José", "Togo": "Lomé",
}  # fmt: skip
FILLER = (
    "The order was placed on a rainy evening.", "I have been a customer of this shop for many years.",
    "The parcel looked fine from the outside.", "My neighbour told me about the new season.",
    "Please keep this in mind when you read on.", "The warehouse is open on weekdays.",
    "We had a long talk about it last week.", "The weather was good and the roads were dry.",
    "Nothing else changed since the last message.", "The colour is nice and the material is soft.",
)  # fmt: skip
