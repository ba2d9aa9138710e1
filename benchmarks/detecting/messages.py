"""Short messages people really send, and syllables of those who send nothing."""

from __future__ import annotations

JUNK_SYLLABLES = ("bla", "haha", "lo", "dfg", "jk", "xyx")
REAL = (
    "hi", "hello", "help", "yes", "no", "ok", "thanks", "thx", "why?", "Where is my order?", "order 4455", "PDF please",
    "refund", "status?", "SKU 8812", "return label", "who are you", "agent", "human", "call me", "2 tents", "EU?", "size M",
    "qty 3", "asap pls", "FYI", "hmm", "really?", "too late", "not working", "error 500", "wifi down", "404", "C3PO",
    "we were out", "dress", "free?", "tree tent", "power bank", "water", "sweater", "pop-up tent", "jacket red", "xl",
    "hallo", "danke", "nein", "ja bitte", "wo ist mein Paket?", "Rechnung fehlt", "Wer?", "Storno", "zurück", "Größe L",
    "bonjour", "merci", "non", "où est mon colis", "facture", "taille M", "rendre", "hola", "gracias", "no llegó",
    "¿dónde está?", "factura", "talla", "ciao", "grazie", "dov'è il pacco", "fattura", "taglia", "olá", "obrigado",
    "onde está", "fatura", "hej", "tack", "var är paketet", "hvor er pakken", "tak", "kiitos", "missä paketti", "cześć",
    "dzięki", "gdzie paczka", "faktura", "zwrot", "ahoj", "díky", "kde je balík", "krk", "prst", "vlk", "smrt", "köszönöm",
    "hol a csomag", "mulțumesc", "unde e coletul", "привет", "спасибо", "где заказ", "дякую", "здравейте", "γεια", "ευχαριστώ",
    "merhaba", "teşekkürler", "kargo nerede", "مرحبا", "شكرا", "שלום", "תודה", "नमस्ते", "धन्यवाद", "你好", "谢谢", "订单在哪里",
    "こんにちは", "ありがとう", "注文はどこ", "안녕하세요", "감사합니다", "สวัสดี", "xin chào", "cảm ơn", "terima kasih", "asante",
    "murmur", "bonbon", "couscous", "tartar", "poi", "Lull", "Aaron", "bookkeeper", "typewriter", "property", "rhythm",
)  # fmt: skip
